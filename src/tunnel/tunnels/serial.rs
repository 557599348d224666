//! Tunnels in conflict that come up one after the other: who waits for whom in this process, and when
//! nobody is left who could let the one go that all the others wait for.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Entry, Tunnels, Up};
use crate::error::{Error, Result};
use crate::quote::typed;
use crate::tunnel::fault;

/// How often it is looked whether anybody still works.
const TICK: Duration = Duration::from_millis(200);

/// Counts tasks of this run, until it is dropped.
pub struct Tasks {
    tunnels: Rc<Tunnels>,
    by: isize,
}

impl Tasks {
    fn new(tunnels: &Rc<Tunnels>, by: isize) -> Self {
        tunnels.tasks.set(tunnels.tasks.get() + by);
        let tunnels = tunnels.clone();
        Tasks { tunnels, by }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.tunnels.tasks.set(self.tunnels.tasks.get() - self.by);
    }
}

impl Tunnels {
    /// One more task of this run works, beside the first.
    pub fn task(self: &Rc<Self>) -> Tasks {
        Tasks::new(self, 1)
    }

    /// A task does nothing but wait for others that it has begun.
    pub fn task_waits(self: &Rc<Self>) -> Tasks {
        Tasks::new(self, -1)
    }

    /// Waits for the attempt, which tunnels in conflict make wait for their turn.
    pub(super) async fn came(&self, name: &str, entry: &Entry) -> Result<Up> {
        let _waiting = Waiting::new(&entry.waiting);
        let mut attempt = entry.attempt.clone();
        let mut stuck_since = None;
        while self.tools.serial && entry.orders.is_some() {
            if let Ok(came) = tokio::time::timeout(TICK, &mut attempt).await {
                return came.map_err(|e| entry.stuck.borrow().clone().unwrap_or(e));
            }
            let Some(other) = entry.talk.waits_for().filter(|_| self.is_stuck()) else {
                stuck_since = None;
                continue;
            };
            // Goodbyes that were begun have as long as there is between two looks.
            if stuck_since.get_or_insert_with(Instant::now).elapsed() > self.tools.look {
                *entry.stuck.borrow_mut() = Some(self.stuck(name, &other));
                entry.talk.end();
            }
        }
        attempt.await
    }

    /// All who work wait for a tunnel that this process has.
    fn is_stuck(&self) -> bool {
        let open = self.open.borrow();
        let waits = |e: &&Rc<Entry>| e.talk.waits_for().is_some() && e.stuck.borrow().is_none();
        let waiting: isize = open.values().filter(waits).map(|e| e.waiting.get()).sum();
        waiting >= self.tasks.get()
    }

    fn stuck(&self, name: &str, other: &str) -> Error {
        let open = self.open.borrow();
        let users = open.get(other).map(|e| e.users()).unwrap_or_default();
        let message = format!(
            "would wait for ever: it is in conflict with the tunnel `{other}`, which this run itself holds for {users}"
        );
        fault(name, "conflict", message).hint(format!(
            "let that one go first (in Lua `server:release()`, `t:close()`), or have both at once: \
             `mroom tunnel set {} isolate=true`",
            typed(name)
        ))
    }
}

/// Somebody waits for an attempt, until it is dropped.
struct Waiting<'a>(&'a Cell<isize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<isize>) -> Self {
        count.set(count.get() + 1);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
