//! How the core tells a person what goes on, without knowing about terminals.
//!
//! `ui` implements these traits; the core only calls them, from any thread. Imports nothing of
//! the crate but [`crate::output`] and [`crate::secret`].

use std::net::SocketAddr;
use std::time::Duration;

use crate::output::Stream;
use crate::secret::Secret;

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Shown with `-vv`.
    Debug,
    /// Shown with `-v`.
    Info,
    /// Shown unless `-q`.
    Notice,
    /// Always shown.
    Warning,
}

/// A step of a connection attempt that is done. What it holds comes from the server, from
/// [`Step::Agreed`] on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The name stands for these addresses.
    Resolved(Vec<SocketAddr>),
    /// TCP to this one.
    Connected(SocketAddr),
    /// This jump host has connected to it.
    Through(String),
    /// The handshake is over.
    Agreed {
        /// How the server names itself: `SSH-2.0-OpenSSH_9.2p1`.
        greeting: String,
        /// Key exchange, host key algorithm and cipher.
        methods: Vec<String>,
    },
    /// The host key is one that we know, or one that was accepted just now.
    HostKey {
        /// Key type, such as `ssh-ed25519`.
        key_type: String,
        /// `SHA256:…`, as ssh prints it.
        fingerprint: String,
    },
    /// The ways to log in that the server offers, joined by commas.
    Offered(String),
    /// One of them was tried.
    Tried {
        /// With what: a key and where it is, a password. Never the secret itself.
        with: String,
        /// Whether the server took it. One that wants more has taken it, too.
        accepted: bool,
    },
}

/// One operation on one server that has ended, such as `file /etc/motd`. Known secrets are taken out
/// of every text before it comes here; control characters from a server are not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Operation {
    /// The operation's name: `file`.
    pub op: String,
    /// What it worked on: a path, names joined by blanks.
    pub target: String,
    /// `ok`, `changed`, `unknown` (only check mode), `skipped` (declined when asked), `failed`.
    pub status: String,
    /// What was different, one difference each: `mode 0755 -> 0700`. In check mode what would be.
    pub changes: Vec<String>,
    /// What changed in a file's content, when that is known and text.
    pub diff: Option<FileDiff>,
    /// The work took so long, looking included.
    pub duration: Duration,
    /// Nothing was done: the run is in check mode.
    pub check: bool,
    /// Why it failed, or why nobody can know.
    pub error: Option<String>,
}

/// A file's content before and after an operation. What is no text is told in one line that gives its
/// size and SHA-256.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// The file on the server.
    pub path: String,
    /// `None`: it was not there.
    pub before: Option<Vec<u8>>,
    /// `None`: it is gone.
    pub after: Option<Vec<u8>>,
    /// The content is secret: where there is one, `before` and `after` are empty.
    pub secret: bool,
}

/// What happens during a run. Every method has an empty default, so that a listener takes only
/// what it shows. Calls come from several threads and must not block for long.
pub trait Events: Send + Sync {
    /// Something a person may want to read; `server` is an id.
    fn note(&self, _level: Level, _server: Option<&str>, _message: &str) {}
    /// A fleet call over `total` servers begins; `label` says what it does.
    fn run_started(&self, _label: &str, _total: usize) {}
    /// A connection attempt has come one step further.
    fn step(&self, _server: &str, _step: Step) {}
    /// Work on one server begins, or it enters a new phase (`connecting`, `cert`, `uptime`).
    fn server_phase(&self, _server: &str, _phase: &str) {}
    /// A tunnel enters a phase (`coming up`), or nothing goes on with it any more.
    fn tunnel(&self, _name: &str, _phase: Option<&str>) {}
    /// An operation on a server has ended.
    fn operation(&self, _server: &str, _operation: &Operation) {}
    /// One server's part ended with a status word.
    fn server_done(&self, _server: &str, _status: &str, _duration: Duration) {}
    /// The fleet call ended.
    fn run_finished(&self) {}
    /// Live output of a command, in the pieces in which it arrived.
    fn output(&self, _server: &str, _stream: Stream, _bytes: &[u8]) {}
    /// Bytes of a file copied so far.
    fn transfer(&self, _server: &str, _path: &str, _done: u64, _total: Option<u64>) {}
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Events for Silent {}

/// A host key that nobody has accepted yet.
#[derive(Debug, Clone)]
pub struct HostKeyQuestion {
    /// The server's id.
    pub server: String,
    /// Host and port as known_hosts writes them: `host` or `[host]:port`.
    pub name: String,
    /// Key type, such as `ssh-ed25519`.
    pub key_type: String,
    /// `SHA256:…`, as ssh prints it.
    pub fingerprint: String,
}

/// Questions that only a person can answer. Without a person the answer is always no.
pub trait Interact: Send + Sync {
    /// Accept and remember this host key?
    fn accept_host_key(&self, _question: &HostKeyQuestion) -> bool {
        false
    }
    /// Asks for a secret without echo, such as a key's passphrase.
    fn secret(&self, _prompt: &str) -> Option<Secret> {
        None
    }
    /// A yes/no question; `-y` answers yes.
    fn confirm(&self, _question: &str) -> bool {
        false
    }
}

/// Nobody is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Interact for Nobody {}
