//! The bridge between the core's [`Error`] and what Lua code raises and catches.
//!
//! A binding raises an [`Error`]. What catches it (`mr.try`, `pcall`, the end of a script) gets
//! the `err` table: `{kind, message, server, command, code, stderr, hint}`, whose metatable keeps
//! the [`Error`] itself, so that raising it again loses nothing. What the table says counts: code that
//! has caught it may change it, or raise one of its own. Owns no state.

use std::rc::Rc;

use mlua::{Lua, LuaSerdeExt as _, Table, Value};

use super::options::text_of;
use crate::error::{Error, Kind};
use crate::output::Output;

/// The key in an err table's metatable behind which the original waits.
const ORIGINAL: &str = "__error";
/// Frames of these chunks say nothing to a person.
const PLUMBING: [&str; 3] = ["__mlua_async_poll", "[C]: in", "stack traceback:"];

/// What Lua says when an allocation is refused.
const NO_MEMORY: &str = "not enough memory";

impl From<Error> for mlua::Error {
    fn from(error: Error) -> Self {
        mlua::Error::external(error)
    }
}

/// Keeps the core's error alive inside Lua.
struct Original(Rc<Error>);

impl mlua::UserData for Original {}

/// The core's view of an error that came through mlua.
pub(super) fn from_lua(error: &mlua::Error) -> Error {
    match error {
        mlua::Error::CallbackError { cause, .. } => from_lua(cause),
        mlua::Error::WithContext { context, cause } => from_lua(cause).context(context),
        mlua::Error::ExternalError(inner) => match inner.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => Error::new(Kind::Script, inner.to_string()),
        },
        mlua::Error::RuntimeError(text) => script(text),
        mlua::Error::SyntaxError { message, .. } => script(message),
        mlua::Error::BadArgument { to, pos, cause, .. } => bad_argument(to.as_deref(), *pos, cause),
        mlua::Error::UserDataTypeMismatch => wrong_self(),
        mlua::Error::MemoryError(_) => script(NO_MEMORY),
        other => Error::new(Kind::Script, lower(&other.to_string())),
    }
}

fn bad_argument(to: Option<&str>, pos: usize, cause: &mlua::Error) -> Error {
    // mlua names a method's function as `Type.method` and counts `self` as the first argument.
    let call = to.map_or_else(|| "call".to_owned(), |t| t.replace('.', ":"));
    let method = call.contains(':');
    if method && pos <= 1 {
        return wrong_self();
    }
    let pos = if method { pos - 1 } else { pos };
    match cause {
        mlua::Error::FromLuaConversionError { from, to, .. } => Error::usage(format!(
            "`{call}`: argument {pos} must be {}, not {from}",
            plain(to)
        )),
        other => from_lua(other).context(format!("`{call}`: argument {pos}")),
    }
}

fn wrong_self() -> Error {
    Error::usage("the value before the verb is missing or of the wrong type")
        .hint("verbs are called with a colon: `object:verb(…)`")
}

/// A Rust type's name in the words of Lua.
fn plain(name: &str) -> &str {
    match name {
        "String" | "string" | "LuaString" | "BorrowedStr" | "BorrowedBytes" => "a string",
        "function" | "Function" => "a function",
        "table" | "Table" => "a table",
        "bool" | "boolean" => "true or false",
        "f64" | "number" => "a number",
        name if name.starts_with(['i', 'u']) => "a whole number",
        name => name,
    }
}

/// An error of Lua code itself: its message already says where.
fn script(message: &str) -> Error {
    // mlua puts a traceback behind the message when nobody handled the error before it.
    let message = message
        .split("\nstack traceback:")
        .next()
        .unwrap_or(message);
    let error = Error::new(Kind::Script, message.trim_end());
    if message == NO_MEMORY {
        return error.hint(super::limits::setting("lua.memory_mb"));
    }
    if message.contains("attempt to yield") {
        return error.hint(
            "servers cannot be called from inside `table.sort`, `string.gsub`, a metamethod or \
             while a module loads",
        );
    }
    error
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// The core's view of any value that was raised.
pub(super) fn of_value(value: &Value) -> Error {
    match value {
        Value::Error(error) => from_lua(error),
        Value::String(text) => script(&text.to_string_lossy()),
        Value::Table(table) => of_table(table),
        other => Error::new(
            Kind::Script,
            format!("a {} was raised as an error", other.type_name()),
        ),
    }
}

/// What an err table says now, also when Lua code has changed it; what it cannot say comes from the
/// error that it was made of.
fn of_table(table: &Table) -> Error {
    let original = table
        .metatable()
        .and_then(|m| m.raw_get::<mlua::AnyUserData>(ORIGINAL).ok())
        .and_then(|o| o.borrow::<Original>().map(|o| o.0.clone()).ok());
    let value = |key: &str| table.raw_get::<Value>(key).unwrap_or(Value::Nil);
    let text = |key: &str| text_of(&value(key));
    let kind = text("kind").and_then(|word| match &original {
        // Several kinds have one word.
        Some(error) if error.kind().as_str() == word => Some(error.kind()),
        _ => kind_of(&word),
    });
    let message = text("message").unwrap_or_else(|| "a table was raised as an error".to_owned());
    let mut error = Error::new(kind.unwrap_or(Kind::Script), message);
    let mut output = Output::default();
    if let Some(original) = &original {
        error = error.behind(original);
        output = original.remote_output().cloned().unwrap_or_default();
    }
    if let Some(server) = text("server") {
        error = error.server(server);
    }
    if let Some(command) = text("command") {
        error = error.command(command);
    }
    if let Some(hint) = text("hint") {
        error = error.hint(hint);
    }
    if let evidence @ Value::Table(_) = value("evidence")
        && let Ok(evidence) = serde_json::to_value(&evidence)
    {
        error = error.evidence(evidence);
    }
    if let Some(reason) = text("reason") {
        error = error.reason(reason);
    }
    let (code, stderr) = (value("code").as_integer(), value("stderr"));
    if let (Some(_), _) | (_, Value::String(_)) = (code, &stderr) {
        output.code = code.and_then(|code| i32::try_from(code).ok());
        output.stderr = stderr
            .as_string()
            .map(|s| s.as_bytes().to_vec())
            .unwrap_or_default();
        error = error.output(output);
    }
    error
}

/// The kind that a playbook names; its word may stand for several kinds, the plainest is meant.
pub(super) fn kind_of(word: &str) -> Option<Kind> {
    use Kind::*;
    [
        Connect, Auth, HostKey, Timeout, Exit, Transfer, Docker, Tunnel, Usage, Script, Cancelled,
    ]
    .into_iter()
    .find(|k| k.as_str() == word)
}

/// The `err` table of an error.
pub(super) fn to_table(lua: &Lua, error: &Error) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("kind", error.kind().as_str())?;
    table.raw_set("message", error.message())?;
    table.raw_set("server", error.server_id())?;
    table.raw_set("command", error.remote_command())?;
    table.raw_set("hint", error.hint_text())?;
    table.raw_set("reason", error.reason_word())?;
    if let Some(Output { code, stderr, .. }) = error.remote_output() {
        table.raw_set("code", *code)?;
        table.raw_set("stderr", lua.create_string(stderr)?)?;
    }
    if let Some(evidence) = error.evidence_found() {
        table.raw_set("evidence", lua.to_value(evidence)?)?;
    }
    let meta = lua.create_table()?;
    meta.raw_set("__name", "err")?;
    meta.raw_set(
        "__tostring",
        lua.create_function(|_, table: Table| Ok(of_table(&table).to_string()))?,
    )?;
    meta.raw_set(
        ORIGINAL,
        lua.create_userdata(Original(Rc::new(error.clone())))?,
    )?;
    table.set_metatable(Some(meta))?;
    Ok(table)
}

/// Message handler of `mr.try` and of everything that Rust calls: any raised value becomes an
/// err table that remembers where it was raised.
pub(super) fn bridge(lua: &Lua, value: Value) -> mlua::Result<Value> {
    let mut error = of_value(&value);
    if error.lua_traceback().is_none() {
        let frames = frames(lua);
        if error.kind() == Kind::Usage
            && matches!(value, Value::Error(_))
            && let Some(place) = frames.iter().find_map(|f| place(f))
        {
            error = error.context(place);
        }
        if !frames.is_empty() {
            error = error.traceback(frames.join("\n"));
        }
    } else if matches!(value, Value::Table(_)) {
        return Ok(value);
    }
    to_table(lua, &error).map(Value::Table)
}

/// Message handler of `pcall`: what Lua code raised stays as it is.
pub(super) fn caught(lua: &Lua, value: Value) -> mlua::Result<Value> {
    match value {
        Value::Error(_) => bridge(lua, value),
        other => Ok(other),
    }
}

/// Whether a value was raised because a limit is passed: nothing may catch it.
pub(super) fn ended(_: &Lua, value: Value) -> mlua::Result<bool> {
    Ok(of_value(&value).kind() == Kind::Limit)
}

/// The Lua functions that are running, innermost first, without the plumbing.
fn frames(lua: &Lua) -> Vec<String> {
    let Ok(text) = lua.traceback(None, 1) else {
        return Vec::new();
    };
    let text = text.to_string_lossy();
    let useful = |l: &&str| !l.is_empty() && !PLUMBING.iter().any(|p| l.contains(p));
    text.lines()
        .map(str::trim)
        .filter(useful)
        .map(str::to_owned)
        .collect()
}

/// `file:line` of a frame of the user's code.
pub(super) fn place(frame: &str) -> Option<&str> {
    let (place, _) = frame.split_once(": in ")?;
    (!place.starts_with("mr/")).then_some(place)
}
