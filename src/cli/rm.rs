//! `mroom rm`: servers out of the inventory, when a person agrees.

use super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::ui::fold_ids;

/// Remove servers from the inventory; nothing is done on them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom rm web-03")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
}

/// Removes them when a person agrees.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let servers = app.room.select(&args.pattern.join(" "))?;
    let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
    let question = match servers.len() {
        1 => format!("remove {ids} from the inventory?"),
        n => format!("remove {n} servers from the inventory: {ids}?"),
    };
    if !app.room.interact.confirm(&question) {
        let error = Error::local(format!("{ids} not removed: nobody agreed"));
        return Err(error.hint("`-y` agrees without a question"));
    }
    let store = app.room.store()?;
    for server in &servers {
        store.remove(&server.id)?;
    }
    app.screen
        .note(Level::Notice, None, &format!("removed {ids}"));
    Ok(0)
}
