//! What a source directory holds that hardly anybody means to publish.

use std::path::Path;

use crate::core::site::filter::Filter;

/// More of `.npmrc` is not read.
const MAX_NPMRC: u64 = 64 * 1024;

/// Entries that a warning lists.
const LISTED: usize = 5;

/// Secrets and state in the root of `source` that would be published without a pattern that includes them, sorted.
pub(crate) fn secrets(source: &Path, filter: &Filter) -> Vec<String> {
    let mut found: Vec<String> = names(source)
        .into_iter()
        .flat_map(|name| match name.as_str() {
            ".aws" => names(&source.join(&name))
                .into_iter()
                .map(|inner| format!(".aws/{inner}"))
                .collect(),
            _ if is_secret(source, &name) => vec![name],
            _ => Vec::new(),
        })
        .filter(|path| filter.rule_of(path).is_none())
        .collect();
    found.sort_unstable();
    found
}

/// The first entries of the checkout at `source` that would be published, and how many there are; `None` where it is no
/// checkout.
pub(crate) fn checkout(source: &Path) -> Option<(Vec<String>, usize)> {
    let mut names = names(source);
    if !names.iter().any(|name| name == ".git") {
        return None;
    }
    names.retain(|name| name != ".git");
    names.sort_unstable();
    let all = names.len();
    names.truncate(LISTED);
    Some((names, all))
}

fn is_secret(source: &Path, name: &str) -> bool {
    match name {
        ".env" | "id_rsa" | "id_ed25519" | "terraform.tfstate" => source.join(name).is_file(),
        ".npmrc" => has_token(&source.join(name)),
        _ => name.to_ascii_lowercase().ends_with(".pem") && source.join(name).is_file(),
    }
}

/// Whether an `.npmrc` holds a token itself, not the name of a variable
/// (<https://docs.npmjs.com/cli/configuring-npm/npmrc#auth-related-configuration>).
fn has_token(file: &Path) -> bool {
    let small = std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_NPMRC);
    let text = small.then(|| std::fs::read_to_string(file).ok()).flatten();
    text.is_some_and(|text| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .any(|(key, value)| {
                let value = value.trim().trim_matches('"');
                let secret = ["_authToken", "_auth", "_password"]
                    .iter()
                    .any(|end| key.trim().ends_with(end));
                secret && !value.is_empty() && !value.starts_with("${")
            })
    })
}

/// The names in `directory`; none where it cannot be read, which is told elsewhere.
fn names(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::site::filter::Rule;

    #[test]
    fn secrets_are_found_unless_a_pattern_decides_over_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        std::fs::create_dir(root.join(".aws")).expect("a directory");
        for (name, content) in [
            ("index.html", ""),
            (".env", "A=1"),
            ("server.PEM", ""),
            (".aws/credentials", ""),
            ("terraform.tfstate", "{}"),
            (".npmrc", "//registry.npmjs.org/:_authToken=npm_0123456789"),
        ] {
            std::fs::write(root.join(name), content).expect("a file");
        }
        let found = |rules: &[(Rule, &str)]| {
            let rules = rules.iter().map(|(rule, pattern)| (*rule, (*pattern).to_owned()));
            secrets(root, &Filter::new(rules, root, "my-bucket", ""))
        };
        assert_eq!(
            found(&[]),
            [".aws/credentials", ".env", ".npmrc", "server.PEM", "terraform.tfstate"]
        );
        assert_eq!(
            found(&[(Rule::Exclude, ".*"), (Rule::Include, "*.PEM")]),
            ["terraform.tfstate"]
        );
        assert_eq!(found(&[(Rule::Exclude, "*")]), Vec::<String>::new());

        std::fs::write(root.join(".npmrc"), "//registry.npmjs.org/:_authToken=${NPM_TOKEN}").expect("a file");
        assert!(!found(&[]).contains(&".npmrc".to_owned()));
        assert_eq!(checkout(root), None);
        std::fs::create_dir(root.join(".git")).expect("a directory");
        let (first, all) = checkout(root).expect("a checkout");
        assert_eq!((first.len(), all), (5, 6));
    }
}
