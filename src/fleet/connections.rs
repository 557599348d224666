//! The open sessions of a run: at most one per server, shared by all that need it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared, join_all};

use crate::error::Result;
use crate::ssh::Transport;

/// Descriptors that a session may use at once: its socket, its wake pipe, a local file.
const PER_SESSION: u64 = 4;
/// Descriptors kept for everything else: terminal, database, files.
const RESERVED: u64 = 64;

/// Sessions that are kept although nobody uses them now: each is a thread and about half a MiB.
const IDLE: usize = 500;

type Attempt = Shared<LocalBoxFuture<'static, Result<Arc<dyn Transport>>>>;

/// Says how many sessions fit into the limit of open files, which is raised as far as it goes.
pub(super) fn budget() -> usize {
    let files = crate::descriptors::allowed();
    usize::try_from(files.saturating_sub(RESERVED) / PER_SESSION)
        .unwrap_or(usize::MAX)
        .max(1)
}

/// The pool.
#[derive(Default)]
pub(super) struct Connections {
    slots: RefCell<HashMap<String, Slot>>,
    clock: std::cell::Cell<u64>,
}

struct Slot {
    attempt: Attempt,
    used: u64,
}

impl Connections {
    /// The session of `id`, or the one that `open`'s future makes. Callers at the same time share
    /// one attempt and its error; a later caller tries again.
    pub(super) async fn get<O, F>(&self, id: &str, open: O) -> Result<Arc<dyn Transport>>
    where
        O: FnOnce() -> Result<F>,
        F: Future<Output = Result<Arc<dyn Transport>>> + 'static,
    {
        let attempt = match self.usable(id) {
            Some(attempt) => attempt,
            None => {
                self.make_room();
                let attempt = open()?.boxed_local().shared();
                let slot = Slot {
                    attempt: attempt.clone(),
                    used: self.tick(),
                };
                self.slots.borrow_mut().insert(id.to_owned(), slot);
                attempt
            }
        };
        let result = attempt.clone().await;
        if result.is_err() {
            let mut slots = self.slots.borrow_mut();
            if slots
                .get(id)
                .is_some_and(|slot| slot.attempt.ptr_eq(&attempt))
            {
                slots.remove(id);
            }
        }
        result
    }

    fn usable(&self, id: &str) -> Option<Attempt> {
        let used = self.tick();
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(id)?;
        match slot.attempt.peek() {
            Some(Ok(transport)) if !transport.is_alive() => None,
            Some(Err(_)) => None,
            _ => {
                slot.used = used;
                Some(slot.attempt.clone())
            }
        }
    }

    fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    /// Lets the session go that nobody holds and that was used longest ago, when there are many,
    /// or the limit of open files is near.
    fn make_room(&self) {
        let mut slots = self.slots.borrow_mut();
        if slots.len() < budget().min(IDLE) {
            return;
        }
        let idle =
            |slot: &Slot| matches!(slot.attempt.peek(), Some(Ok(t)) if Arc::strong_count(t) == 1);
        let oldest = slots
            .iter()
            .filter(|(_, s)| idle(s))
            .min_by_key(|(_, s)| s.used);
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            slots.remove(&id);
        }
    }

    /// Forgets the session of `id` and gives it back, so that the caller can close it.
    pub(super) fn take(&self, id: &str) -> Option<Arc<dyn Transport>> {
        let slot = self.slots.borrow_mut().remove(id)?;
        slot.attempt.peek().and_then(|r| r.clone().ok())
    }

    /// Closes all sessions at once.
    pub(super) async fn close(&self) {
        let slots = std::mem::take(&mut *self.slots.borrow_mut());
        let open = slots
            .into_values()
            .filter_map(|s| s.attempt.peek().and_then(|r| r.clone().ok()));
        join_all(open.map(|transport| async move { transport.close().await })).await;
    }
}
