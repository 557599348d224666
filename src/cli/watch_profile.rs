//! `mroom watch-profile`: the listening ports of servers, kept as metadata.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::exec::end;
use super::outcomes::error_json;
use super::{App, vm};
use crate::error::Result;
use crate::fleet::{Outcome, Status};
use crate::inventory::Server;
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

/// What a server listens on now, and since the last time.
#[derive(Default)]
struct Ports {
    now: BTreeSet<u16>,
    come: Vec<u16>,
    gone: Vec<u16>,
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
        if outcome.status == Status::Changed && !app.room.options.check {
            let now = outcome.value.as_ref().map(|ports| json!(ports.now));
            let now = now.unwrap_or_default();
            app.room.store()?.meta_set(&outcome.server, "ports", &now)?;
        }
        outcomes.push(outcome);
    }
    show(app, &outcomes)?;
    Ok(end(app, &outcomes))
}

/// The ports that the inventory knows: numbers, or texts as the original wrote them.
fn known(server: &Server) -> BTreeSet<u16> {
    let ports = server.field("ports");
    let port = |value: &Value| match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|n| u16::try_from(n).ok()),
    };
    ports
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(port)
        .collect()
}

fn compared(asked: Outcome<Value>, old: &BTreeSet<u16>) -> Outcome<Ports> {
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
        Ports {
            come: now.difference(old).copied().collect(),
            gone: old.difference(&now).copied().collect(),
            now,
        }
    });
    let is_new = value
        .as_ref()
        .is_some_and(|p| !p.come.is_empty() || !p.gone.is_empty());
    Outcome {
        server,
        status: if is_new { Status::Changed } else { status },
        value,
        error,
        duration,
    }
}

fn show(app: &App, outcomes: &[Outcome<Ports>]) -> Result<()> {
    let widest = outcomes
        .iter()
        .map(|o| width::columns(&one_line(&o.server)))
        .max();
    let widest = widest.unwrap_or(0);
    for o in outcomes {
        let nothing = Ports::default();
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
            let signed = |sign: char, list: &[u16]| -> String {
                list.iter().map(|port| format!("  {sign}{port}")).collect()
            };
            let now: Vec<String> = ports.now.iter().map(u16::to_string).collect();
            let id = one_line(&o.server);
            let gap = " ".repeat(widest - width::columns(&id));
            let line = format!(
                "{id}{gap}  {:<7}  {}{}{}",
                o.status.as_str(),
                now.join(" "),
                signed('+', &ports.come),
                signed('-', &ports.gone),
            );
            app.screen
                .result(format!("{}\n", line.trim_end()).as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_original_wrote_is_understood() {
        let mut server = Server::new("a", "h", "root", 22);
        assert!(known(&server).is_empty());
        for (value, ports) in [
            (json!(["22", " 80 ", "x", ""]), &[22, 80][..]),
            (json!([443, 70000, -1, 22]), &[22, 443]),
            (json!("22"), &[]),
        ] {
            server.set_meta("ports", value);
            assert_eq!(known(&server).into_iter().collect::<Vec<_>>(), ports);
        }
    }
}
