//! Tunnels: from a profile of the inventory to a way on which servers answer.
//!
//! A tunnel is made by programs of this machine ([`backend`], [`plan`]: pure, what to run and how to read
//! the answers) or inside of this process. Who owns what: nothing here owns a session or the inventory.
//! Must not import `fleet`, `docker` or anything right of them.

pub mod backend;
pub mod plan;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::ssh::Reply;

/// Makes connections through a tunnel that is not a route of this machine: one inside of this process, or
/// in a network namespace.
pub trait Dial: Send + Sync {
    /// A stream socket whose other end is a connection to `host` (an address, or a name as it is known
    /// behind the tunnel). [`crate::error::Kind::Connect`] when it is refused or cannot be,
    /// [`crate::error::Kind::Timeout`] without an answer.
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd>;

    /// Connects to `host`, then writes `hello` to `socket` and moves bytes between the two until either
    /// ends. The answer comes when the connection is there. For listeners: SOCKS, forwards.
    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()>;
}

/// How to get to what is behind a tunnel that is up.
#[derive(Clone)]
pub enum Way {
    /// As to anything else: this machine has a route.
    Route,
    /// By these connections.
    Dial(Arc<dyn Dial>),
}
