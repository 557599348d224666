//! What fits at the cursor: commands, flags, and the values of each argument.

use std::fmt;

use clap::Command;

use super::super::grammar::{self, Next, follow};
use super::world::World;
use crate::ui::sanitize::one_line;

/// A word that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Candidate {
    /// The whole word.
    pub value: String,
    /// A few words about it.
    pub about: String,
}

/// Whether the names of files fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    No,
    All,
    Folders,
}

impl Files {
    pub fn any(self) -> bool {
        self != Files::No
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Files::No => "-",
            Files::All => "files",
            Files::Folders => "folders",
        })
    }
}

/// What fits.
pub(super) struct Found {
    pub list: Vec<Candidate>,
    pub files: Files,
}

/// The words that fit after `words` and begin with `word`. `root` must have been built.
pub(super) fn complete(root: &Command, words: &[String], word: &str) -> Found {
    let place = follow(root, words);
    let world = World::new(words);
    if place.flags && word.starts_with('-') {
        return flags(&world, place.command, word);
    }
    let mut found = match place.next {
        Next::Value(arg) => world.of(arg, &place.name, word),
        Next::Command => {
            let mut list = commands(place.command);
            if place.name.is_empty() {
                list.extend(world.ids("", ""));
            }
            Found::of(list)
        }
        Next::Free => Found::of(Vec::new()),
    };
    found.list.retain(|c| c.value.starts_with(word));
    found
}

/// Flags, or the value of one in the same word: `--limit=we`, `-lwe`.
fn flags(world: &World, command: &Command, word: &str) -> Found {
    let joined = match word.strip_prefix("--") {
        Some(long) => long.split_once('=').and_then(|(name, _)| {
            let arg = grammar::flag(command, name)?;
            Some((arg, word.len() - long.len() + name.len() + 1))
        }),
        None => word.chars().nth(1).and_then(|letter| {
            let at = 1 + letter.len_utf8();
            let arg = grammar::valued(command, letter)?;
            (word.len() > at).then_some((arg, at))
        }),
    };
    let Some((arg, at)) = joined.filter(|(arg, _)| grammar::takes_value(arg)) else {
        let shown = command
            .get_arguments()
            .filter(|arg| !arg.is_positional() && !arg.is_hide_set());
        let names = shown.flat_map(|arg| {
            let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let long = arg.get_long().map(|long| format!("--{long}"));
            let short = arg.get_short().map(|letter| format!("-{letter}"));
            let short = short.filter(|_| word == "-");
            long.into_iter()
                .chain(short)
                .map(move |name| candidate(name, &about))
        });
        return Found::of(names.filter(|c| c.value.starts_with(word)).collect());
    };
    let (head, value) = word.split_at(at);
    let mut found = world.of(arg, "", value);
    found.list.retain(|c| c.value.starts_with(value));
    for c in &mut found.list {
        c.value.insert_str(0, head);
    }
    found
}

/// The commands below `command`, with their aliases.
pub(super) fn commands(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|c| !c.is_hide_set());
    shown
        .flat_map(|c| {
            let about = c.get_about().map(ToString::to_string).unwrap_or_default();
            std::iter::once(c.get_name())
                .chain(c.get_visible_aliases())
                .map(|name| candidate(name, &about))
                .collect::<Vec<_>>()
        })
        .collect()
}

impl Found {
    pub fn of(list: Vec<Candidate>) -> Found {
        Found {
            list,
            files: Files::No,
        }
    }
}

/// A word and the first line of what it is.
pub(super) fn candidate(value: impl Into<String>, about: &str) -> Candidate {
    let first = about.lines().next().unwrap_or_default();
    Candidate {
        value: value.into(),
        about: one_line(first),
    }
}

/// Words that need no explanation.
pub(super) fn plain(values: impl IntoIterator<Item = String>) -> Vec<Candidate> {
    values.into_iter().map(|v| candidate(v, "")).collect()
}
