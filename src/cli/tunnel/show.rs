//! `mroom tunnel show`: one profile whole, but for its secrets.

use super::super::App;
use super::shape;
use crate::error::Result;
use crate::inventory::{Outline, TunnelUsers};
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, json};

/// Columns of the names.
const NAMES: usize = 14;

/// Show all of a profile; of secrets, that they are set.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The profile.
    #[arg(value_name = "TUNNEL")]
    pub name: String,
}

/// Prints it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let store = app.room.store()?;
    let outline = store.tunnel_outline(&args.name)?;
    let outline = outline.ok_or_else(|| store.no_tunnel(&args.name))?;
    let users = store.tunnel_users(&args.name)?;
    if app.json {
        let line = json::line(&shape::object(&outline, &users));
        app.screen.result(line.as_bytes())?;
        return Ok(0);
    }
    let style = app.screen.style(Stream::Stdout);
    let mut text = String::new();
    for (name, value) in rows(&outline, &users) {
        let name = style.paint(Paint::Strong, &format!("{name:<NAMES$}"));
        text.push_str(&format!("{name} {}\n", one_line(&value)));
    }
    app.screen.result(text.as_bytes())?;
    Ok(0)
}

fn rows(outline: &Outline, users: &TunnelUsers) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("name", outline.name.clone()),
        ("type", outline.kind.as_str().to_owned()),
        ("server", outline.server.clone()),
    ];
    if !outline.user.is_empty() {
        rows.push(("user", outline.user.clone()));
    }
    let password = match outline.has_password {
        true => "sealed",
        false => "none",
    };
    rows.push(("password", password.to_owned()));
    for (key, value) in &outline.fields {
        let value = match value {
            None => "sealed".to_owned(),
            Some(text) if text.contains('\n') => format!("a file of {} bytes", text.len()),
            Some(text) => text.clone(),
        };
        rows.push((key, value));
    }
    let behind = shape::users(users);
    let none = behind.is_empty().then(|| "no server yet".to_owned());
    rows.push(("in front of", none.unwrap_or(behind)));
    if let Some((why, instead)) = outline.kind.refusal() {
        rows.push(("not made", format!("{why}; {instead}")));
    }
    rows
}
