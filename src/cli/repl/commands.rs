//! The commands of the prompt, `:use` and its like. Each is what the program's command of that name
//! does, on the REPL's own connections.

use std::path::Path;

use serde_json::Map;

use super::session::Session;
use crate::cli::edit::Draft;
use crate::cli::{doc, ls, stage};
use crate::config::{expand_tilde, nearest};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::Server;
use crate::ui::{fold_ids, sanitize};

/// Name, arguments, what it does.
pub(super) const COMMANDS: [(&str, &str, &str); 8] = [
    ("use", "[PATTERN]", "select servers for `!` and as `sel`"),
    ("ls", "[PATTERN]", "list the servers, or those selected"),
    ("stage", "NAMES [PATTERN]", "bring them through stages"),
    ("edit", "", "your last Lua in your editor; runs it then"),
    ("time", "LINE", "run a line and say how long it took"),
    ("load", "FILE", "run a Lua file here: its globals stay"),
    ("help", "[NAME]", "this, or what is known of a name"),
    ("quit", "", "end, as Ctrl-D does"),
];

/// Everything else that helps at the prompt.
const KEYS: [(&str, &str); 9] = [
    (
        "!COMMAND",
        "on the selected servers, equal output once; `!!` again",
    ),
    ("?NAME, NAME?", "what is known of a name: `?Server:run`"),
    ("_", "the last value"),
    ("Tab", "complete names, options, servers, tags, files"),
    ("Right", "take what is proposed in grey"),
    (
        "Up, Down",
        "what was typed before, beginning as this line does",
    ),
    ("Ctrl-R", "search in what was typed before"),
    (
        "Ctrl-C",
        "stop the running call on all servers; drop the line",
    ),
    ("Ctrl-D", "end"),
];

/// Runs `:word rest`; gives the exit code of outcomes that it printed.
///
/// # Errors
/// A command that is not there or is used wrongly, and what it raises.
pub(super) async fn run(session: &mut Session<'_>, word: &str, rest: &str) -> Result<u8> {
    match word {
        "use" => select(session, rest),
        "ls" => list(session, rest),
        "stage" => bring(session, rest).await,
        "edit" if rest.is_empty() => edit(session).await,
        "load" => load(session, rest).await,
        "help" | "h" if rest.is_empty() => help(session),
        "help" | "h" => explain(session, rest),
        "quit" | "q" => {
            session.is_over = rest.is_empty();
            nothing_more(word, rest)
        }
        "edit" => nothing_more(word, rest),
        _ => Err(unknown(word)),
    }
}

fn unknown(word: &str) -> Error {
    let error = Error::usage(format!("no command `:{word}`"));
    match nearest(word, COMMANDS.iter().map(|(name, ..)| *name)) {
        Some(near) if !word.is_empty() => error.hint(format!("did you mean `:{near}`?")),
        _ => error.hint("`:help` lists the commands"),
    }
}

fn nothing_more(word: &str, rest: &str) -> Result<u8> {
    match rest {
        "" => Ok(0),
        _ => Err(Error::usage(format!(
            "`:{word}` takes nothing, not `{rest}`"
        ))),
    }
}

/// `:use`.
fn select(session: &mut Session<'_>, pattern: &str) -> Result<u8> {
    if !pattern.is_empty() {
        session.vm.select(pattern)?;
        let ids = selected(session)?.into_iter().map(|s| s.id).collect();
        session.used = Some((sanitize::one_line(pattern), ids));
    }
    let servers = selected(session)?;
    let ids = fold_ids(servers.iter().map(|s| s.id.as_str()));
    let count = servers.len();
    let text = format!("{count} selected: {ids}");
    session.app.screen.note(Level::Notice, None, &text);
    Ok(0)
}

/// The current selection, which must be there.
fn selected(session: &Session<'_>) -> Result<Vec<Server>> {
    let none = || Error::usage("no servers are selected").hint("`:use PATTERN` selects them");
    session.vm.selected().ok_or_else(none)
}

/// `:ls`.
fn list(session: &Session<'_>, pattern: &str) -> Result<u8> {
    let pattern = match (pattern, session.vm.selected()) {
        ("", Some(servers)) => servers.into_iter().map(|s| s.id).collect(),
        ("", None) => Vec::new(),
        (pattern, _) => vec![pattern.to_owned()],
    };
    let args = ls::Args {
        pattern,
        ..ls::Args::default()
    };
    ls::run(session.app, &args)
}

/// `:stage`.
async fn bring(session: &mut Session<'_>, rest: &str) -> Result<u8> {
    let (names, pattern) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let names: Vec<String> = names
        .split(',')
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        let error = Error::usage("`:stage` needs the name of a stage");
        return Err(error.hint("`:stage cert,env` brings the selected servers through both"));
    }
    let servers = match pattern.trim() {
        "" => selected(session)?,
        pattern => session.app.room.select(pattern)?,
    };
    stage::through(session.app, &session.vm, &names, &Map::new(), servers).await
}

/// `:edit`.
async fn edit(session: &mut Session<'_>) -> Result<u8> {
    if !session.is_personal {
        return Err(Error::usage("`:edit` needs a person at a terminal"));
    }
    let before = session.chunk.trim_end();
    let draft = Draft::new(session.app.room.config.data_dir(), "chunk.lua", before)?;
    let edited = draft.edit().and_then(|()| draft.text());
    draft.discard();
    let text = edited?;
    if text.trim().is_empty() || text.trim_end() == before {
        session
            .app
            .screen
            .note(Level::Notice, None, "nothing changed, so nothing runs");
        return Ok(0);
    }
    // What runs is seen, as if it had been typed.
    let shown = sanitize::visible(text.trim_end().as_bytes());
    session
        .app
        .screen
        .talk(&session.app.screen.redactor().clean(&shown));
    session.edited = Some(text.trim_end().to_owned());
    Box::pin(session.reply(&text, ("repl", 1))).await
}

/// `:load`.
async fn load(session: &mut Session<'_>, file: &str) -> Result<u8> {
    if file.is_empty() {
        return Err(Error::usage("`:load` needs the name of a file"));
    }
    let path = expand_tilde(file);
    let values = session.vm.exec_file(Path::new(&path), &[]).await?;
    let width = session.width();
    let shown = values.iter().map(|v| session.vm.shown(v, width)).collect();
    session.print(shown)
}

/// `:help`.
fn help(session: &Session<'_>) -> Result<u8> {
    let commands = COMMANDS.map(|(name, args, about)| (format!(":{name} {args}"), about));
    let keys = KEYS.map(|(key, about)| (key.to_owned(), about));
    let mut text = String::new();
    for (left, about) in commands.iter().chain(&keys) {
        text.push_str(&format!("  {left:<24}{about}\n"));
    }
    session.app.screen.result(text.as_bytes())?;
    Ok(0)
}

/// `?name`.
pub(super) fn explain(session: &Session<'_>, name: &str) -> Result<u8> {
    let name = session.vm.documented(name);
    let vm = || Ok(session.vm.clone());
    let name = Some(name.as_str()).filter(|name| !name.is_empty());
    doc::explain(session.app, &session.reference, vm, name)
}
