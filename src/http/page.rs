//! Pages, as `verify-site` and `verify-url` ask for them: redirects are followed as far as they may be, and of an answer
//! that does not come whole it is told what came.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::core::site::verify_site::{Flaw, PageAnswer};
use crate::core::text::{cut, seconds};
use crate::http::{Client, open, place, read_body};

/// Redirects that are followed, one after the other.
pub(crate) const MAX_REDIRECTS: usize = 5;

/// How much of the name of a scheme is shown, in characters.
const SHOWN_SCHEME: usize = 20;

/// Nothing answered in time.
#[derive(Debug, thiserror::Error)]
#[error("{place} did not answer within {time}")]
pub(crate) struct TimedOut {
    place: String,
    time: String,
}

/// GETs `url`, at most `max_bytes` of it, and follows up to five redirects if it `follows` them.
///
/// `timeout` covers everything: redirects, and the body.
///
/// # Errors
/// No answer began: the address is none, or the host cannot be reached or takes too long.
pub(crate) async fn get_page(
    client: &Client,
    url: &str,
    follows: bool,
    timeout: Duration,
    max_bytes: usize,
) -> anyhow::Result<PageAnswer> {
    let deadline = Instant::now() + timeout;
    let mut address = url.to_owned();
    let mut redirect: Option<u16> = None;
    for followed in 0.. {
        let answer = match timeout_at(deadline, open(client, &address, &[])).await {
            Ok(answer) => answer,
            Err(_) => Err(TimedOut {
                place: place(&address),
                time: seconds(timeout),
            }
            .into()),
        };
        let mut response = match (answer, redirect) {
            (Ok(response), _) => response,
            // Something did answer, and led here.
            (Err(error), Some(status)) => {
                return Ok(PageAnswer {
                    status,
                    body: Vec::new(),
                    flaw: Some(Flaw::DeadEnd(format!("{error:#}"))),
                });
            }
            (Err(error), None) => return Err(error),
        };
        let status = response.status().as_u16();
        let mut flaw = None;
        if follows
            && matches!(status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = response.headers().get("location")
        {
            match redirect_target(&address, location) {
                _ if followed >= MAX_REDIRECTS => {
                    flaw = Some(Flaw::Redirect(format!("{MAX_REDIRECTS} were followed before it")));
                }
                Ok(target) => {
                    (address, redirect) = (target, Some(status));
                    continue;
                }
                Err(reason) => flaw = Some(Flaw::Redirect(reason)),
            }
        }
        let mut body = Vec::new();
        let read = timeout_at(deadline, read_body(&mut response, max_bytes, &mut body)).await;
        let broken = match read {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(Flaw::Broken(problem)),
            Err(_) => Some(Flaw::CutOff(seconds(timeout))),
        };
        return Ok(PageAnswer {
            status,
            body,
            flaw: flaw.or(broken),
        });
    }
    // The loop ends by itself.
    Err(anyhow::anyhow!("{} redirects without an end", place(url)))
}

/// Where a redirect from `from` to `location` leads, as a browser reads it.
///
/// # Errors
/// Why it may not be followed.
fn redirect_target(from: &str, location: &str) -> Result<String, String> {
    const INVALID: &str = "its `Location` is not a valid address";
    let target = Url::parse(from).and_then(|base| base.join(location));
    let mut target = target.map_err(|_| INVALID.to_owned())?;
    if !matches!(target.scheme(), "http" | "https") {
        let scheme = cut(target.scheme(), SHOWN_SCHEME);
        return Err(format!("it leads to the scheme `{scheme}`, not to `http` or `https`"));
    }
    // A user name and a password are not for others to choose.
    if !target.username().is_empty() || target.password().is_some() {
        return Err("its address holds a user name or a password".to_owned());
    }
    target.set_fragment(None);
    Ok(target.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_a_browser_would_go() {
        let from = "https://h/a/b?q=1";
        for (location, to) in [
            ("http://x/y", "http://x/y"),
            ("HTTPS://X/y", "https://x/y"),
            ("//x/y", "https://x/y"),
            ("/c", "https://h/c"),
            ("c", "https://h/a/c"),
            ("../c", "https://h/c"),
            ("?z=1", "https://h/a/b?z=1"),
            ("/c#part", "https://h/c"),
            ("/a b", "https://h/a%20b"),
        ] {
            assert_eq!(redirect_target(from, location).as_deref(), Ok(to), "{location}");
        }
    }

    #[test]
    fn what_is_not_followed_says_why() {
        for (location, reason) in [
            ("ftp://x/", "it leads to the scheme `ftp`"),
            ("file:///etc/passwd", "it leads to the scheme `file`"),
            ("javascript:alert(1)", "it leads to the scheme `javascript`"),
            ("https://user:password@x/", "a user name or a password"),
            ("//user@x/", "a user name or a password"),
            ("http://[::1", "not a valid address"),
            ("https://h:99999/", "not a valid address"),
        ] {
            let problem = redirect_target("https://h/a", location).expect_err(location);
            assert!(problem.contains(reason), "{problem}");
        }
    }
}
