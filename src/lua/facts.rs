//! The facts of a server on their way between `mr.facts` and the inventory, and what asks many
//! servers for such things.

use mlua::{AnyUserData, Lua, LuaSerdeExt as _, Table, Value};
use serde_json::{Value as Json, json};

use super::fleet::Job;
use super::server::Server;
use super::verbs::HasLink as _;
use super::{Vm, error};
use crate::error::Result;
use crate::events::Level;
use crate::fleet::{self, Outcome};
use crate::inventory::Server as Row;

/// Adds `facts_key`, `facts_kept` and `facts_keep`.
pub(super) fn add(lua: &Lua, native: &Table) -> mlua::Result<()> {
    // Which server of the inventory it is, and where; nil for a connection to something else.
    let key = lua.create_function(|_, handle: AnyUserData| {
        let server = handle.borrow::<Server>().ok();
        let row = server.and_then(|server| server.link().row());
        let place = |row: &Row| format!("{} {}@{}:{}", row.id, row.user, row.host, row.port);
        Ok(row.as_deref().map(place))
    })?;
    native.raw_set("facts_key", key)?;
    // What is kept of it, when that is younger than so many seconds.
    let kept = lua.create_function(|lua, (handle, max_age): (AnyUserData, f64)| {
        let server = handle.borrow::<Server>()?;
        let link = server.link();
        let kept = link.context.room.store()?.facts(&link.id)?;
        let young = kept.filter(|kept| kept.age().as_secs_f64() <= max_age);
        young.map_or(Ok(Value::Nil), |kept| lua.to_value(&kept.facts))
    })?;
    native.raw_set("facts_kept", kept)?;
    // Keeps them; what cannot be kept is known all the same.
    let keep = lua.create_function(|lua, (handle, facts): (AnyUserData, Value)| {
        let server = handle.borrow::<Server>()?;
        let link = server.link();
        if link.check {
            return Ok(());
        }
        let mut facts: Json = lua.from_value(facts)?;
        facts.sort_all_objects();
        let store = link.context.room.store()?;
        if let Err(error) = store.keep_facts(&link.id, &facts) {
            link.note(
                Level::Warning,
                &format!("its facts are not kept: {}", error.message()),
            );
        }
        Ok(())
    })?;
    native.raw_set("facts_keep", keep)
}

impl Vm {
    /// Refuses options of [`Vm::ask`] that no server will take, by the module of that name.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for what is wrong with them.
    pub fn valid(&self, module: &str, options: &Json) -> Result<()> {
        let prepared = || {
            let work = self
                .lua
                .load("local m, o = ...; require('mr.' .. m).valid(o)");
            Ok((
                work.set_name("=valid").into_function()?,
                self.lua.to_value(options)?,
            ))
        };
        let (work, options) = prepared().map_err(|e: mlua::Error| error::from_lua(&e))?;
        super::call_now(&self.lua, &work, (module, options))?;
        Ok(())
    }

    /// Asks each server by a method that takes a table of options and reads only (`facts`,
    /// `ports`); the values are JSON.
    ///
    /// # Errors
    /// Options that Lua cannot carry. What happens on the servers is in the outcomes.
    pub async fn ask(
        &self,
        method: &str,
        options: &Json,
        servers: Vec<Row>,
        on_done: impl FnMut(&Outcome<Json>),
    ) -> Result<Vec<Outcome<Json>>> {
        let (lua, room) = (&self.lua, &self.context.room);
        let prepared = || {
            let work = lua.load("local s, o = ...; return s[o.method](s, o.options)");
            let more = lua.to_value(&json!({ "method": method, "options": options }))?;
            Ok((work.set_name("=ask").into_function()?, more))
        };
        let (work, more) = prepared().map_err(|e: mlua::Error| error::from_lua(&e))?;
        let job = Job::new(lua, &self.context, &work, false).with(more);
        let one = |server| async {
            let (status, value) = job.run(server).await?;
            let mut value: Json = lua.from_value(value).map_err(|e| error::from_lua(&e))?;
            value.sort_all_objects();
            Ok((status, value))
        };
        let outcomes = fleet::map(room, method, servers, &room.options.policy, one, on_done).await;
        self.context.closed().await;
        Ok(outcomes)
    }
}
