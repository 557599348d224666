//! The fleet: the [`Room`] that joins inventory, secrets and connections, and the bounded
//! parallel [`map`] over a selection with one [`Outcome`] per server.
//!
//! Single-threaded and async; the waiting is done by the sessions' own threads.
//! Must not import `lua`, `ui` or `cli`.

mod connections;
mod fronts;
mod gate;
mod health;
mod hops;
mod logged;
mod map;
mod opened;
mod options;
mod outcome;
mod room;
mod route;
mod sudo;
mod tunnels;

pub use health::{Health, Space, health};
pub use logged::{StageEntry, stations};
pub use map::{Batch, Policy, map};
pub use opened::Opened;
pub use options::RunOptions;
pub use outcome::{Counts, Outcome, Status, Worst};
pub use room::{Room, passphrase};

#[cfg(test)]
mod tests;
