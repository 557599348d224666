//! What a command has printed so far, and the answer that is made of it and of its end.

use std::time::Instant;

use super::driver::Fault;
use super::exec::lost;
use super::transport::{Exec, Sink};
use crate::error::{Error, Kind, Result};
use crate::output::{Output, Stream};

/// How a command ended, as far as the server said.
#[derive(Default)]
pub struct End {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it, without `SIG`.
    pub signal: Option<String>,
}

/// The output of one command on its way.
pub struct Capture {
    output: Output,
    /// Whether the server may have begun with the command.
    pub started: bool,
    max: usize,
    sink: Option<Sink>,
    /// Why it was given up on this side.
    given_up: Option<Error>,
    command: String,
    start: Instant,
    timeout: Option<std::time::Duration>,
}

impl Capture {
    /// Nothing yet; the time runs from now on.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a command that cannot be one.
    pub fn begin(request: &Exec) -> Result<Self> {
        if request.command.contains('\0') {
            return Err(Error::usage("a command cannot hold a NUL byte"));
        }
        Ok(Capture {
            output: Output::default(),
            started: false,
            max: request.max_output,
            sink: request.sink.clone(),
            given_up: None,
            command: request.command.clone(),
            start: Instant::now(),
            timeout: request.timeout,
        })
    }

    /// When its time is up.
    pub fn deadline(&self) -> Option<Instant> {
        self.timeout.map(|timeout| self.start + timeout)
    }

    /// It printed that.
    pub fn take(&mut self, stream: Stream, bytes: &[u8]) {
        if let Some(sink) = &self.sink {
            sink(stream, bytes);
        }
        let into = match stream {
            Stream::Stdout => &mut self.output.stdout,
            Stream::Stderr => &mut self.output.stderr,
        };
        let room = (self.max - into.len().min(self.max)).min(bytes.len());
        into.extend_from_slice(&bytes[..room]);
        self.output.truncated |= room < bytes.len();
    }

    /// It is ended before its end, for that reason.
    pub fn give_up(&mut self, error: Error) {
        self.given_up = Some(error);
    }

    /// It did not begin: with that error, and with the exit code of what stood before it.
    pub fn failed(mut self, error: Error, end: &End) -> Error {
        self.output.code = end.code;
        self.with(error)
    }

    /// It ended so, or broke off; `None` when its time was up.
    ///
    /// # Errors
    /// [`Kind::Timeout`] and [`Kind::Lost`] with the output so far; why it was given up; otherwise as
    /// [`lost`] says.
    pub fn conclude(mut self, result: Option<Result<End, Fault>>) -> Result<Output> {
        self.output.duration = self.start.elapsed();
        if let Some(error) = self.given_up.take() {
            return Err(self.with(error));
        }
        match result {
            Some(Ok(End { code, signal })) if code.is_some() || signal.is_some() => Ok(Output {
                code: if signal.is_some() { None } else { code },
                signal,
                ..self.output
            }),
            Some(Ok(_)) => {
                let message = "the server closed the channel without saying how the command ended";
                Err(self.with(Error::new(Kind::Lost, message)))
            }
            Some(Err(fault)) => {
                let error = lost(fault, self.started);
                Err(self.with(error))
            }
            None => {
                let seconds = self.timeout.unwrap_or_default().as_secs_f32();
                let message = format!("command timed out after {seconds} s");
                Err(self.with(Error::new(Kind::Timeout, message)))
            }
        }
    }

    fn with(mut self, error: Error) -> Error {
        self.output.duration = self.start.elapsed();
        error.command(self.command).output(self.output)
    }
}
