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
