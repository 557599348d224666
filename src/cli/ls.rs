//! `mroom ls`: the inventory as a table.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{App, values, watch};
use crate::error::{Kind, Result};
use crate::events::Level;
use crate::inventory::Server;
use crate::inventory::facts::PREFIX;
use crate::output::Stream;
use crate::ui::table::Which;
use crate::ui::{columns, json, table};

/// How often `--watch` looks, in seconds, unless told.
const EVERY: &str = "2";

/// Show the inventory as a table.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "Examples:
  mroom ls '@web !web-02' --sort role,-id
  mroom ls --columns id,host,role
  mroom ls --watch")]
pub struct Args {
    /// Which servers; all, retired ones too, when left out.
    #[arg(value_name = "PATTERN")]
    pub pattern: Vec<String>,
    /// More columns.
    #[arg(long)]
    pub long: bool,
    /// These columns: fields, marks, metadata keys.
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        env = "MROOM_COLUMNS",
        hide_env = true
    )]
    pub columns: Vec<String>,
    /// Sort by these columns, numbers as people count; `-NAME` the other way round.
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        allow_hyphen_values = true,
        env = "MROOM_SORT",
        hide_env = true
    )]
    pub sort: Vec<String>,
    /// Draw it again when the inventory changes, looking every so many seconds [default: 2].
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = EVERY, value_parser = values::seconds)]
    pub watch: Option<Duration>,
}

/// Prints the selection.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = listed(app, args)?;
    if let Some(every) = args.watch {
        app.block_on(watch::watch(
            app,
            every,
            // A selection that became empty may fill again.
            async |_| match listed(app, args) {
                Err(error) if error.kind() != Kind::Usage => Err(error),
                other => Ok(other),
            },
            |found, width| match found {
                Ok(servers) => text(app, args, servers, width).0,
                Err(error) => error.to_string(),
            },
        ))?;
        return Ok(0);
    }
    if app.json {
        let lines = servers
            .iter()
            .map(|s| json::line(&object(s, &args.columns)));
        app.screen.result(lines.collect::<String>().as_bytes())?;
    } else if servers.is_empty() {
        app.screen.note(Level::Notice, None, EMPTY);
    } else {
        let (text, dropped) = text(app, args, &servers, app.screen.width());
        app.screen.result(text.as_bytes())?;
        if !dropped.is_empty() {
            let message = format!("no room for {}: `--columns` chooses", dropped.join(" "));
            app.screen.note(Level::Notice, None, &message);
        }
    }
    Ok(0)
}

const EMPTY: &str = "the inventory is empty: `mroom import FILE` or `mroom add` fills it";

/// The servers to show, in order.
fn listed(app: &App, args: &Args) -> Result<Vec<Server>> {
    let mut servers = select(app, &args.pattern)?;
    if !args.columns.is_empty() || !args.sort.is_empty() {
        let sort = args
            .sort
            .iter()
            .map(|key| key.strip_prefix('-').unwrap_or(key));
        let names = args.columns.iter().map(String::as_str).chain(sort);
        if names.clone().any(|name| name.starts_with(PREFIX)) {
            app.room.store()?.load_facts(&mut servers)?;
        }
        // A key that no selected server has is known all the same when another has it.
        columns::check(names, &app.room.store()?.list()?)?;
        columns::sort(&mut servers, &args.sort);
    }
    Ok(servers)
}

/// The table, and the columns that it has no room for.
fn text(app: &App, args: &Args, servers: &[Server], width: Option<u16>) -> (String, Vec<String>) {
    let which = match (&args.columns[..], args.long) {
        ([], false) => Which::Usual,
        ([], true) => Which::Long,
        (names, _) => Which::Asked(names),
    };
    let laid = table::servers(servers, which, width, app.screen.style(Stream::Stdout));
    (laid.text, laid.dropped)
}

/// The whole server, or the columns that were asked for.
fn object(server: &Server, names: &[String]) -> Value {
    if names.is_empty() {
        return json::server(server);
    }
    let values = names.iter().map(|n| (n.clone(), columns::value(server, n)));
    Value::Object(values.collect::<Map<_, _>>())
}

/// The servers of a pattern; without one, every server that there is.
pub(super) fn select(app: &App, pattern: &[String]) -> Result<Vec<Server>> {
    match (pattern, &app.room.options.limit) {
        ([], None) => app.room.store()?.list(),
        ([], Some(limit)) => app.room.select(limit),
        _ => app.room.select(&pattern.join(" ")),
    }
}
