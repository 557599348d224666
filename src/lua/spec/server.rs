//! A pretended server as specs see it: what it answers, what is on it, what was asked of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use mlua::{Lua, Table, UserData, UserDataFields, UserDataMethods, Value, Variadic};

use crate::error::{Error, Kind, Result};
use crate::lua::error::kind_of;
use crate::lua::options::{Options, bytes_of};
use crate::output::Output;
use crate::ssh::fake::{Call, Fake};
use crate::ssh::{Effect, Exec};

/// The keys of an answer that is a table.
const ANSWER: [&str; 7] = [
    "stdout", "stderr", "code", "signal", "kind", "message", "lost",
];

/// The handle that `fake "web-1"` gives.
pub(super) struct FakeServer(pub(super) Fake);

impl UserData for FakeServer {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Fake");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method(
            "on",
            |_, this, (command, answers): (String, Variadic<Value>)| {
                let is_it = move |text: &str| text == command;
                Ok(rule(&this.0, "on", is_it, &answers)?)
            },
        );
        methods.add_method(
            "on_like",
            |_, this, (pattern, answers): (String, Variadic<Value>)| {
                let is_it = move |text: &str| is_like(text, &pattern);
                Ok(rule(&this.0, "on_like", is_it, &answers)?)
            },
        );
        methods.add_method(
            "put",
            |_, this, (path, content, opts): (String, Value, Value)| {
                let mode = Options::new("put", opts, &["mode"])?.mode("mode")?;
                let content = bytes_of(&content)
                    .ok_or_else(|| Error::usage("`put`: the content must be a string"))?;
                this.0.put(&path, content, mode.unwrap_or(0o644));
                Ok(())
            },
        );
        methods.add_method("file", |lua, this, path: String| {
            Ok(match this.0.file(&path) {
                Some((content, mode)) => (
                    Some(lua.create_string(content)?),
                    Some(format!("{mode:04o}")),
                ),
                None => (None, None),
            })
        });
        methods.add_method("commands", |lua, this, ()| {
            lua.create_sequence_from(this.0.commands())
        });
        methods.add_method("calls", |lua, this, ()| {
            let calls = this.0.calls();
            let tables: mlua::Result<Vec<Table>> = calls.iter().map(|c| call(lua, c)).collect();
            lua.create_sequence_from(tables?)
        });
    }
}

/// The commands that `is_it` picks get the answers one after the other, then the last for ever.
fn rule(
    fake: &Fake,
    verb: &'static str,
    is_it: impl Fn(&str) -> bool + Send + 'static,
    answers: &[Value],
) -> Result<()> {
    let answers: Result<VecDeque<_>> = answers.iter().map(|a| answer(verb, a)).collect();
    let mut answers = answers?;
    if answers.is_empty() {
        answers.push_back(answer(verb, &Value::Nil)?);
    }
    let answers = Mutex::new(answers);
    fake.answer(move |exec: &Exec| {
        if !is_it(&exec.command) {
            return None;
        }
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        }
    });
    Ok(())
}

/// A text is standard output, nothing is an empty one, a table says more.
fn answer(verb: &'static str, value: &Value) -> Result<Result<Output>> {
    let mut output = Output {
        code: Some(0),
        ..Output::default()
    };
    if let Some(text) = bytes_of(value) {
        output.stdout = text;
        return Ok(Ok(output));
    }
    let opts = Options::new(verb, value.clone(), &ANSWER)?;
    output.stdout = opts.bytes("stdout")?.unwrap_or_default();
    output.stderr = opts.bytes("stderr")?.unwrap_or_default();
    output.signal = opts.text("signal")?;
    output.code = match (opts.number("code", 0, 255)?, &output.signal) {
        (Some(code), _) => i32::try_from(code).ok(),
        (None, Some(_)) => None,
        (None, None) => Some(0),
    };
    if opts.flag("lost")? == Some(true) {
        return Ok(Err(Error::new(Kind::Lost, "connection lost")));
    }
    let Some(word) = opts.text("kind")? else {
        return Ok(Ok(output));
    };
    let kind = kind_of(&word)
        .ok_or_else(|| Error::usage(format!("`{verb}`: `{word}` is not the kind of an error")))?;
    let message = opts.text("message")?.unwrap_or(word);
    Ok(Err(Error::new(kind, message)))
}

/// Does `pattern`, in which `*` stands for any text, fit all of `text`?
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn call(lua: &Lua, call: &Call) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let set = |key: &str, value: &[u8]| table.raw_set(key, lua.create_string(value)?);
    let verb = match call {
        Call::Exec {
            command,
            effect,
            stdin,
            sudo,
        } => {
            set("command", command.as_bytes())?;
            set("stdin", stdin)?;
            table.raw_set("sudo", sudo.as_deref())?;
            table.raw_set("reads", *effect == Effect::Read)?;
            "exec"
        }
        Call::Read(path) => {
            set("path", path.as_bytes())?;
            "read"
        }
        Call::Write {
            path,
            content,
            mode,
        } => {
            set("path", path.as_bytes())?;
            set("content", content)?;
            table.raw_set("mode", mode.map(|m| format!("{m:04o}")))?;
            "write"
        }
        Call::Upload(from, to) => {
            set("from", from.display().to_string().as_bytes())?;
            set("to", to.as_bytes())?;
            "upload"
        }
        Call::Download(from, to) => {
            set("from", from.as_bytes())?;
            set("to", to.display().to_string().as_bytes())?;
            "download"
        }
        Call::Close => "close",
    };
    table.raw_set("verb", verb)?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_star_stands_for_any_text() {
        for (text, pattern, expected) in [
            ("uname -s", "uname -s", true),
            ("uname -sr", "uname -s", false),
            ("apt-get install -y curl", "apt-get * curl", true),
            ("apt-get install -y curl", "apt-get *", true),
            ("apt-get install", "*", true),
            ("", "*", true),
            ("", "", true),
            ("x", "", false),
            ("aXbXc", "a*b*c", true),
            ("ab", "ab*b", false),
            ("abb", "ab*b", true),
            ("a", "a*a", false),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text:?} {pattern:?}");
        }
    }
}
