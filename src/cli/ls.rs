//! `mroom ls`: the inventory as a table.

use super::App;
use crate::error::Result;
use crate::inventory::Server;
use crate::output::Stream;
use crate::ui::{json, table};

/// Show the inventory as a table.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom ls '@web !web-02'
  mroom ls --long --json")]
pub struct Args {
    /// Which servers; all, retired ones too, when left out.
    #[arg(value_name = "PATTERN")]
    pub pattern: Vec<String>,
    /// More columns.
    #[arg(long)]
    pub long: bool,
}

/// Prints the selection.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = select(app, &args.pattern)?;
    if app.json {
        let text: String = servers
            .iter()
            .map(|s| json::line(&json::server(s)))
            .collect();
        app.screen.result(text.as_bytes())?;
    } else if servers.is_empty() {
        app.screen.note(
            crate::events::Level::Notice,
            None,
            "the inventory is empty: `mroom import FILE` or `mroom add` fills it",
        );
    } else {
        let style = app.screen.style(Stream::Stdout);
        let text = table::servers(&servers, args.long, app.screen.width(), style);
        app.screen.result(text.as_bytes())?;
    }
    Ok(0)
}

/// The servers of a pattern; without one, every server that there is.
pub(super) fn select(app: &App, pattern: &[String]) -> Result<Vec<Server>> {
    match (pattern, &app.room.options.limit) {
        ([], None) => app.room.store()?.list(),
        ([], Some(limit)) => app.room.select(limit),
        _ => app.room.select(&pattern.join(" ")),
    }
}
