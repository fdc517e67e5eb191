//! The wish to stop: set once by a signal, seen everywhere.

use tokio::sync::watch;

/// A clonable view of "has somebody asked us to stop?".
///
/// A second request changes nothing: the clean-up that the first one began is never started again.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The other end of a [`Stop`].
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

impl StopSwitch {
    /// A switch that is off, and a view of it.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks everybody to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Stops at the first SIGINT or SIGTERM, and swallows those that follow: the runner sends SIGINT, 7.5 s later
    /// SIGTERM, and kills 2.5 s after that; the clean-up of the first must not be cut short by the second.
    pub async fn stop_on_signals(self, console: crate::github::console::Console) {
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
            if !*self.0.borrow() {
                console.line("cancelled: finishing what is under way, starting nothing new");
                self.stop();
            }
        }
    }
}

impl Stop {
    /// Whether to stop: start nothing new.
    #[must_use]
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks to stop; for ever when nobody can any more.
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Sleeps for `duration`, less when asked to stop; `Err` then.
    ///
    /// # Errors
    /// [`crate::failure::Cancelled`] when asked to stop.
    pub async fn sleep(&self, duration: std::time::Duration) -> Result<(), crate::failure::Cancelled> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.wait() => Err(crate::failure::Cancelled),
        }
    }
}
