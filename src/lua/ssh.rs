//! `ssh`: connections to what is not in the inventory, and to this machine.

use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::context::Context;
use super::link::Link;
use super::options::Options;
use super::verbs::{self, HasLink};
use crate::config::expand_tilde;
use crate::ssh::guard::CheckMode;
use crate::ssh::local::Local;
use crate::ssh::{Target, Transport};

/// A connection of its own. Its end is `close()`, `<close>`, or the collector.
pub(super) struct Ssh(pub(super) Rc<Link>);

impl HasLink for Ssh {
    fn link(&self) -> &Rc<Link> {
        &self.0
    }
}

impl UserData for Ssh {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Ssh");
        fields.add_field_method_get("id", |_, this| Ok(this.0.id.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        verbs::add(methods);
        methods.add_async_method("close", |_, this, ()| async move {
            let link = this.0.clone();
            link.close();
            link.context.closed().await;
            Ok(())
        });
        // Synchronous on purpose: an async `__close` is skipped when an error or Ctrl-C unwinds.
        methods.add_meta_method("__close", |_, this, _: Value| {
            this.0.close();
            Ok(())
        });
    }
}

/// The global `ssh`: `ssh.connect {…}` and `ssh.here()`.
pub(super) fn global(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let c = context.clone();
    let connect = lua.create_async_function(move |_, opts: Value| {
        let context = c.clone();
        async move {
            const ALLOWED: [&str; 7] = [
                "host", "port", "user", "password", "key", "key_only", "jump",
            ];
            let opts = Options::new("ssh.connect", opts, &ALLOWED)?;
            let host = opts.required("host")?;
            let user = match opts.text("user")? {
                Some(user) => user,
                None => std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
            };
            let port = opts.number("port", 1, 65535)?.unwrap_or(22) as u16;
            let password = opts.secret("password")?;
            if let Some(password) = &password {
                context.room.redactor.add(password);
            }
            let id = match port {
                22 => format!("{user}@{host}"),
                port => format!("{user}@{host}:{port}"),
            };
            let target = Target {
                id: id.clone(),
                host,
                port,
                user,
                password,
                key: opts.text("key")?.map(|k| expand_tilde(&k)),
                key_only: opts.flag("key_only")?.unwrap_or(false),
                without: None,
                network: None,
                route: context.room.route_to(&id, opts.text("jump")?.as_deref())?,
            };
            let transport = context.wait(context.room.connect(target)).await?;
            Ok(Ssh(Link::own(&context, id, transport)))
        }
    })?;
    table.raw_set("connect", connect)?;
    let c = context.clone();
    let here = lua.create_function(move |_, ()| {
        let mut transport: Arc<dyn Transport> = Arc::new(Local);
        if c.room.options.check {
            // The room guards what it connects; nobody connects this one.
            transport = Arc::new(CheckMode(transport));
        }
        Ok(Ssh(Link::own(&c, "here".to_owned(), transport)))
    })?;
    table.raw_set("here", here)?;
    Ok(table)
}
