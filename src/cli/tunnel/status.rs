//! `mroom tunnel status`: how the tunnels are that are there, whoever brought them up.

use super::super::App;
use crate::error::Result;
use crate::events::Level;
use crate::output::Stream;
use crate::tunnel::keeper::status::{Status, list};
use crate::ui::{json, tunnels};

/// Show the tunnels that are up: since when, for whom, bytes, routes.
///
/// The exit code is 4 when one that is asked for by its name is not up.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel status
  mroom tunnel status office --json | jq .received")]
pub struct Args {
    /// Their names; all that are there when left out.
    #[arg(value_name = "TUNNEL")]
    names: Vec<String>,
}

/// Not all of the tunnels that were asked for are up.
const NOT_UP: u8 = 4;

/// Shows them; the exit code.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let tools = app.room.tunnels().tools().clone();
    let mut found = list(&tools.folder);
    for name in &args.names {
        let is_there = found.iter().any(|s| s.record.name == *name);
        if !is_there && app.room.store()?.tunnel_outline(name)?.is_none() {
            return Err(app.room.store()?.no_tunnel(name));
        }
    }
    if !args.names.is_empty() {
        found.retain(|s| args.names.contains(&s.record.name));
    }
    app.block_on(async {
        for status in &mut found {
            // Without the profile, or with its secrets locked, there is what is written down.
            if let Ok(Some(profile)) = app.room.store()?.tunnel(&status.record.name) {
                status.ask(&tools, &profile);
            }
        }
        Ok(())
    })?;
    show(app, &found)?;
    let is_up = |name: &String| {
        found
            .iter()
            .any(|s| s.record.name == *name && s.facts.is_some())
    };
    Ok(if args.names.iter().all(is_up) {
        0
    } else {
        NOT_UP
    })
}

fn show(app: &App, found: &[Status]) -> Result<()> {
    if app.json {
        let text: String = found.iter().map(|s| json::line(&s.object())).collect();
        return app.screen.result(text.as_bytes());
    }
    if found.is_empty() {
        app.screen.note(Level::Notice, None, "no tunnel is up");
        return Ok(());
    }
    let style = app.screen.style(Stream::Stdout);
    let table = tunnels::table(found, app.screen.width(), style);
    app.screen.result(table.as_bytes())
}
