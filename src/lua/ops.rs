//! The native half of operations: what `mr.ops` needs to reach a server, to be heard of, and to
//! keep what waits. The state is the work of a handle ([`Link`]), and the database's.

use std::rc::Rc;

use mlua::{AnyUserData, Function, Lua, MultiValue, Table, Value};
use sha2::{Digest as _, Sha256};

use super::context::Context;
use super::error::to_table;
use super::link::{Link, count};
use super::options::{Options, bytes_of, seconds};
use super::request::request;
use super::secret::SecretValue;
use super::server::Server;
use super::ssh::Ssh;
use super::verbs::{self, HasLink as _};
use crate::error::{Error, Kind, Result};
use crate::events::{FileDiff, Level, Operation};
use crate::secret::Redactor;
use crate::ssh::Effect;

/// Registry key of `mr.ops`, once it is loaded.
const HOOKS: &str = "mr.ops";
/// What a command of an operation is made of.
const EXEC: [&str; 11] = [
    "command", "effect", "shown", "steps", "stdin", "env", "cwd", "timeout", "codes", "sudo",
    "tidy",
];
/// What a script of several steps prints before the number of the one that failed.
const FAILED: &str = "mroom-step ";

/// What stands behind a handle that operations can work on.
fn link_of(handle: &AnyUserData) -> mlua::Result<Rc<Link>> {
    if let Ok(server) = handle.borrow::<Server>() {
        return Ok(server.link().clone());
    }
    Ok(handle.borrow::<Ssh>()?.link().clone())
}

/// Adds what `mr.ops` uses to `mr.native`.
pub(super) fn add(lua: &Lua, context: &Rc<Context>, native: &Table) -> mlua::Result<()> {
    work(lua, context, native)?;
    handlers(lua, native)?;
    super::template::add(lua, native)?;
    values(lua, context, native)
}

/// What happens on a server.
fn work(lua: &Lua, context: &Rc<Context>, native: &Table) -> mlua::Result<()> {
    // Its id, where it is (for a server of the inventory), and whether nothing may change there.
    let begin = lua.create_function(|_, handle: AnyUserData| {
        let link = link_of(&handle)?;
        let row = link.row();
        let place = row.map(|row| format!("{} {}@{}:{}", row.id, row.user, row.host, row.port));
        Ok((link.id.clone(), place, link.check))
    })?;
    native.raw_set("ops_begin", begin)?;
    let c = context.clone();
    let scope = lua.create_function(move |_, ()| Ok(c.scope.borrow().clone()))?;
    native.raw_set("scope", scope)?;
    let hooks = lua.create_function(|lua, hooks: Table| lua.set_named_registry_value(HOOKS, hooks));
    native.raw_set("ops_hooks", hooks?)?;
    // A look or a step: its standard output.
    let exec =
        lua.create_async_function(|lua, (handle, call): (AnyUserData, Value)| async move {
            let link = link_of(&handle)?;
            let output = exec(&link, call).await?;
            lua.create_string(output)
        })?;
    native.raw_set("op_exec", exec)?;
    let done = lua.create_function(|_, (handle, told): (AnyUserData, Table)| {
        done(&*link_of(&handle)?, &told)
    })?;
    native.raw_set("op_done", done)?;
    let step = lua.create_function(|_, (handle, question): (AnyUserData, String)| {
        let room = &link_of(&handle)?.context.room;
        Ok(!room.options.step || room.interact.confirm(&room.redactor.clean(&question)))
    })?;
    native.raw_set("step", step)?;
    let would =
        lua.create_function(|_, handle: AnyUserData| Ok(link_of(&handle)?.would_change.get()))?;
    native.raw_set("would_change", would)?;
    // How many verbs and operations there were, and of these how many changed something, and of how
    // many nobody knows.
    let tally = lua.create_function(|_, handle: AnyUserData| {
        let link = link_of(&handle)?;
        let t = &link.tally;
        Ok((
            t.verbs.get(),
            t.operations.get(),
            t.changed.get(),
            t.unknown.get(),
        ))
    })?;
    native.raw_set("tally", tally)?;
    // The error for code that looks at what check mode cannot know.
    let cannot = lua.create_function(|lua, (handle, message): (AnyUserData, String)| {
        let link = link_of(&handle)?;
        link.unknown.set(true);
        let error = Error::new(Kind::Unpredicted, message).server(&link.id);
        to_table(lua, &error)
    })?;
    native.raw_set("cannot_tell", cannot)?;
    let warn = lua.create_function(|_, (handle, text): (AnyUserData, String)| {
        link_of(&handle)?.note(Level::Warning, &text);
        Ok(())
    })?;
    native.raw_set("ops_warn", warn)
}

/// Runs one command of an operation in the session's kept shell.
async fn exec(link: &Rc<Link>, call: Value) -> Result<Vec<u8>> {
    let opts = Options::new("operation", call, &EXEC)?;
    let shown = opts.required("shown")?;
    let (codes, steps) = (opts.list("codes")?, opts.list("steps")?);
    let effect = match opts.required("effect")?.as_str() {
        "read" => Effect::Read,
        _ => Effect::Write,
    };
    let tidy = opts.flag("tidy")?.unwrap_or(false);
    let command = opts.value("command");
    let (mut request, _) = request("run", &command, opts)?;
    request.exec.effect = effect;
    request.exec.kept = true;
    request.exec.is_tidy = tidy;
    let output = verbs::exec(link, request).await;
    let output = output.map_err(|e| e.command(&shown))?;
    let is_good = match (output.code, codes.is_empty()) {
        (Some(code), false) => codes.contains(&code.to_string()),
        _ => output.is_success(),
    };
    match is_good {
        true => Ok(output.stdout),
        false => {
            let said = String::from_utf8_lossy(&output.stdout);
            let number = said.strip_prefix(FAILED).map(|n| n.trim().parse::<usize>());
            let step = number.and_then(|n| steps.into_iter().nth(n.ok()?.checked_sub(1)?));
            Err(Error::exit(step.unwrap_or(shown), output).server(&link.id))
        }
    }
}

/// An operation has ended: counts it, and tells whoever listens.
fn done(link: &Link, told: &Table) -> mlua::Result<()> {
    let room = &link.context.room;
    let clean = |text: String| room.redactor.clean(&text).into_owned();
    let text = |key: &str| told.raw_get::<Option<String>>(key);
    let duration: Option<f64> = told.raw_get("duration")?;
    let changes: Option<Vec<String>> = told.raw_get("changes")?;
    let diff: Option<Table> = told.raw_get("diff")?;
    let operation = Operation {
        op: text("op")?.unwrap_or_default(),
        target: clean(text("target")?.unwrap_or_default()),
        status: text("status")?.unwrap_or_default(),
        changes: changes.unwrap_or_default().into_iter().map(clean).collect(),
        diff: diff
            .map(|diff| file_diff(&diff, &room.redactor))
            .transpose()?,
        duration: seconds(duration.unwrap_or_default()).unwrap_or_default(),
        check: link.check,
        error: text("error")?.map(clean),
    };
    count(&link.tally.operations);
    match operation.status.as_str() {
        "changed" => {
            count(&link.tally.changed);
            link.would_change.set(link.would_change.get() || link.check);
        }
        "unknown" => count(&link.tally.unknown),
        _ => {}
    }
    room.events.operation(&link.id, &operation);
    Ok(())
}

fn file_diff(diff: &Table, redactor: &Redactor) -> mlua::Result<FileDiff> {
    let (before, after): (Value, Value) = (diff.raw_get("before")?, diff.raw_get("after")?);
    let path: String = diff.raw_get("path")?;
    let is_secret = diff.raw_get::<Option<bool>>("secret")? == Some(true)
        || SecretValue::is(&before)
        || SecretValue::is(&after);
    let side = |value: &Value| match is_secret {
        true => (!value.is_nil()).then(Vec::new),
        false => bytes_of(value).map(|bytes| shown(bytes, redactor)),
    };
    Ok(FileDiff {
        path: redactor.clean(&path).into_owned(),
        before: side(&before),
        after: side(&after),
        secret: is_secret,
    })
}

/// One side of a diff: a text without known secrets, or a line about what is no text.
fn shown(bytes: Vec<u8>, redactor: &Redactor) -> Vec<u8> {
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.contains('\0') => redactor.clean(text).into_owned().into_bytes(),
        _ => format!("binary: {} bytes, sha256 {}\n", bytes.len(), sha256(&bytes)).into_bytes(),
    }
}

/// What waits for the end, in the database.
fn handlers(lua: &Lua, native: &Table) -> mlua::Result<()> {
    type Named = (AnyUserData, String);
    let waiting = lua.create_function(|_, (handle, scope): Named| {
        let link = link_of(&handle)?;
        Ok(link.context.room.store()?.handlers(&link.id, &scope)?)
    })?;
    native.raw_set("handlers_waiting", waiting)?;
    let add = lua.create_function(
        |_, (handle, scope, names): (AnyUserData, String, Vec<String>)| {
            let link = link_of(&handle)?;
            let store = link.context.room.store()?;
            Ok(store.add_handlers(&link.id, &scope, &names)?)
        },
    )?;
    native.raw_set("handlers_add", add)?;
    let done = lua.create_function(|_, (handle, scope, name): (AnyUserData, String, String)| {
        let link = link_of(&handle)?;
        let store = link.context.room.store()?;
        Ok(store.remove_handler(&link.id, &scope, &name)?)
    })?;
    native.raw_set("handlers_done", done)
}

/// What the bundled Lua has no words of its own for.
fn values(lua: &Lua, context: &Rc<Context>, native: &Table) -> mlua::Result<()> {
    // A local file as a script names it: in the current folder, else beside the script.
    let c = context.clone();
    let local = lua.create_function(move |_, name: String| {
        let path = crate::config::expand_tilde(&name);
        let beside = c.loader.beside().map(|folder| folder.join(&path));
        let beside = beside.filter(|beside| !path.exists() && beside.exists());
        Ok(beside.unwrap_or(path).display().to_string())
    })?;
    native.raw_set("local_path", local)?;
    let place = lua.create_function(|lua, ()| Ok(super::spec::here(lua)))?;
    native.raw_set("place", place)?;
    let nearest = lua.create_function(|_, (word, known): (String, Vec<String>)| {
        let near = crate::config::nearest(&word, known.iter().map(String::as_str));
        Ok(near.map(str::to_owned))
    })?;
    native.raw_set("nearest", nearest)?;
    // What nobody can guess.
    let word = lua.create_function(|_, ()| Ok(crate::ssh::word()?))?;
    native.raw_set("word", word)?;
    let is_secret = lua.create_function(|_, value: Value| Ok(SecretValue::is(&value)))?;
    native.raw_set("is_secret", is_secret)?;
    // Are both the same bytes? Either may be a secret.
    let same = lua.create_function(|_, (a, b): (Value, Value)| {
        Ok(matches!((bytes_of(&a), bytes_of(&b)), (Some(a), Some(b)) if a == b))
    })?;
    native.raw_set("same", same)?;
    let hash = lua.create_function(|_, value: Value| {
        let wrong = || Error::usage("`sha256`: the value must be a string or a secret");
        Ok(sha256(&bytes_of(&value).ok_or_else(wrong)?))
    })?;
    native.raw_set("sha256", hash)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The function of `mr.ops` of that name; nothing when no operation was used.
fn hook(lua: &Lua, name: &str) -> Option<Function> {
    let hooks: Option<Table> = lua.named_registry_value(HOOKS).ok()?;
    hooks?.raw_get(name).ok()
}

/// Work on one server has ended: its handlers run, or it is said that they wait.
pub(super) async fn ended(
    lua: &Lua,
    handle: &AnyUserData,
    result: Result<MultiValue>,
) -> Result<MultiValue> {
    match (result, hook(lua, "finish"), hook(lua, "left")) {
        (Ok(values), Some(finish), _) => {
            let end = super::call(lua, &finish, handle).await;
            if end.is_err() {
                left(hook(lua, "left"), handle);
            }
            end.map(|_| values)
        }
        (Err(error), _, hook) => {
            left(hook, handle);
            Err(error)
        }
        (values, ..) => values,
    }
}

fn left(hook: Option<Function>, handle: &AnyUserData) {
    // It only warns; the error that brought us here is what counts.
    let _ = hook.map(|left| left.call::<()>(handle));
}

/// A script has ended: so has what no map function has ended.
pub(super) async fn over(lua: &Lua, result: Result<MultiValue>) -> Result<MultiValue> {
    let Some(over) = hook(lua, "over") else {
        return result;
    };
    let end = super::call(lua, &over, result.is_ok()).await;
    result.and_then(|values| end.map(|_| values))
}
