//! The inventory: what is known of each server, and how it is written, read and selected.
//!
//! The state is the database's ([`Store`]); everything else here is pure.
//! Must not import `ssh` or anything to the right of it.

pub mod check;
mod compare;
mod export;
pub mod facts;
mod glob;
mod handlers;
mod idfile;
mod import;
mod keys;
pub mod listfile;
mod names;
mod pattern;
mod place;
mod record;
mod rows;
mod scans;
mod secrets;
mod server;
mod store;
mod tunnel;
mod upgrade;

pub use facts::Facts;
pub use glob::Glob;
pub use import::{Format, ImportOptions, Summary, read_file};
pub use keys::{AskPassphrase, SecretsStatus};
pub use names::Names;
pub use pattern::{Pattern, Selection, Source};
pub use place::{local_user, place};
pub use server::Server;
pub use store::Store;
pub use tunnel::{
    FIELDS, Field, Outline, OvpnPart, Tunnel, TunnelKind, TunnelUsers, endpoint, ovpn_parts,
};

use crate::secret::Place;

/// Where the password is sealed that sudo asks for on a server.
fn sudo_place(id: &str) -> Place<'_> {
    Place {
        table: "sudo_password",
        id,
        column: "sealed",
    }
}

/// Where a server's password is sealed.
fn pass_place(id: &str) -> Place<'_> {
    Place {
        table: "server_room",
        id,
        column: "pass",
    }
}
