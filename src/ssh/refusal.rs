//! Words for a handshake that failed: what answered instead of an SSH server, or how it went away.

use std::time::Duration;

use super::Target;
use super::connect::{FLOOD, Halt, words};
use super::net::tcp::{Stop, abandoned};
use super::net::wire;
use crate::error::{Error, Kind};

/// The error of a handshake with `target` that was given `total`; looks at this thread's
/// [`wire`] for what was said.
pub fn handshake(halt: &Halt, target: &Target, total: Duration) -> Error {
    let place = super::hostkey::name_of(&target.host, target.port);
    let first = wire::first_bytes();
    let greeted = first.starts_with(b"SSH-") || first.windows(5).any(|w| w == b"\nSSH-");
    let seconds = total.as_secs_f32();
    let connect = |message: String| Error::new(Kind::Connect, message);
    let foreign = || {
        let line: String = String::from_utf8_lossy(&first)
            .chars()
            .take_while(|c| *c != '\n' && *c != '\r')
            .map(|c| if c.is_control() { '.' } else { c })
            .take(80)
            .collect();
        connect(format!("{place} is not an SSH server: it said `{line}`"))
            .hint("is the port right?")
    };
    match halt {
        Halt::Stop(Stop::Abandoned) => abandoned(),
        Halt::Stop(Stop::Timeout) if first.is_empty() => connect(format!(
            "{place} accepted the connection and said nothing for {seconds} s"
        ))
        .hint("is it overloaded, or is something else listening on that port?"),
        Halt::Flood if !greeted => connect(format!(
            "{place} is not an SSH server: it sent {} KiB without a greeting",
            FLOOD >> 10
        ))
        .hint("is the port right?"),
        _ if !greeted && !first.is_empty() => foreign(),
        Halt::Gone(how) if first.is_empty() => connect(format!(
            "{place} accepted the connection and gave no greeting: {how}"
        ))
        .hint("too many connections at once (MaxStartups), or a block after failed logins?"),
        Halt::Gone(how) => connect(format!("{place}: {how} during the handshake")),
        Halt::Stop(Stop::Timeout) => connect(format!(
            "the handshake with {place} timed out after {seconds} s"
        )),
        Halt::Flood => connect(format!("{place} floods us instead of shaking hands")),
        Halt::Ssh(error) => connect(format!(
            "the handshake with {place} failed: {}",
            words(error)
        )),
    }
}
