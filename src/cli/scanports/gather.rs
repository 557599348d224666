//! Both sides of each server: what it says itself, all of them at once, then one scan of all that can
//! be reached from here.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::Args;
use crate::cli::ports::known;
use crate::cli::{App, vm};
use crate::error::{Error, Kind, Result};
use crate::fleet::{Outcome, Status};
use crate::inventory::Server;
use crate::scan::compare::{self, Listener};
use crate::scan::{Found, News, Target, scanned};

/// What a server says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Inside {
    /// Its listeners.
    pub ports: Vec<Listener>,
    /// The ports of outgoing connections.
    #[serde(default)]
    pub ephemeral: Option<(u16, u16)>,
}

/// What is known of a server; a side that was not asked is `None`.
#[derive(Debug)]
pub(super) struct Seen {
    pub server: String,
    pub inside: Option<Result<Inside>>,
    pub outside: Option<Result<Found>>,
    /// Why it cannot be scanned from here.
    pub behind: Option<String>,
    /// The outcome's status when the server could not be asked.
    pub status: Status,
    pub duration: Duration,
}

/// Asks all; in the order of `servers`.
pub(super) async fn all(app: &App, args: &Args, servers: &[Server]) -> Result<Vec<Seen>> {
    let mut seen = match args.outside {
        true => servers.iter().map(|s| unasked(&s.id)).collect(),
        false => inside(app, servers).await?,
    };
    if !args.inside {
        outside(app, args, servers, &mut seen).await?;
    }
    Ok(seen)
}

fn unasked(id: &str) -> Seen {
    Seen {
        server: id.to_owned(),
        inside: None,
        outside: None,
        behind: None,
        status: Status::Ok,
        duration: Duration::ZERO,
    }
}

async fn inside(app: &App, servers: &[Server]) -> Result<Vec<Seen>> {
    let vm = vm::open(app)?;
    let none = json!({});
    let asked = vm.ask("listening", &none, servers.to_vec(), |_| {});
    let each = asked.await?.into_iter().map(|outcome| {
        let Outcome {
            server,
            status,
            value,
            error,
            duration,
        } = outcome;
        let inside = match (value, error) {
            (_, Some(error)) => Err(error),
            (Some(value), None) => serde_json::from_value(value).map_err(|e| {
                Error::new(
                    Kind::Script,
                    format!("what it listens on is not understood: {e}"),
                )
            }),
            (None, None) => Err(Error::new(Kind::Script, "it said nothing")),
        };
        Seen {
            inside: Some(inside),
            status,
            duration,
            ..unasked(&server)
        }
    });
    Ok(each.collect())
}

async fn outside(app: &App, args: &Args, servers: &[Server], seen: &mut [Seen]) -> Result<()> {
    let (mut targets, mut places) = (Vec::new(), Vec::new());
    for (at, (server, seen)) in servers.iter().zip(seen.iter_mut()).enumerate() {
        match app.room.behind(server) {
            Ok(None) => {
                targets.push(target(args, server, seen));
                places.push(at);
            }
            Ok(behind) => seen.behind = behind,
            Err(error) => seen.outside = Some(Err(error)),
        }
    }
    if targets.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = places.iter().map(|at| servers[*at].id.clone()).collect();
    let (events, begun) = (app.room.events.clone(), Instant::now());
    events.run_started("scanports", ids.len());
    let heard = events.clone();
    let news = move |news| match news {
        News::Progress { host, done, total } => {
            let percent = done * 100 / total.max(1);
            heard.server_phase(&ids[host], &format!("{percent}%"));
        }
        News::Done { host } => heard.server_done(&ids[host], "ok", begun.elapsed()),
    };
    let cancel = app.room.cancel.clone();
    let found = scanned(targets, args.manner(), cancel, news).await;
    events.run_finished();
    for (at, found) in places.into_iter().zip(found?) {
        if let Ok(found) = &found {
            seen[at].duration += found.duration;
        }
        seen[at].outside = Some(found);
    }
    Ok(())
}

fn target(args: &Args, server: &Server, seen: &Seen) -> Target {
    let inside = seen.inside.as_ref().and_then(|inside| inside.as_ref().ok());
    let listeners = inside.map(|inside| inside.ports.as_slice());
    let ports = args.ports.clone().unwrap_or_default();
    // The usual ones, and those that are of interest here.
    let more = match (&args.expect, ports.is_top()) {
        (Some(expected), _) => expected.list().to_vec(),
        (None, true) => known(server).into_iter().chain([server.port]).collect(),
        (None, false) => Vec::new(),
    };
    Target {
        host: server.host.clone(),
        ports: ports.and(more).and(compare::also(listeners, &ports)),
    }
}
