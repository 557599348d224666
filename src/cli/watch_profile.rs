//! `mroom watch-profile`: the listening ports of servers, kept as metadata.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::exec::end;
use super::outcomes::error_json;
use super::ports::{Kept, known};
use super::{App, vm};
use crate::error::Result;
use crate::fleet::{Outcome, Status};
use crate::ui::{json, outcome, sanitize::one_line, width};

/// Find out on which ports servers listen, and keep that as their `ports`.
///
/// TCP ports that others can reach; those that only the server itself reaches with `--all`. What
/// has come and what has gone since the last time is told. `mroom ls ports=443` finds them again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom watch-profile all
  mroom watch-profile 'web-*' --check")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN", required = true)]
    pattern: Vec<String>,
    /// Those too that only the server itself reaches.
    #[arg(long)]
    all: bool,
}

/// Asks, keeps and tells; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = app.room.select(&args.pattern.join(" "))?;
    let before: HashMap<String, BTreeSet<u16>> =
        servers.iter().map(|s| (s.id.clone(), known(s))).collect();
    let vm = vm::open(app)?;
    let options = json!({ "all": args.all });
    let asked = app.block_on(vm.ask("ports", &options, servers, |_| {}))?;
    let mut outcomes = Vec::with_capacity(asked.len());
    for asked in asked {
        let old = before.get(&asked.server).cloned().unwrap_or_default();
        let outcome = compared(asked, &old);
        if outcome.status == Status::Changed
            && !app.room.options.check
            && let Some(ports) = &outcome.value
        {
            ports.keep(app, &outcome.server)?;
        }
        outcomes.push(outcome);
    }
    show(app, &outcomes)?;
    Ok(end(app, &outcomes))
}

fn compared(asked: Outcome<Value>, old: &BTreeSet<u16>) -> Outcome<Kept> {
    let Outcome {
        server,
        status,
        value,
        error,
        duration,
    } = asked;
    let value = value.map(|value| {
        let ports = value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64);
        let now: BTreeSet<u16> = ports.filter_map(|n| u16::try_from(n).ok()).collect();
        Kept::between(old, now)
    });
    let is_new = value.as_ref().is_some_and(Kept::is_new);
    Outcome {
        server,
        status: if is_new { Status::Changed } else { status },
        value,
        error,
        duration,
    }
}

fn show(app: &App, outcomes: &[Outcome<Kept>]) -> Result<()> {
    let widest = outcomes
        .iter()
        .map(|o| width::columns(&one_line(&o.server)))
        .max();
    let widest = widest.unwrap_or(0);
    for o in outcomes {
        let nothing = Kept::default();
        let ports = o.value.as_ref().unwrap_or(&nothing);
        if app.json {
            let object = json!({
                "server": o.server,
                "status": o.status.as_str(),
                "ports": o.value.as_ref().map(|p| &p.now),
                "appeared": ports.come,
                "disappeared": ports.gone,
                "error": error_json(app, o),
            });
            app.screen.result(json::line(&object).as_bytes())?;
        } else if o.error.is_some() {
            outcome(&app.screen, o, false);
        } else {
            let now: Vec<String> = ports.now.iter().map(u16::to_string).collect();
            let id = one_line(&o.server);
            let gap = " ".repeat(widest - width::columns(&id));
            let line = format!(
                "{id}{gap}  {:<7}  {}{}",
                o.status.as_str(),
                now.join(" "),
                ports.signs(),
            );
            app.screen
                .result(format!("{}\n", line.trim_end()).as_bytes())?;
        }
    }
    Ok(())
}
