//! The inventory: what is known of each server, and how it is written, read and selected.
//!
//! The state is the database's ([`Store`]); everything else here is pure.
//! Must not import `ssh` or anything to the right of it.

mod server;
mod store;

pub use server::Server;
pub use store::{Selection, Store};
