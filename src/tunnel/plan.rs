//! What a backend says is to be done for a tunnel, as data: nothing here runs anything.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::secret::Secret;

/// Patience with a step that says nothing else.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a tunnel is made and for what: everything that a plan depends on beside the profile.
#[derive(Debug, Clone)]
pub struct At {
    /// The tunnel's own folder, made before the first step and removed after the last: 0700, of whoever
    /// runs the steps. Configuration and pid files belong here.
    pub folder: PathBuf,
    /// A name for what the tunnel makes (an interface, a connection): `mr` and eight digits, unlike for each
    /// tunnel. An interface of this name is ours.
    pub label: String,
    /// The network namespace that the steps run in. Plans need not put it before their commands, but
    /// what else is shared between tunnels (a daemon, its socket, a port) must be their own in it.
    pub namespace: Option<String>,
    /// The tunnel's server, resolved.
    pub gateway: SocketAddr,
    /// What is to go through: addresses of servers, and the ranges that the profile names. Never empty,
    /// never a default route, never with the gateway in it.
    pub ranges: Vec<IpNet>,
}

/// One command. No secret is ever in `argv`.
#[derive(Debug, Clone)]
pub struct Step {
    /// Program and arguments, each as it is: no shell reads them.
    pub argv: Vec<String>,
    /// For its standard input, which ends after it.
    pub stdin: Option<Secret>,
    /// It may end badly: what it takes away may be gone already.
    pub may_fail: bool,
    /// Needs no root.
    pub as_self: bool,
    /// How long it may take.
    pub patience: Duration,
}

impl Step {
    /// A command without input, run as root, that must end well.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Step {
            argv: argv.into_iter().map(Into::into).collect(),
            stdin: None,
            may_fail: false,
            as_self: false,
            patience: PATIENCE,
        }
    }

    /// Writes a file that only root can read; its folder is made.
    pub fn file(path: impl Into<String>, content: Secret) -> Self {
        let path: String = path.into();
        let argv = ["install", "-D", "-m", "0600", "/dev/stdin"];
        let argv = argv.map(str::to_owned).into_iter().chain([path]);
        Step::new(argv).stdin(content)
    }

    /// Gives it something to read.
    #[must_use]
    pub fn stdin(mut self, content: Secret) -> Self {
        self.stdin = Some(content);
        self
    }

    /// Lets it end badly.
    #[must_use]
    pub fn may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Runs it as the user, not as root.
    #[must_use]
    pub fn as_self(mut self) -> Self {
        self.as_self = true;
        self
    }

    /// Gives it so long.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// The life of a tunnel.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Brings it up, in this order; the first that fails ends it.
    pub up: Vec<Step>,
    /// Asked again and again while it comes up, and while it is up; [`super::backend::Backend::read`]
    /// understands the answer.
    pub status: Step,
    /// Takes it down and removes its traces, also when `up` came only half the way. All are run.
    pub down: Vec<Step>,
    /// How what is to go through gets into it.
    pub routing: Routing,
}

/// How packets get into a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routing {
    /// By routes to this interface, which whoever runs the plan sets for [`At::ranges`] once it is up.
    Interface(String),
    /// The backend's own steps have seen to it (IPsec policies).
    Own,
    /// By the system's own service, which has its routes from elsewhere (macOS, NetworkManager).
    Service,
}

/// What a backend reads from the answer to [`Plan::status`].
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// There is none.
    Down,
    /// On its way.
    Coming,
    /// It carries packets.
    Up(Facts),
    /// It will not come up by waiting.
    Failed {
        /// One word for code: `auth`, `proposal`, `gateway`, `config`, `conflict`.
        reason: &'static str,
        /// What happened, in our words; lower-case, no stop.
        message: String,
    },
}

impl State {
    /// [`State::Failed`].
    pub fn failed(reason: &'static str, message: impl Into<String>) -> Self {
        State::Failed {
            reason,
            message: message.into(),
        }
    }
}

/// What is known of a tunnel that is up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Our address in it.
    pub address: Option<IpAddr>,
    /// Its interface, when it has one.
    pub interface: Option<String>,
    /// Bytes that came.
    pub received: Option<u64>,
    /// Bytes that went.
    pub sent: Option<u64>,
}

/// What a backend cannot do without.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Programs, each with the Debian package that has it.
    pub tools: Vec<(&'static str, &'static str)>,
    /// Kernel modules.
    pub modules: Vec<&'static str>,
    /// Files (plugins), each by the paths where distributions put it, of which one is enough, with the
    /// Debian package that has it; none for what comes with the kernel.
    pub files: Vec<(&'static [&'static str], &'static str)>,
    /// Steps that only root may do.
    pub root: bool,
}
