//! `mroom facts`: what servers are.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::exec::end;
use super::outcomes::error_json;
use super::{App, vm};
use crate::error::Result;
use crate::events::Level;
use crate::fleet::{Outcome, Status};
use crate::inventory::{Facts, Server};
use crate::output::Stream;
use crate::ui::{facts as form, human, json, outcome, time};

/// Facts younger than this need not be asked for again, unless told.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// Show what servers are: system, hardware, addresses, users.
///
/// Asked for in one round trip and kept in the inventory with the time; what is younger than a day
/// is not asked for again. Patterns know them: `facts.os.id=debian`, `facts.memory.total<2G`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom facts web-01
  mroom facts all --columns os.name,uptime,memory.available
  mroom exec facts.os.family=debian -- apt-get -s upgrade")]
pub struct Args {
    /// Which servers; all but the retired ones when left out.
    #[arg(value_name = "PATTERN")]
    pattern: Vec<String>,
    /// Ask, however young what is kept.
    #[arg(long, conflicts_with_all = ["max_age", "cached"])]
    refresh: bool,
    /// Ask when what is kept is older: `2h`, `7d` [default: 1d].
    #[arg(long, value_name = "AGE", value_parser = time::moment)]
    max_age: Option<i64>,
    /// Show what is kept, however old; no server is reached.
    #[arg(long, conflicts_with = "max_age")]
    cached: bool,
    /// A table of these facts: `os.id,disk.free`.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    columns: Vec<String>,
}

/// Asks and shows; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = match args.pattern.is_empty() {
        true => app.room.select("all")?,
        false => app.room.select(&args.pattern.join(" "))?,
    };
    let before = kept(app, &servers)?;
    let limit = match args.max_age {
        Some(moment) => age(moment),
        None => FRESH,
    };
    let is_young = |facts: &Facts| args.cached || (!args.refresh && facts.age() <= limit);
    let known = |server: &Server| before.get(&server.id).is_some_and(is_young);
    let (known, unknown): (Vec<Server>, Vec<Server>) = servers.iter().cloned().partition(known);
    let mut outcomes: Vec<Outcome<Value>> = known.iter().map(|s| ready(&s.id, &before)).collect();
    outcomes.extend(match args.cached {
        true => unknown.iter().map(|s| missing(app, &s.id)).collect(),
        false if unknown.is_empty() => Vec::new(),
        false => {
            let vm = vm::open(app)?;
            let options = json!({ "refresh": true });
            app.block_on(vm.ask("facts", &options, unknown, |_| {}))?
        }
    });
    let order = |outcome: &Outcome<Value>| servers.iter().position(|s| s.id == outcome.server);
    outcomes.sort_by_key(order);
    show(app, args, &outcomes, &kept(app, &servers)?)?;
    Ok(end(app, &outcomes))
}

fn kept(app: &App, servers: &[Server]) -> Result<HashMap<String, Facts>> {
    let store = app.room.store()?;
    let mut all = HashMap::new();
    for server in servers {
        if let Some(facts) = store.facts(&server.id)? {
            all.insert(server.id.clone(), facts);
        }
    }
    Ok(all)
}

/// How long ago a moment was, milliseconds since 1970.
fn age(moment: i64) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let then = Duration::from_millis(u64::try_from(moment).unwrap_or_default());
    now.saturating_sub(then)
}

fn ready(id: &str, kept: &HashMap<String, Facts>) -> Outcome<Value> {
    Outcome {
        server: id.to_owned(),
        status: Status::Ok,
        value: kept.get(id).map(|kept| kept.facts.clone()),
        error: None,
        duration: Duration::ZERO,
    }
}

fn missing(app: &App, id: &str) -> Outcome<Value> {
    let message = "no facts are kept of it: without `--cached` it is asked";
    app.screen.note(Level::Notice, Some(id), message);
    Outcome {
        server: id.to_owned(),
        status: Status::Skipped,
        value: None,
        error: None,
        duration: Duration::ZERO,
    }
}

fn show(
    app: &App,
    args: &Args,
    outcomes: &[Outcome<Value>],
    kept: &HashMap<String, Facts>,
) -> Result<()> {
    let told = |outcome: &Outcome<Value>| kept.get(&outcome.server).map(|k| k.gathered_at * 1000);
    if app.json {
        for outcome in outcomes {
            let object = json!({
                "server": outcome.server,
                "status": outcome.status.as_str(),
                "facts": outcome.value,
                "gathered_at": told(outcome).filter(|_| outcome.value.is_some()).map(time::utc),
                "error": error_json(app, outcome),
            });
            app.screen.result(json::line(&object).as_bytes())?;
        }
        return Ok(());
    }
    let style = app.screen.style(Stream::Stdout);
    let answered = || outcomes.iter().filter_map(|o| Some((o, o.value.as_ref()?)));
    let text = match (outcomes, args.columns.is_empty()) {
        ([only], true) => {
            let card = |facts| form::card(&only.server, facts, style);
            only.value.as_ref().map_or_else(String::new, card)
        }
        (_, usual) => {
            let columns: Vec<String> = match usual {
                true => form::USUAL.iter().map(|c| (*c).to_owned()).collect(),
                false => args.columns.clone(),
            };
            let rows = answered().map(|(o, facts)| (o.server.clone(), facts.clone()));
            let rows: Vec<_> = rows.collect();
            match rows.is_empty() {
                true => String::new(),
                false => form::table(&columns, &rows, app.screen.width(), style),
            }
        }
    };
    app.screen.result(text.as_bytes())?;
    let oldest = answered()
        .filter_map(|(o, _)| kept.get(&o.server))
        .map(Facts::age)
        .max();
    if let Some(oldest) = oldest.filter(|age| age.as_secs() >= 60) {
        let message = format!(
            "as of {} ago; `--refresh` asks again",
            human::lasted(oldest)
        );
        app.screen.note(Level::Notice, None, &message);
    }
    outcomes
        .iter()
        .filter(|o| o.error.is_some())
        .for_each(|o| outcome(&app.screen, o, false));
    Ok(())
}
