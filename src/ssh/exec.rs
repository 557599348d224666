//! One command on a channel: input fed while both outputs are drained, until it ended.
//!
//! The exit code counts only when it arrived: a cut connection is not success.

use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use futures::future::poll_fn;

use super::connect::words;
use super::driver::{Core, Fault, Lease};
use super::ffi::{Channel, Opening};
use super::sudo::{self, Talk};
use super::transport::{Exec, Sink};
use crate::error::{Error, Kind, Result};
use crate::output::{Output, Stream};

/// Bytes read at once from one stream: the largest SSH packet twice.
const CHUNK: usize = 64 << 10;
/// Turns of reading and writing before other jobs of the session get theirs.
const TURNS: usize = 16;

/// Runs `request` to its end.
///
/// # Errors
/// [`Kind::Timeout`] and [`Kind::Lost`] with the output so far, [`Kind::Connect`] when the
/// connection was gone before the command began.
pub async fn exec(core: Rc<Core>, request: Exec) -> Result<Output> {
    let start = Instant::now();
    if request.command.contains('\0') {
        return Err(Error::usage("a command cannot hold a NUL byte"));
    }
    let deadline = request.timeout.map(|t| start + t);
    let mut kept = Kept::new(request.max_output, request.sink.clone());
    let (mut talk, line) = Talk::about(&request, false)?;
    let work = run(&core, (&line, &request.stdin), &mut talk, &mut kept);
    let mut result = within(&core, deadline, work).await;
    if request.stdin.is_empty() && talk.as_ref().is_some_and(Talk::wants_terminal) {
        let (next, line) = Talk::about(&request, true)?;
        talk = next;
        let work = run(&core, (&line, &request.stdin), &mut talk, &mut kept);
        result = within(&core, deadline, work).await;
    }
    let (mut output, started) = (kept.output, kept.started);
    output.duration = start.elapsed();
    let command = request.command;
    if let (Some(talk), Some(Ok(end))) = (talk.filter(|t| !t.has_begun()), &result) {
        output.code = end.code;
        return Err(talk.refusal().command(command).output(output));
    }
    match result {
        Some(Ok(End { code, signal })) if code.is_some() || signal.is_some() => Ok(Output {
            code: if signal.is_some() { None } else { code },
            signal,
            ..output
        }),
        Some(Ok(_)) => {
            let message = "the server closed the channel without saying how the command ended";
            Err(Error::new(Kind::Lost, message)
                .command(command)
                .output(output))
        }
        Some(Err(fault)) => Err(lost(fault, started).command(command).output(output)),
        None => {
            let seconds = request.timeout.unwrap_or_default().as_secs_f32();
            let message = format!("command timed out after {seconds} s");
            Err(Error::new(Kind::Timeout, message)
                .command(command)
                .output(output))
        }
    }
}

/// What a fault means for a command that had, or had not, begun.
pub fn lost(fault: Fault, started: bool) -> Error {
    match fault {
        Fault::Gone(how) if started => Error::new(
            Kind::Lost,
            format!("{how}; nobody knows how the command ended"),
        ),
        Fault::Gone(how) => Error::new(Kind::Connect, how),
        Fault::Ssh(error) if started => {
            Error::new(Kind::Lost, format!("the session failed: {}", words(&error))).source(error)
        }
        Fault::Ssh(error) => Error::new(
            Kind::Exit,
            format!("the server did not run the command: {}", words(&error)),
        )
        .hint("does the account allow commands, and the server another session?")
        .source(error),
    }
}

/// `work`'s result, or `None` when `deadline` came first.
pub async fn within<T>(
    core: &Core,
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        match deadline {
            Some(at) => core.poll_alarm(at).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

/// How a command ended, as far as the server said.
struct End {
    code: Option<i32>,
    signal: Option<String>,
}

async fn run(
    core: &Rc<Core>,
    (line, stdin): (&str, &[u8]),
    talk: &mut Option<Talk>,
    kept: &mut Kept,
) -> Result<End, Fault> {
    let tty = talk.as_ref().is_some_and(Talk::is_tty);
    let mut lease = start_on(core, "exec", line, tty, &mut kept.started).await?;
    let mut pump = Pump {
        stdin,
        talk: talk.as_mut(),
        eof_sent: false,
        buffer: vec![0; CHUNK],
    };
    if let Some(channel) = lease.channel() {
        poll_fn(|_| pump.turn(core, channel, kept)).await?;
        if pump.is_refused() {
            // It would ask for ever. Dropping the channel ends it.
            return Ok(End {
                code: None,
                signal: None,
            });
        }
        poll_fn(|_| {
            if channel.exit_code().is_some() || channel.exit_signal().is_some() {
                return Poll::Ready(());
            }
            // However this ends, what is known by then is all that will be.
            core.attempt(|| channel.wait_closed()).map(|_| ())
        })
        .await;
    }
    let channel = lease.channel();
    let end = End {
        code: channel.and_then(Channel::exit_code),
        signal: channel.and_then(Channel::exit_signal),
    };
    lease.set_running(false);
    Ok(end)
}

/// Opens a channel and starts a command or subsystem on it; `started` is set just before the
/// server may begin.
pub async fn start(
    core: &Rc<Core>,
    request: &str,
    what: &str,
    started: &mut bool,
) -> Result<Lease, Fault> {
    start_on(core, request, what, false, started).await
}

/// The same on a raw terminal, when that is wanted.
async fn start_on(
    core: &Rc<Core>,
    request: &str,
    what: &str,
    tty: bool,
    started: &mut bool,
) -> Result<Lease, Fault> {
    let mut lease = core.open(&Opening::Session).await?;
    lease.set_running(request == "exec");
    *started = true;
    let result = match lease.channel() {
        Some(channel) => {
            if tty {
                let ask = || channel.request_pty("dumb", sudo::RAW, (80, 24));
                core.call(ask).await?;
            }
            core.call(|| channel.start(request, what)).await
        }
        None => Ok(()),
    };
    if let Err(Fault::Ssh(_)) = &result {
        *started = false;
        lease.set_running(false);
    }
    result.map(|()| lease)
}

/// What is kept of the output.
struct Kept {
    output: Output,
    started: bool,
    max: usize,
    sink: Option<Sink>,
}

impl Kept {
    fn new(max: usize, sink: Option<Sink>) -> Self {
        Kept {
            output: Output::default(),
            started: false,
            max,
            sink,
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) {
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
}

/// Moves bytes in all three directions.
struct Pump<'a> {
    stdin: &'a [u8],
    /// What goes before: until the command has begun, input is not for it.
    talk: Option<&'a mut Talk>,
    eof_sent: bool,
    buffer: Vec<u8>,
}

impl Pump<'_> {
    fn is_refused(&self) -> bool {
        self.talk.as_ref().is_some_and(|talk| talk.is_refused())
    }

    fn turn(&mut self, core: &Core, channel: &Channel, kept: &mut Kept) -> Poll<Result<(), Fault>> {
        for _ in 0..TURNS {
            let mut progress = self.feed(core, channel);
            let mut gone = None;
            for stream in [Stream::Stdout, Stream::Stderr] {
                let number = i32::from(stream == Stream::Stderr);
                match core.attempt(|| channel.read(number, &mut self.buffer)) {
                    Poll::Ready(Ok(n)) if n > 0 => {
                        let own = match (&mut self.talk, stream) {
                            (Some(talk), stream) if talk.is_tty() || stream == Stream::Stderr => {
                                talk.hear(&self.buffer[..n])
                            }
                            _ => n,
                        };
                        kept.take(stream, &self.buffer[n - own..n]);
                        progress = true;
                    }
                    Poll::Ready(Err(fault)) => gone = Some(fault),
                    Poll::Ready(Ok(_)) | Poll::Pending => {}
                }
            }
            if self.is_refused() {
                return Poll::Ready(Ok(()));
            }
            if progress {
                continue;
            }
            if channel.eof() {
                return Poll::Ready(Ok(()));
            }
            // The end of the connection counts only when both streams have nothing left.
            return match gone {
                Some(fault) => Poll::Ready(Err(fault)),
                None => Poll::Pending,
            };
        }
        core.yield_turn();
        Poll::Pending
    }

    /// Writes some input; true when some went. A command that closed its input is no error.
    fn feed(&mut self, core: &Core, channel: &Channel) -> bool {
        if core.is_clogged() || self.eof_sent {
            return false;
        }
        if let Some(talk) = self.talk.as_mut().filter(|talk| !talk.has_begun()) {
            if talk.answer().is_empty() {
                return false;
            }
            let sent = core.attempt(|| channel.write(talk.answer()));
            if let Poll::Ready(Ok(n)) = sent {
                talk.sent(n);
            }
            return matches!(sent, Poll::Ready(Ok(n)) if n > 0);
        }
        if self.stdin.is_empty() {
            self.eof_sent = core.attempt(|| channel.send_eof()).is_ready();
            return false;
        }
        match core.attempt(|| channel.write(self.stdin)) {
            Poll::Ready(Ok(n)) => {
                self.stdin = &self.stdin[n..];
                n > 0
            }
            Poll::Ready(Err(_)) => {
                self.stdin = &[];
                false
            }
            Poll::Pending => false,
        }
    }
}
