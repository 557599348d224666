//! The bounded parallel map.

use super::{Outcome, Room, Status};
use crate::error::Result;
use crate::inventory::Server;

/// A number of servers, or a share of the selection (at least one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// That many.
    Count(usize),
    /// That many of a hundred.
    Percent(u8),
}

/// How a map treats its selection.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Servers worked on at once.
    pub forks: usize,
    /// Work in batches of this size, one after another.
    pub serial: Option<Batch>,
    /// Stop starting servers once more than this many have failed.
    pub max_fail: Option<Batch>,
}

/// Runs `work` on each server, at most `policy.forks` at once; `on_done` hears of each outcome as
/// it is known. The outcomes come in the order of `servers`, one for each, whatever happens.
pub async fn map<T, F, Fut>(
    _room: &Room,
    _label: &str,
    _servers: Vec<Server>,
    _policy: &Policy,
    _work: F,
    _on_done: impl FnMut(&Outcome<T>),
) -> Vec<Outcome<T>>
where
    F: Fn(Server) -> Fut,
    Fut: Future<Output = Result<(Status, T)>>,
{
    Vec::new()
}
