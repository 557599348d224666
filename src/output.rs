//! What a remote command printed and how it ended. Plain data; imports nothing of the crate.

use std::time::Duration;

/// How many bytes of each stream are kept unless told otherwise (64 MiB).
pub const DEFAULT_MAX_OUTPUT: usize = 64 << 20;

/// One of a command's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// The result of one remote command. Bytes are exactly those that the server sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` when a signal ended the command.
    pub code: Option<i32>,
    /// The signal's name without `SIG`, such as `KILL`.
    pub signal: Option<String>,
    /// Standard output, at most the request's `max_output` bytes.
    pub stdout: Vec<u8>,
    /// Standard error, at most the request's `max_output` bytes.
    pub stderr: Vec<u8>,
    /// True when more was printed than was kept.
    pub truncated: bool,
    /// From the request to the end of the command.
    pub duration: Duration,
}

impl Output {
    /// True when the command ended with code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0) && self.signal.is_none()
    }

    /// Standard output as text, trailing newlines removed, invalid UTF-8 replaced.
    pub fn stdout_trimmed(&self) -> String {
        String::from_utf8_lossy(&self.stdout)
            .trim_end_matches(['\r', '\n'])
            .to_owned()
    }
}
