//! What a call was given, and which flags of docker's that is. Pure.
//!
//! A table of [`Opt`] says what a call takes; [`flags`] turns the rest into words. Every value is
//! joined to its flag by `=`: none can be taken for another flag.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::quote;
use crate::secret::Secret;

/// A value that a call was given.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// True or false.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// What must be in no command.
    Secret(Secret),
    /// A list.
    List(Vec<Arg>),
    /// A table with names.
    Map(Given),
}

/// What a call was given, by name.
pub type Given = BTreeMap<String, Arg>;

/// What is done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `--flag` when true.
    Switch,
    /// `--flag=text`; a number is its text.
    Text,
    /// `--flag=30`: whole seconds.
    Seconds,
    /// `--flag=1.5s`: a duration, given in seconds.
    Duration,
    /// `--flag=a --flag=b`; one text is a list of one.
    Texts,
    /// `--flag=a=1 --flag=b=2` of a table, with that between; a list as [`Shape::Texts`].
    Pairs(char),
    /// No flag: the call looks at it itself.
    Apart,
}

/// An option of a call: its name, what is done with it, and docker's flag.
#[derive(Debug, Clone, Copy)]
pub struct Opt(pub &'static str, pub Shape, pub &'static str);

/// The names of a table's options.
pub fn keys(table: &[Opt]) -> Vec<&'static str> {
    table.iter().map(|opt| opt.0).collect()
}

/// The flags of what was given, in the table's order.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a value of the wrong kind, and for a secret.
pub fn flags(call: &str, table: &[Opt], given: &Given) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for Opt(key, shape, flag) in table {
        let Some(arg) = given.get(*key) else { continue };
        match shape {
            Shape::Apart => {}
            Shape::Switch => {
                if switch(call, key, arg)? {
                    words.push((*flag).to_owned());
                }
            }
            Shape::Text => words.push(format!("{flag}={}", text(call, key, arg)?)),
            Shape::Seconds => {
                words.push(format!("{flag}={}", seconds(call, key, arg)?.ceil()));
            }
            Shape::Duration => words.push(format!("{flag}={}s", seconds(call, key, arg)?)),
            Shape::Texts => {
                for one in texts(call, key, arg)? {
                    words.push(format!("{flag}={one}"));
                }
            }
            Shape::Pairs(between) => {
                for one in pairs(call, key, arg, *between)? {
                    words.push(format!("{flag}={one}"));
                }
            }
        }
    }
    Ok(words)
}

/// Docker's verb and the flags of what was given: how nearly every call begins. `call` is its name in
/// messages.
///
/// # Errors
/// As [`flags`].
pub fn verb(verb: &[&str], call: &str, table: &[Opt], given: &Given) -> Result<Vec<String>> {
    let mut words: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
    words.extend(flags(call, table, given)?);
    Ok(words)
}

/// The flags as a piece of shell text that follows a word; empty for none.
///
/// # Errors
/// As [`flags`].
pub fn piece(call: &str, table: &[Opt], given: &Given) -> Result<String> {
    match &flags(call, table, given)?[..] {
        [] => Ok(String::new()),
        flags => Ok(format!(" {}", quote::words(flags)?)),
    }
}

fn wrong(call: &str, key: &str, wanted: &str) -> Error {
    Error::usage(format!("`{call}`: `{key}` must be {wanted}"))
}

/// True or false; false when it is not there.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for something else.
pub fn switch_of(call: &str, key: &str, given: &Given) -> Result<bool> {
    given
        .get(key)
        .map_or(Ok(false), |arg| switch(call, key, arg))
}

fn switch(call: &str, key: &str, arg: &Arg) -> Result<bool> {
    match arg {
        Arg::Flag(is_on) => Ok(*is_on),
        _ => Err(wrong(call, key, "true or false")),
    }
}

/// A text, or a number as its text.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for something else.
pub fn text(call: &str, key: &str, arg: &Arg) -> Result<String> {
    match arg {
        Arg::Text(text) if !text.contains('\0') => Ok(text.clone()),
        Arg::Number(number) => Ok(number.to_string()),
        Arg::Secret(_) => Err(Error::usage(format!(
            "`{call}`: a secret in `{key}` could be seen by others on the server"
        ))
        .hint("a container gets secrets by `env`")),
        _ => Err(wrong(call, key, "a string")),
    }
}

/// The text of an option, when it is there.
///
/// # Errors
/// As [`text`].
pub fn text_of(call: &str, key: &str, given: &Given) -> Result<Option<String>> {
    given.get(key).map(|arg| text(call, key, arg)).transpose()
}

/// A number of seconds that is not negative.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for something else.
pub fn seconds(call: &str, key: &str, arg: &Arg) -> Result<f64> {
    match arg {
        Arg::Number(number) if (0.0..=3.2e9).contains(number) => Ok(*number),
        _ => Err(wrong(call, key, "a number of seconds")),
    }
}

/// A list of texts; one text is a list of one.
///
/// # Errors
/// As [`text`].
pub fn texts(call: &str, key: &str, arg: &Arg) -> Result<Vec<String>> {
    match arg {
        Arg::List(list) => list.iter().map(|one| text(call, key, one)).collect(),
        Arg::Map(map) if map.is_empty() => Ok(Vec::new()),
        Arg::Map(_) => Err(wrong(call, key, "a list of strings")),
        one => Ok(vec![text(call, key, one)?]),
    }
}

/// The texts of an option; none when it is not there.
///
/// # Errors
/// As [`text`].
pub fn texts_of(call: &str, key: &str, given: &Given) -> Result<Vec<String>> {
    given
        .get(key)
        .map_or(Ok(Vec::new()), |arg| texts(call, key, arg))
}

/// The table of an option; an empty one when it is not there.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for something else.
pub fn table_of<'a>(call: &str, key: &str, given: &'a Given) -> Result<Option<&'a Given>> {
    match given.get(key) {
        None => Ok(None),
        Some(Arg::Map(map)) => Ok(Some(map)),
        Some(_) => Err(wrong(call, key, "a table")),
    }
}

/// Refuses what `table` does not know, inside an option that is a table itself.
///
/// # Errors
/// [`crate::error::Kind::Usage`], with the names that there are.
pub fn known(call: &str, key: &str, table: &[Opt], given: &Given) -> Result<()> {
    let names = keys(table);
    match given.keys().find(|name| !names.contains(&&name[..])) {
        None => Ok(()),
        Some(name) => Err(Error::usage(format!("`{call}`: `{key}` has no `{name}`"))
            .hint(format!("`{key}` takes: {}", names.join(", ")))),
    }
}

/// `a=1` of a table, sorted by name; the texts of a list.
fn pairs(call: &str, key: &str, arg: &Arg, between: char) -> Result<Vec<String>> {
    let Arg::Map(map) = arg else {
        return texts(call, key, arg);
    };
    let mut all = Vec::new();
    for (name, value) in map {
        if name.is_empty() || name.contains([between, '\n', '\0']) {
            let name = name.escape_debug();
            return Err(Error::usage(format!(
                "`{call}`: `{name}` is no name in `{key}`"
            )));
        }
        let each = match value {
            // One name, several values: filters.
            Arg::List(list) => list.iter().map(|one| text(call, key, one)).collect(),
            Arg::Flag(is_on) => Ok(vec![is_on.to_string()]),
            one => text(call, key, one).map(|one| vec![one]),
        };
        all.extend(each?.iter().map(|value| format!("{name}{between}{value}")));
    }
    Ok(all)
}

/// Variables of a container: those that anybody may see as flags, and the lines of those that
/// nobody may, for `--env-file`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a name that is none, and for a secret of more than one line,
/// which docker's format cannot carry.
pub fn variables(call: &str, given: &Given) -> Result<(Vec<String>, Vec<u8>)> {
    let (mut words, mut lines) = (Vec::new(), Vec::new());
    let Some(Arg::Map(map)) = given.get("env") else {
        let list = texts_of(call, "env", given)?;
        words.extend(list.iter().map(|one| format!("--env={one}")));
        return Ok((words, lines));
    };
    for (name, value) in map {
        let is_name = |c: char| !c.is_whitespace() && !c.is_control() && c != '=';
        if name.is_empty() || name.starts_with('#') || !name.chars().all(is_name) {
            let name = name.escape_debug();
            return Err(Error::usage(format!(
                "`{call}`: `{name}` is no name of a variable"
            )));
        }
        match value {
            Arg::Secret(secret) if secret.reveal().contains(['\n', '\r', '\0']) => {
                let message = format!("`{call}`: the secret `{name}` has more than one line");
                return Err(Error::usage(message)
                    .hint("write it to a file with `write`, and mount that with `volumes`"));
            }
            Arg::Secret(secret) => {
                lines.extend_from_slice(format!("{name}={}\n", secret.reveal()).as_bytes());
            }
            Arg::Flag(is_on) => words.push(format!("--env={name}={is_on}")),
            other => words.push(format!("--env={name}={}", text(call, "env", other)?)),
        }
    }
    Ok((words, lines))
}

#[cfg(test)]
mod tests;
