//! What a keeper and the process that it works for tell each other. Owns nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Both sides have one and the same.
#[derive(Debug, Default)]
pub struct Talk {
    is_ending: AtomicBool,
    waits_for: Mutex<Option<String>>,
}

impl Talk {
    /// Nobody in this process wants the tunnel any more.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
    }

    /// Whether somebody said so.
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    /// The tunnel that this one waits for, when only this process has that one.
    pub fn waits_for(&self) -> Option<String> {
        let waits_for = self.waits_for.lock();
        waits_for.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says so.
    pub(super) fn wait_for(&self, other: Option<String>) {
        *self
            .waits_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = other;
    }
}
