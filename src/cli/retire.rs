//! `mroom retire` and `unretire`: servers out of service and back. Nothing is done on them.

use serde_json::{Value, json};

use super::App;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::{Selection, Server};
use crate::ui::{fold_ids, json as form};

/// Take servers out of service: patterns leave them out from then on.
///
/// They stay in the inventory, and nothing is done on them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom retire web-03
  mroom retire old-servers.txt --yes")]
pub struct Retire {
    /// Which servers; a list file stands for those in it.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
}

/// Put retired servers back into service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom unretire web-03
  mroom unretire @lab")]
pub struct Unretire {
    /// Which servers; retired ones are selected by any pattern here.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
}

/// Retires them; asks first when they are many.
pub fn retire(app: &App, args: &Retire) -> Result<u8> {
    mark(app, &args.pattern, true)
}

/// Puts them back.
pub fn unretire(app: &App, args: &Unretire) -> Result<u8> {
    mark(app, &args.pattern, false)
}

fn mark(app: &App, pattern: &[String], retired: bool) -> Result<u8> {
    let pattern = pattern.join(" ");
    let selected = app.room.select_as(&pattern, Selection { retired: true })?;
    let (done, to_do): (Vec<_>, Vec<_>) = selected
        .into_iter()
        .partition(|server| server.is_retired() == retired);
    let ids = fold_ids(to_do.iter().map(|s| s.id.as_str()));
    let word = if retired { "retire" } else { "unretire" };
    if to_do.len() > 1 {
        let question = format!("{word} {} servers: {ids}?", to_do.len());
        if !app.room.interact.confirm(&question) {
            let error = Error::local(format!("{ids}: nobody agreed to {word} them"));
            return Err(error.hint("`-y` agrees without a question"));
        }
    }
    // The original wrote `true`; a server in service has no such key, or a false one.
    let value = if retired {
        Value::Bool(true)
    } else {
        Value::Null
    };
    let changed = to_do.into_iter().map(|mut server| {
        server.set_meta("retired", value.clone());
        (server, None)
    });
    let changed: Vec<_> = changed.collect();
    app.room.store()?.put_all(&changed)?;
    if app.json {
        let changed = changed.iter().map(|(server, _)| line(server, "changed"));
        let text: String = changed.chain(done.iter().map(|s| line(s, "ok"))).collect();
        app.screen.result(text.as_bytes())?;
    }
    let note = |text: String| app.screen.note(Level::Notice, None, &text);
    if !changed.is_empty() {
        note(format!("{word}d {ids}"));
    }
    if !done.is_empty() {
        let ids = fold_ids(done.iter().map(|s| s.id.as_str()));
        let how = if retired { "retired" } else { "in service" };
        note(format!("{ids}: {how} already"));
    }
    Ok(0)
}

fn line(server: &Server, status: &str) -> String {
    form::line(&json!({
        "server": server.id, "status": status, "retired": server.is_retired(),
    }))
}
