//! The profiles of tunnels in the hands of Lua: `tunnel.add`, `get`, `list`, `set`, `remove`. Secrets go in
//! and never come out.

use std::rc::Rc;

use mlua::{Lua, Table, Value};

use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::{FIELDS, Field, Outline, Tunnel, TunnelKind};
use crate::lua::context::Context;
use crate::lua::options::Options;

/// What every profile has.
const OWN: [&str; 5] = ["name", "type", "server", "user", "password"];

/// Adds the functions about profiles to the global `tunnel`.
pub(super) fn add(lua: &Lua, context: &Rc<Context>, table: &Table) -> mlua::Result<()> {
    let c = context.clone();
    let add = lua.create_function(move |lua, fields: Value| {
        let profile = described(&c, "tunnel.add", fields)?;
        if c.room.store()?.tunnel_outline(&profile.name)?.is_some() {
            let message = format!("there is a tunnel profile `{}` already", profile.name);
            return Err(Error::usage(message).hint("`tunnel.set` changes it").into());
        }
        keep(&c, &profile, "add")?;
        got(lua, &c, &profile.name)
    })?;
    table.raw_set("add", add)?;
    let c = context.clone();
    let get = lua.create_function(move |lua, name: String| got(lua, &c, &name))?;
    table.raw_set("get", get)?;
    let c = context.clone();
    let list = lua.create_function(move |lua, ()| {
        let store = c.room.store()?;
        let list = lua.create_table()?;
        for name in store.tunnels()? {
            if let Some(outline) = store.tunnel_outline(&name)? {
                list.raw_push(shown(lua, &outline)?)?;
            }
        }
        Ok(list)
    })?;
    table.raw_set("list", list)?;
    let c = context.clone();
    let set = lua.create_function(move |lua, (name, fields): (String, Value)| {
        let allowed = allowed(&OWN[2..]);
        let opts = Options::new("tunnel.set", fields, &allowed)?;
        let store = c.room.store()?;
        let profile = store.tunnel(&name)?.ok_or_else(|| store.no_tunnel(&name))?;
        let profile = changed(&c, profile, &opts)?;
        keep(&c, &profile, "change")?;
        got(lua, &c, &name)
    })?;
    table.raw_set("set", set)?;
    let c = context.clone();
    let remove = lua.create_function(move |_, name: String| {
        let store = c.room.store()?;
        if store.tunnel_outline(&name)?.is_none() {
            return Err(store.no_tunnel(&name).into());
        }
        if !withheld(&c, &format!("remove the tunnel profile `{name}`")) {
            store.remove_tunnel(&name)?;
        }
        Ok(())
    })?;
    table.raw_set("remove", remove)
}

/// The profile that a table describes.
pub(super) fn described(
    context: &Rc<Context>,
    call: &'static str,
    fields: Value,
) -> Result<Tunnel> {
    let allowed = allowed(&OWN);
    let opts = Options::new(call, fields, &allowed)?;
    let word = opts.required("type")?;
    let kind = TunnelKind::from_word(&word).ok_or_else(|| {
        let words: Vec<&str> = TunnelKind::usable().map(TunnelKind::as_str).collect();
        Error::usage(format!("`{call}`: no tunnel type `{word}`"))
            .hint(format!("types: {}", words.join(", ")))
    })?;
    kind.check_usable()?;
    let profile = Tunnel::new(opts.required("name")?, kind, opts.required("server")?);
    changed(context, profile, &opts)
}

/// A profile with what a table says put in its place.
fn changed(context: &Rc<Context>, mut profile: Tunnel, opts: &Options) -> Result<Tunnel> {
    if let Some(server) = opts.text("server")? {
        profile.server = server;
    }
    if let Some(user) = opts.text("user")? {
        profile.user = user;
    }
    if let Some(password) = opts.secret("password")? {
        context.room.redactor.add(&password);
        profile.password = password;
    }
    for key in keys() {
        if let Some(value) = value(context, opts, profile.kind, key)? {
            profile.set(key, &value)?;
        }
    }
    profile.absorb(None)?;
    profile.check()?;
    Ok(profile)
}

/// A field's value as text: `true` and lists are written as the list file has them.
fn value(
    context: &Rc<Context>,
    opts: &Options,
    kind: TunnelKind,
    key: &'static str,
) -> Result<Option<String>> {
    let is_secret = |f: &&Field| f.is_secret && f.kinds.contains(&kind);
    if FIELDS.iter().filter(is_secret).any(|f| f.key == key) {
        let secret = opts.secret(key)?;
        if let Some(secret) = &secret {
            context.room.redactor.add(secret);
        }
        return Ok(secret.map(|secret| secret.reveal().to_owned()));
    }
    Ok(match opts.value(key) {
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Table(_) => Some(opts.list(key)?.join(",")),
        _ => opts.text(key)?,
    })
}

/// The keys of all types' fields, each once.
fn keys() -> Vec<&'static str> {
    let mut keys: Vec<&str> = Vec::new();
    for field in FIELDS {
        if !keys.contains(&field.key) {
            keys.push(field.key);
        }
    }
    keys
}

fn allowed(own: &[&'static str]) -> Vec<&'static str> {
    own.iter().copied().chain(keys()).collect()
}

fn keep(context: &Rc<Context>, profile: &Tunnel, verb: &str) -> Result<()> {
    if withheld(
        context,
        &format!("{verb} the tunnel profile `{}`", profile.name),
    ) {
        return Ok(());
    }
    context.room.store()?.put_tunnel(profile)
}

/// In check mode: tells what is not done, and says true.
fn withheld(context: &Rc<Context>, what: &str) -> bool {
    let room = &context.room;
    if room.options.check {
        let message = format!("would {what}");
        room.events.note(Level::Notice, None, &message);
    }
    room.options.check
}

/// A profile as data; nil when there is none.
fn got(lua: &Lua, context: &Rc<Context>, name: &str) -> mlua::Result<Value> {
    match context.room.store()?.tunnel_outline(name)? {
        Some(outline) => Ok(Value::Table(shown(lua, &outline)?)),
        None => Ok(Value::Nil),
    }
}

fn shown(lua: &Lua, outline: &Outline) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("name", outline.name.as_str())?;
    table.raw_set("type", outline.kind.as_str())?;
    table.raw_set("server", outline.server.as_str())?;
    if !outline.user.is_empty() {
        table.raw_set("user", outline.user.as_str())?;
    }
    table.raw_set("has_password", outline.has_password)?;
    let fields = lua.create_table()?;
    for (key, value) in &outline.fields {
        fields.raw_set(*key, value.as_deref().unwrap_or("set"))?;
    }
    table.raw_set("fields", fields)?;
    Ok(table)
}
