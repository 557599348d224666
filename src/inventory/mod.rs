//! The inventory: what is known of each server, and how it is written, read and selected.
//!
//! The state is the database's ([`Store`]); everything else here is pure.
//! Must not import `ssh` or anything to the right of it.

pub mod check;
mod glob;
mod keys;
mod pattern;
mod rows;
mod server;
mod store;
mod upgrade;

pub use glob::Glob;
pub use keys::{AskPassphrase, SecretsStatus};
pub use pattern::{Pattern, Selection, Source};
pub use server::Server;
pub use store::Store;

use crate::secret::Place;

/// Where a server's password is sealed.
fn pass_place(id: &str) -> Place<'_> {
    Place {
        table: "server_room",
        id,
        column: "pass",
    }
}
