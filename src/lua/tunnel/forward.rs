//! `tunnel.forward`: a port of this machine that leads to one behind a server.

use std::rc::Rc;

use mlua::{MetaMethod, UserData, UserDataFields, UserDataMethods, UserDataRef, Value};

use super::held::Held;
use crate::error::Error;
use crate::inventory::Server as Row;
use crate::lua::context::Context;
use crate::lua::options::Options;
use crate::lua::server::Server;
use crate::lua::verbs::HasLink as _;
use crate::tunnel::listen::{Purpose, address, destination};

/// Any free port.
const FREE: &str = "127.0.0.1:0";

/// A port of this machine that leads to one behind a server.
pub(super) struct Forward {
    held: Rc<Held>,
    address: String,
    to: String,
}

impl UserData for Forward {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Forward");
        fields.add_field_method_get("address", |_, this| Ok(this.address.clone()));
        fields.add_field_method_get("port", |_, this| {
            let port = this.address.rsplit_once(':').map(|(_, port)| port);
            Ok(port.and_then(|port| port.parse::<u16>().ok()))
        });
        fields.add_field_method_get("to", |_, this| Ok(this.to.clone()));
        fields.add_field_method_get("server", |_, this| Ok(this.held.name.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("close", |_, this, ()| async move {
            this.held.clone().close().await;
            Ok(())
        });
        methods.add_meta_method("__close", |_, this, _: Value| {
            this.held.close_soon();
            Ok(())
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            let Forward { held, address, to } = this;
            Ok(format!("Forward({address} -> {}: {to})", held.name))
        });
    }
}

/// Listens, and has sessions of its own with the server.
pub(super) async fn forwarded(context: &Rc<Context>, opts: Value) -> mlua::Result<Forward> {
    let opts = Options::new("tunnel.forward", opts, &["server", "to", "listen"])?;
    let to = opts.required("to")?;
    let (host, port) = destination(&to)?;
    let listen = opts.text("listen")?;
    // Before anything is opened for it.
    address(listen.as_deref().unwrap_or(FREE))?;
    let row = row(context, &opts)?;
    let holder = context.holder("forward");
    let opened = context.wait(context.room.open_gate(&row, &holder)).await?;
    let held = Rc::new(Held::new(context, opened));
    let what = format!("forward {}: {to}", row.id);
    let listen = listen.as_deref().unwrap_or(FREE);
    let address = held.listen(listen, Purpose::To(host, port), &what)?;
    Ok(Forward { held, address, to })
}

/// The server that a forward starts from: an id, or a handle.
fn row(context: &Rc<Context>, opts: &Options) -> mlua::Result<Row> {
    if let Value::UserData(data) = opts.value("server") {
        let server: UserDataRef<Server> = data.borrow()?;
        let row = server.link().row();
        let row = row.ok_or_else(|| Error::usage("`tunnel.forward`: `server` must be a server"))?;
        return Ok((*row).clone());
    }
    let id = opts.required("server")?;
    let row = context.room.store()?.get(&id)?;
    let unknown = || Error::usage(format!("no server `{id}`")).hint("`mroom ls` lists the servers");
    Ok(row.ok_or_else(unknown)?)
}
