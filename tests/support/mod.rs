//! What several tests stand on.

pub mod account;
pub mod apps;
pub mod cell;
pub mod debian;
pub mod gates;
pub mod home;
pub mod ipsec;
pub mod memory;
pub mod person;
pub mod place;
pub mod prompt;
pub mod room;
pub mod scripted;
pub mod sshd;
pub mod terminal;
pub mod wire;
pub mod wireguard;
