//! Deployments: the way from `mroom docker PATTERN deploy` to the Lua that does them, and what that
//! Lua needs of a docker handle. Owns no state.

use mlua::{AnyUserData, Function, Lua, LuaSerdeExt as _, Table, Value};
use serde_json::{Value as Json, json};

use super::docker::Docker;
use super::fleet::Job;
use super::{Vm, call, call_now, error, interrupt};
use crate::docker::fault;
use crate::error::{Error, Result};
use crate::fleet::{self, Outcome, Policy};
use crate::inventory::Server;

/// The module of the verbs.
const COMMAND: &str = "mr.deploy.command";

/// Adds `docker_script`, `docker_server` and `docker_reason`.
pub(super) fn add(lua: &Lua, native: &Table) -> mlua::Result<()> {
    // What a script prints in which `d` is docker; it may change the server.
    let script = lua.create_async_function(
        |lua, (docker, text, shown): (AnyUserData, String, String)| async move {
            let docker = docker.borrow::<Docker>()?.clone();
            let output = docker.script(text, shown).await?;
            lua.create_string(output.map(|o| o.stdout).unwrap_or_default())
        },
    )?;
    native.raw_set("docker_script", script)?;
    let server =
        lua.create_function(|lua, docker: AnyUserData| docker.borrow::<Docker>()?.server(lua))?;
    native.raw_set("docker_server", server)?;
    // Why docker refused, from its own words: what `err.reason` is. Nil when they are not known.
    let reason = lua.create_function(|_, said: mlua::LuaString| {
        let said = String::from_utf8_lossy(&said.as_bytes()).into_owned();
        Ok(fault::reason_in(&said).map(fault::Reason::as_str))
    })?;
    native.raw_set("docker_reason", reason)
}

/// What is done with an app: a verb and what was typed.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `deploy`, `rollback`, `deploys`, `locks` or `unlock`.
    pub verb: &'static str,
    /// `{app, set, to, count}`, as far as they were said.
    pub args: Json,
}

impl Vm {
    fn deploy_command(&self, name: &str) -> Result<Function> {
        let get = || {
            let require: Function = self.lua.globals().get("require")?;
            require.call::<Table>(COMMAND)?.get::<Function>(name)
        };
        get().map_err(|e| error::from_lua(&e))
    }

    /// Does what `what` says on each server; the values are JSON.
    ///
    /// # Errors
    /// An app or option that is not right, before any server is touched. What happens on the
    /// servers is in the outcomes.
    pub async fn deploy(
        &self,
        what: &Deployment,
        servers: Vec<Server>,
        policy: &Policy,
        on_done: impl FnMut(&Outcome<Json>),
    ) -> Result<Vec<Outcome<Json>>> {
        let (lua, room) = (&self.lua, &self.context.room);
        let args = lua.to_value(&what.args).map_err(|e| error::from_lua(&e))?;
        let plan = self.deploy_command("plan")?;
        let plan = call(lua, &plan, (what.verb, args));
        let plan = interrupt::until(&room.cancel, plan).await?;
        let plan = plan.into_iter().next().unwrap_or_default();
        let run = self.deploy_command("run")?;
        let job = Job::new(lua, &self.context, &run, false).with(plan);
        let one = |server| async {
            let (status, value) = job.run(server).await?;
            let value = serde_json::to_value(&value)
                .map_err(|e| Error::local(format!("the result is no JSON: {e}")))?;
            Ok((status, value))
        };
        let outcomes = fleet::map(room, what.verb, servers, policy, one, on_done).await;
        self.context.closed().await;
        Ok(outcomes)
    }

    /// The text for people of the outcomes of [`Vm::deploy`].
    ///
    /// # Errors
    /// None in practice.
    pub fn deployed(
        &self,
        what: &Deployment,
        outcomes: &[Outcome<Json>],
    ) -> Result<Option<String>> {
        let told: Vec<Json> = outcomes
            .iter()
            .map(|o| {
                let message = o.error.as_ref().map(|e| e.message().to_owned());
                let mut told = json!({ "server": o.server, "status": o.status.as_str() });
                // Null would be something to Lua.
                if let Some(value) = o.value.as_ref().filter(|v| !v.is_null()) {
                    told["value"] = value.clone();
                }
                if let Some(message) = message {
                    told["message"] = message.into();
                }
                told
            })
            .collect();
        let told = self.lua.to_value(&told).map_err(|e| error::from_lua(&e))?;
        let show = self.deploy_command("show")?;
        let text = call_now(&self.lua, &show, (what.verb, told))?;
        match text.into_iter().next() {
            Some(value @ Value::String(_)) => Ok(value.to_string().ok()),
            _ => Ok(None),
        }
    }
}
