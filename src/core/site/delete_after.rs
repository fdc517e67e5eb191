//! The lines of the `delete-after` input: how long which keys stay that are gone from the source.

use crate::core::site::fnmatch::Pattern;
use crate::core::site::rule_lines::{parse_lines, split_pattern};

/// The longest time that a key may stay, in seconds: ten years.
const MAX_SECONDS: i64 = 3650 * DAY;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The `delete-after` input: ordered rules, later ones win. Without any, keys are deleted at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeleteAfter {
    rules: Vec<DeleteAfterRule>,
}

/// One line of `delete-after`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DeleteAfterRule {
    /// The pattern as typed.
    typed: String,
    pattern: Pattern,
    seconds: i64,
}

impl DeleteAfter {
    /// Reads lines `PATTERN DURATION`.
    ///
    /// A pattern with white space in it stands in single or double quotes. Patterns are those of `exclude`, relative to
    /// the source directory.
    ///
    /// # Errors
    /// One text for each line that cannot be used, with its number.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        parse_lines("delete-after", text, DeleteAfterRule::parse).map(|rules| Self { rules })
    }

    /// Whether there is no line at all.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// For how many seconds the key at `path`, relative to the prefix, stays once it is gone from the source; `None`
    /// where no line matches: it is deleted at once.
    #[must_use]
    pub(crate) fn seconds(&self, path: &str) -> Option<i64> {
        let mut rules = self.rules.iter().rev();
        rules.find(|rule| rule.pattern.matches(path)).map(|rule| rule.seconds)
    }

    /// The patterns, as typed, that match none of `paths`.
    #[must_use]
    pub(crate) fn unmatched<'p>(&self, paths: impl Iterator<Item = &'p str> + Clone) -> Vec<&str> {
        let matches = |rule: &&DeleteAfterRule| paths.clone().any(|path| rule.pattern.matches(path));
        let unmatched = self.rules.iter().filter(|rule| !matches(rule));
        unmatched.map(|rule| rule.typed.as_str()).collect()
    }
}

impl DeleteAfterRule {
    fn parse(line: &str) -> Result<Self, String> {
        const FORM: &str = "write `PATTERN DURATION` such as `assets/* 14d`, a pattern with spaces in quotes";
        let (pattern, rest) = split_pattern(line, FORM)?;
        if pattern.is_empty() || !rest.starts_with(char::is_whitespace) && line.starts_with(['"', '\'']) {
            return Err(FORM.to_owned());
        }
        if let Some(better) = better(pattern) {
            return Err(format!(
                "`{pattern}` matches nothing: patterns are held against whole paths relative to `source`; write `{better}`"
            ));
        }
        let duration = rest.trim();
        if duration.is_empty() || duration.contains(char::is_whitespace) {
            return Err(FORM.to_owned());
        }
        let seconds = seconds(duration).ok_or_else(|| {
            format!(
                "`{duration}` is not a duration: write a whole number and `h`, `d` or `w`, such as `14d`, from `1h` to \
                 `{}d`",
                MAX_SECONDS / DAY
            )
        })?;
        Ok(Self {
            typed: pattern.to_owned(),
            pattern: Pattern::new(pattern),
            seconds,
        })
    }
}

/// What to write instead of a pattern that no path relative to `source` matches.
fn better(pattern: &str) -> Option<String> {
    let mut path = pattern;
    while let Some(rest) = ["/", "./", "../"].iter().find_map(|start| path.strip_prefix(start)) {
        path = rest;
    }
    let everything = if path.is_empty() || path.ends_with('/') {
        "*"
    } else {
        ""
    };
    let better = format!("{path}{everything}");
    (better != pattern).then_some(better)
}

/// The seconds of a duration such as `14d`.
fn seconds(duration: &str) -> Option<i64> {
    let unit = match duration.chars().next_back()? {
        'h' => HOUR,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return None,
    };
    let number = &duration[..duration.len() - 1];
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = number.parse::<i64>().ok()?.checked_mul(unit)?;
    (1..=MAX_SECONDS).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn later_lines_win_and_what_no_line_matches_does_not_stay() {
        let rules =
            DeleteAfter::parse("assets/* 14d\n\n  'a b/*'\t2w \n\"assets/live/*\" 36h\n*.map 1h\nassets/old.map 3650d")
                .expect("legal lines");
        for (path, expected) in [
            ("assets/app.js", Some(14 * DAY)),
            ("a b/c", Some(14 * DAY)),
            ("assets/live/x.js", Some(36 * HOUR)),
            ("assets/live/x.js.map", Some(HOUR)),
            ("assets/old.map", Some(MAX_SECONDS)),
            ("index.html", None),
        ] {
            assert_eq!(rules.seconds(path), expected, "{path}");
        }
        let none = DeleteAfter::parse(" \n").expect("no lines");
        assert!(none.is_empty() && none.seconds("assets/app.js").is_none());
    }

    #[test]
    fn every_bad_line_is_named() {
        let lines = [
            ("assets/*", "write `PATTERN DURATION`"),
            ("14d", "write `PATTERN DURATION`"),
            ("'assets/* 14d", "the quote ' is not closed"),
            ("'' 14d", "write `PATTERN DURATION`"),
            ("'assets/*'14d", "write `PATTERN DURATION`"),
            ("my assets/* 14d", "write `PATTERN DURATION`"),
            (
                "/assets/* 14d",
                "`/assets/*` matches nothing: patterns are held against whole paths relative to `source`; write `assets/*`",
            ),
            ("./assets/* 14d", "write `assets/*`"),
            (".././/x 14d", "write `x`"),
            ("assets/ 14d", "write `assets/*`"),
            ("/ 14d", "write `*`"),
            ("assets/* 14x", "`14x` is not a duration"),
            ("assets/* 14", "`14` is not a duration"),
            ("assets/* d", "`d` is not a duration"),
            ("assets/* 0d", "`0d` is not a duration"),
            ("assets/* -1d", "`-1d` is not a duration"),
            ("assets/* +1d", "`+1d` is not a duration"),
            ("assets/* 1.5d", "`1.5d` is not a duration"),
            ("assets/* 14D", "`14D` is not a duration"),
            ("assets/* 3651d", "`3651d` is not a duration"),
            ("assets/* 99999999999999999999w", "is not a duration"),
            ("assets/* 9223372036854775807w", "is not a duration"),
            ("assets/* 14\u{e4}", "is not a duration"),
        ];
        let text = lines.map(|(line, _)| line).join("\n");
        let errors = DeleteAfter::parse(&text).expect_err("nothing of this is legal");
        assert_eq!(errors.len(), lines.len(), "{errors:#?}");
        for ((n, (line, part)), error) in lines.iter().enumerate().zip(&errors) {
            let start = format!("`delete-after`, line {}, `{line}`: ", n + 1);
            assert!(error.starts_with(&start) && error.contains(part), "{error}");
        }
    }

    #[test]
    fn patterns_that_match_nothing_here_are_named() {
        let rules = DeleteAfter::parse("assets/* 14d\nasset/* 14d\n*.map 1h").expect("legal lines");
        let paths = ["assets/a.js", "index.html"];
        assert_eq!(rules.unmatched(paths.into_iter()), ["asset/*", "*.map"]);
    }

    proptest! {
        #[test]
        fn any_text_is_rules_or_errors(text in any::<String>(), path in any::<String>()) {
            if let Ok(rules) = DeleteAfter::parse(&text) {
                let seconds = rules.seconds(&path);
                assert!(seconds.is_none_or(|seconds| (HOUR..=MAX_SECONDS).contains(&seconds)));
            }
        }
    }
}
