//! `mroom tunnel rm`: a profile out of the inventory, when a person agrees.

use super::super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::tunnel::keeper::status::of;
use crate::ui::fold_ids;

/// Remove a profile from the inventory.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The profile.
    #[arg(value_name = "TUNNEL")]
    pub name: String,
}

/// Removes it when a person agrees.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let store = app.room.store()?;
    let name = &args.name;
    if store.tunnel_outline(name)?.is_none() {
        return Err(store.no_tunnel(name));
    }
    let there = of(&app.room.tunnels().tools().folder, name);
    if there.is_some_and(|s| !s.record.is_alone()) {
        let error = Error::usage(format!("the tunnel {name} is up"));
        return Err(error.hint(format!(
            "`mroom tunnel down {}` first",
            crate::quote::typed(name)
        )));
    }
    let named = store.tunnel_users(name)?;
    let users = super::shape::users(&named);
    let question = match users.is_empty() {
        true => format!("remove the tunnel profile {name}?"),
        false => format!("remove the tunnel profile {name}, through which {users} is reached?"),
    };
    if !app.room.interact.confirm(&question) {
        let why = match users.is_empty() {
            true => "nobody agreed".to_owned(),
            false => format!("{users} is reached through it, and nobody agreed"),
        };
        let error = Error::local(format!("the tunnel profile {name} was not removed: {why}"));
        return Err(error.hint("`-y` agrees without a question"));
    }
    store.remove_tunnel(name)?;
    let message = format!("removed the tunnel profile {name}");
    app.screen.note(Level::Notice, None, &message);
    if !named.servers.is_empty() {
        let servers = fold_ids(named.servers.iter().map(String::as_str));
        let message = format!(
            "{servers} still names it: `mroom set {} tunnel=` has it reached directly",
            crate::quote::typed(&servers)
        );
        app.screen.note(Level::Warning, None, &message);
    }
    Ok(0)
}
