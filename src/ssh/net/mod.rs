//! Sockets and waiting: what lies below SSH and knows nothing of it.
//!
//! [`tcp`] connects within a time-out, [`poll`] waits for a socket or a wake-up, [`wire`] is what
//! libssh2 reads from and writes to. Must not import anything else of `ssh`.

pub mod poll;
pub mod tcp;
pub mod wire;
