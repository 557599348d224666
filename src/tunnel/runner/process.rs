//! One process and what it says, with the conversation with sudo in front of it.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::output::Output;
use crate::ssh::Talk;

/// Bytes of each stream that are kept: a step that says more says nothing that is read.
const MOST: usize = 1 << 20;
/// How often a process is looked at.
const TICK: Duration = Duration::from_millis(10);
/// How long a stream may stay open when the process has ended: a daemon that it left behind may have it.
const REST: Duration = Duration::from_millis(100);
/// How long a process has for its end when it is asked to.
const GOODBYE: Duration = Duration::from_secs(2);

/// Sends a process group a signal by its name.
pub type Kill<'a> = &'a dyn Fn(i32, &str);

/// What is to be run, and when to stop.
pub struct Job<'a> {
    /// The program, for messages.
    pub name: &'a str,
    /// The conversation before it begins.
    pub talk: Option<Talk>,
    /// How long it may take.
    pub patience: Duration,
    /// Whether it is to be given up.
    pub stop: &'a dyn Fn() -> bool,
    /// For process groups of another user.
    pub kill: Option<Kill<'a>>,
}

/// A piece of what a process says: true for standard error. Empty at the end of the stream.
type Piece = (bool, Vec<u8>);

impl Job<'_> {
    /// Runs it. `input` is for its standard input, which is a pipe; or `near` is the other end of that.
    pub fn run(
        mut self,
        mut command: Command,
        input: &[u8],
        near: Option<&OwnedFd>,
    ) -> Result<Output> {
        let begun = Instant::now();
        let spawned = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C on the terminal is for us, and all of it can be ended.
            .process_group(0)
            .spawn();
        let mut child = spawned.map_err(|e| {
            Error::local(format!("cannot run `{}`: {e}", self.name))
                .reason("missing")
                .source(e)
        })?;
        // What is not ours any more is closed, so that the other end can be seen to end.
        drop(command);
        let (said, heard) = channel();
        listen(child.stdout.take(), false, said.clone());
        listen(child.stderr.take(), true, said);
        let mut ear = Ear {
            pipe: child.stdin.take(),
            near,
        };
        let mut output = Output::default();
        let ended = self.converse(&mut child, &heard, &mut output, &mut ear, input, begun);
        output.duration = begun.elapsed();
        let status: ExitStatus = match ended {
            Ok(Some(status)) => status,
            Ok(None) => {
                let message = format!("`{}` was given up", self.name);
                return Err(Error::new(Kind::Cancelled, message).output(output));
            }
            Err(error) => return Err(error.output(output)),
        };
        if let Some(talk) = &self.talk
            && !talk.has_begun()
        {
            return Err(talk.refusal());
        }
        output.code = status.code();
        output.signal = status.signal().map(|s| s.to_string());
        Ok(output)
    }

    /// Until the end; `None` when it was given up.
    fn converse(
        &mut self,
        child: &mut Child,
        heard: &Receiver<Piece>,
        output: &mut Output,
        ear: &mut Ear<'_>,
        input: &[u8],
        begun: Instant,
    ) -> Result<Option<ExitStatus>> {
        let mut open = 2;
        let mut ended: Option<(ExitStatus, Instant)> = None;
        loop {
            let has_begun = self.talk.as_ref().is_none_or(Talk::has_begun);
            if has_begun && let Some(pipe) = ear.pipe.take() {
                feed(pipe, input);
            }
            match heard.recv_timeout(TICK) {
                Ok((_, piece)) if piece.is_empty() => open -= 1,
                Ok((is_error, piece)) => self.hear(is_error, &piece, output, ear),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = 0,
            }
            if ended.is_none()
                && let Ok(Some(status)) = child.try_wait()
            {
                ended = Some((status, Instant::now()));
            }
            if open == 0 && ended.is_none() {
                // Nothing more to hear: only its end is waited for.
                std::thread::sleep(TICK);
            }
            if let Some((status, at)) = ended
                && (open == 0 || at.elapsed() > REST)
            {
                return Ok(Some(status));
            }
            let refused = self.talk.as_ref().is_some_and(Talk::is_refused);
            let overdue = begun.elapsed() > self.patience;
            if ended.is_none() && (overdue || refused || (self.stop)()) {
                self.end(child);
                let talk = self.talk.as_ref().filter(|_| refused);
                return match talk {
                    Some(talk) => Err(talk.refusal()),
                    None if overdue => Err(Error::new(
                        Kind::Timeout,
                        format!(
                            "`{}` did not end within {} s",
                            self.name,
                            self.patience.as_secs_f32()
                        ),
                    )),
                    None => Ok(None),
                };
            }
        }
    }

    fn hear(&mut self, is_error: bool, piece: &[u8], output: &mut Output, ear: &mut Ear<'_>) {
        let mut own = piece;
        if let (true, Some(talk)) = (is_error, &mut self.talk) {
            own = &piece[piece.len() - talk.hear(piece)..];
            if !talk.answer().is_empty() {
                // It fits into a pipe. A sudo that does not read it is seen by its end.
                ear.say(talk.answer());
                talk.sent(usize::MAX);
            }
        }
        let into = if is_error {
            &mut output.stderr
        } else {
            &mut output.stdout
        };
        let room = MOST.saturating_sub(into.len()).min(own.len());
        into.extend_from_slice(&own[..room]);
        output.truncated |= room < own.len();
    }

    /// Ends it and what it started; the time for that is bounded.
    fn end(&self, child: &mut Child) {
        let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) else {
            return;
        };
        use rustix::process::Signal;
        for (signal, name) in [(Signal::TERM, "TERM"), (Signal::KILL, "KILL")] {
            let sent = rustix::process::kill_process_group(group, signal);
            if let (Err(rustix::io::Errno::PERM), Some(kill)) = (sent, self.kill) {
                kill(child.id() as i32, name);
            }
            let asked = Instant::now();
            while asked.elapsed() < GOODBYE {
                if !matches!(child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(TICK);
            }
        }
    }
}

/// Where a process hears from us.
struct Ear<'a> {
    /// Its standard input, until that has all it gets.
    pipe: Option<ChildStdin>,
    /// Our end of the socket that it has instead.
    near: Option<&'a OwnedFd>,
}

impl Ear<'_> {
    fn say(&mut self, bytes: &[u8]) {
        let _ = match (&mut self.pipe, self.near) {
            (Some(pipe), _) => pipe.write_all(bytes).and_then(|()| pipe.flush()),
            (None, Some(near)) => rustix::io::write(near, bytes)
                .map(|_| ())
                .map_err(Into::into),
            (None, None) => Ok(()),
        };
    }
}

/// Writes all of it from a thread of its own: a process may talk much before it reads, or never read.
fn feed(mut pipe: ChildStdin, input: &[u8]) {
    if input.is_empty() {
        return;
    }
    let input = zeroize::Zeroizing::new(input.to_vec());
    let _ = std::thread::Builder::new()
        .name("feed".to_owned())
        .spawn(move || drop(pipe.write_all(&input)));
}

/// Sends on what comes, and an empty piece at the end.
fn listen(stream: Option<impl Read + Send + 'static>, is_error: bool, heard: Sender<Piece>) {
    let Some(mut stream) = stream else {
        let _ = heard.send((is_error, Vec::new()));
        return;
    };
    let _ = std::thread::Builder::new()
        .name("listen".to_owned())
        .spawn(move || {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                if heard.send((is_error, buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
            let _ = heard.send((is_error, Vec::new()));
        });
}
