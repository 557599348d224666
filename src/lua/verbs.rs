//! The verbs of everything that commands can be run on: `run test capture script read write
//! upload download log`. One implementation for every handle.

use std::rc::Rc;

use mlua::{Lua, Table, UserDataMethods, UserDataRef, Value};

use super::link::Link;
use super::options::{Options, bytes_of};
use super::secret::SecretValue;
use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::{DEFAULT_MAX_OUTPUT, Output};
use crate::quote;
use crate::ssh::{CopyOptions, Effect, Exec};

/// Options of `run` and `script`, beside what only one of them takes.
const RUN: [&str; 6] = ["check", "timeout", "stdin", "env", "cwd", "max_output"];
/// Options of the readers.
const READ: [&str; 5] = ["timeout", "stdin", "env", "cwd", "max_output"];
/// Longest file that `read` takes unless told otherwise, bytes.
const READ_LIMIT: i64 = 64 << 20;

/// Registry key of the methods that are written in Lua.
const METHODS: &str = "Server.methods";

/// Loads the methods that are written in Lua.
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    let methods: Table = super::shipped(lua, "mr/server.lua")?;
    lua.set_named_registry_value(METHODS, methods)
}

/// A handle that has a [`Link`].
pub(super) trait HasLink: 'static {
    fn link(&self) -> &Rc<Link>;
}

/// Adds the verbs to a handle's type.
pub(super) fn add<T: HasLink, M: UserDataMethods<T>>(methods: &mut M) {
    methods.add_async_method("run", |lua, this, (command, opts)| async move {
        let link = link_of(this);
        let (request, shown) = request("run", &command, Options::new("run", opts, &RUN)?)?;
        run(&lua, &link, request, shown).await
    });
    methods.add_async_method(
        "script",
        |lua, this, (text, opts): (Value, Value)| async move {
            let link = link_of(this);
            let (request, shown) = script(&text, opts)?;
            run(&lua, &link, request, shown).await
        },
    );
    methods.add_async_method("test", |_, this, (command, opts)| async move {
        let link = link_of(this);
        let (request, _) = request("test", &command, Options::new("test", opts, &READ)?)?;
        Ok(exec(&link, request.0).await?.is_success())
    });
    methods.add_async_method("capture", |lua, this, (command, opts)| async move {
        let link = link_of(this);
        let (request, shown) = request("capture", &command, Options::new("capture", opts, &READ)?)?;
        let output = exec(&link, request.0).await?;
        if !output.is_success() {
            return Err(Error::exit(shown, output).server(&link.id).into());
        }
        lua.create_string(output.stdout.trim_ascii())
    });
    methods.add_async_method(
        "read",
        |lua, this, (path, opts): (String, Value)| async move {
            let link = link_of(this);
            let opts = Options::new("read", opts, &["limit"])?;
            let limit = opts.number("limit", 0, i64::MAX)?.unwrap_or(READ_LIMIT);
            let bytes = link
                .wait(async {
                    link.transport()
                        .await?
                        .read(remote(&path), limit as u64)
                        .await
                })
                .await?;
            lua.create_string(bytes)
        },
    );
    methods.add_async_method("write", |_, this, (path, content, opts)| async move {
        let (path, content): (String, Value) = (path, content);
        let link = link_of(this);
        let mode = Options::new("write", opts, &["mode"])?.mode("mode")?;
        let content = bytes_of(&content)
            .ok_or_else(|| Error::usage("`write`: the content must be a string or a secret"))?;
        if link.withhold(&format!("write `{path}` ({} bytes)", content.len())) {
            return Ok(());
        }
        let work = async {
            link.transport()
                .await?
                .write(remote(&path), content, mode)
                .await
        };
        Ok(link.wait(work).await?)
    });
    methods.add_async_method("upload", |_, this, (from, to, opts)| async move {
        let (from, to): (String, String) = (from, to);
        let link = link_of(this);
        let options = copy_options(&link, "upload", &from, opts)?;
        let local = expand_tilde(&from);
        if !local.exists() {
            return Err(Error::new(Kind::Transfer, format!("no such local file: `{from}`")).into());
        }
        if link.withhold(&format!("upload `{from}` to `{to}`")) {
            return Ok(0);
        }
        let work = async {
            link.transport()
                .await?
                .upload(local, remote(&to), options)
                .await
        };
        Ok(link.wait(work).await?)
    });
    methods.add_async_method("download", |_, this, (from, to, opts)| async move {
        let (from, to): (String, String) = (from, to);
        let link = link_of(this);
        let options = copy_options(&link, "download", &from, opts)?;
        let local = expand_tilde(&to);
        let work = async {
            link.transport()
                .await?
                .download(remote(&from), local, options)
                .await
        };
        Ok(link.wait(work).await?)
    });
    methods.add_method("log", |_, this, message: String| {
        this.link().note(Level::Notice, &message);
        Ok(())
    });
    methods.add_method("warn", |_, this, message: String| {
        this.link().note(Level::Warning, &message);
        Ok(())
    });
    methods.add_method("phase", |_, this, phase: String| {
        let link = this.link();
        link.context.room.events.server_phase(&link.id, &phase);
        Ok(())
    });
    methods.add_meta_method("__index", |lua, _, key: Value| {
        lua.named_registry_value::<Table>(METHODS)?
            .raw_get::<Value>(key)
    });
    methods.add_meta_method("__tostring", |_, this, ()| Ok(this.link().id.clone()));
}

fn link_of<T: HasLink>(this: UserDataRef<T>) -> Rc<Link> {
    this.link().clone()
}

/// A request and whether a bad end of it raises.
type Request = (Exec, bool);

/// Builds the request of a command; the second value is the command as it was written.
fn request(call: &'static str, command: &Value, opts: Options) -> Result<(Request, String)> {
    let shown = command_text(call, command)?;
    let mut exec = Exec::new(String::new());
    if call != "run" {
        exec.effect = Effect::Read;
    }
    fill(&mut exec, &opts, &shown)?;
    Ok(((exec, opts.flag("check")?.unwrap_or(true)), shown))
}

/// A script goes in over standard input: no temporary file, nothing pasted into a shell.
fn script(text: &Value, opts: Value) -> Result<(Request, String)> {
    const CALL: &str = "script";
    let allowed = [
        "check",
        "timeout",
        "env",
        "cwd",
        "max_output",
        "args",
        "shell",
    ];
    let opts = Options::new(CALL, opts, &allowed)?;
    let stdin = bytes_of(text)
        .ok_or_else(|| Error::usage("`script`: the script must be a string, its text"))?;
    let mut words = vec![opts.text("shell")?.unwrap_or_else(|| "sh".to_owned())];
    words.extend(["-s".to_owned(), "--".to_owned()]);
    words.extend(opts.list("args")?);
    let shown = quote::words(&words)?;
    let mut exec = Exec::new(String::new());
    fill(&mut exec, &opts, &shown)?;
    exec.stdin = stdin;
    Ok(((exec, opts.flag("check")?.unwrap_or(true)), shown))
}

/// What all requests take: time-out, input, environment, folder.
fn fill(exec: &mut Exec, opts: &Options, command: &str) -> Result<()> {
    exec.timeout = opts.seconds("timeout")?;
    exec.stdin = opts.bytes("stdin")?.unwrap_or_default();
    let most = opts.number("max_output", 0, 1 << 40)?;
    exec.max_output = most.map_or(DEFAULT_MAX_OUTPUT, |n| n as usize);
    if let Some(cwd) = opts.text("cwd")? {
        exec.command += &format!("cd {} || exit\n", quote::word(&cwd)?);
    }
    if let Some(env) = opts.table("env")? {
        for pair in env.pairs::<String, Value>() {
            let (name, value) = pair.map_err(|_| Error::usage("`env`: names must be strings"))?;
            exec.command += &format!("export {}={}\n", variable(&name)?, argument("env", &value)?);
        }
    }
    exec.command += command;
    Ok(())
}

fn variable(name: &str) -> Result<&str> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(good)
    {
        return Err(Error::usage(format!(
            "`env`: `{name}` is not the name of a variable"
        )));
    }
    Ok(name)
}

/// A command given as a string is the shell's; given as a list, each item is quoted.
fn command_text(call: &str, command: &Value) -> Result<String> {
    match command {
        Value::String(text) => Ok(text.to_string_lossy()),
        Value::Table(list) => {
            let words: Result<Vec<String>> = list
                .sequence_values::<Value>()
                .filter_map(|v| v.ok())
                .map(|v| argument(call, &v))
                .collect();
            let words = words?;
            if words.is_empty() {
                return Err(Error::usage(format!(
                    "`{call}`: an empty list is no command"
                )));
            }
            Ok(words.join(" "))
        }
        other if SecretValue::is(other) => Err(no_secret(call)),
        other => Err(Error::usage(format!(
            "`{call}`: the command must be a string or a list, not {}",
            other.type_name()
        ))),
    }
}

/// One quoted word of a command.
pub(super) fn argument(call: &str, value: &Value) -> Result<String> {
    match super::options::text_of(value) {
        Some(text) => quote::word(&text),
        None if SecretValue::is(value) => Err(no_secret(call)),
        None => Err(Error::usage(format!(
            "`{call}`: an argument must be a string or a number, not {}",
            value.type_name()
        ))),
    }
}

fn no_secret(call: &str) -> Error {
    Error::usage(format!(
        "`{call}`: a secret in a command could be seen by others on the server"
    ))
    .hint("hand it over as `stdin`, or write it to a file with `write`")
}

/// Runs a request and gives its output, whatever its exit code.
async fn exec(link: &Link, mut request: Exec) -> Result<Output> {
    let room = &link.context.room;
    request.timeout = request.timeout.or(room.options.command_timeout);
    link.wait(async {
        let transport = link.transport().await?;
        transport.exec(request).await
    })
    .await
}

/// `run` and `script`: a result table, or an error for a bad end.
async fn run(
    lua: &Lua,
    link: &Rc<Link>,
    (request, raise): Request,
    shown: String,
) -> mlua::Result<Table> {
    if link.withhold(&format!("run `{shown}`")) {
        return unknown_result(lua, link, shown);
    }
    let output = exec(link, request).await.map_err(|e| e.command(&shown))?;
    if raise && !output.is_success() {
        return Err(Error::exit(shown, output).server(&link.id).into());
    }
    result(lua, link, shown, &output)
}

fn result(lua: &Lua, link: &Link, command: String, output: &Output) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 9)?;
    table.raw_set("ok", output.is_success())?;
    table.raw_set("code", output.code)?;
    table.raw_set("signal", output.signal.as_deref())?;
    table.raw_set("stdout", lua.create_string(&output.stdout)?)?;
    table.raw_set("stderr", lua.create_string(&output.stderr)?)?;
    table.raw_set("duration", output.duration.as_secs_f64())?;
    table.raw_set("server", link.id.as_str())?;
    table.raw_set("command", command)?;
    table.raw_set("truncated", output.truncated)?;
    Ok(table)
}

/// The result of a command that check mode withheld: looking into it makes the outcome unknown.
fn unknown_result(lua: &Lua, link: &Rc<Link>, command: String) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("server", link.id.as_str())?;
    table.raw_set("command", command.as_str())?;
    let meta = lua.create_table()?;
    let link = link.clone();
    let look = move |_: &Lua, (_, key): (Table, Value)| -> mlua::Result<Value> {
        let known = [
            "ok",
            "code",
            "signal",
            "stdout",
            "stderr",
            "duration",
            "truncated",
        ];
        match super::options::text_of(&key) {
            Some(key) if known.contains(&key.as_str()) => {
                link.unknown.set(true);
                let message =
                    format!("check mode cannot tell `{key}` of a command that was not run");
                Err(Error::new(Kind::Unpredicted, message)
                    .server(&link.id)
                    .command(&command)
                    .hint("use `test` or `capture` for what only reads")
                    .into())
            }
            _ => Ok(Value::Nil),
        }
    };
    meta.raw_set("__index", lua.create_function(look)?)?;
    table.set_metatable(Some(meta))?;
    Ok(table)
}

/// SFTP knows no `~`: a relative path is below the login's home already.
fn remote(path: &str) -> &str {
    match path {
        "~" => ".",
        _ => path.strip_prefix("~/").unwrap_or(path),
    }
}

fn copy_options(
    link: &Rc<Link>,
    call: &'static str,
    path: &str,
    opts: Value,
) -> Result<CopyOptions> {
    let opts = Options::new(call, opts, &["mode"])?;
    let (events, id, path) = (
        link.context.room.events.clone(),
        link.id.clone(),
        path.to_owned(),
    );
    Ok(CopyOptions {
        mode: opts.mode("mode")?,
        progress: Some(std::sync::Arc::new(move |done, total| {
            events.transfer(&id, &path, done, total);
        })),
    })
}
