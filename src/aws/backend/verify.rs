//! `verify-url`: does the application answer as asked?

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::console::Console;
use crate::core::error::HintExt as _;
use crate::core::heartbeat::Heartbeat;
use crate::core::inputs::VerifyInputs;
use crate::http::page::{TimedOut, get_page};
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_secs(2);
const ONE_TRY: Duration = Duration::from_secs(20);
/// How much of the answer is searched for the text.
const MAX_MEBIBYTES: usize = 4;
const MAX_SIZE: usize = MAX_MEBIBYTES * 1024 * 1024;

/// GETs the address until it answers 2xx with the wanted text.
///
/// # Errors
/// It does not within the time, with what it answered last; [`crate::core::error::Cancelled`].
pub(crate) async fn verify(
    aws: &Aws,
    wanted: &VerifyInputs,
    stop: &CancellationToken,
    console: &Console,
) -> anyhow::Result<()> {
    let shown = without_query(&wanted.url);
    let began = Instant::now();
    let (mut last, mut last_answer) = (String::new(), None);
    let mut heartbeat = Heartbeat::new(began.into_std(), ONE_TRY);
    loop {
        let left = wanted.timeout.saturating_sub(began.elapsed());
        let answer = tokio::select! {
            answer = get_page(&aws.http, &wanted.url, true, ONE_TRY.min(left.max(Duration::from_secs(1))), MAX_SIZE) => answer,
            () = stop.cancelled() => return Err(crate::core::error::Cancelled.into()),
        };
        let problem = match answer {
            Ok(page) => {
                let status = page.status;
                let has_text = |text: &String| String::from_utf8_lossy(&page.body).contains(text);
                let problem = match (&page.flaw, &wanted.contains) {
                    (Some(flaw), _) => format!("it answers HTTP {status}{}", flaw.remark()),
                    (None, _) if !(200..300).contains(&status) => format!("it answers HTTP {status}"),
                    (None, Some(text)) if !has_text(text) => format!(
                        "it answers HTTP {status}, but without the text `{text}` in its first {MAX_MEBIBYTES} MiB"
                    ),
                    (None, _) => {
                        console.line(&format!("verified: `{shown}` answers HTTP {status}"));
                        return Ok(());
                    }
                };
                last_answer = Some(problem.clone());
                problem
            }
            Err(error) => match &last_answer {
                // What it answered before tells more than that the time was over.
                Some(answer) if error.is::<TimedOut>() => format!("{answer} (the last try was cut off: {error:#})"),
                _ => format!("{error:#}"),
            },
        };
        let now = Instant::now().into_std();
        if problem != last {
            console.line(&format!("not verified yet: {problem}"));
            heartbeat.heard(now);
            last = problem;
        } else if let Some(seconds) = heartbeat.beat(now) {
            let left = wanted.timeout.saturating_sub(began.elapsed()).as_secs();
            console.line(&format!("not verified after {seconds} s: {last}, {left} s left"));
        }
        if began.elapsed() + PAUSE >= wanted.timeout {
            return Err(
                anyhow!("cannot verify `{shown}` within {} s: {last}", wanted.timeout.as_secs())
                    .hint("check the application's log, and `verify-url`, `verify-contains` and `verify-timeout`"),
            );
        }
        crate::cancel::sleep(stop, PAUSE).await?;
    }
}

/// A query may hold a token.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
