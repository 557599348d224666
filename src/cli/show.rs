//! `mroom show`: one server whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{App, ls};
use crate::error::{Error, Result};
use crate::inventory::{Selection, Server};
use crate::journal::{Book, Query, Row};
use crate::output::Stream;
use crate::ui::card::card;
use crate::ui::{facts, human, json as form, log};

/// How many entries of the log are shown.
const LAST: usize = 5;

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
    let rows = last(app, &server.id)?;
    let kept = store.facts(&server.id)?;
    let has_sudo_password = !store.sealed_sudo_password(&server.id)?.is_empty();
    let text = match app.json {
        true => {
            let mut object = object(&server, &times, &rows);
            object["facts"] = json!(kept.as_ref().map(|kept| &kept.facts));
            object["has_sudo_password"] = json!(has_sudo_password);
            form::line(&object)
        }
        false => {
            let (width, style) = (app.screen.width(), app.screen.style(Stream::Stdout));
            let mut text = card(&server, &times, has_sudo_password, width, style);
            if let Some(kept) = kept {
                let title = format!("facts of {} ago", human::lasted(kept.age()));
                text.push('\n');
                text.push_str(&facts::card(&title, &kept.facts, style));
            }
            if !rows.is_empty() {
                text.push('\n');
                text.push_str(&log::table(&rows, false, width, style));
            }
            text
        }
    };
    app.screen.result(text.as_bytes())?;
    Ok(0)
}

/// What was last done on it.
fn last(app: &App, id: &str) -> Result<Vec<Row>> {
    let query = Query {
        servers: Some(vec![id.to_owned()]),
        without_connections: true,
        last: Some(LAST),
        ..Query::default()
    };
    Book::open(&app.room.config.database())?.rows(&query)
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

/// The object of `ls`, whether there is a password, when each key was last set, and the end of the
/// log.
fn object(server: &Server, times: &BTreeMap<String, i64>, rows: &[Row]) -> Value {
    let mut object = form::server(server);
    object["has_password"] = json!(!server.sealed_pass.is_empty());
    object["next_action"] = server.next_action.clone();
    object["updated_at"] = json!(times);
    object["log"] = rows.iter().map(log::object).collect();
    object
}
