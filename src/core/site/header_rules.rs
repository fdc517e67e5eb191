//! The lines of the `headers` input: which header the objects of which files get.
//!
//! A value is checked where it is typed, so that S3 never refuses one in the middle of a deploy. Must not decide
//! which headers an object gets in the end: that is [`crate::core::site::object`].

use crate::core::site::fnmatch::Pattern;
use crate::core::site::headers::HeaderName;
use crate::core::site::rule_lines::{parse_lines, split_pattern};

/// The `headers` input: ordered rules, later ones win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeaderRules {
    rules: Vec<HeaderRule>,
}

/// One line of `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HeaderRule {
    line: String,
    pattern: Pattern,
    name: HeaderName,
    /// `None`, from an empty value, removes the header.
    value: Option<String>,
}

impl HeaderRules {
    /// Reads lines `PATTERN Header-Name: value`.
    ///
    /// A pattern with white space in it stands in single or double quotes. Patterns are those of `exclude`, relative
    /// to the source directory. An empty value takes away what an earlier line, a flag or the guess has set.
    ///
    /// # Errors
    ///
    /// One text for each line that cannot be used, with its number.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        parse_lines("headers", text, HeaderRule::parse).map(|rules| Self { rules })
    }

    /// The lines as typed, without the empty ones.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.line.as_str())
    }

    /// What the rules say about the file at `path`, relative to the source directory: in order, the last one wins.
    pub(crate) fn of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a HeaderName, Option<&'a str>)> {
        self.rules
            .iter()
            .filter(|rule| rule.pattern.matches(path))
            .map(|rule| (&rule.name, rule.value.as_deref()))
    }
}

impl HeaderRule {
    fn parse(line: &str) -> Result<Self, String> {
        const FORM: &str = "write `PATTERN Header-Name: value`, a pattern with spaces in quotes";
        let (pattern, rest) = split_pattern(line, FORM)?;
        if !rest.starts_with(char::is_whitespace) && line.starts_with(['"', '\'']) {
            return Err(format!("a space is missing after the pattern; {FORM}"));
        }
        let (name, value) = rest.split_once(':').ok_or(FORM)?;
        let (name, value) = (name.trim(), value.trim());
        if name.contains(char::is_whitespace) {
            return Err(format!("`{name}` is not the name of a header; {FORM}"));
        }
        let name = HeaderName::parse(name)?;
        let value = match value {
            "" => None,
            value => Some(name.check(value)?),
        };
        Ok(Self {
            line: line.to_owned(),
            pattern: Pattern::new(pattern),
            name,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn later_lines_win_and_an_empty_value_takes_away() {
        let rules = HeaderRules::parse(
            "* Cache-Control: max-age=60\n\n  'a b/*' cache-control:no-store\n*.map Cache-Control:\n\
             *.js x-amz-meta-Team: web: front",
        )
        .expect("legal rules");
        let last = |path: &str| rules.of(path).last().map(|(_, value)| value.map(str::to_owned));
        assert_eq!(last("x.css"), Some(Some("max-age=60".into())));
        assert_eq!(last("a b/x.css"), Some(Some("no-store".into())));
        assert_eq!(last("a.map"), Some(None));
        assert_eq!(last("deep/a.js"), Some(Some("web: front".into())));
        assert_eq!(
            rules.of("a.js").last().map(|(name, _)| name.to_string()).as_deref(),
            Some("x-amz-meta-team")
        );
        assert_eq!(rules.lines().count(), 4);
    }

    #[test]
    fn every_bad_line_is_named() {
        let errors = HeaderRules::parse(
            "*.html\n* X-Frame-Options: DENY\n* x-amz-storage-class: COLD\n* Expires: soon\n'a Cache-Control: x\n\
             a b Cache-Control: x\n* Content-Type: html\n* x-amz-website-redirect-location: there\n\
             * Content-Disposition: attachment; filename=\u{fc}.pdf\n* x-amz-meta-: x",
        )
        .expect_err("nothing of this is legal");
        for (error, expected) in errors.iter().zip([
            "`headers`, line 1, `*.html`: write `PATTERN Header-Name: value`",
            "`headers`, line 2, `* X-Frame-Options: DENY`: `X-Frame-Options` is not a header that can be set",
            "`headers`, line 3, `* x-amz-storage-class: COLD`: `COLD` is not a storage class",
            "`headers`, line 4, `* Expires: soon`: `soon` is not a date",
            "`headers`, line 5, `'a Cache-Control: x`: the quote ' is not closed",
            "`headers`, line 6, `a b Cache-Control: x`: `b Cache-Control` is not the name of a header",
            "`headers`, line 7, `* Content-Type: html`: `html` is not a content type",
            "`headers`, line 8, `* x-amz-website-redirect-location: there`: `there` is not a redirect target",
            "`headers`, line 9, `* Content-Disposition: attachment; filename=\u{fc}.pdf`: the value of `Content-Disposition`",
            "`headers`, line 10, `* x-amz-meta-: x`: `x-amz-meta-` is not a header",
        ]) {
            assert!(
                error.starts_with(expected),
                "{error:?} does not begin with {expected:?}"
            );
        }
        assert_eq!(errors.len(), 10);
    }

    proptest! {
        #[test]
        fn any_text_is_rules_or_errors(text in any::<String>()) {
            if let Ok(rules) = HeaderRules::parse(&text) {
                let lines: Vec<_> = rules.lines().collect();
                prop_assert_eq!(HeaderRules::parse(&lines.join("\n")), Ok(rules.clone()));
            }
        }
    }
}
