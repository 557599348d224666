//! `mroom ID`: a first word that is no command is a server to sit down at. A command wins over a
//! server of the same name, and says how the server is reached.

use std::ffi::OsString;

use super::App;
use super::grammar::{Next, follow};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::events::Level;

/// The line with `connect` before the first word that stands for a command. `root` must have been
/// built.
pub(super) fn as_connect(root: &clap::Command, line: &[OsString]) -> Option<Vec<OsString>> {
    let words: Vec<String> = line
        .iter()
        .skip(1)
        .map(|w| w.to_string_lossy().into_owned())
        .collect();
    let is_command = |at: &usize| {
        let place = follow(root, &words[..*at]);
        place.name.is_empty() && matches!(place.next, Next::Command) && !words[*at].starts_with('-')
    };
    let at = (0..words.len()).find(is_command)?;
    let mut line = line.to_vec();
    line.insert(at + 1, "connect".into());
    Some(line)
}

/// Is `id` a server? Never makes a database.
///
/// # Errors
/// `otherwise`, what the line is when it is none; with the nearest server when no command is near.
pub(super) fn is_server(app: &App, id: &str, otherwise: &Error) -> Result<()> {
    if !app.room.config.database().exists() {
        return Err(otherwise.clone());
    }
    let store = app.room.store()?;
    if store.get(id)?.is_some() {
        return Ok(());
    }
    let servers = store.list()?;
    let is_near_a_command = otherwise
        .hint_text()
        .is_some_and(|hint| hint.starts_with("did you mean"));
    let near = nearest(id, servers.iter().map(|s| s.id.as_str()));
    Err(match near.filter(|_| !is_near_a_command) {
        Some(near) => otherwise.clone().hint(format!(
            "did you mean the server `{near}`? `mroom ls` lists them"
        )),
        None => otherwise.clone(),
    })
}

/// Tells how to reach a server that has the name of a command, when that name is all that was
/// typed.
pub(super) fn note(app: &App, line: &[OsString]) {
    let [_, word] = line else { return };
    // Opening the database mends its mode, which the doctor wants to see as it is.
    let word = word
        .to_str()
        .filter(|w| !w.starts_with('-') && *w != "doctor");
    let Some(word) = word else { return };
    if !app.room.config.database().exists() {
        return;
    }
    // A database that cannot be used is the command's business.
    let Ok(Some(server)) = app.room.store().and_then(|store| store.get(word)) else {
        return;
    };
    let text = format!("`{word}` is a command; `mroom connect {word}` reaches the server");
    app.screen.note(Level::Notice, Some(&server.id), &text);
}

#[cfg(test)]
mod tests {
    use super::super::args;
    use super::*;

    #[test]
    fn connect_comes_before_the_first_word_that_is_none() {
        let mut root = args::command();
        root.build();
        for (line, expected) in [
            ("mroom web", Some("mroom connect web")),
            (
                "mroom -v web -- ls -la",
                Some("mroom -v connect web -- ls -la"),
            ),
            (
                "mroom --project web web",
                Some("mroom --project web connect web"),
            ),
            ("mroom -T 3 web", Some("mroom -T 3 connect web")),
            ("mroom --json", None),
            ("mroom", None),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let made = as_connect(&root, &words).map(|all| {
                let all: Vec<String> = all.iter().map(|w| w.to_string_lossy().into()).collect();
                all.join(" ")
            });
            assert_eq!(made.as_deref(), expected, "{line}");
        }
    }
}
