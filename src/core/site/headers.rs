//! Names, values and rules of object headers: what `headers` and the flags of `args` may set.
//!
//! A value is checked where it is typed, so that S3 never refuses one in the middle of a deploy. Must not decide
//! which headers an object gets in the end: that is [`crate::core::site::object`].

use std::fmt;

use crate::core::site::fnmatch::Pattern;
use crate::core::site::http_date::http_date;
use crate::core::site::object::{ObjectHeaders, STORAGE_CLASSES};

/// A header that an object can be sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderName {
    /// `Content-Type`.
    ContentType,
    /// `Cache-Control`.
    CacheControl,
    /// `Content-Encoding`.
    ContentEncoding,
    /// `Content-Disposition`.
    ContentDisposition,
    /// `Content-Language`.
    ContentLanguage,
    /// `Expires`.
    Expires,
    /// `x-amz-website-redirect-location`.
    WebsiteRedirect,
    /// `x-amz-storage-class`.
    StorageClass,
    /// `x-amz-meta-…`, without that prefix and in lower case, as S3 keeps it.
    Metadata(String),
}

const FIXED_NAMES: [(&str, HeaderName); 8] = [
    ("Content-Type", HeaderName::ContentType),
    ("Cache-Control", HeaderName::CacheControl),
    ("Content-Encoding", HeaderName::ContentEncoding),
    ("Content-Disposition", HeaderName::ContentDisposition),
    ("Content-Language", HeaderName::ContentLanguage),
    ("Expires", HeaderName::Expires),
    ("x-amz-website-redirect-location", HeaderName::WebsiteRedirect),
    ("x-amz-storage-class", HeaderName::StorageClass),
];

impl HeaderName {
    /// Reads a name, in any case.
    ///
    /// # Errors
    ///
    /// Says which names are legal.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, header)) = FIXED_NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Ok(header.clone());
        }
        let lower = name.to_ascii_lowercase();
        match lower.strip_prefix("x-amz-meta-") {
            Some(key) if is_token(key) => Ok(Self::Metadata(key.to_owned())),
            _ => {
                let names: Vec<_> = FIXED_NAMES.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(format!(
                    "`{name}` is not a header that can be set; legal are {} and `x-amz-meta-*`",
                    names.join(", ")
                ))
            }
        }
    }

    /// Checks a value, and brings it into the form in which it is sent.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(crate) fn check(&self, value: &str) -> Result<String, String> {
        if let Some(c) = value.chars().find(|c| c.is_control()) {
            return Err(format!("the value of `{self}` holds the control character {c:?}"));
        }
        if let Some(c) = value.chars().find(|c| !c.is_ascii()) {
            return Err(format!(
                "the value of `{self}` holds `{c}`, and a header takes ASCII only; encode it (such as \
                 `filename*=UTF-8''…` in Content-Disposition)"
            ));
        }
        let value = value.trim();
        match self {
            Self::Expires => http_date(value)
                .ok_or_else(|| format!("`{value}` is not a date for `Expires`; write it like `2030-01-31T00:00:00Z`")),
            Self::StorageClass if !STORAGE_CLASSES.contains(&value) => Err(format!(
                "`{value}` is not a storage class; legal are {}",
                STORAGE_CLASSES.join(", ")
            )),
            Self::WebsiteRedirect if !is_redirect(value) => Err(format!(
                "`{value}` is not a redirect target; it begins with `/`, `http://` or `https://`"
            )),
            Self::ContentType if !is_media_type(value) => {
                Err(format!("`{value}` is not a content type; write it like `text/html`"))
            }
            _ => Ok(value.to_owned()),
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata(key) => write!(f, "x-amz-meta-{key}"),
            fixed => {
                let name = FIXED_NAMES.iter().find(|(_, header)| header == fixed);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl ObjectHeaders {
    /// The value of a header.
    #[must_use]
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&str> {
        match name {
            HeaderName::ContentType => self.content_type.as_deref(),
            HeaderName::CacheControl => self.cache_control.as_deref(),
            HeaderName::ContentEncoding => self.content_encoding.as_deref(),
            HeaderName::ContentDisposition => self.content_disposition.as_deref(),
            HeaderName::ContentLanguage => self.content_language.as_deref(),
            HeaderName::Expires => self.expires.as_deref(),
            HeaderName::WebsiteRedirect => self.website_redirect.as_deref(),
            HeaderName::StorageClass => self.storage_class.as_deref(),
            HeaderName::Metadata(key) => self.metadata.get(key).map(String::as_str),
        }
    }

    /// The headers that have a value.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<HeaderName> {
        let metadata = self.metadata.keys().cloned().map(HeaderName::Metadata);
        FIXED_NAMES
            .into_iter()
            .map(|(_, name)| name)
            .filter(|name| self.get(name).is_some())
            .chain(metadata)
            .collect()
    }

    /// Sets a header to a checked value; `None` takes it away.
    pub(crate) fn set(&mut self, name: &HeaderName, value: Option<String>) {
        let field = match name {
            HeaderName::ContentType => &mut self.content_type,
            HeaderName::CacheControl => &mut self.cache_control,
            HeaderName::ContentEncoding => &mut self.content_encoding,
            HeaderName::ContentDisposition => &mut self.content_disposition,
            HeaderName::ContentLanguage => &mut self.content_language,
            HeaderName::Expires => &mut self.expires,
            HeaderName::WebsiteRedirect => &mut self.website_redirect,
            HeaderName::StorageClass => &mut self.storage_class,
            HeaderName::Metadata(key) => {
                match value {
                    Some(value) => self.metadata.insert(key.clone(), value),
                    None => self.metadata.remove(key),
                };
                return;
            }
        };
        *field = value;
    }
}

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
    /// `None`, from an empty value, takes the header away.
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
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for (n, line) in text.split('\n').enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            match HeaderRule::parse(line) {
                Ok(rule) => rules.push(rule),
                Err(error) => errors.push(format!("`headers`, line {}, `{line}`: {error}", n + 1)),
            }
        }
        if errors.is_empty() {
            Ok(Self { rules })
        } else {
            Err(errors)
        }
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
        let (pattern, rest) = match line.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            Some(quote) => line[1..]
                .split_once(quote)
                .ok_or_else(|| format!("the quote {quote} is not closed; {FORM}"))?,
            None => line.split_once(char::is_whitespace).ok_or(FORM)?,
        };
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

/// Whether `text` is a `token` of RFC 9110, of which names are made.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn is_redirect(value: &str) -> bool {
    ["/", "http://", "https://"]
        .iter()
        .any(|start| value.starts_with(start))
}

fn is_media_type(value: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default().trim_end();
    essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

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

        #[test]
        fn a_checked_value_can_be_sent(value in "[ -~é\n]{0,20}", name in 0..FIXED_NAMES.len()) {
            if let Ok(value) = FIXED_NAMES[name].1.check(&value) {
                prop_assert!(value.chars().all(|c| c.is_ascii_graphic() || c == ' '));
            }
        }
    }
}
