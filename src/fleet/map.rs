//! The bounded parallel [`map`]: one outcome per server, whatever happens.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::{Either, select};
use futures::stream;

use super::{Outcome, Room, Status};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::Server;

/// A number of servers, or a share of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// That many.
    Count(usize),
    /// That many of a hundred.
    Percent(u8),
}

impl Batch {
    /// How many of `total` servers this is, rounded down.
    pub fn of(self, total: usize) -> usize {
        match self {
            Batch::Count(n) => n,
            Batch::Percent(p) => total * usize::from(p) / 100,
        }
    }
}

impl std::str::FromStr for Batch {
    type Err = Error;

    /// `N` or `N%`.
    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Error::usage(format!(
                "`{text}` is neither a number nor a share like `25%`"
            ))
        };
        match text.strip_suffix('%') {
            Some(share) => match share.parse() {
                Ok(p) if p <= 100 => Ok(Batch::Percent(p)),
                _ => Err(bad()),
            },
            None => text.parse().map(Batch::Count).map_err(|_| bad()),
        }
    }
}

/// How a map treats its selection.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Servers worked on at once.
    pub forks: usize,
    /// Work in batches of this size (at least one server), one after another.
    pub serial: Option<Batch>,
    /// Start no further server once more than this many have failed.
    pub max_fail: Option<Batch>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            forks: 32,
            serial: None,
            max_fail: None,
        }
    }
}

/// Runs `work` on each server, at most `policy.forks` at once; `on_done` hears of each outcome as
/// it is known. The outcomes come in the order of `servers`, one for each, whatever happens:
/// Ctrl-C leaves `cancelled` ones, the failure policy `skipped` ones. `label` names the run for progress.
pub async fn map<T, F, Fut>(
    room: &Room,
    label: &str,
    servers: Vec<Server>,
    policy: &Policy,
    work: F,
    mut on_done: impl FnMut(&Outcome<T>),
) -> Vec<Outcome<T>>
where
    F: Fn(Server) -> Fut,
    Fut: Future<Output = Result<(Status, T)>>,
{
    let total = servers.len();
    let forks = allowed_forks(room, policy.forks.clamp(1, total.max(1)));
    let batch = policy
        .serial
        .map_or(total, |s| s.of(total))
        .clamp(1, total.max(1));
    let bearable = policy.max_fail.map(|m| m.of(total));
    let failures = std::cell::Cell::new(0usize);

    let _call = room.fronts.call();
    room.events.run_started(label, total);
    let mut outcomes: Vec<Option<Outcome<T>>> = servers.iter().map(|_| None).collect();
    let mut waiting = servers.into_iter().enumerate();
    loop {
        let started = (&mut waiting).take(batch).map(|(i, server)| {
            let (work, failures) = (&work, &failures);
            async move {
                let stopped = bearable.is_some_and(|most| failures.get() > most);
                let outcome = if stopped {
                    not_started(
                        server.id,
                        Status::Skipped,
                        "not started: too many servers failed",
                    )
                } else {
                    let _task = room.tunnels().task();
                    let id = server.id.clone();
                    let outcome = one(room, label, server, work).await;
                    if room.options.serial_tunnels {
                        // Others wait for its tunnel.
                        room.release(&id).await;
                    }
                    outcome
                };
                failures.set(failures.get() + usize::from(outcome.status.is_failure()));
                (i, outcome)
            }
        });
        let mut running = stream::iter(started).buffer_unordered(forks);
        let mut any = false;
        while let Some((i, outcome)) = running.next().await {
            any = true;
            room.events
                .server_done(&outcome.server, outcome.status.as_str(), outcome.duration);
            on_done(&outcome);
            outcomes[i] = Some(outcome);
        }
        if !any {
            break;
        }
    }
    room.events.run_finished();
    outcomes.into_iter().flatten().collect()
}

/// One server's part, ended early by Ctrl-C. Dropping the work cancels it on the server.
async fn one<T, F, Fut>(room: &Room, label: &str, server: Server, work: &F) -> Outcome<T>
where
    F: Fn(Server) -> Fut,
    Fut: Future<Output = Result<(Status, T)>>,
{
    let id = server.id.clone();
    if room.cancel.is_cancelled() {
        return not_started(id, Status::Cancelled, "not started: interrupted");
    }
    room.events.server_phase(&id, label);
    let begun = Instant::now();
    let work = std::pin::pin!(work(server));
    let cancelled = std::pin::pin!(room.cancel.cancelled());
    let result = match select(work, cancelled).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Error::new(Kind::Cancelled, "interrupted")),
    };
    let duration = begun.elapsed();
    match result {
        Ok((status, value)) => Outcome {
            server: id,
            status,
            value: Some(value),
            error: None,
            duration,
        },
        Err(error) => {
            let error = error.server(&id);
            let status = Status::of(&error);
            Outcome {
                server: id,
                status,
                value: None,
                error: Some(error),
                duration,
            }
        }
    }
}

fn not_started<T>(server: String, status: Status, why: &str) -> Outcome<T> {
    let error = Error::new(Kind::Cancelled, why).server(&server);
    Outcome {
        server,
        status,
        value: None,
        error: Some(error),
        duration: Duration::ZERO,
    }
}

/// As many as wanted, or as the process's file descriptors allow; the rest queues.
fn allowed_forks(room: &Room, wanted: usize) -> usize {
    let most = super::connections::budget();
    if wanted > most {
        room.events.note(
            Level::Warning,
            None,
            &format!(
                "{wanted} servers at once need more open files than allowed: {most} at a time"
            ),
        );
    }
    wanted.min(most)
}
