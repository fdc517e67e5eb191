//! The wish to stop: a [`CancellationToken`], cancelled once by a signal, seen everywhere.

use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::core::error::Cancelled;

/// Cancels `token` at the first SIGINT or SIGTERM, and swallows those that follow: the runner sends SIGINT, 7.5 s later
/// SIGTERM, and kills 2.5 s after that; the clean-up of the first must not be cut short by the second.
pub async fn cancel_on_signals(token: CancellationToken, console: Console) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        console.debug("signals cannot be watched; a cancelled run will be killed");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if !token.is_cancelled() {
            console.line("cancelled: finishing what is under way, starting nothing new");
            token.cancel();
        }
    }
}

/// Cancels `token` when nobody reads `output`, the standard output, any more: in a container job, signals end at
/// `docker exec` (<https://github.com/docker/cli/issues/5309>), and that may be all that is noticed of a cancelled run.
pub async fn cancel_on_broken_output(token: CancellationToken, output: OwnedFd) {
    // What cannot be watched, such as a file, has no reader to lose. Nothing is written by this sender, which must not
    // make the output non-blocking for all who write to it.
    let Ok(output) = Sender::from_owned_fd_unchecked(output) else {
        return;
    };
    if output.ready(Interest::ERROR).await.is_ok() {
        token.cancel();
    }
}

/// When the wish to stop came: whatever is still done after it ends by this one clock, so that steps that hang one after
/// another do not take longer than one.
#[derive(Debug, Clone)]
pub(crate) struct StopClock {
    token: CancellationToken,
    came: Arc<OnceLock<Instant>>,
}

impl StopClock {
    /// Notes from now on when `token` is cancelled.
    pub(crate) fn watch(token: &CancellationToken) -> Self {
        let clock = Self {
            token: token.clone(),
            came: Arc::default(),
        };
        let watching = clock.clone();
        tokio::spawn(async move { watching.over(Duration::ZERO).await });
        clock
    }

    /// Ends `after` the wish to stop; never without one.
    pub(crate) async fn over(&self, after: Duration) {
        self.token.cancelled().await;
        let came = *self.came.get_or_init(Instant::now);
        tokio::time::sleep_until(came + after).await;
    }

    /// What `future` comes to; `None` when it is still under way `after` the wish to stop.
    pub(crate) async fn within<T>(&self, after: Duration, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            value = future => Some(value),
            () = self.over(after) => None,
        }
    }
}

/// Sleeps for `duration`, less when `token` is cancelled; `Err` then.
///
/// # Errors
/// [`Cancelled`] when asked to stop.
pub(crate) async fn sleep(token: &CancellationToken, duration: Duration) -> Result<(), Cancelled> {
    tokio::select! {
        () = tokio::time::sleep(duration) => Ok(()),
        () = token.cancelled() => Err(Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn steps_after_the_wish_to_stop_share_one_clock() {
        let stop = CancellationToken::new();
        let clock = StopClock::watch(&stop);
        let hangs = std::future::pending::<()>;
        assert!(clock.within(Duration::from_secs(1), async { 1 }).await.is_some());
        tokio::time::sleep(Duration::from_secs(60)).await;
        stop.cancel();
        let began = Instant::now();
        assert_eq!(clock.within(Duration::from_secs(3), hangs()).await, None);
        assert_eq!(clock.within(Duration::from_secs(5), hangs()).await, None);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        // What is late already gets no time, but for what is done at once.
        assert_eq!(clock.within(Duration::from_secs(5), hangs()).await, None);
        assert_eq!(clock.within(Duration::from_secs(5), async { 2 }).await, Some(2));
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }
}
