//! Include and exclude patterns with the exact meaning of `aws s3 sync`.
//!
//! Everything starts included; the last pattern that matches decides. A pattern is relative to the source directory
//! for files and to `bucket/prefix` for keys, and is matched with the whole path: a directory's name says nothing of
//! what is below it. Must not touch the file system: paths come in as text.
//!
//! The rule is that of [aws-cli's `filters.py`], but for one thing: characters of the source directory's own name are
//! never read as a pattern.
//!
//! [aws-cli's `filters.py`]: https://github.com/aws/aws-cli/blob/1.45.11/awscli/customizations/s3/filters.py

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::core::site::fnmatch::Pattern;

/// What a pattern does with the paths that match it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `--exclude`.
    Exclude,
    /// `--include`.
    Include,
}

/// An ordered list of patterns; the last one that matches decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    rules: Vec<FilterRule>,
    /// The source directory, absolute, ending in `/`.
    source: String,
    /// The bucket, ending in `/`.
    bucket: String,
    /// Empty, or ending in `/`.
    prefix: String,
}

#[derive(Debug, Clone)]
struct FilterRule {
    rule: Rule,
    /// The pattern as typed.
    typed: String,
    /// Whether anything has matched, or may have in a directory that was not entered; clones of the filter share it.
    matched: Arc<AtomicBool>,
    local: Scoped,
    remote: Scoped,
}

/// A pattern and what it is held against.
#[derive(Debug, Clone)]
enum Scoped {
    /// The path below the source directory or the prefix.
    Relative(Pattern),
    /// The path with all that stands before it.
    Whole(Pattern),
    /// Nothing ever matches.
    Never,
}

impl Filter {
    /// A filter of `rules`, in order, for a sync of `source` (absolute) to `bucket` and `prefix` (empty, or ending
    /// in `/`).
    pub(crate) fn new(
        rules: impl IntoIterator<Item = (Rule, String)>,
        source: &Path,
        bucket: &str,
        prefix: &str,
    ) -> Self {
        let rules = rules.into_iter().map(|(rule, pattern)| {
            let absolute = pattern.starts_with('/');
            let local = if absolute {
                Scoped::Whole(Pattern::new(&pattern))
            } else {
                Scoped::Relative(Pattern::new(&pattern))
            };
            // An absolute pattern stands alone, and no bucket's name begins with `/`.
            let remote = if absolute {
                Scoped::Never
            } else if prefix_is_pattern(prefix) {
                Scoped::Whole(Pattern::new(&format!("{bucket}/{prefix}{pattern}")))
            } else {
                Scoped::Relative(Pattern::new(&pattern))
            };
            FilterRule {
                rule,
                typed: pattern,
                matched: Arc::default(),
                local,
                remote,
            }
        });
        Self {
            rules: rules.collect(),
            source: root(source),
            bucket: format!("{bucket}/"),
            prefix: prefix.to_owned(),
        }
    }

    /// The patterns as typed, each behind what it does.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.rules.iter().map(|rule| format!("{:?} {}", rule.rule, rule.typed))
    }

    /// Whether there is no pattern at all.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the file at `path`, relative to the source directory, takes part.
    #[must_use]
    pub(crate) fn includes_local(&self, path: &str) -> bool {
        self.includes(Some(path), &self.source, path, |rule| &rule.local)
    }

    /// The pattern's rule that decides over the file at `path`, relative to the source directory; `None` where none
    /// matches.
    #[must_use]
    pub(crate) fn rule_of(&self, path: &str) -> Option<Rule> {
        self.decide(Some(path), &self.source, path, |rule| &rule.local)
    }

    /// Whether the object with this full key takes part.
    #[must_use]
    pub(crate) fn includes_key(&self, key: &str) -> bool {
        self.includes(key.strip_prefix(&self.prefix), &self.bucket, key, |rule| &rule.remote)
    }

    /// Whether anything below the directory `path`, relative to the source directory, may take part; `true` when in
    /// doubt.
    #[must_use]
    pub(crate) fn may_include_below(&self, path: &str) -> bool {
        let relative = format!("{path}/");
        let whole = format!("{}{relative}", self.source);
        for FilterRule { rule, local, .. } in self.rules.iter().rev() {
            let (pattern, below) = match local {
                Scoped::Relative(pattern) => (pattern, &relative),
                Scoped::Whole(pattern) => (pattern, &whole),
                Scoped::Never => continue,
            };
            match rule {
                Rule::Exclude if pattern.matches_all_below(below) => {
                    self.presume_matches_below(&relative, &whole);
                    return false;
                }
                Rule::Exclude => {}
                Rule::Include => {
                    let head = pattern.literal_head();
                    if head.starts_with(below.as_str()) || below.starts_with(&head) {
                        return true;
                    }
                }
            }
        }
        true
    }

    fn includes(
        &self,
        relative: Option<&str>,
        root: &str,
        path: &str,
        scoped: impl Fn(&FilterRule) -> &Scoped,
    ) -> bool {
        self.decide(relative, root, path, scoped)
            .is_none_or(|rule| rule == Rule::Include)
    }

    /// The patterns that nothing has matched so far, as typed; when in doubt, one counts as matched.
    #[must_use]
    pub(crate) fn unmatched(&self) -> Vec<&str> {
        // `.git` is never looked into, so a pattern for it matches nothing that anybody could see.
        let rules = self.rules.iter();
        let unmatched = rules.filter(|rule| !rule.matched.load(Ordering::Relaxed) && !rule.typed.starts_with(".git"));
        unmatched.map(|rule| rule.typed.as_str()).collect()
    }

    /// Nobody will know what matches below a directory that is not entered.
    fn presume_matches_below(&self, relative: &str, whole: &str) {
        for rule in &self.rules {
            let (pattern, below) = match &rule.local {
                Scoped::Relative(pattern) => (pattern, relative),
                Scoped::Whole(pattern) => (pattern, whole),
                Scoped::Never => continue,
            };
            let head = pattern.literal_head();
            if head.starts_with(below) || below.starts_with(&head) {
                rule.matched.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The last rule that matches `relative`, or `root` and `path`, decides.
    fn decide(
        &self,
        relative: Option<&str>,
        root: &str,
        path: &str,
        scoped: impl Fn(&FilterRule) -> &Scoped,
    ) -> Option<Rule> {
        let mut decision = None;
        for rule in self.rules.iter().rev() {
            if decision.is_some() && rule.matched.load(Ordering::Relaxed) {
                continue;
            }
            let matches = match scoped(rule) {
                Scoped::Relative(pattern) => relative.is_some_and(|relative| pattern.matches(relative)),
                Scoped::Whole(pattern) => pattern.matches(&format!("{root}{path}")),
                Scoped::Never => false,
            };
            if matches {
                rule.matched.store(true, Ordering::Relaxed);
                decision = decision.or(Some(rule.rule));
            }
        }
        decision
    }
}

/// Whether characters of `prefix` are read as a pattern in front of each pattern for keys.
///
/// So does `aws s3 sync`, and with it `--exclude` protects no key below a prefix such as `v[1]/`.
#[must_use]
pub(crate) fn prefix_is_pattern(prefix: &str) -> bool {
    prefix.contains(['*', '?', '['])
}

/// `path` without `.` and `..` (as text, like Python's `abspath`), ending in `/`.
fn root(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(component),
        }
    }
    let mut text = clean.to_string_lossy().into_owned();
    if !text.ends_with('/') {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::{prop, prop_assert, proptest};

    #[test]
    fn patterns_that_match_nothing_are_known() {
        let rules = [
            "*.map",
            "*.css",
            "old/*",
            "uploads/*",
            "vendor/x.js",
            "typo/*.js",
            ".git/*",
        ];
        let rules = rules.map(|pattern| (Rule::Exclude, pattern.to_owned()));
        let filter = Filter::new(
            rules.into_iter().chain([(Rule::Exclude, "vendor/*".to_owned())]),
            Path::new("/w"),
            "my-bucket",
            "p/",
        );
        let clone = filter.clone();
        assert!(!clone.includes_local("a.map") && clone.includes_local("a.js"));
        assert!(!clone.includes_key("p/uploads/1"));
        let unmatched = ["*.css", "old/*", "vendor/x.js", "typo/*.js", "vendor/*"];
        assert_eq!(filter.unmatched(), unmatched);
        // Whatever is in there, nobody looks; `*.css` may be.
        assert!(!clone.may_include_below("old") && !clone.may_include_below("vendor"));
        assert_eq!(filter.unmatched(), ["typo/*.js"]);
    }

    #[derive(serde::Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    /// What aws-cli decided: see `generated_with` in the file.
    #[derive(serde::Deserialize)]
    struct Vector {
        id: String,
        src: String,
        dest: String,
        filters: Vec<(String, String)>,
        local: BTreeMap<String, bool>,
        remote: BTreeMap<String, bool>,
    }

    impl Vector {
        fn filter(&self, source: &str) -> Filter {
            let rules = self.filters.iter().map(|(rule, pattern)| {
                let rule = if rule == "exclude" {
                    Rule::Exclude
                } else {
                    Rule::Include
                };
                (rule, pattern.clone())
            });
            let place = self.dest.strip_prefix("s3://").expect("an S3 place");
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            let mut prefix = prefix.to_owned();
            if !prefix.is_empty() && !prefix.ends_with('/') {
                prefix.push('/');
            }
            Filter::new(rules, Path::new(source), bucket, &prefix)
        }
    }

    /// On purpose different: these sources have names that aws-cli reads as patterns.
    const SOURCES_READ_AS_PATTERNS: [&str; 4] = ["/srv/si[t]e", "/srv/[site]", "/srv/*", "/srv/s?te"];

    #[test]
    fn decides_as_aws_cli_did() {
        let Vectors { vectors } =
            serde_json::from_str(include_str!("../../../tests/vectors/filters.json")).expect("legal vectors");
        let (mut decisions, mut wrong) = (0, Vec::new());
        for vector in &vectors {
            let filter = vector.filter(&vector.src);
            for (key, &expected) in &vector.remote {
                decisions += 1;
                if filter.includes_key(key) != expected {
                    wrong.push(format!(
                        "{} {:?}: key {key:?} is not {expected}",
                        vector.id, vector.filters
                    ));
                }
            }
            // What the same filters say of a source whose name is no pattern.
            let plain = vector.filter("/srv/site");
            for (path, &expected) in &vector.local {
                let expected = if SOURCES_READ_AS_PATTERNS.contains(&vector.src.as_str()) {
                    plain.includes_local(path)
                } else {
                    expected
                };
                decisions += 1;
                if filter.includes_local(path) != expected {
                    wrong.push(format!(
                        "{} {:?}: {path:?} is not {expected}",
                        vector.id, vector.filters
                    ));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
        assert!(decisions > 30_000, "only {decisions} decisions were checked");
    }

    fn filter(rules: &[(Rule, &str)]) -> Filter {
        let rules = rules.iter().map(|&(rule, pattern)| (rule, pattern.to_owned()));
        Filter::new(rules, Path::new("/w/site"), "b", "p/")
    }

    #[test]
    fn skips_a_directory_only_when_nothing_in_it_can_take_part() {
        use Rule::{Exclude, Include};
        for (rules, expected) in [
            (&[(Exclude, "*")][..], false),
            (&[(Exclude, "node_modules/*")], false),
            (&[(Exclude, "/w/site/node_modules/*")], false),
            (&[(Exclude, "node_modules")], true),
            (&[(Exclude, "node_modules/*.map")], true),
            (&[(Exclude, "*"), (Include, "index.html")], false),
            (&[(Exclude, "*"), (Include, "node_modules/x/*")], true),
            (&[(Exclude, "*"), (Include, "*.js")], true),
            (&[(Include, "*.js"), (Exclude, "*")], false),
            (&[], true),
        ] {
            assert_eq!(filter(rules).may_include_below("node_modules"), expected, "{rules:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_skipped_holds_nothing(
            rules in prop::collection::vec((prop::bool::ANY, "[ab/*?]{0,5}"), 0..4),
            rest in "[ab/]{1,3}",
        ) {
            let rules: Vec<_> = rules
                .iter()
                .map(|(include, pattern)| (if *include { Rule::Include } else { Rule::Exclude }, pattern.as_str()))
                .collect();
            let filter = filter(&rules);
            let included = filter.includes_local(&format!("a/{rest}"));
            prop_assert!(filter.may_include_below("a") || !included);
        }
    }
}
