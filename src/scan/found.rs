//! What a scan has found out about a host.

use std::net::IpAddr;
use std::time::Duration;

use rustix::io::Errno;

use super::host::Host;
use super::{Ports, Target, Tls};
use crate::error::{Error, Kind, Result};

/// What is known of one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody listens.
    Open,
    /// Nobody does.
    Closed,
    /// No answer, or something in between that does not let through.
    Filtered,
}

impl State {
    /// The word in output, `--json` and Lua.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Closed => "closed",
            State::Filtered => "filtered",
        }
    }
}

/// An open port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Open {
    /// Its number.
    pub port: u16,
    /// What it said first, a few hundred bytes at most.
    pub banner: Option<String>,
    /// Its certificate, when it speaks TLS.
    pub tls: Option<Tls>,
}

/// What a scan has found out about a host.
#[derive(Debug, Clone)]
pub struct Found {
    /// The address that was asked.
    pub address: IpAddr,
    /// The ports that were asked for.
    pub ports: Ports,
    /// By number.
    pub open: Vec<Open>,
    /// So many refused.
    pub closed: usize,
    /// By number.
    pub filtered: Vec<u16>,
    /// Ports of which nothing is known, because the scan was stopped.
    pub unknown: usize,
    /// What stood in the way, when something said so.
    pub barred: Option<String>,
    /// A usual round trip.
    pub round_trip: Option<Duration>,
    /// From the first question to the last answer.
    pub duration: Duration,
}

impl Found {
    /// Whether all that was asked for is known.
    pub fn is_whole(&self) -> bool {
        self.unknown == 0
    }

    /// Whether nothing at all has come from the host itself.
    pub fn is_silent(&self) -> bool {
        self.open.is_empty() && self.closed == 0
    }

    /// What is known of a port; `None` when it was not asked, or nothing is.
    pub fn state(&self, port: u16) -> Option<State> {
        if self.open.binary_search_by_key(&port, |o| o.port).is_ok() {
            return Some(State::Open);
        }
        if self.filtered.binary_search(&port).is_ok() {
            return Some(State::Filtered);
        }
        let is_known = self.is_whole() && self.ports.list().binary_search(&port).is_ok();
        is_known.then_some(State::Closed)
    }

    /// The numbers of the open ones.
    pub fn open_ports(&self) -> Vec<u16> {
        self.open.iter().map(|open| open.port).collect()
    }
}

/// What is known of a host at the end.
pub(super) fn result(target: &Target, mut host: Host) -> Result<Found> {
    if let Some(why) = host.no_way {
        let place = match target.host == host.address.ip().to_string() {
            true => format!("`{}`", target.host),
            false => format!("`{}` ({})", target.host, host.address.ip()),
        };
        let message = format!("there is no way to {place}: {}", reason(why));
        return Err(Error::new(Kind::Connect, message)
            .hint("is this machine online, and is the address right?"));
    }
    host.open.sort_unstable();
    host.open.dedup();
    host.filtered.sort_unstable();
    let open = host.open.iter().map(|port| Open {
        port: *port,
        ..Open::default()
    });
    Ok(Found {
        address: host.address.ip(),
        ports: target.ports.clone(),
        open: open.collect(),
        closed: host.closed,
        unknown: host.total().saturating_sub(host.done()),
        barred: host.barred.map(reason),
        round_trip: host.pace.round_trip(),
        duration: match host.took {
            Duration::ZERO => host.began.map(|b| b.elapsed()).unwrap_or_default(),
            took => took,
        },
        filtered: host.filtered,
    })
}

/// What the system says of an error, without its number.
fn reason(why: Errno) -> String {
    match why {
        Errno::HOSTUNREACH => "no route to the host".to_owned(),
        Errno::NETUNREACH => "the network is unreachable".to_owned(),
        Errno::ACCESS | Errno::PERM => "this machine's own firewall forbids it".to_owned(),
        Errno::TIMEDOUT => "no answer".to_owned(),
        other => {
            let text = std::io::Error::from(other).to_string();
            let words = text.split(" (os error").next().unwrap_or_default();
            words.to_lowercase()
        }
    }
}
