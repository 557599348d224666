//! Which TCP ports of hosts answer: a scan by connecting, as any client would; no root needed.
//!
//! [`ports`] reads lists of ports ([`top`] are the usual ones), [`resolve`] finds addresses. The scan
//! itself is [`engine`], a loop in one thread over [`sockets`], with what is known of each [`host`]
//! and its [`pace`], and of what this machine has ([`supply`]). [`look`] then asks open ports who they are ([`tls`]), [`compare`] holds the result
//! against what a server itself says and what is expected, [`free`] finds ports for something new.
//!
//! A refused connection is `closed`, one that is let in `open`; silence, and an ICMP message that
//! something on the way does not let through, is `filtered`. (A firewall that rejects with "port
//! unreachable" is not told from a closed port by connect(2).) A host from which nothing at all comes
//! is silent: nobody can tell whether it is down.
//!
//! Owns no state beyond a call. Must not import `ssh`, `fleet`, `lua` or `ui`.

pub mod compare;
mod engine;
mod found;
pub mod free;
mod host;
mod look;
mod pace;
pub mod ports;
mod resolve;
mod sockets;
mod supply;
mod tls;
pub mod told;
pub mod top;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

pub use engine::News;
pub use found::{Found, Open, State};
pub use ports::Ports;
pub use tls::Tls;

use crate::cancel::Cancel;
use crate::descriptors;
use crate::error::{Error, Kind, Result};
use engine::Engine;
use host::Host;

/// Questions open at once, to all hosts and to one, unless told.
const CONCURRENCY: usize = 2048;
const TO_ONE: usize = 1024;
/// How long an answer is waited for as long as nothing is known of the host.
pub const WAIT: Duration = Duration::from_secs(1);
/// How long names may take.
const NAMES: Duration = Duration::from_secs(15);
/// Descriptors left to everything else.
const OTHERS: u64 = 64;

/// A host, and what is to be found out about it.
#[derive(Debug, Clone)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// Which ports.
    pub ports: Ports,
}

/// How to scan.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The longest wait for an answer.
    pub wait: Duration,
    /// Most questions open at once.
    pub concurrency: Option<usize>,
    /// Most questions a second.
    pub rate: Option<u32>,
    /// Read what open ports say first.
    pub banner: bool,
    /// Ask open ports for their certificate.
    pub tls: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Manner {
            wait: WAIT,
            concurrency: None,
            rate: None,
            banner: false,
            tls: false,
        }
    }
}

/// Scans in a thread of its own; what was found of each target, in their order. Ends early when
/// `cancel` is set: what is known by then is given. Dropping the future stops the thread.
///
/// # Errors
/// [`Kind::Local`] when this machine lacks what it takes. A host that does not resolve or to which
/// there is no way is a [`Kind::Connect`] of its own.
pub async fn scanned(
    targets: Vec<Target>,
    manner: Manner,
    cancel: Cancel,
    mut news: impl FnMut(News) + Send + 'static,
) -> Result<Vec<Result<Found>>> {
    let dropped = Cancel::new();
    let _guard = Guard(dropped.clone());
    let (tx, rx) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("scan".to_owned())
        .spawn(move || {
            let stop = || cancel.is_cancelled() || dropped.is_cancelled();
            // Nobody listens any more when this fails.
            let _ = tx.send(scan(&targets, &manner, &stop, &mut news));
        })
        .map_err(|e| Error::local("cannot start a thread for the scan").source(e))?;
    rx.await
        .map_err(|_| Error::local("the thread of the scan has ended without a result"))?
}

struct Guard(Cancel);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The same in this thread, until `stop` says true.
///
/// # Errors
/// As [`scanned`].
pub fn scan(
    targets: &[Target],
    manner: &Manner,
    stop: &(dyn Fn() -> bool + Sync),
    news: &mut dyn FnMut(News),
) -> Result<Vec<Result<Found>>> {
    let names: Vec<&str> = targets.iter().map(|t| t.host.as_str()).collect();
    let mut addresses = resolve::addresses(&names, NAMES, stop);
    let most = room(manner.concurrency.unwrap_or(CONCURRENCY));
    let bounds = (manner.concurrency.unwrap_or(TO_ONE).min(most), manner.wait);
    let mut orders: HashMap<&Ports, Arc<[u16]>> = HashMap::new();
    let (mut hosts, mut places) = (Vec::new(), Vec::new());
    for (at, target) in targets.iter().enumerate() {
        let Ok(known) = &mut addresses[at] else {
            news(News::Done { host: at });
            continue;
        };
        let order = orders
            .entry(&target.ports)
            .or_insert_with(|| shuffled(&target.ports))
            .clone();
        let mut known = std::mem::take(known).into_iter();
        if let Some(first) = known.next() {
            hosts.push(Host::new(first, known.collect(), order, bounds));
            places.push(at);
        }
    }
    let mut told = |event| {
        news(match event {
            News::Progress { host, done, total } => News::Progress {
                host: places[host],
                done,
                total,
            },
            News::Done { host } => News::Done { host: places[host] },
        });
    };
    let hosts = Engine::new(hosts, (most, manner.rate), stop, &mut told)?.run()?;
    let mut found: Vec<Result<Found>> = Vec::with_capacity(targets.len());
    let mut hosts = hosts.into_iter();
    for (target, addresses) in targets.iter().zip(addresses) {
        found.push(match (addresses, &mut hosts) {
            (Err(error), _) => Err(error),
            (Ok(_), hosts) => match hosts.next() {
                Some(host) => found::result(target, host),
                None => Err(Error::new(
                    Kind::Connect,
                    format!("host `{}` has no addresses", target.host),
                )),
            },
        });
    }
    if manner.banner || manner.tls {
        look::at(targets, &mut found, manner, stop);
    }
    Ok(found)
}

/// How many sockets there may be: as many as wanted, or as the limit of open files leaves.
fn room(wanted: usize) -> usize {
    let allowed = descriptors::allowed();
    let kept = OTHERS.min(allowed / 4) + descriptors::open();
    let left = usize::try_from(allowed.saturating_sub(kept)).unwrap_or(usize::MAX);
    wanted.min(left).max(1)
}

/// The order in which ports are asked: the usual ones first, so that it is soon known how fast the
/// host answers, then all others in no order, so that nobody takes it for an attack on a range.
fn shuffled(ports: &Ports) -> Arc<[u16]> {
    const USUAL: usize = 100;
    let usual: Vec<u16> = top::ports().take(USUAL).collect();
    let (mut first, mut rest): (Vec<u16>, Vec<u16>) =
        ports.list().iter().partition(|port| usual.contains(port));
    let random = RandomState::new();
    rest.sort_by_cached_key(|port| random.hash_one(port));
    first.append(&mut rest);
    first.into()
}

#[cfg(test)]
mod tests;
