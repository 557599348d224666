//! A tunnel profile: what it lacks, what could make it on this machine, and what would be run. Nothing is
//! run but lookups.

use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use super::report::{Report, Row};
use crate::cli::{App, tunnel};
use crate::error::{Error, Result};
use crate::inventory::{Tunnel, TunnelKind};
use crate::tunnel::backend::choose::{Candidate, Choice, candidates, install};
use crate::tunnel::backend::{Backend, Machine as _};
use crate::tunnel::keeper::{Keeper, Tools, status};
use crate::tunnel::machine::ThisMachine;
use crate::tunnel::plan::Step;
use crate::tunnel::runner::shown;
use crate::tunnel::stand;
use crate::tunnel::{Settings, Tunnels};

/// Looks at the profile of that name, and tells the commands that bring it up.
///
/// # Errors
/// No such profile; standard output cannot be written. What is wrong with it is a row.
pub(super) fn look(app: &App, name: &str, report: &mut Report) -> Result<()> {
    super::way::check_database(app, || {
        let error = Error::usage(format!("there is no tunnel profile `{name}`"));
        error.hint("`mroom tunnel add NAME TYPE SERVER` makes one")
    })?;
    let profile = tunnel::find(app, name)?;
    let able = begin(app, &profile, report)?;
    let Some(candidate) = able else {
        return Ok(());
    };
    match &candidate.choice {
        Choice::Plan(backend) => commands(app, &profile, backend, report),
        Choice::Userspace => report.add(Row::ok(
            "commands",
            "none: it is made inside of mroom, without root",
        )),
        Choice::Builtin => report.add(Row::ok(
            "commands",
            "none: connections go through channels of its SSH server",
        )),
    }
}

/// The first step to a server behind a tunnel: can that be made here?
pub(super) fn before(app: &App, name: &str, report: &mut Report) -> Result<()> {
    match tunnel::find(app, name) {
        Ok(profile) => begin(app, &profile, report).map(drop),
        Err(error) => report.add(Row::error("tunnel", &error)),
    }
}

/// What it is, what it lacks, whether it is up, and what makes it: the one that would be taken.
fn begin(app: &App, profile: &Tunnel, report: &mut Report) -> Result<Option<Candidate>> {
    let user = match profile.user.is_empty() {
        true => String::new(),
        false => format!(" as {}", profile.user),
    };
    let (name, kind) = (&profile.name, profile.kind.as_str());
    let what = format!("`{name}`: {kind} to {}{user}", profile.server);
    let lacks = profile.lacks();
    report.add(match lacks.is_empty() {
        true => Row::ok("tunnel", what),
        false => {
            let how: Vec<String> = { lacks.iter() }
                .map(|key| tunnel::shape::how(profile.kind, key))
                .collect();
            let name = crate::quote::typed(name);
            Row::warn("tunnel", format!("{what}; it lacks {}", lacks.join(", ")))
                .hint(format!("`mroom tunnel set {name} {}`", how.join(" ")))
        }
    })?;
    if profile.text("needs").is_some() {
        let chain = app.room.store()?.tunnel_chain(profile);
        report.add(
            match chain.and_then(|c| stand::check(&c, &ThisMachine).map(|()| c)) {
                Err(error) => Row::error("needs", &error),
                Ok(chain) => {
                    let names: Vec<&str> = chain.iter().map(|t| t.name.as_str()).collect();
                    Row::ok("needs", format!("in this order: {}", names.join(", ")))
                }
            },
        )?;
    }
    report.add(gateway(app, profile)?)?;
    let folder = app.room.config.data_dir().join("tunnels");
    if let Some(state) = status::of(&folder, name) {
        let holders: Vec<&str> = state.holders.iter().map(|h| h.what.as_str()).collect();
        let by = match holders.is_empty() {
            true => String::new(),
            false => format!(", held for {}", holders.join(", ")),
        };
        let word = state.condition.as_str();
        report.add(Row::ok(
            "state",
            format!("{word} by {}{by}", state.record.backend),
        ))?;
    }
    let all = match candidates(profile, &ThisMachine) {
        Ok(all) => all,
        Err(error) => {
            report.add(Row::error("backend", &error))?;
            return Ok(None);
        }
    };
    let taken = { all.iter() }.position(|c| c.lacks.is_empty());
    for (at, candidate) in all.iter().enumerate() {
        report.add(row(candidate, taken.map(|taken| taken == at), &all))?;
    }
    Ok(all.into_iter().nth(taken.unwrap_or_default()))
}

/// Whether the server's name is known.
fn gateway(app: &App, profile: &Tunnel) -> Result<Row> {
    if profile.kind == TunnelKind::Ssh && app.room.store()?.get(&profile.server)?.is_some() {
        let server = &profile.server;
        return Ok(
            Row::ok("server", format!("`{server}` of the inventory")).hint(format!(
                "`mroom doctor {}` tries it",
                crate::quote::typed(server)
            )),
        );
    }
    let (host, port) = match profile.endpoint(profile.kind.port()) {
        Ok(place) => place,
        Err(error) => return Ok(Row::error("server", &error)),
    };
    let found = (host.as_str(), port).to_socket_addrs();
    let found: Vec<String> =
        found.map_or_else(|_| Vec::new(), |all| all.map(|a| a.to_string()).collect());
    Ok(match (found.is_empty(), profile.text("needs")) {
        (false, _) => Row::ok("server", found.join(", ")),
        (true, Some(outer)) => Row::warn(
            "server",
            format!("`{host}` does not resolve here; perhaps behind `{outer}`"),
        ),
        (true, None) => Row::fail("server", format!("`{host}` does not resolve"))
            .hint("check the host's name, and that DNS works from here"),
    })
}

/// One that could make it. `taken`: whether it is the one that is taken, when there is one.
fn row(candidate: &Candidate, taken: Option<bool>, all: &[Candidate]) -> Row {
    let name = candidate.name;
    if candidate.lacks.is_empty() {
        let end = match taken {
            Some(true) => ", and is taken",
            _ => "; `backend=` takes it",
        };
        return Row::ok("backend", format!("{name}: has all that it needs{end}"));
    }
    let lacks: Vec<&str> = candidate.lacks.iter().map(|l| l.what.as_str()).collect();
    let detail = format!("{name}: lacks {}", lacks.join(", "));
    let has_package = candidate.lacks.iter().any(|lack| lack.package.is_some());
    let hint = match has_package {
        true => format!("`{}`", install(candidate, &ThisMachine)),
        false if lacks.iter().any(|what| what.starts_with("root")) => match sudo() {
            true => "sudo will ask for your password".to_owned(),
            false => "run mroom as root, or let this user use sudo".to_owned(),
        },
        false => "a kernel with it: containers have their host's".to_owned(),
    };
    let only_asks = !has_package && lacks.iter().all(|what| what.starts_with("root")) && sudo();
    // Of several, one that works is enough.
    let is_last_hope = taken.is_none() && all.iter().all(|c| !c.lacks.is_empty());
    match is_last_hope && !only_asks {
        true => Row::fail("backend", detail).hint(hint),
        false => Row::warn("backend", detail).hint(hint),
    }
}

fn sudo() -> bool {
    ThisMachine.program("sudo").is_some()
}

/// The commands that would bring it up.
fn commands(
    app: &App,
    profile: &Tunnel,
    backend: &Arc<dyn Backend>,
    report: &mut Report,
) -> Result<()> {
    let servers = app.room.store()?.list()?;
    let ends = servers
        .into_iter()
        .filter(|server| server.tunnel() == Some(&profile.name))
        .map(|server| (server.host, server.port));
    let ends: Vec<(String, u16)> = ends.collect();
    let keeper = Keeper::new(tools(app), profile.clone(), Arc::default());
    let (steps, ranges) = match keeper.rehearse(&ends, backend.clone()) {
        Ok(found) => found,
        Err(error) => return report.add(Row::error("commands", &error)),
    };
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    report.add(Row::ok(
        "through it",
        format!("{}; everything else goes as before", ranges.join(", ")),
    ))?;
    for step in &steps {
        report.add(Row::ok("would run", told(step)))?;
    }
    Ok(())
}

/// A command, without what it reads.
fn told(step: &Step) -> String {
    let who = if step.as_self { "" } else { "as root: " };
    let reads = match &step.stdin {
        None => String::new(),
        Some(text) => format!("  (reads {} bytes, not shown)", text.reveal().len()),
    };
    format!("{who}{}{reads}", shown(step))
}

/// Those of this run; nothing is brought up by them here.
fn tools(app: &App) -> Arc<Tools> {
    let room = &app.room;
    let settings = Settings::real(
        room.config.data_dir(),
        (room.events.clone(), room.interact.clone()),
        room.cancel.clone(),
        false,
    );
    Tunnels::new(settings).tools().clone()
}
