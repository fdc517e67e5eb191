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

/// What an address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// As much of the body as came, and as is read.
    pub(crate) body: Vec<u8>,
    /// Why this is not the answer that was asked for.
    pub(crate) flaw: Option<Flaw>,
}

/// Why an answer is none to judge by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A redirect that is not followed, and why.
    Redirect(String),
    /// A redirect that was followed, and what became of that.
    DeadEnd(String),
    /// The body broke off, and how.
    Broken(String),
    /// The body was not complete in this time.
    CutOff(String),
}

impl Flaw {
    /// What is said of it behind the status.
    #[must_use]
    pub(crate) fn remark(&self) -> String {
        match self {
            Self::Redirect(reason) => format!(", a redirect that is not followed because {reason}"),
            Self::DeadEnd(problem) => format!(", a redirect that leads to no answer ({problem})"),
            Self::Broken(problem) => format!(", whose body broke off ({problem})"),
            Self::CutOff(time) => format!(", whose body was not complete after {time}"),
        }
    }
}

/// What the tries of one line came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CheckHistory {
    /// The last whole answer, which is not as wanted.
    answer: Option<String>,
    /// What became of the newest try, where it brought none: by itself, and behind `answer`.
    later: Option<(String, String)>,
}

impl CheckHistory {
    /// A try brought an answer with this `problem`.
    pub(crate) fn answered(&mut self, page: &PageAnswer, problem: &str) {
        let became = match &page.flaw {
            None | Some(Flaw::Redirect(_)) => {
                (self.answer, self.later) = (Some(format!("answers {problem}")), None);
                return;
            }
            Some(Flaw::CutOff(_)) => "was cut off",
            Some(Flaw::Broken(_) | Flaw::DeadEnd(_)) => "failed",
        };
        let later = (
            format!("answers {problem}"),
            format!("the last try {became}: {problem}"),
        );
        self.later = Some(later);
    }

    /// A try brought none for this `reason`: it `was_cut_off` by the end of its time, or failed by itself.
    pub(crate) fn not_answered(&mut self, reason: &str, was_cut_off: bool) {
        let became = if was_cut_off { "was cut off" } else { "failed" };
        let later = (
            format!("gives no answer: {reason}"),
            format!("the last try {became}: {reason}"),
        );
        self.later = Some(later);
    }

    /// What the newest try came to.
    #[must_use]
    pub(crate) fn newest(&self) -> &str {
        let later = self.later.as_ref().map(|(alone, _)| alone);
        later.or(self.answer.as_ref()).map_or("", String::as_str)
    }

    /// The last whole answer, and what became of the try after it.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        match (&self.answer, &self.later) {
            (Some(answer), Some((_, behind))) => format!("{answer} ({behind})"),
            _ => self.newest().to_owned(),
        }
    }
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
    pub(crate) fn problem(&self, page: &PageAnswer, is_rollback: bool) -> Option<String> {
        let is_wanted = match self.status {
            Some(wanted) => page.status == wanted,
            None => (200..300).contains(&page.status),
        };
        let body = String::from_utf8_lossy(&page.body);
        let text = self.contains.as_deref().filter(|_| !is_rollback);
        let missing = text.filter(|text| is_wanted && !body.contains(text));
        let remark = match (&page.flaw, missing) {
            (Some(flaw), _) => flaw.remark(),
            (None, Some(text)) => format!(" without the text `{text}`"),
            (None, None) if is_wanted => return None,
            (None, None) => String::new(),
        };
        let shown = match body.trim() {
            "" => String::new(),
            body => format!(": {}", cut(body, SHOWN)),
        };
        Some(format!("HTTP {}{remark}{shown}", page.status))
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
        Some(end) if text.starts_with("answers HTTP ") => end,
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

    fn page(status: u16, body: &str, flaw: Option<Flaw>) -> PageAnswer {
        PageAnswer {
            status,
            body: body.as_bytes().to_vec(),
            flaw,
        }
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
        let problem = |line, status, body: &str| check(line).problem(&page(status, body, None), false);
        assert_eq!(problem("u", 204, ""), None);
        assert_eq!(problem("u", 403, " Denied\n"), Some("HTTP 403: Denied".to_owned()));
        assert_eq!(problem("u", 502, " \n"), Some("HTTP 502".to_owned()));
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
        assert_eq!(check("u contains new").problem(&page(200, "old", None), true), None);
        let long = problem("u", 500, &"ü".repeat(5000)).expect("a problem");
        assert!(long.chars().count() <= "HTTP 500: ".len() + SHOWN + 1, "{long}");
        assert_eq!(check("https://a.test/?token=x").shown_url(), "https://a.test/");
    }

    #[test]
    fn an_answer_with_a_flaw_is_not_as_wanted_and_says_why() {
        for (flaw, expected) in [
            (
                Flaw::Redirect("it leads to the scheme `ftp`".to_owned()),
                "HTTP 200, a redirect that is not followed because it leads to the scheme `ftp`: new",
            ),
            (
                Flaw::DeadEnd("cannot reach `h`".to_owned()),
                "HTTP 200, a redirect that leads to no answer (cannot reach `h`): new",
            ),
            (
                Flaw::Broken("it was closed".to_owned()),
                "HTTP 200, whose body broke off (it was closed): new",
            ),
            (
                Flaw::CutOff("4 s".to_owned()),
                "HTTP 200, whose body was not complete after 4 s: new",
            ),
        ] {
            let problem = check("u contains new").problem(&page(200, "new", Some(flaw)), false);
            assert_eq!(problem.as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_last_whole_answer_is_shown_whatever_came_after_it() {
        let mut tries = CheckHistory::default();
        tries.not_answered("cannot reach `h`", false);
        assert_eq!(tries.text(), "gives no answer: cannot reach `h`");
        tries.answered(&page(503, "bad", None), "HTTP 503: bad");
        assert_eq!(
            (tries.newest(), tries.text().as_str()),
            ("answers HTTP 503: bad", "answers HTTP 503: bad")
        );
        tries.not_answered("`h` did not answer within 1 s", true);
        assert_eq!(tries.newest(), "gives no answer: `h` did not answer within 1 s");
        assert_eq!(
            tries.text(),
            "answers HTTP 503: bad (the last try was cut off: `h` did not answer within 1 s)"
        );
        tries.answered(
            &page(502, "b", Some(Flaw::CutOff("1 s".to_owned()))),
            "HTTP 502, cut: b",
        );
        assert_eq!(
            tries.text(),
            "answers HTTP 503: bad (the last try was cut off: HTTP 502, cut: b)"
        );
        tries.answered(&page(500, "x", None), "HTTP 500: x");
        assert_eq!(tries.text(), "answers HTTP 500: x");
        let mut slow = CheckHistory::default();
        slow.answered(
            &page(200, "b", Some(Flaw::CutOff("1 s".to_owned()))),
            "HTTP 200, cut: b",
        );
        assert_eq!(slow.text(), "answers HTTP 200, cut: b");
    }

    #[test]
    fn a_problem_is_the_same_whatever_the_body_says() {
        for (one, other, same) in [
            ("answers HTTP 403: <RequestId>1", "answers HTTP 403: <RequestId>2", true),
            ("answers HTTP 403: denied", "answers HTTP 404: denied", false),
            (
                "answers HTTP 200 without the text `x`: old",
                "answers HTTP 200 without the text `x`: older",
                true,
            ),
            (
                "answers HTTP 200 without the text `x`: old",
                "answers HTTP 200: old",
                false,
            ),
            (
                "gives no answer: cannot reach `h`: refused",
                "gives no answer: cannot reach `h`: timed out",
                false,
            ),
            ("", "answers HTTP 403: x", false),
        ] {
            assert_eq!(is_same_problem(one, other), same, "{one} / {other}");
        }
    }
}
