//! What a source directory holds that hardly anybody means to publish.

use std::path::Path;

use crate::core::inputs::files::{FileKind, Files};
use crate::core::site::filter::Filter;

/// More of `.npmrc` is not read.
const MAX_NPMRC: u64 = 64 * 1024;

/// Entries that a warning lists.
const LISTED: usize = 5;

/// Secrets and state in the root of `source` that would be published without a pattern that includes them, sorted.
pub(crate) fn secrets(files: &dyn Files, source: &Path, filter: &Filter) -> Vec<String> {
    let mut found: Vec<String> = files
        .names(source)
        .into_iter()
        .flat_map(|name| match name.as_str() {
            ".aws" => files
                .names(&source.join(&name))
                .into_iter()
                .map(|inner| format!(".aws/{inner}"))
                .collect(),
            _ if is_secret(files, source, &name) => vec![name],
            _ => Vec::new(),
        })
        .filter(|path| filter.rule_of(path).is_none())
        .collect();
    found.sort_unstable();
    found
}

/// The first entries of the checkout at `source` that would be published, and how many there are; `None` where it is no
/// checkout.
pub(crate) fn checkout(files: &dyn Files, source: &Path) -> Option<(Vec<String>, usize)> {
    let mut names = files.names(source);
    if !names.iter().any(|name| name == ".git") {
        return None;
    }
    names.retain(|name| name != ".git");
    names.sort_unstable();
    let count = names.len();
    names.truncate(LISTED);
    Some((names, count))
}

fn is_secret(files: &dyn Files, source: &Path, name: &str) -> bool {
    let is_file = || files.kind(&source.join(name)) == FileKind::File;
    match name {
        ".env" | "id_rsa" | "id_ed25519" | "terraform.tfstate" => is_file(),
        ".npmrc" => is_file() && has_token(files, &source.join(name)),
        _ => name.to_ascii_lowercase().ends_with(".pem") && is_file(),
    }
}

/// Whether an `.npmrc` holds a token itself, not the name of a variable
/// (<https://docs.npmjs.com/cli/configuring-npm/npmrc#auth-related-configuration>).
fn has_token(files: &dyn Files, file: &Path) -> bool {
    let bytes = files.read(file, MAX_NPMRC).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .filter_map(|line| line.split_once('='))
        .any(|(key, value)| {
            let value = value.trim().trim_matches('"');
            let secret = ["_authToken", "_auth", "_password"]
                .iter()
                .any(|end| key.trim().ends_with(end));
            secret && !value.is_empty() && !value.starts_with("${")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::inputs::files::FileTree;
    use crate::core::site::filter::Rule;

    const TOKEN: &str = "//registry.npmjs.org/:_authToken=";

    fn tree(npmrc: &str) -> FileTree {
        FileTree::default()
            .file("/w/index.html", "")
            .file("/w/.env", "A=1")
            .file("/w/server.PEM", "")
            .file("/w/.aws/credentials", "")
            .file("/w/terraform.tfstate", "{}")
            .file("/w/.npmrc", format!("{TOKEN}{npmrc}"))
    }

    fn found(tree: &FileTree, rules: &[(Rule, &str)]) -> Vec<String> {
        let rules = rules.iter().map(|(rule, pattern)| (*rule, (*pattern).to_owned()));
        let root = Path::new("/w");
        secrets(tree, root, &Filter::new(rules, root, "my-bucket", ""))
    }

    #[test]
    fn secrets_are_found_unless_a_pattern_decides_over_them() {
        let tree = tree("npm_0123456789");
        assert_eq!(
            found(&tree, &[]),
            [".aws/credentials", ".env", ".npmrc", "server.PEM", "terraform.tfstate"]
        );
        assert_eq!(
            found(&tree, &[(Rule::Exclude, ".*"), (Rule::Include, "*.PEM")]),
            ["terraform.tfstate"]
        );
        assert_eq!(found(&tree, &[(Rule::Exclude, "*")]), Vec::<String>::new());
    }

    #[test]
    fn a_token_that_is_a_variable_is_none() {
        assert!(!found(&tree("${NPM_TOKEN}"), &[]).contains(&".npmrc".to_owned()));
    }

    #[test]
    fn a_checkout_is_known_by_its_git_directory() {
        let tree = tree("");
        assert_eq!(checkout(&tree, Path::new("/w")), None);
        let (first, count) = checkout(&tree.directory("/w/.git"), Path::new("/w")).expect("a checkout");
        assert_eq!((first.len(), count), (5, 6));
    }
}
