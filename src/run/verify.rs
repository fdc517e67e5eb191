//! `verify-site`: asks until every address has answered as wanted once, or the time is over.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::core::error::{Cancelled, HintExt as _};
use crate::core::heartbeat::Heartbeat;
use crate::core::inputs::Command;
use crate::core::site::verify_site::{CheckHistory, SiteCheck, is_same_problem};
use crate::core::text::names;
use crate::http::page::{TimedOut, get_page};
use crate::run::deployment::Deployment;
use crate::run::phases::Phases;
use crate::run::state::CurrentState;

/// Between two rounds, where the time is long enough for several.
const PAUSE: Duration = Duration::from_secs(2);
/// How many rounds there are at least, when answers are bad at once.
const ROUNDS: u32 = 4;
/// What one try may take.
const ONE_TRY: Duration = Duration::from_secs(20);
/// How much of an answer is read, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

impl Deployment<'_> {
    /// Asks all addresses side by side, until each has answered once as wanted.
    pub(crate) async fn verify_site(&self, state: &CurrentState, phases: &mut Phases) -> anyhow::Result<()> {
        let Some(site) = self.inputs.site.as_ref().filter(|site| !site.verify.is_empty()) else {
            return Ok(());
        };
        phases.begin("Verify the site");
        let deadline = Instant::now() + site.verify_timeout;
        let mut heartbeat = Heartbeat::new(Instant::now().into_std(), ONE_TRY);
        let mut left: Vec<(&SiteCheck, CheckHistory)> = site
            .verify
            .iter()
            .map(|check| (check, CheckHistory::default()))
            .collect();
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let one_try = ONE_TRY.min(rest.max(Duration::from_secs(1)));
            let asked = join_all(left.into_iter().map(|(check, mut tries)| async move {
                let is_good = self.ask(state, check, &mut tries, one_try).await;
                (check, tries, is_good)
            }));
            let asked = tokio::select! {
                asked = asked => asked,
                () = self.stop.cancelled() => return Err(Cancelled.into()),
            };
            let mut still = Vec::new();
            for (check, tries, is_good) in asked {
                if is_good {
                    self.console.line(&format!("verified: `{}`", check.shown_url()));
                } else {
                    still.push((check, tries));
                }
            }
            left = still;
            if left.is_empty() {
                return Ok(());
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            let Some(pause) = pause(site.verify_timeout, rest) else {
                break;
            };
            if let Some(seconds) = heartbeat.beat(Instant::now().into_std()) {
                let rest = deadline.saturating_duration_since(Instant::now()).as_secs();
                let waiting = names(left.iter().map(|(check, _)| check.shown_url()));
                let text = format!("not verified after {seconds} s: {waiting}, {rest} s left");
                self.console.line(&text);
            }
            crate::cancel::sleep(self.stop, pause).await?;
        }
        let answers: Vec<String> = left
            .iter()
            .map(|(check, tries)| format!("`{}` {}", check.shown_url(), tries.text()))
            .collect();
        Err(anyhow!(
            "cannot verify the site within {} s: {}",
            site.verify_timeout.as_secs(),
            answers.join("; ")
        )
        .hint("check what the site shows, and `verify-site` and `verify-timeout`"))
    }

    /// Whether one address answers as wanted; notes in `tries` what it does else, and says it where it is new.
    async fn ask(&self, state: &CurrentState, check: &SiteCheck, tries: &mut CheckHistory, timeout: Duration) -> bool {
        let is_rollback = self.inputs.command == Command::Rollback;
        let before = tries.newest().to_owned();
        match get_page(&state.aws.http, &check.url, !check.wants_redirect(), timeout, MAX_SIZE).await {
            Ok(page) => match check.problem(&page, is_rollback) {
                None => return true,
                Some(problem) => tries.answered(&page, &problem),
            },
            Err(error) => tries.not_answered(&format!("{error:#}"), error.is::<TimedOut>()),
        }
        if !is_same_problem(tries.newest(), &before) {
            let text = format!("not verified yet: `{}` {}", check.shown_url(), tries.newest());
            self.console.line(&text);
        }
        false
    }
}

/// How long to wait for the next round of `timeout`, of which there is `rest`; `None` when the last one was. The last
/// round begins when the time is over: a site that answers as wanted by then is not failed for a pause.
fn pause(timeout: Duration, rest: Duration) -> Option<Duration> {
    (!rest.is_zero()).then(|| PAUSE.min(timeout / ROUNDS).min(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_has_several_rounds_and_the_last_one_is_at_its_end() {
        for (seconds, rounds) in [(1, 5), (2, 5), (4, 5), (7, 5), (9, 6), (120, 61)] {
            let timeout = Duration::from_secs(seconds);
            let (mut rest, mut asked) = (timeout, 1);
            while let Some(pause) = pause(timeout, rest) {
                assert!(pause <= PAUSE, "{pause:?}");
                rest = rest.saturating_sub(pause);
                asked += 1;
            }
            assert_eq!((asked, rest), (rounds, Duration::ZERO), "{seconds} s");
        }
    }
}
