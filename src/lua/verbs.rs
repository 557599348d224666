//! The verbs of everything that commands can be run on: `run test capture script read write
//! upload download log`. One implementation for every handle.

use std::rc::Rc;

use mlua::{Lua, Table, UserDataMethods, UserDataRef, Value};

use super::docker::Docker;
use super::link::Link;
use super::options::{Options, bytes_of};
use super::request::{AsUser, READ, RUN, Request, request, script};
use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::Output;
use crate::ssh::{CopyOptions, elevated};

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
        Ok(exec(&link, request).await?.is_success())
    });
    methods.add_async_method("capture", |lua, this, (command, opts)| async move {
        let link = link_of(this);
        let (request, shown) = request("capture", &command, Options::new("capture", opts, &READ)?)?;
        let output = exec(&link, request).await?;
        if !output.is_success() {
            return Err(Error::exit(shown, output).server(&link.id).into());
        }
        lua.create_string(output.stdout.trim_ascii())
    });
    methods.add_async_method(
        "read",
        |lua, this, (path, opts): (String, Value)| async move {
            let link = link_of(this);
            let opts = Options::new("read", opts, &["limit", "sudo"])?;
            let limit = opts.number("limit", 0, i64::MAX)?.unwrap_or(READ_LIMIT) as u64;
            let user = AsUser::of("read", &opts)?;
            let work = async {
                let sudo = link.sudo(&user)?;
                let transport = link.transport().await?;
                match sudo {
                    Some(sudo) => elevated::read(&*transport, sudo, &path, limit).await,
                    None => transport.read(remote(&path), limit).await,
                }
            };
            let bytes = link.wait(work).await?;
            lua.create_string(bytes)
        },
    );
    methods.add_async_method("write", |_, this, (path, content, opts)| async move {
        let (path, content): (String, Value) = (path, content);
        let link = link_of(this);
        let opts = Options::new("write", opts, &["mode", "sudo"])?;
        let (mode, user) = (opts.mode("mode")?, AsUser::of("write", &opts)?);
        let content = bytes_of(&content)
            .ok_or_else(|| Error::usage("`write`: the content must be a string or a secret"))?;
        if link.withhold(&format!("write `{path}` ({} bytes)", content.len())) {
            return Ok(());
        }
        let work = async {
            let sudo = link.sudo(&user)?;
            let transport = link.transport().await?;
            match sudo {
                Some(sudo) => elevated::write(&*transport, sudo, &path, content, mode).await,
                None => transport.write(remote(&path), content, mode).await,
            }
        };
        Ok(link.wait(work).await?)
    });
    methods.add_async_method("upload", |_, this, (from, to, opts)| async move {
        let (from, to): (String, String) = (from, to);
        let link = link_of(this);
        let (options, user) = copy_options(&link, "upload", &from, opts)?;
        let local = expand_tilde(&from);
        if !local.exists() {
            return Err(Error::new(Kind::Transfer, format!("no such local file: `{from}`")).into());
        }
        if link.withhold(&format!("upload `{from}` to `{to}`")) {
            return Ok(0);
        }
        let work = async {
            let sudo = link.sudo(&user)?;
            let transport = link.transport().await?;
            match sudo {
                Some(sudo) => elevated::upload(&*transport, sudo, local, &to, options).await,
                None => transport.upload(local, remote(&to), options).await,
            }
        };
        Ok(link.wait(work).await?)
    });
    methods.add_async_method("download", |_, this, (from, to, opts)| async move {
        let (from, to): (String, String) = (from, to);
        let link = link_of(this);
        let (options, user) = copy_options(&link, "download", &from, opts)?;
        let local = expand_tilde(&to);
        let work = async {
            let sudo = link.sudo(&user)?;
            let transport = link.transport().await?;
            match sudo {
                Some(sudo) => elevated::download(&*transport, sudo, &from, local, options).await,
                None => transport.download(remote(&from), local, options).await,
            }
        };
        Ok(link.wait(work).await?)
    });
    methods.add_method("docker", |_, this, opts: Value| {
        Ok(Docker::new(this.link(), opts)?)
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

/// Runs a request and gives its output, whatever its exit code.
pub(super) async fn exec(link: &Link, request: Request) -> Result<Output> {
    let room = &link.context.room;
    let mut exec = request.exec;
    exec.timeout = exec.timeout.or(room.options.command_timeout);
    link.wait(async {
        exec.sudo = link.sudo(&request.user)?;
        let transport = link.transport().await?;
        transport.exec(exec).await
    })
    .await
}

/// `run` and `script`: a result table, or an error for a bad end.
async fn run(lua: &Lua, link: &Rc<Link>, request: Request, shown: String) -> mlua::Result<Table> {
    if link.withhold(&format!("run `{shown}`")) {
        return unknown_result(lua, link, shown);
    }
    let raise = request.raise;
    let output = exec(link, request).await.map_err(|e| e.command(&shown))?;
    if raise && !output.is_success() {
        return Err(Error::exit(shown, output).server(&link.id).into());
    }
    result(lua, link, shown, &output)
}

/// The result table of a command.
pub(super) fn result(
    lua: &Lua,
    link: &Link,
    command: String,
    output: &Output,
) -> mlua::Result<Table> {
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
pub(super) fn unknown_result(lua: &Lua, link: &Rc<Link>, command: String) -> mlua::Result<Table> {
    const KNOWN: [&str; 7] = [
        "ok",
        "code",
        "signal",
        "stdout",
        "stderr",
        "duration",
        "truncated",
    ];
    withheld(lua, link, command, |key| KNOWN.contains(&key))
}

/// What stands for the answer of a command that was not run: a look at a key that it would have
/// had raises.
pub(super) fn withheld(
    lua: &Lua,
    link: &Rc<Link>,
    command: String,
    has: fn(&str) -> bool,
) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("server", link.id.as_str())?;
    table.raw_set("command", command.as_str())?;
    let meta = lua.create_table()?;
    let link = link.clone();
    let look = move |_: &Lua, (_, key): (Table, Value)| -> mlua::Result<Value> {
        match super::options::text_of(&key) {
            Some(key) if has(&key) => {
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
) -> Result<(CopyOptions, AsUser)> {
    let opts = Options::new(call, opts, &["mode", "sudo"])?;
    let user = AsUser::of(call, &opts)?;
    let (events, id, path) = (
        link.context.room.events.clone(),
        link.id.clone(),
        path.to_owned(),
    );
    let options = CopyOptions {
        mode: opts.mode("mode")?,
        progress: Some(std::sync::Arc::new(move |done, total| {
            events.transfer(&id, &path, done, total);
        })),
    };
    Ok((options, user))
}
