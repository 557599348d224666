//! `server`: the inventory, and a [`Server`] handle's own verbs.

use std::rc::Rc;

use mlua::Variadic;
use mlua::{Lua, LuaSerdeExt as _, Table, UserData, UserDataFields, UserDataMethods, Value};
use serde_json::{Map, Value as Json};

use super::context::Context;
use super::link::Link;
use super::options::{Options, text_of};
use super::ssh::Ssh;
use super::verbs::{self, HasLink};
use crate::config::expand_tilde;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::inventory::Server as Row;

/// One server of the inventory in the hands of Lua code.
#[derive(Clone)]
pub(super) struct Server(pub(super) Rc<Link>);

impl HasLink for Server {
    fn link(&self) -> &Rc<Link> {
        &self.0
    }
}

impl Server {
    /// A handle; its session is opened when it is first needed.
    pub(super) fn new(context: &Rc<Context>, row: Row, check: bool) -> Self {
        Server(Link::server(context, row, check))
    }

    fn row(&self) -> Result<Rc<Row>> {
        self.0
            .row()
            .ok_or_else(|| Error::local("the handle has no row in the inventory"))
    }

    /// Changes the row in the inventory and in this handle; in check mode only says so.
    fn change(&self, what: &str, change: impl FnOnce(&mut Row)) -> Result<()> {
        if self.0.check {
            self.0.note(Level::Info, &format!("would {what}"));
            return Ok(());
        }
        let store = self.0.context.room.store()?;
        let changed = store.update(&self.0.id, |row| {
            change(row);
            Ok(())
        });
        self.0.set_row(changed.map_err(|e| e.server(&self.0.id))?);
        Ok(())
    }
}

impl UserData for Server {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Server");
        fields.add_field_method_get("id", |_, this| Ok(this.row()?.id.clone()));
        fields.add_field_method_get("host", |_, this| Ok(this.row()?.host.clone()));
        fields.add_field_method_get("port", |_, this| Ok(this.row()?.port));
        fields.add_field_method_get("user", |_, this| Ok(this.row()?.user.clone()));
        fields.add_field_method_get("description", |_, this| Ok(this.row()?.description.clone()));
        fields.add_field_method_get("key", |_, this| Ok(this.row()?.key().map(str::to_owned)));
        fields.add_field_method_get("tunnel", |_, this| {
            Ok(this.row()?.tunnel().map(str::to_owned))
        });
        fields.add_field_method_get("home", |_, this| Ok(this.row()?.home().map(str::to_owned)));
        fields.add_field_method_get("is_retired", |_, this| Ok(this.row()?.is_retired()));
        fields.add_field_method_get("check", |_, this| Ok(this.0.check));
        fields.add_field_method_get("tags", |lua, this| {
            lua.create_sequence_from(this.row()?.tags.iter().map(String::as_str))
        });
        fields.add_field_method_get("meta", |lua, this| lua.to_value(&this.row()?.meta));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        verbs::add(methods);
        methods.add_method("meta_set", |lua, this, (key, value): (Value, Value)| {
            let mut pairs = Map::new();
            match key {
                Value::Table(many) => pairs = lua.from_value(Value::Table(many))?,
                key => {
                    let key = text_of(&key)
                        .ok_or_else(|| Error::usage("`meta_set`: the key must be a string"))?;
                    pairs.insert(key, lua.from_value(value)?);
                }
            }
            let names: Vec<&str> = pairs.keys().map(String::as_str).collect();
            let what = format!("set the metadata {}", names.join(", "));
            Ok(this.change(&what, |row| {
                for (key, value) in pairs {
                    row.set_meta(&key, value);
                }
            })?)
        });
        methods.add_method("tag", |_, this, tags: Variadic<String>| {
            let what = format!("add the tags {}", tags.join(", "));
            Ok(this.change(&what, |row| row.tags.extend(tags))?)
        });
        methods.add_method("untag", |_, this, tags: Variadic<String>| {
            let what = format!("remove the tags {}", tags.join(", "));
            Ok(this.change(&what, |row| row.tags.retain(|t| !tags.contains(t)))?)
        });
        // A session of its own, for example to prove that a key alone gets in.
        methods.add_async_method("connect", |_, this, opts: Value| async move {
            let link = this.0.clone();
            let allowed = ["key", "key_only", "no_password", "without"];
            let opts = Options::new("connect", opts, &allowed)?;
            let room = &link.context.room;
            let mut target = room.target(&*this.row()?)?;
            if let Some(key) = opts.text("key")? {
                target.key = Some(expand_tilde(&key));
            }
            target.key_only = opts.flag("key_only")?.unwrap_or(false);
            target.without = opts.text("without")?;
            if opts.flag("no_password")?.unwrap_or(false) {
                target.password = None;
            }
            let transport = link.wait(room.connect(target)).await?;
            Ok(Ssh(Link::own(&link.context, link.id.clone(), transport)))
        });
        // The run's shared session: credentials have changed, the next verb opens a new one.
        methods.add_async_method("release", |_, this, ()| async move {
            let link = this.0.clone();
            link.context.room.release(&link.id).await;
            Ok(())
        });
    }
}

/// The global `server`: `server "id"`, `server.get`, `server.list`, `server.add`, `server.has`.
pub(super) fn global(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let c = context.clone();
    let get = lua.create_function(move |_, id: String| Ok(named(&c, &id)?))?;
    let c = context.clone();
    let call = lua.create_function(move |_, (_, id): (Table, String)| Ok(named(&c, &id)?))?;
    let c = context.clone();
    let has = lua.create_function(move |_, id: String| Ok(c.room.store()?.get(&id)?.is_some()))?;
    let c = context.clone();
    let list = lua.create_function(move |lua, pattern: Option<String>| {
        let rows = c.room.select(pattern.as_deref().unwrap_or("all"))?;
        lua.create_sequence_from(rows.into_iter().map(|row| Server::new(&c, row, false)))
    })?;
    let c = context.clone();
    let add = lua.create_function(move |lua, fields: Value| added(lua, &c, fields))?;
    table.raw_set("get", get)?;
    table.raw_set("has", has)?;
    table.raw_set("list", list)?;
    table.raw_set("add", add)?;
    let meta = lua.create_table()?;
    meta.raw_set("__call", call)?;
    table.set_metatable(Some(meta))?;
    Ok(table)
}

fn named(context: &Rc<Context>, id: &str) -> Result<Server> {
    let store = context.room.store()?;
    if let Some(row) = store.get(id)? {
        return Ok(Server::new(context, row, false));
    }
    let error = Error::usage(format!("no server `{id}`"));
    let known = store.list()?;
    Err(
        match crate::config::nearest(id, known.iter().map(|s| s.id.as_str())) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`mroom ls` lists the servers"),
        },
    )
}

const ADD: [&str; 9] = [
    "id",
    "host",
    "user",
    "port",
    "password",
    "key",
    "description",
    "tags",
    "meta",
];

fn added(lua: &Lua, context: &Rc<Context>, fields: Value) -> mlua::Result<Server> {
    let opts = Options::new("server.add", fields, &ADD)?;
    let port = opts.number("port", 1, 65535)?.unwrap_or(22);
    let (id, host) = (opts.required("id")?, opts.required("host")?);
    let store = context.room.store()?;
    if store.get(&id)?.is_some() {
        return Err(Error::usage(format!("there is a server `{id}` already")).into());
    }
    let mut row = Row::new(id, host, opts.required("user")?, port as u16);
    row.description = opts.text("description")?;
    row.tags = opts.list("tags")?.into_iter().collect();
    if let Some(meta) = opts.table("meta")? {
        row.meta = lua.from_value(Value::Table(meta))?;
    }
    if let Some(key) = opts.text("key")? {
        row.meta
            .insert("local_cert_path".to_owned(), Json::String(key));
    }
    let password = opts.secret("password")?;
    if let Some(password) = &password {
        context.room.redactor.add(password);
    }
    if context.room.options.check {
        let message = format!("would add the server `{}` to the inventory", row.id);
        context.room.events.note(Level::Notice, None, &message);
    } else {
        store.put(&row, password.as_ref())?;
    }
    Ok(Server::new(context, row, false))
}
