//! `mroom scanports`: the ports of servers from outside and from inside, and the difference.
//!
//! [`gather`] asks both sides, [`report`] judges what came, [`show`] prints it.

mod gather;
mod report;
mod show;

use std::collections::BTreeSet;
use std::time::Duration;

use super::exec::end;
use super::{App, ports, values};
use crate::error::Result;
use crate::fleet::Outcome;
use crate::scan::{Manner, Ports, WAIT, free};
use report::Report;

/// Scan the TCP ports of servers, from here and by asking the servers themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom scanports all --ports 1-65535 --outside
  mroom scanports 'web-*' --expect 22,80,443 --tls
  mroom scanports web-01 --free 3")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN", required = true)]
    pattern: Vec<String>,
    /// `22,80-90`, `all`, `top:100` [default: top, and theirs].
    #[arg(long, short, value_name = "PORTS", value_parser = str::parse::<Ports>)]
    ports: Option<Ports>,
    /// From here only; no login.
    #[arg(long, conflicts_with_all = ["inside", "free"])]
    outside: bool,
    /// What the servers say only; no scan.
    #[arg(long, conflicts_with_all = ["ports", "banner", "tls"])]
    inside: bool,
    /// What should be open, or `none`: else it fails.
    #[arg(long, value_name = "PORTS", value_parser = expected)]
    expect: Option<Ports>,
    /// Read what open ports say first.
    #[arg(long)]
    banner: bool,
    /// Look at the certificates of open ports.
    #[arg(long)]
    tls: bool,
    /// Suggest this many ports that are free on all of them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    free: Option<u16>,
    /// Do not keep what is open as `ports` in the inventory.
    #[arg(long)]
    no_store: bool,
    /// Longest wait for a port, until the host is known [default: 1].
    #[arg(long, hide_short_help = true, value_name = "SECONDS", value_parser = values::seconds)]
    wait: Option<Duration>,
    /// Most connections open at once.
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    concurrency: Option<u32>,
    /// Most connections a second.
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
}

impl Args {
    fn manner(&self) -> Manner {
        Manner {
            wait: self.wait.unwrap_or(WAIT),
            concurrency: self.concurrency.map(|n| n as usize),
            rate: self.rate,
            banner: self.banner,
            tls: self.tls,
        }
    }
}

/// A list of ports, or `none`.
fn expected(text: &str) -> Result<Ports, String> {
    match text.trim() {
        "none" => Ok(Ports::of([])),
        _ => text.parse(),
    }
}

/// Scans, asks, keeps and tells; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = app.room.select(&args.pattern.join(" "))?;
    let gathered = app.block_on(gather::all(app, args, &servers))?;
    let mut outcomes: Vec<Outcome<Report>> = Vec::with_capacity(servers.len());
    for (server, seen) in servers.iter().zip(gathered) {
        let outcome = report::judged(seen, &ports::known(server), args);
        if !args.no_store
            && !app.room.options.check
            && let Some(kept) = outcome.value.as_ref().and_then(|r| r.kept.as_ref())
            && kept.is_new()
        {
            kept.keep(app, &outcome.server)?;
        }
        outcomes.push(outcome);
    }
    let free = args.free.map(|count| suggested(app, &outcomes, count));
    let free = free.transpose()?;
    show::all(app, &outcomes, free.as_deref())?;
    Ok(end(app, &outcomes))
}

/// Ports that are free on all of these servers and that no other of the inventory uses.
fn suggested(app: &App, outcomes: &[Outcome<Report>], count: u16) -> Result<Vec<u16>> {
    let mut taken: BTreeSet<u16> = BTreeSet::new();
    for server in app.room.store()?.list()? {
        taken.extend(ports::known(&server));
    }
    let mut ranges = vec![free::EPHEMERAL];
    let mut asked = false;
    for report in outcomes.iter().filter_map(|o| o.value.as_ref()) {
        if let Some(found) = &report.found {
            taken.extend(found.open_ports());
        }
        if let Some(inside) = &report.inside {
            asked = true;
            taken.extend(inside.ports.iter().map(|l| l.port));
            ranges.extend(inside.ephemeral);
        }
    }
    Ok(match asked {
        true => free::free(usize::from(count), &taken, &ranges),
        false => Vec::new(),
    })
}
