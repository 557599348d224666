//! Cancellation: one token per run, set by Ctrl-C, seen by async code and by busy loops.
//!
//! The token owns no thread; `cli` connects it to the signals. Imports nothing of the crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A shared flag that says "stop now". Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    set: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes everybody who waits for it.
    pub fn cancel(&self) {
        self.0.set.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Clears the flag: the REPL goes on after a cancelled call.
    pub fn reset(&self) {
        self.0.set.store(false, Ordering::SeqCst);
    }

    /// True once [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.set.load(Ordering::SeqCst)
    }

    /// Resolves when the flag is set, at once if it is already.
    pub async fn cancelled(&self) {
        loop {
            // Registered before the flag is read, so that a cancel in between is not missed.
            let notified = self.0.notify.notified();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn wakes_a_waiter_and_resets() {
        let token = Cancel::new();
        let other = token.clone();
        let (_, ()) = tokio::join!(token.cancelled(), async { other.cancel() });
        assert!(token.is_cancelled());
        token.reset();
        assert!(!other.is_cancelled());
    }
}
