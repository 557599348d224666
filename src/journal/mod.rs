//! The command log: what went to which server, when, by whom, and how it ended.
//!
//! [`Log`] is the run's end of it: an [`Entry`] is begun and ended, and costs its caller no more
//! than a message to another thread. That thread ([`writer`]) has a database connection of its own
//! and commits in batches; a log that cannot be written is a warning and never fails a run.
//! [`Book`] is the reader's end, and prunes. An entry that was begun and never ended (the program
//! was killed) stays without a status: nobody knows.
//!
//! What a server gets through standard input and what files hold is never written; known secrets
//! are taken out before anything is. Must not import `ssh`.

mod book;
mod log;
mod operator;
mod rows;
mod writer;

pub use book::{Book, Query, Row};
pub use log::{Entry, Log};
pub use operator::Run;
pub use rows::Limits;

/// What sort of access an entry tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A connection was made, or was not.
    Connect,
    /// Somebody sat at a terminal on the server.
    Shell,
    /// A command.
    Exec,
    /// Files were copied to the server or from it.
    Copy,
    /// A file was read.
    Read,
    /// A file was written.
    Write,
    /// A stage, which is made of the entries between its begin and its end.
    Stage,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::Connect,
        Kind::Shell,
        Kind::Exec,
        Kind::Copy,
        Kind::Read,
        Kind::Write,
        Kind::Stage,
    ];

    /// The word in the database, in output and in `--kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Connect => "connect",
            Kind::Shell => "shell",
            Kind::Exec => "exec",
            Kind::Copy => "copy",
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Stage => "stage",
        }
    }
}

/// How an entry ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// `ok`, `changed`, `failed`, `unreachable`, `cancelled` or `unknown`.
    pub status: &'static str,
    /// A command's exit code.
    pub code: Option<i32>,
    /// The signal that ended a command, without `SIG`.
    pub signal: Option<String>,
    /// The kind of the error, as `--json` names it, and its message.
    pub error: Option<(&'static str, String)>,
    /// Bytes of what was copied, read or written.
    pub bytes: Option<u64>,
}

impl End {
    /// An end with nothing to add to its status.
    pub fn of(status: &'static str) -> Self {
        End {
            status,
            ..End::default()
        }
    }
}

#[cfg(test)]
mod book_tests;
#[cfg(test)]
mod tests;
