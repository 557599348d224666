//! The kept shell: one `sh` on one channel, for one command of the login (or of another user)
//! after another. It spares each of them a channel, a login shell and a sudo of its own.
//!
//! It is begun with the first command and stays with the session, under a name for each user;
//! while a command runs it is nobody else's, so two at once have two. Whatever goes wrong with it,
//! the next command gets a new one. [`frame`] is what is said to it; dash, bash, busybox, mksh and
//! zsh do it.

mod frame;

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use self::frame::{Ear, GUARD, PATHS, UNFIT};
use super::capture::{Capture, End};
use super::driver::{Core, Fault, Lease};
use super::exec::{TURNS, ending, exec_as, start, within};
use super::ffi::Channel;
use super::sudo::{Sudo, Talk, word};
use super::transport::{Effect, Exec};
use crate::error::{Error, Kind, Result};
use crate::output::{Output, Stream};
use crate::quote;

/// Bytes read at once from one stream: the largest SSH packet.
const CHUNK: usize = 32 << 10;
/// How long the output of a shell that has ended is waited for, when something still holds it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the request's command as text for `sh`, in a subshell of the kept one. Standard input that
/// is no text, what sudo or doas lets through on a terminal only, and a server whose `sh` is not fit
/// get a channel each time. A signal that ended the command is told as shells do: 128 and its number.
///
/// # Errors
/// As [`super::exec::exec`]; [`crate::error::Kind::Lost`] too when the shell ended instead.
pub async fn exec(core: Rc<Core>, request: Exec) -> Result<Output> {
    let Some(stdin) = request.stdin.held().filter(|bytes| frame::takes(bytes)) else {
        return alone(core, request).await;
    };
    let mut capture = Capture::begin(&request)?;
    let deadline = capture.deadline();
    let word = word()?;
    let lines = frame::lines(
        &word,
        &request.command,
        request.is_tidy || request.effect == Effect::Read,
        stdin,
    )?;
    let user = request.sudo.as_ref().map(|sudo| &sudo.user[..]);
    let name = format!("sh {}", user.unwrap_or_default());
    loop {
        let kept = core.take_spare::<Shell>(&name);
        let is_new = kept.is_none();
        let mut shell = match kept {
            Some(shell) => shell,
            None => Shell::new(&core, request.sudo.as_ref())?,
        };
        let mut ears = [Ear::new(&word), Ear::new(&word)];
        let work = shell.run(&lines, &mut ears, &mut capture);
        let result = within(&core, deadline, work).await;
        let has_begun = ears.iter().any(Ear::has_begun);
        let end = match result {
            Some(Ok(Said::Code(code))) => {
                core.set_spare(&name, Box::new(shell));
                let code = Some(code);
                Some(Ok(End { code, signal: None }))
            }
            // It went while nobody looked.
            Some(Ok(Said::Gone(_)) | Err(Fault::Ssh(_))) if !is_new && !has_begun => {
                capture.started = false;
                continue;
            }
            Some(Ok(Said::Gone(_))) if has_begun => {
                last_words(&ears, &mut capture);
                Some(Err(Fault::Gone("the shell was ended".to_owned())))
            }
            Some(Ok(Said::Gone(end))) => {
                let talk = shell.talk.as_ref().filter(|talk| !talk.has_begun());
                if end.code == Some(UNFIT) || talk.is_some_and(Talk::wants_terminal) {
                    return alone(core, request).await;
                }
                last_words(&ears, &mut capture);
                return Err(capture.failed(talk.map_or_else(no_shell, Talk::refusal), &end));
            }
            Some(Err(fault)) => Some(Err(fault)),
            None => None,
        };
        return capture.conclude(end);
    }
}

fn no_shell() -> Error {
    Error::new(Kind::Exit, "the login's shell does not run commands")
        .hint("does the account allow them? `mroom connect ID` shows what it says")
}

/// With a shell and a channel of its own.
async fn alone(core: Rc<Core>, request: Exec) -> Result<Output> {
    let text = format!("{PATHS}; {}", request.command);
    let command = quote::words(&["exec", "sh", "-c", &text])?;
    exec_as(core, request, &command).await
}

/// What a turn with the shell came to.
enum Said {
    /// The command has ended with that code.
    Code(i32),
    /// The shell has ended so, or is of no use: sudo asks for what it does not get.
    Gone(End),
}

/// A shell on a channel.
struct Shell {
    core: Rc<Core>,
    /// `None` until it was begun.
    lease: Option<Lease>,
    /// The conversation that makes it another user's, until that is done.
    talk: Option<Talk>,
    /// What a shell of the login has to read for that.
    opening: Vec<u8>,
    /// When it was first seen to have ended.
    over: Cell<Option<Instant>>,
}

impl Shell {
    fn new(core: &Rc<Core>, sudo: Option<&Sudo>) -> Result<Self> {
        let (talk, line) = Talk::about(sudo, "exec sh", false)?;
        let opening = talk.as_ref().map(|_| line + "\n");
        Ok(Shell {
            core: core.clone(),
            lease: None,
            talk,
            opening: opening.unwrap_or_default().into_bytes(),
            over: Cell::default(),
        })
    }

    /// Has it do `lines`, which [`frame::lines`] made.
    async fn run(
        &mut self,
        lines: &[u8],
        ears: &mut [Ear; 2],
        capture: &mut Capture,
    ) -> Result<Said, Fault> {
        let mut lines = lines.to_vec();
        if self.lease.is_none() {
            // Every login shell understands this; what needs quoting is for sh alone.
            let lease = start(&self.core, "exec", "exec sh", &mut false).await?;
            self.lease = Some(lease);
            lines.splice(0..0, format!("{GUARD}; {PATHS}\n").into_bytes());
        }
        self.set_running(true);
        let mut buffer = vec![0; CHUNK];
        let turn = poll_fn(|_| self.turn(&mut lines, ears, capture, &mut buffer));
        if let Some(code) = turn.await? {
            self.set_running(false);
            return Ok(Said::Code(code));
        }
        let is_refused = self.talk.as_ref().is_some_and(Talk::is_refused);
        Ok(Said::Gone(
            match self.lease.as_ref().and_then(Lease::channel) {
                Some(channel) if !is_refused => ending(&self.core, channel).await,
                _ => End::default(),
            },
        ))
    }

    fn set_running(&mut self, running: bool) {
        if let Some(lease) = &mut self.lease {
            lease.set_running(running);
        }
    }

    /// Writes and reads what can be, until the command's exit code has come, or until there is
    /// nothing to wait for.
    fn turn(
        &mut self,
        lines: &mut Vec<u8>,
        ears: &mut [Ear; 2],
        capture: &mut Capture,
        buffer: &mut [u8],
    ) -> Poll<Result<Option<i32>, Fault>> {
        for _ in 0..TURNS {
            let mut progress = match self.feed(lines, capture) {
                Ok(progress) => progress,
                Err(fault) => return Poll::Ready(Err(fault)),
            };
            let Some(channel) = self.lease.as_ref().and_then(Lease::channel) else {
                return Poll::Ready(Ok(None));
            };
            let mut gone = None;
            for (number, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
                match self.core.attempt(|| channel.read(number as i32, buffer)) {
                    Poll::Ready(Ok(n)) if n > 0 => {
                        let own = match (&mut self.talk, stream) {
                            (Some(talk), Stream::Stderr) => talk.hear(&buffer[..n]),
                            _ => n,
                        };
                        ears[number].hear(&buffer[n - own..n], |own| capture.take(stream, own));
                        progress = true;
                    }
                    Poll::Ready(Err(fault)) => gone = Some(fault),
                    Poll::Ready(Ok(_)) | Poll::Pending => {}
                }
            }
            if let (Some(code), Some(_)) = (ears[0].last_line(), ears[1].last_line()) {
                return Poll::Ready(Ok(code.parse().ok()));
            }
            if self.talk.as_ref().is_some_and(Talk::is_refused) {
                return Poll::Ready(Ok(None));
            }
            if progress {
                continue;
            }
            if channel.eof() || self.is_over(channel) {
                return Poll::Ready(Ok(None));
            }
            return match gone {
                Some(fault) => Poll::Ready(Err(fault)),
                None => Poll::Pending,
            };
        }
        self.core.yield_turn();
        Poll::Pending
    }

    /// Whether it has ended long enough ago. Its output may never end: what it ran may have that
    /// still.
    fn is_over(&self, channel: &Channel) -> bool {
        if channel.exit_code().is_none() && channel.exit_signal().is_none() {
            return false;
        }
        let since = self.over.get().unwrap_or_else(Instant::now);
        self.over.set(Some(since));
        self.core.poll_alarm(since + LAST_WORDS).is_ready()
    }

    /// Writes some of what is to be written now; says whether some went.
    fn feed(&mut self, lines: &mut Vec<u8>, capture: &mut Capture) -> Result<bool, Fault> {
        let channel = self.lease.as_ref().and_then(Lease::channel);
        let talk = self.talk.as_mut().filter(|talk| !talk.has_begun());
        let Some(channel) = channel.filter(|_| !self.core.is_clogged()) else {
            return Ok(false);
        };
        let is_ours = self.opening.is_empty() && talk.is_none();
        let bytes = match &talk {
            _ if !self.opening.is_empty() => &self.opening[..],
            Some(talk) => talk.answer(),
            None => lines,
        };
        if bytes.is_empty() {
            return Ok(false);
        }
        capture.started |= is_ours;
        let Poll::Ready(written) = self.core.attempt(|| channel.write(bytes)) else {
            return Ok(false);
        };
        let count = written?;
        match talk {
            _ if !self.opening.is_empty() => drop(self.opening.drain(..count)),
            Some(talk) => talk.sent(count),
            None => drop(lines.drain(..count)),
        }
        Ok(count > 0)
    }
}

/// Takes what came without being anybody's, or was held of the command's.
fn last_words(ears: &[Ear; 2], capture: &mut Capture) {
    capture.take(Stream::Stdout, ears[0].rest());
    capture.take(Stream::Stderr, ears[1].rest());
}
