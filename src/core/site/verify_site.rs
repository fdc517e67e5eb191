//! `verify-site`: which addresses must answer how once the site is live, and whether an answer is the one.

use crate::core::text::cut;

/// How much of an answer an error shows, in characters.
const SHOWN: usize = 200;

/// One line of `verify-site`: `URL [STATUS] [contains TEXT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteCheck {
    /// The address to GET.
    pub(crate) url: String,
    /// The status to answer; `None`: any 2xx.
    pub(crate) status: Option<u16>,
    /// Text that the answer must contain.
    pub(crate) contains: Option<String>,
}

impl SiteCheck {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let (url, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim_start();
        let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (status, rest) = match word.parse::<u16>() {
            Ok(status @ 100..=599) => (Some(status), behind.trim_start()),
            _ => (None, rest),
        };
        let contains = match rest.strip_prefix("contains ").map(str::trim) {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            None if rest.is_empty() => None,
            _ => return Err("it must be `URL [STATUS] [contains TEXT]`".to_owned()),
        };
        Ok(Self {
            url: url.to_owned(),
            status,
            contains,
        })
    }

    /// Whether a redirect is what is wanted: then it is not followed.
    #[must_use]
    pub(crate) fn wants_redirect(&self) -> bool {
        matches!(self.status, Some(300..=399))
    }

    /// What is wrong with an answer; `None` when it is as wanted. In a rollback the text is not looked for: it is what
    /// the newer release answers.
    #[must_use]
    pub(crate) fn problem(&self, status: u16, body: &[u8], is_rollback: bool) -> Option<String> {
        let is_wanted = match self.status {
            Some(wanted) => status == wanted,
            None => (200..300).contains(&status),
        };
        let body = String::from_utf8_lossy(body);
        let shown = || cut(body.trim(), SHOWN);
        if !is_wanted {
            return Some(format!("HTTP {status}: {}", shown()));
        }
        let text = self.contains.as_deref().filter(|_| !is_rollback)?;
        (!body.contains(text)).then(|| format!("HTTP {status} without the text `{text}`: {}", shown()))
    }

    /// The address as it may be printed: a query may hold a token.
    #[must_use]
    pub(crate) fn shown_url(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or(&self.url)
    }
}

/// Whether two problems say the same but for the bodies that they show: a refusal of S3 has another request's id each
/// time.
#[must_use]
pub(crate) fn is_same_problem(one: &str, other: &str) -> bool {
    let without_body = |text: &'_ str| match text.find(": ") {
        Some(end) if text.starts_with("HTTP ") => end,
        _ => text.len(),
    };
    one[..without_body(one)] == other[..without_body(other)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> SiteCheck {
        SiteCheck::parse(line).expect(line)
    }

    #[test]
    fn a_line_is_an_address_a_status_and_a_text() {
        let parts = |line| {
            let check = check(line);
            (check.url, check.status, check.contains)
        };
        assert_eq!(parts("https://a.test/"), ("https://a.test/".to_owned(), None, None));
        assert_eq!(
            parts("https://a.test/x  404"),
            ("https://a.test/x".to_owned(), Some(404), None)
        );
        assert_eq!(
            parts("https://a.test/ contains  <h1>Hello world</h1> "),
            (
                "https://a.test/".to_owned(),
                None,
                Some("<h1>Hello world</h1>".to_owned())
            )
        );
        assert_eq!(
            parts("https://a.test/ 200 contains 200"),
            ("https://a.test/".to_owned(), Some(200), Some("200".to_owned()))
        );
        for wrong in [
            "https://a.test/ Hello",
            "https://a.test/ 2000",
            "https://a.test/ contains",
            "https://a.test/ 200 x",
        ] {
            assert!(SiteCheck::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_as_wanted_or_shown() {
        let problem = |line, status, body: &str| check(line).problem(status, body.as_bytes(), false);
        assert_eq!(problem("u", 204, ""), None);
        assert_eq!(problem("u", 403, " Denied\n"), Some("HTTP 403: Denied".to_owned()));
        assert_eq!(problem("u 404", 404, "gone"), None);
        assert_eq!(
            (problem("u 301", 301, ""), check("u 301").wants_redirect()),
            (None, true)
        );
        assert!(!check("u").wants_redirect() && !check("u 404").wants_redirect());
        assert_eq!(problem("u contains new", 200, "a new page"), None);
        assert_eq!(
            problem("u contains new", 200, "old"),
            Some("HTTP 200 without the text `new`: old".to_owned())
        );
        assert_eq!(check("u contains new").problem(200, b"old", true), None);
        let long = problem("u", 500, &"ü".repeat(5000)).expect("a problem");
        assert!(long.chars().count() <= "HTTP 500: ".len() + SHOWN + 1, "{long}");
        assert_eq!(check("https://a.test/?token=x").shown_url(), "https://a.test/");
    }

    #[test]
    fn a_problem_is_the_same_whatever_the_body_says() {
        for (one, other, same) in [
            ("HTTP 403: <RequestId>1", "HTTP 403: <RequestId>2", true),
            ("HTTP 403: denied", "HTTP 404: denied", false),
            (
                "HTTP 200 without the text `x`: old",
                "HTTP 200 without the text `x`: older",
                true,
            ),
            ("HTTP 200 without the text `x`: old", "HTTP 200: old", false),
            ("cannot reach `h`: refused", "cannot reach `h`: timed out", false),
            ("", "HTTP 403: x", false),
        ] {
            assert_eq!(is_same_problem(one, other), same, "{one} / {other}");
        }
    }
}
