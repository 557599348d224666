//! Verbs about containers.

use mlua::{Lua, UserDataMethods, Value};

use super::follow::{callback, follow, timeout};
use super::given::{command, given, names};
use super::{Docker, to_lua};
use crate::docker::container::{self, Conflict, Wanted};
use crate::docker::given::{Given, Opt};
use crate::docker::work::Made;
use crate::docker::{Call, fault, parse, resource};
use crate::error::{Error, Result};
use crate::lua::options::Options;
use crate::lua::verbs;
use crate::output::Stream;

/// The call of a verb for a name or a list of names.
fn act(verb: &'static str, table: &[Opt], list: &Value, opts: &Value) -> Result<Call> {
    let given = given(verb, table, opts)?;
    container::act(verb, table, &given, &names(verb, list)?)
}

/// Adds them.
pub(super) fn add<M: UserDataMethods<Docker>>(methods: &mut M) {
    methods.add_async_method("ps", |lua, this, opts: Value| async move {
        let handle = this.0.clone();
        let call = container::ps(&given("ps", container::PS, &opts)?)?;
        let list = handle
            .with(async |docker| docker.containers(&call).await)
            .await?;
        to_lua(&lua, &list)
    });
    methods.add_async_method(
        "inspect",
        |lua, this, (name, opts): (String, Value)| async move {
            let handle = this.0.clone();
            let call = resource::inspect(&name, &given("inspect", resource::INSPECT, &opts)?)?;
            let output = handle.with(async |docker| docker.exec(&call).await).await?;
            if !output.is_success() {
                return match fault::reason(&output) {
                    Some(fault::Reason::NotFound) => Ok(Value::Nil),
                    _ => Err(fault::error(&call.shown(), output)
                        .server(&handle.link.id)
                        .into()),
                };
            }
            to_lua(&lua, &parse::first(&output.stdout)?)
        },
    );
    methods.add_async_method("run", |lua, this, opts: Value| async move {
        made(&lua, &this.clone(), "run", opts).await
    });
    methods.add_async_method("create", |lua, this, opts: Value| async move {
        made(&lua, &this.clone(), "create", opts).await
    });
    methods.add_async_method("start", |_, this, list: Value| async move {
        let call = act("start", &[], &list, &Value::Nil)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("stop", |_, this, (list, opts): (Value, Value)| async move {
        let call = act("stop", container::STOP, &list, &opts)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method(
        "restart",
        |_, this, (list, opts): (Value, Value)| async move {
            let call = act("restart", container::STOP, &list, &opts)?;
            Ok(this.0.clone().ask(call).await.map(drop)?)
        },
    );
    methods.add_async_method("kill", |_, this, (list, opts): (Value, Value)| async move {
        let call = act("kill", container::KILL, &list, &opts)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("rm", |_, this, (list, opts): (Value, Value)| async move {
        let call = act("rm", container::RM, &list, &opts)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method(
        "rename",
        |_, this, (from, to): (String, String)| async move {
            let call = container::rename(&from, &to)?;
            Ok(this.0.clone().ask(call).await.map(drop)?)
        },
    );
    methods.add_async_method(
        "wait",
        |_, this, (name, opts): (String, Value)| async move {
            let handle = this.0.clone();
            Options::new("wait", opts.clone(), &["timeout"])?;
            let name = crate::docker::name("wait", "a container", &name)?;
            let mut call = Call::read(["wait", name]);
            call.timeout = timeout("wait", &opts)?;
            let output = handle.with(async |docker| docker.ask(&call).await).await?;
            let code = output.stdout_trimmed().parse::<i64>();
            Ok(code.map_err(|_| crate::docker::engine::garbled("the end of a container"))?)
        },
    );
    methods.add_async_method(
        "logs",
        |lua, this, (name, opts): (String, Value)| async move {
            let handle = this.0.clone();
            let mut call = container::logs(&name, &given("logs", container::LOGS, &opts)?)?;
            call.timeout = timeout("logs", &opts)?;
            said(&lua, &handle, call, &opts).await
        },
    );
    methods.add_async_method(
        "exec",
        |lua, this, (name, what, opts): (String, Value, Value)| async move {
            let handle = this.0.clone();
            let given = given("exec", container::EXEC, &opts)?;
            let keys = crate::docker::given::keys(container::EXEC);
            let own = Options::new("exec", opts.clone(), &keys)?;
            let (stdin, raise) = (own.bytes("stdin")?, own.flag("check")?.unwrap_or(true));
            let mut call = container::exec(&name, command("exec", &what)?, stdin, &given)?;
            call.timeout = timeout("exec", &opts)?;
            let shown = call.shown();
            if handle.withholds(&shown) {
                return verbs::unknown_result(&lua, &handle.link, shown);
            }
            let output = handle.with(async |docker| docker.exec(&call).await).await?;
            if !output.is_success() && fault::is_own(&output) {
                return Err(fault::error(&shown, output).server(&handle.link.id).into());
            }
            if raise && !output.is_success() {
                return Err(Error::exit(shown, output).server(&handle.link.id).into());
            }
            verbs::result(&lua, &handle.link, shown, &output)
        },
    );
    methods.add_async_method("stats", |lua, this, list: Value| async move {
        let call = container::stats(&names("stats", &list)?)?;
        let handle = this.0.clone();
        let output = handle.with(async |docker| docker.ask(&call).await).await?;
        to_lua(&lua, &parse::stats(&output.stdout))
    });
}

/// `run` and `create`.
async fn made(lua: &Lua, this: &Docker, verb: &'static str, opts: Value) -> mlua::Result<Value> {
    let handle = this.0.clone();
    let given: Given = given(verb, container::RUN, &opts)?;
    let mut wanted: Wanted = container::run(verb, &given)?;
    wanted.call.timeout = timeout(verb, &opts)?;
    let shown = wanted.call.shown();
    if handle.link.check && wanted.conflict == Conflict::Keep {
        // Reading tells whether anything would be done at all.
        let name = wanted.name.clone().unwrap_or_default();
        let there = handle
            .with(async |docker| docker.container(&name).await)
            .await?;
        if let Some(there) = there {
            return to_lua(lua, &there);
        }
    }
    if handle.withholds(&shown) {
        return match wanted.is_detached {
            true => handle.unknown(lua, shown),
            false => verbs::unknown_result(lua, &handle.link, shown).map(Value::Table),
        };
    }
    match handle
        .with(async |docker| docker.make(&wanted).await)
        .await?
    {
        Made::Container(container) => to_lua(lua, &container),
        Made::Ended(output) if !output.is_success() => {
            Err(Error::exit(shown, output).server(&handle.link.id).into())
        }
        Made::Ended(output) => verbs::result(lua, &handle.link, shown, &output).map(Value::Table),
    }
}

/// What containers have said: as a whole, or line by line.
pub(super) async fn said(
    lua: &Lua,
    handle: &super::Handle,
    call: Call,
    opts: &Value,
) -> mlua::Result<Value> {
    if let Some(on_line) = callback("logs", "on_line", opts)? {
        let shape = |stream: Stream, line: Vec<u8>| {
            let name = match stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            };
            Ok(Some((lua.create_string(line)?, name)))
        };
        follow(lua, handle, call, &on_line, shape).await?;
        return pair(lua, b"", b"");
    }
    let output = handle.with(async |docker| docker.ask(&call).await).await?;
    pair(lua, &output.stdout, &output.stderr)
}

fn pair(lua: &Lua, stdout: &[u8], stderr: &[u8]) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    table.raw_set("stdout", lua.create_string(stdout)?)?;
    table.raw_set("stderr", lua.create_string(stderr)?)?;
    Ok(Value::Table(table))
}
