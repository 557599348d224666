//! What several tests stand on.

pub mod account;
pub mod sshd;
