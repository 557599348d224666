//! SSH: the [`Transport`] trait and what implements it. The only user of `ssh2`.
//!
//! One OS thread owns one session and everything made from it; the handle sends it work and
//! awaits the answer. Must not import `inventory`: it knows [`Target`]s, not servers.
//!
//! [`transport`] is the contract; [`session`] keeps it over SSH, [`local`] on this machine,
//! [`fake`] in tests, and [`guard`] walls in any of them for check mode. [`look`] connects nowhere. A session's way:
//! [`connect`] (on [`net`], [`hostkey`], [`auth`]) -> [`driver`] -> [`exec`], [`kept`] (one shell for many
//! commands) and [`files`]. [`input`] is what a command reads.
//! [`sudo`] is the conversation
//! before a command of another user, [`elevated`] that user's files. [`jump`] is the way through one server to
//! another, [`bridge`] moves its bytes. [`ffi`] has the few libssh2 calls that `ssh2` lacks, and all the `unsafe` there is.

mod attach;
mod auth;
mod bridge;
mod capture;
mod connect;
mod driver;
pub mod elevated;
mod exec;
pub mod fake;
mod ffi;
mod files;
pub mod guard;
mod hostkey;
mod input;
mod jump;
mod kept;
pub mod local;
pub mod look;
mod net;
mod refusal;
mod session;
mod sudo;
mod transport;

pub use bridge::Meter;
pub use ffi::version as libssh2_version;
pub use files::tree::{Entry, What, walk};
pub use input::Input;
pub use net::poll::Wake;
pub(crate) use sudo::Talk;
pub use sudo::{Sudo, word};
pub use transport::{Attach, CopyOptions, Effect, Exec, Progress, Pty, Reply, Sink, Transport};

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::events::{Events, Interact};
use crate::secret::Secret;

/// Where to connect, and with what.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server's id, for messages.
    pub id: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Password, tried last.
    pub password: Option<Secret>,
    /// The server's own private key file. When set, it is the only key tried besides the agent's
    /// copy of it, so that a server with few allowed tries is not used up by other keys.
    pub key: Option<PathBuf>,
    /// Use `key` alone: no agent, no password. Proves that a key works.
    pub key_only: bool,
    /// A public key (`TYPE BASE64`) that must not be offered: proves that something else works.
    pub without: Option<String>,
    /// How to get there.
    pub route: Route,
    /// The network that the host's address belongs to, when that is not this machine's own: the same
    /// address may be another server there. Who connects sets it.
    pub network: Option<String>,
}

/// The way to a server.
#[derive(Debug, Clone, Default)]
pub enum Route {
    /// Over the network.
    #[default]
    Direct,
    /// Over the network, where the host's name is known elsewhere only: this is its address.
    At(IpAddr),
    /// Through these jump hosts, the nearest first. Who connects turns this into [`Route::Over`].
    Through(Vec<Target>),
    /// Behind the tunnel of that name, which is not one over SSH. Who connects brings it up and turns
    /// this into [`Route::Direct`] or [`Route::Over`].
    Behind(String),
    /// Over a socket that the jump host has given; it is used once.
    Over {
        /// The jump host's id, or `tunnel NAME`.
        hop: String,
        /// What [`Transport::dial`] or the tunnel gave.
        socket: Arc<OwnedFd>,
    },
}

impl Target {
    /// The host as known_hosts names it: `ADDRESS%NETWORK` in a network that is not this machine's.
    fn known_as(&self) -> String {
        match &self.network {
            Some(network) => format!("{}%{network}", self.host.trim_matches(['[', ']'])),
            None => self.host.clone(),
        }
    }
}

/// The names that an error of a connection carries.
#[derive(Debug, Clone)]
struct Names {
    id: String,
    /// The jump host, which the error may be due to.
    hop: Option<String>,
}

impl Names {
    fn of(target: &Target) -> Self {
        Names {
            id: target.id.clone(),
            hop: match &target.route {
                Route::Over { hop, .. } => Some(hop.clone()),
                _ => None,
            },
        }
    }

    fn put_on(&self, error: Error) -> Error {
        let error = match &self.hop {
            Some(hop) if matches!(error.kind(), Kind::Connect | Kind::Lost) => {
                error.context(format!("through `{hop}`"))
            }
            _ => error,
        };
        error.server(&self.id)
    }
}

/// What holds for all connections of a run.
#[derive(Clone)]
pub struct Options {
    /// For resolving, connecting and authenticating as a whole.
    pub timeout: Duration,
    /// Tries after the first, with back-off, and only before authentication has begun.
    pub retries: u32,
    /// Accept and remember unknown host keys. A changed key is refused all the same.
    pub accept_new: bool,
    /// The user's known_hosts, written to.
    pub known_hosts: PathBuf,
    /// Further known_hosts files, only read, and only those that exist: the machine's
    /// `/etc/ssh/ssh_known_hosts` and the sandbox's own.
    pub known_hosts_also: Vec<PathBuf>,
    /// Private keys tried when the target names none: those that exist, in this order.
    pub identities: Vec<PathBuf>,
    /// The agent's socket (what `SSH_AUTH_SOCK` names); `None` asks no agent.
    pub agent: Option<PathBuf>,
    /// Seconds between keepalives; zero sends none.
    pub keepalive: u32,
    /// Who hears of it.
    pub events: Arc<dyn Events>,
    /// Who answers questions.
    pub interact: Arc<dyn Interact>,
}

/// Makes connections. `fleet` holds one; tests put a fake there.
pub trait Connector: Send + Sync {
    /// Connects and authenticates within the options' time-out.
    fn connect(&self, target: Target) -> Reply<Arc<dyn Transport>>;
}

/// The real thing.
pub struct Ssh {
    options: Arc<Options>,
    keys: Arc<auth::KeyRing>,
}

impl Ssh {
    /// Connections that share `options`, and the keys and passphrases they come to need.
    pub fn new(options: Options) -> Self {
        Ssh {
            options: Arc::new(options),
            keys: Arc::default(),
        }
    }
}

impl Connector for Ssh {
    fn connect(&self, target: Target) -> Reply<Arc<dyn Transport>> {
        session::open(self.options.clone(), self.keys.clone(), target)
    }
}
