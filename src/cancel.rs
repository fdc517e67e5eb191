//! The wish to stop: a [`CancellationToken`], cancelled once by a signal, seen everywhere.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
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
