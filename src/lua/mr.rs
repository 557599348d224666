//! `mr`: the helpers that need Rust. The rest of them is Lua, in `stdlib/mr`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use mlua::{Function, Lua, LuaSerdeExt as _, Table, Value, Variadic};

use super::context::Context;
use super::error::{of_value, to_table};
use super::options::{Options, seconds, text_of};
use super::request::argument;
use super::secret::SecretValue;
use super::show::literal;
use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::fleet::Status;
use crate::secret::Secret;

/// Columns that `mr.inspect` fills before it begins a new line.
const INSPECT_WIDTH: usize = 78;

/// Adds `mr`, `vars`, `print` and what else is global.
pub(super) fn install(lua: &Lua, context: &Rc<Context>) -> mlua::Result<()> {
    let mr = lua.create_table()?;
    talk(lua, context, &mr)?;
    values(lua, context, &mr)?;
    time(lua, context, &mr)?;
    super::scan::add(lua, context, &mr)?;
    mr.raw_set("version", env!("CARGO_PKG_VERSION"))?;
    mr.raw_set("check", context.room.options.check)?;
    mr.raw_set("config", config(lua, context)?)?;
    let globals = lua.globals();
    globals.raw_set("vars", lua.to_value(&context.room.options.vars)?)?;
    let c = context.clone();
    let print = lua.create_function(move |lua, values: Variadic<Value>| {
        let tostring: Function = lua.globals().get("tostring")?;
        let mut line = String::new();
        for (i, value) in values.iter().enumerate() {
            line += if i == 0 { "" } else { "\t" };
            line += &tostring.call::<mlua::LuaString>(value)?.to_string_lossy();
        }
        line.push('\n');
        Ok(write(&c, &line)?)
    })?;
    globals.raw_set("print", print)?;
    let c = context.clone();
    let io: Table = globals.get("io")?;
    let out = lua.create_function(move |_, values: Variadic<Value>| {
        let wrong = || Error::usage("`io.write`: only strings and numbers can be written");
        for value in values.iter() {
            write(&c, &text_of(value).ok_or_else(wrong)?)?;
        }
        Ok(())
    })?;
    io.raw_set("write", out)?;
    let c = context.clone();
    let os: Table = globals.get("os")?;
    let exit = lua.create_function(move |_, code: Value| -> mlua::Result<()> {
        let code = match code {
            Value::Nil | Value::Boolean(true) => 0,
            Value::Integer(n) => u8::try_from(n & 0xff).unwrap_or(1),
            _ => 1,
        };
        c.exit.set(Some(code));
        Err(Error::new(Kind::Script, format!("the script ended itself with {code}")).into())
    })?;
    os.raw_set("exit", exit)?;
    library(lua, context, mr)
}

/// Hands the native helpers to `mr/init.lua`, which makes the module of them.
fn library(lua: &Lua, context: &Rc<Context>, native: Table) -> mlua::Result<()> {
    let loaded: Table = lua.globals().get::<Table>("package")?.get("loaded")?;
    loaded.raw_set("mr", &native)?;
    loaded.raw_set("mr.native", internal(lua, context)?)?;
    lua.globals().raw_set("mr", &native)?;
    let text = super::loader::bundled("mr/init.lua").unwrap_or_default();
    lua.load(&*text).set_name("=mr/init.lua").call::<()>(native)
}

/// `mr.native`: what only the bundled Lua uses.
fn internal(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("bridge", lua.create_function(super::error::bridge)?)?;
    let with = lua.create_function(|lua, (err, text): (Value, String)| {
        to_table(lua, &of_value(&err).context(text))
    })?;
    native.raw_set("context", with)?;
    let unpredicted = lua.create_function(|lua, (err, text): (Value, String)| {
        let error = of_value(&err);
        let mut unknown = Error::new(Kind::Unpredicted, error.message()).context(text);
        if let Some(server) = error.server_id() {
            unknown = unknown.server(server);
        }
        to_table(lua, &unknown)
    })?;
    native.raw_set("unpredicted", unpredicted)?;
    let c = context.clone();
    let locate = lua.create_function(move |_, module: String| {
        Ok(c.loader.find(&module)?.map(|found| found.place))
    })?;
    native.raw_set("locate", locate)?;
    let absolute = lua.create_function(|_, path: String| {
        let absolute = std::path::absolute(expand_tilde(&path))
            .map_err(|e| Error::usage(format!("`{path}` is not a path: {e}")).source(e))?;
        Ok(absolute.display().to_string())
    })?;
    native.raw_set("absolute", absolute)?;
    let c = context.clone();
    let list = lua.create_function(move |lua, family: String| {
        lua.create_sequence_from(c.loader.list(&family))
    })?;
    native.raw_set("list", list)?;
    // For the command log: gives the function to call with the status, or with what was raised.
    let c = context.clone();
    let begun = lua.create_function(move |lua, (id, stage): (String, String)| {
        let entry = Cell::new(c.room.stage_begins(&id, &stage));
        lua.create_function(move |_, (status, err): (Option<String>, Value)| {
            let failed = of_value(&err);
            let known = |s: &Status| Some(s.as_str()) == status.as_deref();
            let result = Status::ALL.into_iter().find(known).ok_or(&failed);
            if let Some(entry) = entry.take() {
                entry.end(result);
            }
            Ok(())
        })
    })?;
    native.raw_set("stage_begins", begun)?;
    let limits = context.limits.clone();
    let loading = lua.create_function(move |_, file: String| Ok(limits.load(&file)?))?;
    native.raw_set("loading", loading)?;
    super::facts::add(lua, &native)?;
    super::health::add(lua, context, &native)?;
    super::tree::add(lua, &native)?;
    super::ops::add(lua, context, &native)?;
    super::beside::add(lua, context, &native)?;
    super::scan::add_place(lua, context, &native)?;
    super::deploys::add(lua, &native)?;
    Ok(native)
}

fn write(context: &Context, text: &str) -> Result<()> {
    let text = context.room.redactor.clean(text);
    (context.out)(&text)
        .map_err(|e| Error::local(format!("cannot write the output: {e}")).source(e))
}

fn talk(lua: &Lua, context: &Rc<Context>, mr: &Table) -> mlua::Result<()> {
    for (name, level) in [
        ("log", Level::Notice),
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("warn", Level::Warning),
    ] {
        let c = context.clone();
        let note = lua.create_function(move |_, message: String| {
            c.room
                .events
                .note(level, None, &c.room.redactor.clean(&message));
            Ok(())
        })?;
        mr.raw_set(name, note)?;
    }
    let c = context.clone();
    let secret = lua.create_function(move |_, value: Value| {
        let secret = SecretValue::of(&value)
            .ok_or_else(|| Error::usage("`mr.secret`: the secret must be a string"))?;
        c.room.redactor.add(&secret);
        Ok(SecretValue(secret))
    })?;
    mr.raw_set("secret", secret)?;
    let c = context.clone();
    let ask = lua.create_function(move |_, prompt: String| {
        let answer: Option<Secret> = c.room.interact.secret(&prompt);
        let secret = answer.ok_or_else(|| {
            Error::usage(format!("nobody is there to answer `{prompt}`"))
                .hint("run it on a terminal, or hand the secret over in a variable")
        })?;
        c.room.redactor.add(&secret);
        Ok(SecretValue(secret))
    })?;
    mr.raw_set("ask", ask)?;
    let c = context.clone();
    let confirm =
        lua.create_function(move |_, question: String| Ok(c.room.interact.confirm(&question)))?;
    mr.raw_set("confirm", confirm)
}

fn values(lua: &Lua, context: &Rc<Context>, mr: &Table) -> mlua::Result<()> {
    let json = lua.create_table()?;
    let encode = lua.create_function(|_, (value, opts): (Value, Value)| {
        let pretty = Options::new("json.encode", opts, &["pretty"])?.flag("pretty")?;
        let bad = |e: serde_json::Error| Error::usage(format!("`json.encode`: {e}"));
        let text = match pretty.unwrap_or(false) {
            true => serde_json::to_string_pretty(&value).map_err(bad)?,
            false => serde_json::to_string(&value).map_err(bad)?,
        };
        Ok(text)
    })?;
    let decode = lua.create_function(|lua, text: mlua::LuaString| {
        let value: serde_json::Value = serde_json::from_slice(&text.as_bytes())
            .map_err(|e| Error::usage(format!("`json.decode`: {e}")))?;
        lua.to_value(&value)
    })?;
    json.raw_set("encode", encode)?;
    json.raw_set("decode", decode)?;
    json.raw_set("null", lua.null())?;
    let array = lua.create_function(|lua, table: Table| {
        table.set_metatable(Some(lua.array_metatable()))?;
        Ok(table)
    })?;
    json.raw_set("array", array)?;
    mr.raw_set("json", json)?;
    let quote = lua.create_function(|_, value: Value| {
        Ok(match &value {
            Value::Table(list) => {
                let words: Result<Vec<String>> = list
                    .sequence_values::<Value>()
                    .filter_map(|v| v.ok())
                    .map(|v| argument("mr.quote", &v))
                    .collect();
                words?.join(" ")
            }
            one => argument("mr.quote", one)?,
        })
    })?;
    mr.raw_set("quote", quote)?;
    let expand =
        lua.create_function(|_, path: String| Ok(expand_tilde(&path).display().to_string()))?;
    mr.raw_set("expand", expand)?;
    let c = context.clone();
    let inspect = lua.create_function(move |_, value: Value| {
        let clean = |text: &str| c.room.redactor.clean(text).into_owned();
        Ok(literal(&value, INSPECT_WIDTH, &clean))
    })?;
    mr.raw_set("inspect", inspect)?;
    let env = lua.create_function(|_, (name, default): (String, Option<String>)| {
        std::env::var(&name).ok().or(default).ok_or_else(|| {
            Error::usage(format!("the environment variable `{name}` is not set")).into()
        })
    })?;
    mr.raw_set("env", env)?;
    let exists = lua.create_function(|_, path: String| Ok(expand_tilde(&path).exists()))?;
    mr.raw_set("exists", exists)
}

fn time(lua: &Lua, context: &Rc<Context>, mr: &Table) -> mlua::Result<()> {
    let c = context.clone();
    let sleep = lua.create_async_function(move |_, number: f64| {
        let context = c.clone();
        async move {
            let time = seconds(number)
                .ok_or_else(|| Error::usage("`mr.sleep`: the seconds are out of range"))?;
            let work = async {
                tokio::time::sleep(time).await;
                Ok(())
            };
            Ok(context.wait(work).await?)
        }
    })?;
    mr.raw_set("sleep", sleep)?;
    let begun = Instant::now();
    let now = lua.create_function(move |_, ()| Ok(begun.elapsed().as_secs_f64()))?;
    mr.raw_set("now", now)
}

/// The effective settings: `mr.config.ram_gb`, `mr.config.commands.docker`.
fn config(lua: &Lua, context: &Context) -> mlua::Result<Table> {
    let config = lua.create_table()?;
    for entry in context.room.config.entries() {
        let value = lua.to_value(&entry.value)?;
        match entry.key.split_once('.') {
            None => config.raw_set(entry.key, value)?,
            Some((outer, inner)) => {
                if !config.contains_key(outer)? {
                    config.raw_set(outer, lua.create_table()?)?;
                }
                config.raw_get::<Table>(outer)?.raw_set(inner, value)?;
            }
        }
    }
    Ok(config)
}
