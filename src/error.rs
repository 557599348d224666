//! The one error type of the core.
//!
//! An [`Error`] says what went wrong ([`Kind`]), where (server, command) and what a person can
//! do about it (hint). Status, exit code and the Lua error table are all derived from its kind,
//! here and nowhere else. Imports nothing of the crate but [`crate::output`].

use std::fmt;
use std::sync::Arc;

use crate::output::Output;

/// `Result` with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure an [`Error`] is. Decides status and exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The server was not reached: name resolution, TCP, handshake, connection time-out.
    Connect,
    /// The server was reached and no authentication method succeeded.
    Auth,
    /// The server's host key is unknown or changed.
    HostKey,
    /// Secrets are locked, or a project's code is not trusted: refused until a person acts.
    Locked,
    /// The connection was lost after the command began: nobody knows how it ended.
    Lost,
    /// Check mode: the answer depends on a command that was not run, so nobody can tell.
    Unpredicted,
    /// The command took longer than it was given.
    Timeout,
    /// The command ended with a code other than zero, or by a signal.
    Exit,
    /// A file could not be copied, read or written on the server.
    Transfer,
    /// Docker refused.
    Docker,
    /// A tunnel is needed and not there.
    Tunnel,
    /// The command line, the settings or a call's arguments are wrong.
    Usage,
    /// Lua code failed, or a local file or the database could not be used by it.
    Script,
    /// Lua code used more than the settings allow; it cannot catch that.
    Limit,
    /// Somebody pressed Ctrl-C, or the failure policy stopped the run.
    Cancelled,
    /// A local resource failed: database, file, disk.
    Local,
}

impl Kind {
    /// The word that Lua and `--json` see (the closed list of `err.kind`).
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Connect | Kind::Lost => "connect",
            Kind::Auth | Kind::Locked => "auth",
            Kind::HostKey => "host_key",
            Kind::Timeout => "timeout",
            Kind::Exit => "exit",
            Kind::Transfer => "transfer",
            Kind::Docker => "docker",
            Kind::Tunnel => "tunnel",
            Kind::Usage => "usage",
            Kind::Script | Kind::Local | Kind::Unpredicted | Kind::Limit => "script",
            Kind::Cancelled => "cancelled",
        }
    }

    /// The exit code when this error ends `mroom` itself (not one server among many).
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Timeout
            | Kind::Exit
            | Kind::Transfer
            | Kind::Docker
            | Kind::Lost
            | Kind::Unpredicted => 3,
            Kind::Connect | Kind::Auth | Kind::Tunnel => 4,
            Kind::HostKey | Kind::Locked => 5,
            Kind::Cancelled => 130,
            Kind::Script | Kind::Local | Kind::Limit => 1,
        }
    }
}

/// An error with everything that a person or a playbook needs to act on it.
///
/// Boxed inside, so that `Result<T, Error>` stays one word wide.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    message: String,
    server: Option<String>,
    command: Option<String>,
    hint: Option<String>,
    reason: Option<String>,
    output: Option<Output>,
    evidence: Option<serde_json::Value>,
    traceback: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` is lower-case and has no trailing stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            server: None,
            command: None,
            hint: None,
            reason: None,
            output: None,
            evidence: None,
            traceback: None,
            source: None,
        }))
    }

    /// Shorthand for [`Kind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(Kind::Usage, message)
    }

    /// Shorthand for [`Kind::Local`].
    pub fn local(message: impl Into<String>) -> Self {
        Error::new(Kind::Local, message)
    }

    /// A [`Kind::Exit`] error for a command that ended badly; keeps its output.
    pub fn exit(command: impl Into<String>, output: Output) -> Self {
        let message = match (output.code, output.signal.as_deref()) {
            (_, Some(signal)) => format!("command was killed by signal {signal}"),
            (Some(code), None) => format!("command exited with {code}"),
            (None, None) => "command ended without an exit code".to_owned(),
        };
        Error::new(Kind::Exit, message)
            .command(command)
            .output(output)
    }

    /// Names the server. The first name stays: the innermost layer knows best.
    #[must_use]
    pub fn server(mut self, id: impl Into<String>) -> Self {
        self.0.server.get_or_insert_with(|| id.into());
        self
    }

    /// Names the remote command. The first stays.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.0.command.get_or_insert_with(|| command.into());
        self
    }

    /// Names the remote command in other words than those that were sent.
    #[must_use]
    pub fn command_as(mut self, shown: impl Into<String>) -> Self {
        self.0.command = Some(shown.into());
        self
    }

    /// Says what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Takes over what another error says that a person can do.
    #[must_use]
    pub fn hint_of(mut self, other: &Error) -> Self {
        self.0.hint.clone_from(&other.0.hint);
        self
    }

    /// Takes over what another error keeps for those who look closer: traceback and source.
    #[must_use]
    pub fn behind(mut self, other: &Error) -> Self {
        self.0.traceback.clone_from(&other.0.traceback);
        self.0.source.clone_from(&other.0.source);
        self
    }

    /// Says in one word which of the failures of its kind it is, for code that acts on it.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Keeps what the command had printed before it failed.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.0.output = Some(output);
        self
    }

    /// Keeps what else tells why: the state and last lines of a container, as an object.
    #[must_use]
    pub fn evidence(mut self, evidence: serde_json::Value) -> Self {
        self.0.evidence = Some(evidence);
        self
    }

    /// Keeps a Lua traceback; shown only with `-v`.
    #[must_use]
    pub fn traceback(mut self, traceback: impl Into<String>) -> Self {
        self.0.traceback = Some(traceback.into());
        self
    }

    /// Keeps the underlying error.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Puts `context` and a colon before the message.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
    /// The message alone, without server, command or hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// The server's id, when one is known.
    pub fn server_id(&self) -> Option<&str> {
        self.0.server.as_deref()
    }
    /// The remote command, when there is one.
    pub fn remote_command(&self) -> Option<&str> {
        self.0.command.as_deref()
    }
    /// What to do about it.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
    /// Which of the failures of its kind it is.
    pub fn reason_word(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
    /// What the command printed before it failed.
    pub fn remote_output(&self) -> Option<&Output> {
        self.0.output.as_ref()
    }
    /// What else tells why.
    pub fn evidence_found(&self) -> Option<&serde_json::Value> {
        self.0.evidence.as_ref()
    }
    /// The Lua traceback.
    pub fn lua_traceback(&self) -> Option<&str> {
        self.0.traceback.as_deref()
    }
}

impl fmt::Display for Error {
    /// `server: message`; the caller prints command, remote stderr and hint on lines of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.server {
            Some(id) => write!(f, "{id}: {}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}
