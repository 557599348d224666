//! `mroom edit`: servers as a document in the person's editor.
//!
//! [`document`] is the text, [`reading`] the way back, [`draft`] the private file and the editor. Whatever
//! goes wrong, the text that a person wrote is kept and its file is named.

mod document;
mod draft;
mod reading;
#[cfg(test)]
mod tests;

use super::App;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::Server;
use crate::ui::fold_ids;
pub(super) use draft::{Draft, edit as edit_file};

/// Edit servers in your editor, as TOML with every field, tags and metadata.
///
/// The editor is $VISUAL, else $EDITOR, else vi. A mistake opens it again; what somebody else
/// has changed meanwhile is not overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom edit web-01
  EDITOR=nano mroom edit 'web-*'")]
pub struct Args {
    /// Which servers: one, or several in one document.
    #[arg(value_name = "PATTERN", required = true)]
    pub pattern: Vec<String>,
}

/// Edits them.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    if app.json {
        let error = Error::usage("`edit` is for a person: it has no JSON form");
        return Err(error.hint("`mroom set ID KEY=VALUE` and `mroom import -` are for programs"));
    }
    let pattern = args.pattern.join(" ");
    let servers = match app.room.store()?.get(&pattern)? {
        Some(server) => vec![server],
        None => app.room.select(&pattern)?,
    };
    let text = document::write(&servers);
    let draft = Draft::new(app.room.config.data_dir(), "servers.toml", &text)?;
    let changed = match change(app, &draft, &text, &servers) {
        Ok(changed) => changed,
        // What was not touched is worth nothing.
        Err(e) if draft.text().is_ok_and(|now| now == text) => {
            draft.discard();
            return Err(e);
        }
        Err(e) => {
            let kept = format!("your text is kept in `{}`", draft.path().display());
            return Err(match e.hint_text() {
                Some(hint) => e.clone().hint(format!("{hint}; {kept}")),
                None => e.hint(kept),
            });
        }
    };
    draft.discard();
    let message = match changed.is_empty() {
        true => "nothing changed".to_owned(),
        false => format!("changed {}", fold_ids(changed.iter().map(String::as_str))),
    };
    app.screen.note(Level::Notice, None, &message);
    Ok(0)
}

/// Lets the person edit until the text is good or they give up; gives the ids that changed.
fn change(app: &App, draft: &Draft, text: &str, servers: &[Server]) -> Result<Vec<String>> {
    let mut before = text.to_owned();
    loop {
        draft.edit()?;
        let now = draft.text()?;
        if now == text {
            return Ok(Vec::new());
        }
        let error = match reading::read(&now, servers) {
            Ok(edited) => match save(app, servers, edited) {
                Err(e) if e.kind() == Kind::Usage => e,
                other => return other,
            },
            Err(e) => e,
        };
        // Saved again as it was, or by a program that cannot do better: that is giving up.
        if now == before || !draft::is_interactive() {
            return Err(error);
        }
        draft.tell(&error, &now)?;
        before = now;
    }
}

/// Writes the servers that differ, all or none.
fn save(app: &App, servers: &[Server], edited: Vec<Server>) -> Result<Vec<String>> {
    let pairs = servers.iter().cloned().zip(edited);
    let pairs: Vec<(Server, Server)> = pairs.filter(|(old, new)| old != new).collect();
    let store = app.room.store()?;
    if let Some(id) = store.swap(&pairs)? {
        let there = store.get(&id)?.is_some();
        let what = if there { "changed" } else { "removed" };
        let error = Error::local(format!("`{id}` was {what} by somebody else meanwhile"));
        return Err(error.hint(format!("`mroom show {id}` tells how it is now")));
    }
    super::tunnel::tell_missing(app, pairs.iter().map(|(_, new)| new))?;
    Ok(pairs.into_iter().map(|(_, new)| new.id).collect())
}
