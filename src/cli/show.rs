//! `mroom show`: one server whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{App, ls};
use crate::error::{Error, Result};
use crate::inventory::{Selection, Server};
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, Style, json as form, time};

/// Show everything that is known of a server; the whole inventory without one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom show web-01")]
pub struct Args {
    /// The server's id.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

/// Prints it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let Some(id) = &args.id else {
        return ls::run(app, &ls::Args::default());
    };
    let server = find(app, id)?;
    let store = app.room.store()?;
    let times = store.updated_at(&server.id)?;
    let text = match app.json {
        true => form::line(&object(&server, &times)),
        false => card(&server, &times, app.screen.style(Stream::Stdout)),
    };
    app.screen.result(text.as_bytes())?;
    Ok(0)
}

/// The server of that id, or the only one that a pattern means.
pub(super) fn find(app: &App, id: &str) -> Result<Server> {
    let store = app.room.store()?;
    if let Some(server) = store.get(id)? {
        return Ok(server);
    }
    // Its error names the nearest ids.
    match <[Server; 1]>::try_from(store.select(id, Selection { retired: true })?) {
        Ok([server]) => Ok(server),
        Err(many) => {
            let message = format!("`{id}` means {} servers", many.len());
            Err(Error::usage(message).hint(format!("`mroom ls '{id}'` lists them")))
        }
    }
}

/// The object of `ls`, whether there is a password, and when each key was last set.
fn object(server: &Server, times: &BTreeMap<String, i64>) -> Value {
    let mut object = form::server(server);
    object["has_password"] = json!(!server.sealed_pass.is_empty());
    object["next_action"] = server.next_action.clone();
    object["updated_at"] = json!(times);
    object
}

fn card(server: &Server, times: &BTreeMap<String, i64>, style: Style) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let name = style.paint(Paint::Strong, &format!("{:<13}", one_line(name)));
            text.push_str(&format!("{name} {}\n", one_line(value)));
        }
    };
    row("id", &server.id);
    row("host", &server.host);
    row("user", &server.user);
    row("port", &server.port.to_string());
    row(
        "password",
        if server.sealed_pass.is_empty() {
            "none"
        } else {
            "sealed"
        },
    );
    row(
        "description",
        server.description.as_deref().unwrap_or_default(),
    );
    row(
        "tags",
        &server
            .tags
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
    );
    for (key, value) in &server.meta {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let time = times.get(key).map_or_else(String::new, |t| {
            format!("  (set {})", time::local(t.saturating_mul(1000)))
        });
        row(key, &format!("{value}{time}"));
    }
    text
}
