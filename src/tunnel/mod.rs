//! Tunnels: from a profile of the inventory to a way on which servers answer.
//!
//! A tunnel is made by programs of this machine ([`backend`], [`plan`]: pure, what to run and how to read
//! the answers) or inside of a process ([`userspace`], which [`held`] shares with others). [`tunnels`] has those of one run, [`keeper`] the life
//! of each and what is on disk of it, [`runner`] runs the steps, [`routes`] knows what goes through, [`namespace`]
//! keeps tunnels apart, [`stand`] says which can go through which, [`inside`] connects in there, [`dns`] resolves names behind them. [`listen`] lets
//! programs of this machine through, [`real`] is what tunnels are made with outside of tests.
//! Who owns what: nothing here owns a session or the inventory.
//! Must not import `fleet`, `docker` or anything right of them.

pub mod backend;
pub mod dns;
pub mod held;
pub mod inside;
pub mod keeper;
pub mod listen;
pub mod machine;
pub mod namespace;
pub mod plan;
mod pump;
pub mod real;
pub mod routes;
pub mod runner;
mod socks;
pub mod stand;
pub mod tunnels;
pub mod userspace;

#[cfg(test)]
mod testing;

pub use tunnels::{Settings, Tunnels};

use std::hash::{BuildHasher as _, Hasher as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use self::plan::Facts;
use crate::error::{Error, Kind};
use crate::ssh::Reply;

/// An error of the tunnel `name`: `message` goes on after "the tunnel `NAME`", `reason` is one of `auth
/// proposal gateway config missing rights conflict routes dropped timeout unproven`.
pub fn fault(name: &str, reason: &str, message: impl std::fmt::Display) -> Error {
    Error::new(Kind::Tunnel, format!("the tunnel `{name}` {message}")).reason(reason)
}

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

    /// A datagram socket whose other end is UDP to `to`; `None` where there is only TCP.
    fn datagrams(&self, _to: SocketAddr) -> Option<Reply<OwnedFd>> {
        None
    }

    /// What is known of the tunnel now.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// Lets the tunnel stay when all its users are gone. [`Kind::Usage`] for one that cannot.
    fn keep(&self) -> Reply<()> {
        let message = "a tunnel that lives inside of one process ends with it";
        Box::pin(std::future::ready(Err(Error::usage(message))))
    }

    /// Ends it, when it lives in this process: connections have a moment for their goodbyes.
    fn close(&self) -> Reply<()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// How to get to what is behind a tunnel that is up.
#[derive(Clone)]
pub enum Way {
    /// As to anything else: this machine has a route.
    Route,
    /// By these connections.
    Dial(Arc<dyn Dial>),
}

/// Something that nobody outside can guess, for numbers and ports; not for keys.
fn random() -> u64 {
    // A keyed hash, and the key is the system's own randomness.
    std::hash::RandomState::new().build_hasher().finish()
}
