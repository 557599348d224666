//! The INI form of an inventory. Pure.

use super::range;
use super::tree::{Meaning, Tree, UNGROUPED, Var, Vars};
use super::words;
use crate::error::{Error, Result};
use crate::inventory::import::input::{Input, line};
use crate::sshconfig::At;

/// Where the lines of a section go.
#[derive(Clone, Copy)]
enum Section {
    Hosts(usize),
    Children(usize),
    Vars(usize),
    /// After a bad header.
    Nowhere,
}

/// Reads it into the tree.
pub(super) fn read(text: &str, tree: &mut Tree, input: &mut Input) {
    let mut section = Section::Hosts(UNGROUPED);
    // Groups that were only mentioned: they must be defined somewhere.
    let mut mentioned: Vec<(String, At)> = Vec::new();
    let mut defined: std::collections::HashSet<usize> = [0, 1].into();
    for (i, raw) in text.lines().enumerate() {
        let at = line(i + 1);
        let text = raw.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        let read = match header(text) {
            Some(Ok((name, kind))) => {
                let group = tree.group(name, at);
                match kind {
                    "vars" => mentioned.push((name.to_owned(), at)),
                    _ => drop(defined.insert(group)),
                }
                section = match kind {
                    "children" => Section::Children(group),
                    "vars" => Section::Vars(group),
                    _ => Section::Hosts(group),
                };
                Ok(())
            }
            Some(Err(e)) => {
                section = Section::Nowhere;
                Err(e)
            }
            None => match section {
                Section::Nowhere => Ok(()),
                Section::Hosts(group) => hosts(text, at, group, tree),
                Section::Vars(group) => variable(text).map(|(name, value)| {
                    let var = Var { at, value };
                    tree.groups[group].vars.insert(name.to_owned(), var);
                }),
                Section::Children(parent) => group_name(text).map(|name| {
                    let child = tree.group(name, at);
                    mentioned.push((name.to_owned(), at));
                    tree.nest(parent, child);
                }),
            },
        };
        if let Err(e) = read {
            input.errors.push((at, e));
        }
    }
    for (name, at) in mentioned {
        if tree.find(&name).is_none_or(|g| !defined.contains(&g)) {
            let message = format!("group `{}` is not defined", name.escape_debug());
            input.errors.push((at, Error::usage(message)));
        }
    }
}

/// Is this a header, or a line with one of Ansible's variables?
pub(super) fn is_line(text: &str) -> bool {
    let is_variable = |word: &str| {
        let name = word
            .strip_prefix("ansible_")
            .and_then(|w| w.split_once('='));
        name.is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    matches!(header(text), Some(Ok(_))) || text.split_whitespace().any(is_variable)
}

/// The group and kind of a section's header; `None` for another line.
fn header(text: &str) -> Option<Result<(&str, &str)>> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    if !rest.is_empty() && !rest.starts_with('#') {
        // A host whose name begins with a range or an address in brackets.
        return None;
    }
    let (name, kind) = inside.split_once(':').unwrap_or((inside, "hosts"));
    let wrong = |what: String| Some(Err(Error::usage(what)));
    if name.is_empty() || name.contains(char::is_whitespace) {
        return wrong(format!(
            "`[{}]` is not `[group]`, `[group:vars]` or `[group:children]`",
            inside.escape_debug()
        ));
    }
    match kind {
        "hosts" | "children" | "vars" => Some(Ok((name, kind))),
        kind => wrong(format!(
            "section `[{}]` has the unknown kind `{}`",
            inside.escape_debug(),
            kind.escape_debug()
        )),
    }
}

fn group_name(text: &str) -> Result<&str> {
    let (name, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let rest = rest.trim_start();
    match name.contains([':', ']']) || !(rest.is_empty() || rest.starts_with('#')) {
        true => Err(Error::usage("a line of `:children` is the name of a group")),
        false => Ok(name),
    }
}

/// `key = value` of a `[group:vars]` section.
fn variable(text: &str) -> Result<(&str, Meaning)> {
    let form = || Error::usage("a line of `:vars` is `key=value`");
    let (name, value) = text.split_once('=').ok_or_else(form)?;
    Ok((name.trim(), meaning(value.trim())))
}

fn hosts(text: &str, at: At, group: usize, tree: &mut Tree) -> Result<()> {
    let words = words::split(text).map_err(Error::usage)?;
    let Some((pattern, rest)) = words.split_first() else {
        return Ok(());
    };
    let mut vars = Vars::new();
    for word in rest {
        // The word is not shown: it may be a piece of a password with a blank in it.
        let (name, value) = word.split_once('=').ok_or_else(|| {
            Error::usage("after the host, every word is `key=value`")
                .hint("put quotes around a value with a blank")
        })?;
        let value = meaning(value);
        vars.insert(name.to_owned(), Var { at, value });
    }
    let (names, port) = range::expand(pattern).map_err(Error::usage)?;
    for name in names {
        tree.host(&name, at, port, group).vars.extend(vars.clone());
    }
    Ok(())
}

fn meaning(text: &str) -> Meaning {
    words::literal(text).map_or(Meaning::Other, Meaning::Plain)
}
