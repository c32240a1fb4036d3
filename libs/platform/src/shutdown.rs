//! Stopping: one wish that every task can wait for, and a limit on how long they may take to heed it.
//!
//! The process itself is not ended here: `main` returns when its roles have. Only a second signal ends it at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// The exit status of a process that was asked to stop twice.
#[cfg(unix)]
const AT_ONCE: i32 = 1;

/// The wish to stop. Clones share it; once triggered it stays so.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A wish not yet made.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Makes the wish.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether the wish was made.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the wish.
    pub async fn triggered(&self) {
        let mut wish = self.0.subscribe();
        // The sender is `self`, so waiting cannot end for want of one.
        let _ = wish.wait_for(|made| *made).await;
    }

    /// Waits for a while; `false` when the wish came first.
    pub async fn sleep(&self, duration: Duration) -> bool {
        tokio::time::timeout(duration, self.triggered())
            .await
            .is_err()
    }

    /// Runs work to its end. After the wish it has `grace` left to end by itself; then it is dropped where it stands,
    /// and the answer is `None`.
    pub async fn within<T>(&self, grace: Duration, work: impl Future<Output = T>) -> Option<T> {
        let too_late = async {
            self.triggered().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = too_late => None,
        }
    }

    /// Makes the wish when the process is asked to end: SIGTERM or SIGINT (Ctrl-C). Asked a second time, the process
    /// ends at once, which is as safe as being killed. Fails when the system refuses to tell. Must be called inside a
    /// tokio runtime.
    #[cfg(unix)]
    pub fn listen_to_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal = name, "asked to stop; finishing what is under way");
            shutdown.trigger();
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("asked to stop again: ending at once");
            std::process::exit(AT_ONCE);
        });
        Ok(())
    }

    /// Makes the wish when the process is asked to end (Ctrl-C). Must be called inside a tokio runtime.
    #[cfg(not(unix))]
    pub fn listen_to_signals(&self) -> std::io::Result<()> {
        let shutdown = self.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                tracing::info!("asked to stop; finishing what is under way");
                shutdown.trigger();
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wish_reaches_those_who_wait_and_those_who_come_later() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_triggered());
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.triggered().await }
        });
        shutdown.trigger();
        waiting.await.unwrap();
        shutdown.triggered().await;
        assert!(!shutdown.sleep(Duration::from_hours(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_by_itself_or_after_its_grace() {
        let shutdown = Shutdown::new();
        let grace = Duration::from_secs(5);
        let lasting = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        assert_eq!(shutdown.within(grace, lasting(100)).await, Some(()));
        shutdown.trigger();
        assert_eq!(shutdown.within(grace, lasting(4)).await, Some(()));
        assert_eq!(shutdown.within(grace, lasting(6)).await, None);
    }
}
