//! `mroom tunnel ls`: the profiles as a table.

use super::super::App;
use super::shape;
use crate::error::Result;
use crate::events::Level;
use crate::inventory::{Outline, TunnelUsers};
use crate::output::Stream;
use crate::tunnel::keeper::status::list;
use crate::ui::grid::{Cell, Column, Grid};
use crate::ui::{json, tunnels};

/// List the profiles, and which of them are up.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints them.
pub fn run(app: &App, _: &Args) -> Result<u8> {
    let store = app.room.store()?;
    let mut all: Vec<(Outline, TunnelUsers)> = Vec::new();
    for name in store.tunnels()? {
        if let Some(outline) = store.tunnel_outline(&name)? {
            all.push((outline, store.tunnel_users(&name)?));
        }
    }
    if app.json {
        let lines = all
            .iter()
            .map(|(o, users)| json::line(&shape::object(o, users)));
        app.screen.result(lines.collect::<String>().as_bytes())?;
        return Ok(0);
    }
    if all.is_empty() {
        let message = "no tunnel profile yet: `mroom tunnel add NAME TYPE SERVER` makes one";
        app.screen.note(Level::Notice, None, message);
        return Ok(0);
    }
    let mut grid = Grid::new(vec![
        Column::new("NAME", Column::KEPT),
        Column::new("TYPE", 8),
        Column::new("SERVER", 7),
        Column::new("USER", 4),
        Column::new("STATE", 9),
        Column::new("FOR", 5),
    ]);
    let there = list(&app.room.tunnels().tools().folder);
    for (outline, users) in &all {
        let status = there.iter().find(|s| s.record.name == outline.name);
        grid.push(vec![
            Cell::new(&outline.name),
            Cell::new(outline.kind.as_str()),
            Cell::new(&outline.server),
            Cell::new(&outline.user),
            Cell::new(&status.map(tunnels::state).unwrap_or_default()),
            Cell::new(&shape::users(users)),
        ]);
    }
    let style = app.screen.style(Stream::Stdout);
    let laid = grid.lay(app.screen.width(), style);
    app.screen.result(laid.text.as_bytes())?;
    Ok(0)
}
