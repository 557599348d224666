//! One command on a channel: input fed while both outputs are drained, until it ended.
//!
//! The exit code counts only when it arrived: a cut connection is not success.

mod pump;

use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use futures::future::poll_fn;

use self::pump::Pump;
use super::capture::{Capture, End};
use super::connect::words;
use super::driver::{Core, Fault, Lease};
use super::ffi::{Channel, Opening};
use super::input::Input;
use super::sudo::{self, Talk};
use super::transport::Exec;
use crate::error::{Error, Kind, Result};
use crate::output::Output;

/// How libssh2 says that the answer to a request did not come within its own 60 seconds
/// (`SSH2_DEFAULT_READ_TIMEOUT` in its session.c); its words for that are "Unexpected error".
const UNANSWERED: ssh2::ErrorCode = ssh2::ErrorCode::Session(libssh2_sys::LIBSSH2_ERROR_TIMEOUT);
/// Turns of reading and writing before other jobs of the session get theirs.
pub const TURNS: usize = 16;

/// Runs `request` to its end.
///
/// # Errors
/// [`Kind::Timeout`] and [`Kind::Lost`] with the output so far, [`Kind::Connect`] when the
/// connection was gone before the command began.
pub async fn exec(core: Rc<Core>, request: Exec) -> Result<Output> {
    let command = request.command.clone();
    exec_as(core, request, &command).await
}

/// The same where the server is told another text than who asked has given: `command`.
pub async fn exec_as(core: Rc<Core>, request: Exec, command: &str) -> Result<Output> {
    let mut capture = Capture::begin(&request)?;
    let deadline = capture.deadline();
    let sudo = request.sudo.as_ref();
    let (mut talk, line) = Talk::about(sudo, command, false)?;
    let work = run(&core, (&line, &request.stdin), &mut talk, &mut capture);
    let mut result = within(&core, deadline, work).await;
    if request.stdin.is_empty() && talk.as_ref().is_some_and(Talk::wants_terminal) {
        let (next, line) = Talk::about(sudo, command, true)?;
        talk = next;
        let work = run(&core, (&line, &request.stdin), &mut talk, &mut capture);
        result = within(&core, deadline, work).await;
    }
    if let (Some(talk), Some(Ok(end))) = (talk.filter(|t| !t.has_begun()), &result) {
        return Err(capture.failed(talk.refusal(), end));
    }
    capture.conclude(result)
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
        Fault::Ssh(error) if error.code() == UNANSWERED => Error::new(
            Kind::Timeout,
            "the server did not begin with the command within 60 s",
        )
        .hint("is it very busy? `uptime` on it tells")
        .source(error),
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

async fn run(
    core: &Rc<Core>,
    (line, stdin): (&str, &Input),
    talk: &mut Option<Talk>,
    capture: &mut Capture,
) -> Result<End, Fault> {
    let tty = talk.as_ref().is_some_and(Talk::is_tty);
    let mut lease = start_on(core, "exec", line, tty, &mut capture.started).await?;
    let mut pump = Pump::new(stdin, talk.as_mut());
    if let Some(channel) = lease.channel() {
        poll_fn(|_| pump.turn(core, channel, capture)).await?;
        if pump.is_refused() {
            // It would ask for ever. Dropping the channel ends it.
            return Ok(End::default());
        }
        if let Some(error) = pump.unread.take() {
            // It must not take what it has for all there is: dropping the channel ends it here too.
            capture.give_up(error);
            return Ok(End::default());
        }
    }
    let end = match lease.channel() {
        Some(channel) => ending(core, channel).await,
        None => End::default(),
    };
    lease.set_running(false);
    Ok(end)
}

/// Waits until it is known how the command on `channel` ended, after the end of its output.
pub async fn ending(core: &Core, channel: &Channel) -> End {
    poll_fn(|_| {
        if channel.exit_code().is_some() || channel.exit_signal().is_some() {
            return Poll::Ready(());
        }
        // However this ends, what is known by then is all that will be.
        core.attempt(|| channel.wait_closed()).map(|_| ())
    })
    .await;
    End {
        code: channel.exit_code(),
        signal: channel.exit_signal(),
    }
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
pub async fn start_on(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_nothing_did_not_refuse() {
        let error = |code| ssh2::Error::new(ssh2::ErrorCode::Session(code), "Unexpected error");
        let told = lost(Fault::Ssh(error(-9)), false);
        assert_eq!(told.kind(), Kind::Timeout);
        assert!(told.to_string().contains("within 60 s"), "{told}");
        let told = lost(Fault::Ssh(error(-21)), false);
        assert_eq!(told.kind(), Kind::Exit);
        assert!(told.to_string().contains("did not run"), "{told}");
        // Once it has begun, nobody knows how it ended.
        assert_eq!(lost(Fault::Ssh(error(-9)), true).kind(), Kind::Lost);
    }
}
