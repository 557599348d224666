//! What several tests stand on.

pub mod account;
pub mod place;
pub mod room;
pub mod sshd;
