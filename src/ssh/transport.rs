//! [`Transport`]: what can be done on a server, whatever carries it.
//!
//! The implementations are the SSH session, the local machine and the fake of the tests.
//! Calls return futures that own what they need; dropping one cancels the work on the server.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::bridge::Meter;
use super::input::Input;
use super::sudo::Sudo;
use crate::error::{Error, Result};
use crate::output::{DEFAULT_MAX_OUTPUT, Output, Stream};

/// The answer to a call on a [`Transport`].
pub type Reply<T> = BoxFuture<'static, Result<T>>;

/// Receives live output in the pieces in which it arrives, on the session's thread.
pub type Sink = Arc<dyn Fn(Stream, &[u8]) + Send + Sync>;

/// Receives (bytes done, bytes in all if known) during a copy, on the session's thread.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// Whether a call may change the server. In check mode the core lets no [`Effect::Write`] pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A reader by promise: `capture`, `test`, facts.
    Read,
    /// May change the server.
    Write,
}

/// One command to run.
#[derive(Clone)]
pub struct Exec {
    /// Shell text, run by the user's login shell as it is.
    pub command: String,
    /// May it change the server?
    pub effect: Effect,
    /// What it reads; standard input is closed after that.
    pub stdin: Input,
    /// Time the command may take; `None` waits for ever.
    pub timeout: Option<Duration>,
    /// Bytes of each stream that are kept; the rest is drained and dropped.
    pub max_output: usize,
    /// Live output, beside what is kept.
    pub sink: Option<Sink>,
    /// Run it as another user.
    pub sudo: Option<Sudo>,
    /// Run it with POSIX sh in the session's kept shell for that user: no process of the login
    /// shell and no channel of its own. The command is text for `sh`, whatever the login shell is.
    pub kept: bool,
    /// It leaves nothing running that has its outputs, as a reader does by promise: the kept shell
    /// need not wait for that.
    pub is_tidy: bool,
}

impl Exec {
    /// A command that may change the server, with empty standard input and no time-out.
    pub fn new(command: impl Into<String>) -> Self {
        Exec {
            command: command.into(),
            effect: Effect::Write,
            stdin: Input::default(),
            timeout: None,
            max_output: DEFAULT_MAX_OUTPUT,
            sink: None,
            sudo: None,
            kept: false,
            is_tidy: false,
        }
    }

    /// The same as a reader by promise.
    pub fn reader(command: impl Into<String>) -> Self {
        Exec {
            effect: Effect::Read,
            ..Exec::new(command)
        }
    }
}

/// A shell or command with streams of its own, for a person or a pipe.
///
/// The streams are sockets, so that they never block the session: whoever calls moves bytes
/// between their other ends and the terminal. The end of `stdin` is the command's end of file; a
/// `stdout` that nobody reads ends the command.
pub struct Attach {
    /// Shell text; `None` for the login shell.
    pub command: Option<String>,
    /// It is a shell for somebody, even when `command` begins it: how it ends is no failure.
    pub is_shell: bool,
    /// The terminal that the command gets.
    pub pty: Option<Pty>,
    /// The socket of the agent that the server may use meanwhile.
    pub agent: Option<PathBuf>,
    /// Variables for its environment; a server takes those that it likes.
    pub env: Vec<(String, String)>,
    /// What the command reads.
    pub stdin: OwnedFd,
    /// What it prints.
    pub stdout: OwnedFd,
    /// What it prints as errors; with a terminal nothing.
    pub stderr: OwnedFd,
    /// A datagram socket with new sizes of the terminal: columns and rows, each in two bytes, the
    /// higher first.
    pub sizes: OwnedFd,
}

/// A terminal to be made on the server.
#[derive(Debug, Clone)]
pub struct Pty {
    /// Its type, as `TERM` names it.
    pub term: String,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Its modes, encoded as RFC 4254, section 8, says.
    pub modes: Vec<u8>,
}

/// How a copy behaves.
#[derive(Clone, Default)]
pub struct CopyOptions {
    /// Permission bits of the files made; `None` keeps the source's.
    pub mode: Option<u32>,
    /// Called as bytes go over.
    pub progress: Option<Progress>,
}

/// Something commands can be run on and files copied to. Cheap to share as `Arc<dyn Transport>`.
///
/// Errors are [`crate::error::Kind`]: `Lost` when the connection broke after the command began,
/// `Timeout` (with the output so far) when it took too long, `Transfer` for files.
pub trait Transport: Send + Sync {
    /// Runs a command to its end. An exit code other than zero is not an error here.
    fn exec(&self, request: Exec) -> Reply<Output>;
    /// Reads a whole file of at most `limit` bytes; a longer one is an error.
    fn read(&self, path: &str, limit: u64) -> Reply<Vec<u8>>;
    /// Writes a whole file: to a temporary name beside it, then renamed over it. `mode` is that
    /// of the new file; `None` keeps an existing file's mode and gives a new one 0644.
    fn write(&self, path: &str, content: Vec<u8>, mode: Option<u32>) -> Reply<()>;
    /// Copies a local file or folder to the server; gives the number of bytes copied. A trailing
    /// `/` on `from` copies what is in the folder, as rsync does.
    fn upload(&self, from: PathBuf, to: &str, options: CopyOptions) -> Reply<u64>;
    /// Copies a file or folder from the server; gives the number of bytes copied.
    fn download(&self, from: &str, to: PathBuf, options: CopyOptions) -> Reply<u64>;
    /// Runs a shell or command over streams until it ends; the output holds only how it did. An
    /// exit code other than zero is not an error here.
    fn attach(&self, _request: Attach) -> Reply<Output> {
        let error = Error::usage("nobody can sit down at this server");
        Box::pin(std::future::ready(Err(error)))
    }
    /// Has the server connect to `host` (a name as it knows it); gives a stream socket whose other
    /// end that connection is. `Connect` when it refuses or cannot; `Timeout` when it does not say,
    /// and then nothing else may be dialled over this connection.
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        let message = format!("no connection to {host}:{port} can be made through this one");
        Box::pin(std::future::ready(Err(Error::usage(message))))
    }
    /// Has the server connect to `host`, then writes `hello` to `socket`, a stream, and moves bytes between
    /// the two until both sides have ended. The answer comes when the connection is there; errors are
    /// those of [`Transport::dial`].
    fn join(&self, host: &str, port: u16, _socket: OwnedFd, _hello: Vec<u8>) -> Reply<()> {
        let message = format!("no connection to {host}:{port} can be made through this one");
        Box::pin(std::future::ready(Err(Error::usage(message))))
    }
    /// Counts what goes through the connections that it makes; `None` when it makes none.
    fn meter(&self) -> Option<Arc<Meter>> {
        None
    }
    /// False once the connection is known to be gone.
    fn is_alive(&self) -> bool;
    /// Says goodbye, within a bounded time. Further calls fail with `Connect`.
    fn close(&self) -> Reply<()>;
}
