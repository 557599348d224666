//! `mr.scan`: which TCP ports of hosts answer. The scan itself is [`crate::scan`]; a server's own
//! method is Lua, in `stdlib/mr/scan.lua`.

use std::collections::BTreeSet;
use std::rc::Rc;

use mlua::{AnyUserData, Lua, LuaSerdeExt as _, Table, Value};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::context::Context;
use super::error::to_table;
use super::options::{Options, text_of};
use super::server::Server;
use super::verbs::HasLink as _;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::scan::compare::{self, Listener};
use crate::scan::{Found, Manner, Ports, Target, scanned, told};

const CALL: &str = "mr.scan";
const OPTIONS: [&str; 8] = [
    "ports",
    "wait",
    "concurrency",
    "rate",
    "banner",
    "tls",
    "expect",
    "listening",
];

/// What `server:listening()` gives, as far as it matters here.
#[derive(Deserialize)]
struct Listening {
    ports: Vec<Listener>,
}

/// Adds `mr.scan`.
pub(super) fn add(lua: &Lua, context: &Rc<Context>, mr: &Table) -> mlua::Result<()> {
    let c = context.clone();
    let scan = lua.create_async_function(move |lua, (hosts, opts): (Value, Value)| {
        let context = c.clone();
        async move {
            let opts = Options::new(CALL, opts, &OPTIONS)?;
            let (hosts, is_list) = hosts_of(&hosts)?;
            let ports = ports(&opts, "ports")?.unwrap_or_default();
            let expected: Option<BTreeSet<u16>> =
                self::ports(&opts, "expect")?.map(|p| p.list().iter().copied().collect());
            let listening = match opts.value("listening") {
                Value::Nil => None,
                value => Some(lua.from_value::<Listening>(value).map_err(|e| {
                    Error::usage(format!(
                        "`{CALL}`: `listening` must be what `listening` gives: {e}"
                    ))
                })?),
            };
            let listeners = listening.as_ref().map(|l| l.ports.as_slice());
            let target = |host: &String| Target {
                host: host.clone(),
                ports: ports
                    .and(expected.iter().flatten().copied())
                    .and(compare::also(listeners, &ports)),
            };
            let targets = hosts.iter().map(target).collect();
            // Ctrl-C drops the work, and that stops the thread.
            let work = scanned(targets, manner(&opts)?, Cancel::new(), |_| {});
            let found = context.wait(work).await?;
            let list = lua.create_table()?;
            for (host, found) in hosts.into_iter().zip(found) {
                let value = match found {
                    Ok(found) => lua.to_value(&result(host, &found, listeners, &expected))?,
                    Err(error) if is_list => {
                        let item = lua.create_table()?;
                        item.raw_set("host", host)?;
                        item.raw_set("err", to_table(&lua, &error)?)?;
                        Value::Table(item)
                    }
                    Err(error) => return Err(error.into()),
                };
                list.raw_push(value)?;
            }
            match is_list {
                true => Ok(Value::Table(list)),
                false => list.raw_get(1),
            }
        }
    })?;
    mr.raw_set("scan", scan)
}

/// Adds `scan_place` to `mr.native`: the host of a server of the inventory, and what stands before
/// it.
pub(super) fn add_place(lua: &Lua, context: &Rc<Context>, native: &Table) -> mlua::Result<()> {
    let c = context.clone();
    let place = lua.create_function(move |_, handle: AnyUserData| {
        let server = handle.borrow::<Server>().ok();
        let row = server
            .and_then(|server| server.link().row())
            .ok_or_else(|| {
                Error::usage("`scan_ports`: this is no server of the inventory")
                    .hint("`mr.scan(host)` scans any host")
            })?;
        Ok((row.host.clone(), c.room.behind(&row)?))
    })?;
    native.raw_set("scan_place", place)
}

/// A host, or a list of them.
fn hosts_of(value: &Value) -> Result<(Vec<String>, bool)> {
    let wrong = || {
        Error::usage(format!(
            "`{CALL}`: the host must be a text, or a list of them"
        ))
    };
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.to_string_lossy()).filter(|text| !text.is_empty()),
        _ => None,
    };
    match value {
        Value::Table(list) => {
            let each = list.sequence_values::<Value>().filter_map(|v| v.ok());
            let hosts: Option<Vec<String>> = each.map(|v| one(&v)).collect();
            Ok((hosts.ok_or_else(wrong)?, true))
        }
        value => Ok((vec![one(value).ok_or_else(wrong)?], false)),
    }
}

/// Ports as a text, a number, or a list of these.
fn ports(opts: &Options, key: &str) -> Result<Option<Ports>> {
    let text = match opts.value(key) {
        Value::Nil => return Ok(None),
        Value::Table(list) => {
            let each = list.sequence_values::<Value>().filter_map(|v| v.ok());
            let each: Option<Vec<String>> = each.map(|v| text_of(&v)).collect();
            each.map(|items| items.join(","))
        }
        value => text_of(&value),
    };
    let wrong = |why: String| Error::usage(format!("`{CALL}`: `{key}`: {why}"));
    let text = text.ok_or_else(|| wrong("it must be a text, a number or a list of them".into()))?;
    // No port at all may be expected.
    if key == "expect" && text.is_empty() {
        return Ok(Some(Ports::of([])));
    }
    text.parse().map(Some).map_err(wrong)
}

fn manner(opts: &Options) -> Result<Manner> {
    let usual = Manner::default();
    let wait = opts.seconds("wait")?.unwrap_or(usual.wait);
    if wait.is_zero() {
        return Err(Error::usage(format!(
            "`{CALL}`: `wait` must be more than 0"
        )));
    }
    let number = |key| opts.number(key, 1, 1_000_000);
    Ok(Manner {
        wait,
        concurrency: number("concurrency")?.and_then(|n| usize::try_from(n).ok()),
        rate: number("rate")?.and_then(|n| u32::try_from(n).ok()),
        banner: opts.flag("banner")?.unwrap_or(false),
        tls: opts.flag("tls")?.unwrap_or(false),
    })
}

fn result(
    host: String,
    found: &Found,
    listeners: Option<&[Listener]>,
    expected: &Option<BTreeSet<u16>>,
) -> Json {
    let rows = compare::rows(Some(found), listeners, expected.as_ref());
    let mut map = found.json();
    map.insert("host".to_owned(), json!(host));
    map.insert("remarks".to_owned(), told::remarks(&rows));
    Json::Object(map)
}
