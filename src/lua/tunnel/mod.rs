//! `tunnel`: tunnels ([`handle`]) and forwards ([`forward`]) as handles, and the profiles of the inventory
//! ([`profiles`]).
//!
//! A handle holds its tunnel under a name of its own, beside the servers of the run; [`crate::fleet`] owns
//! what is up.

mod forward;
mod handle;
mod held;
mod profiles;

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::context::Context;
use forward::forwarded;
use handle::Tunnel;
use held::Held;

/// The global `tunnel`.
pub(super) fn global(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    profiles::add(lua, context, &table)?;
    let c = context.clone();
    let open = lua.create_async_function(move |_, what: Value| {
        let context = c.clone();
        async move { opened(&context, &what).await }
    })?;
    table.raw_set("open", open)?;
    let c = context.clone();
    let with = lua.create_async_function(move |lua, (what, f): (Value, Function)| {
        let context = c.clone();
        async move {
            let tunnel = opened(&context, &what).await?;
            let held = tunnel.held.clone();
            let result = super::call(&lua, &f, tunnel).await;
            held.close().await;
            Ok::<MultiValue, mlua::Error>(result?)
        }
    })?;
    table.raw_set("with", with)?;
    let c = context.clone();
    let forward = lua.create_async_function(move |_, opts: Value| {
        let context = c.clone();
        async move { forwarded(&context, opts).await }
    })?;
    table.raw_set("forward", forward)?;
    Ok(table)
}

/// Brings up a tunnel of the inventory, or one that a table describes.
async fn opened(context: &Rc<Context>, what: &Value) -> mlua::Result<Tunnel> {
    let room = &context.room;
    let profile = match what {
        Value::String(name) => {
            let (name, store) = (name.to_string_lossy(), room.store()?);
            store.tunnel(&name)?.ok_or_else(|| store.no_tunnel(&name))?
        }
        table => profiles::described(context, "tunnel.open", table.clone())?,
    };
    let holder = context.holder("handle");
    let opened = context.wait(room.open_profile(&profile, &holder)).await?;
    Ok(Tunnel {
        held: Rc::new(Held::new(context, opened)),
        profile,
    })
}
