//! `server:docker()`: what is asked of docker on a server, and its answers as tables.
//!
//! The work is [`crate::docker`]'s; here options are decoded, check mode keeps what changes, and
//! records become tables. Every call goes the way of the other verbs: the handle's session, its
//! sudo, its log. State: the way to the daemon that was found, kept in the context.

mod compose;
mod containers;
mod copies;
mod engine;
mod follow;
mod given;
mod images;

use std::rc::Rc;

use mlua::serde::SerializeOptions;
use mlua::{Lua, LuaSerdeExt as _, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::link::Link;
use super::options::Options;
use super::request::AsUser;
use super::server::Server;
use super::ssh::Ssh;
use super::verbs;
use crate::docker::Call;
use crate::docker::engine::{Docker as Engine, Found, Place};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::ssh::Effect;

/// Registry key of the methods that are written in Lua.
const METHODS: &str = "Docker.methods";

/// Loads the methods that are written in Lua.
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    let methods: Table = super::shipped(lua, "mr/docker.lua")?;
    lua.set_named_registry_value(METHODS, methods)
}

/// Docker on one server in the hands of Lua code.
#[derive(Clone)]
pub(super) struct Docker(Rc<Handle>);

/// What stands behind it, and behind its compose projects.
struct Handle {
    link: Rc<Link>,
    user: AsUser,
    place: Place,
    found: Found,
}

impl Docker {
    /// A handle; nothing is asked yet.
    pub(super) fn new(link: &Rc<Link>, opts: Value) -> Result<Self> {
        let opts = Options::new("docker", opts, &["sudo", "host", "context"])?;
        let place = Place {
            host: opts.text("host")?,
            context: opts.text("context")?,
        };
        if place.host.is_some() && place.context.is_some() {
            return Err(Error::usage(
                "`docker`: `host` and `context` exclude each other",
            ));
        }
        let found = link
            .context
            .docker
            .borrow_mut()
            .entry(link.id.clone())
            .or_default()
            .clone();
        Ok(Docker(Rc::new(Handle {
            link: link.clone(),
            user: AsUser::of("docker", &opts)?,
            place,
            found,
        })))
    }
}

impl Docker {
    /// Runs a script in which `d` is docker. `None` when check mode withheld it.
    pub(super) async fn script(&self, text: String, shown: String) -> Result<Option<Output>> {
        self.0.ask(Call::script(Effect::Write, shown, text)).await
    }

    /// The handle of what it is on.
    pub(super) fn server(&self, lua: &Lua) -> mlua::Result<Value> {
        let link = self.0.link.clone();
        match link.row() {
            Some(_) => lua.create_userdata(Server(link)).map(Value::UserData),
            None => lua.create_userdata(Ssh(link)).map(Value::UserData),
        }
    }
}

impl Handle {
    /// Docker over the open session.
    async fn engine(&self) -> Result<Engine> {
        let sudo = self.link.sudo(&self.user)?;
        Ok(Engine {
            transport: self.link.transport().await?,
            may_seek: sudo.is_none()
                && self.user == AsUser::Usual
                && self.place == Place::default(),
            sudo,
            place: self.place.clone(),
            found: self.found.clone(),
            timeout: self.link.context.room.options.command_timeout,
        })
    }

    /// Does something with docker under Ctrl-C, with the server's name on its errors.
    async fn with<T>(&self, work: impl AsyncFnOnce(Engine) -> Result<T>) -> Result<T> {
        self.link
            .wait(async { work(self.engine().await?).await })
            .await
    }

    /// Runs a call that must end well. `None` when check mode withheld it.
    async fn ask(&self, call: Call) -> Result<Option<Output>> {
        if call.effect == Effect::Write && self.withholds(&call.shown()) {
            return Ok(None);
        }
        self.with(async |docker| docker.ask(&call).await)
            .await
            .map(Some)
    }

    /// Does check mode keep that from being done?
    fn withholds(&self, shown: &str) -> bool {
        self.link.withhold(&format!("run `{shown}`"))
    }

    /// What stands for the answer of a call that was withheld.
    fn unknown(&self, lua: &Lua, shown: String) -> mlua::Result<Value> {
        verbs::withheld(lua, &self.link, shown, |_| true).map(Value::Table)
    }
}

/// A record as a table; what is null is not in it.
fn to_lua(lua: &Lua, value: &impl serde::Serialize) -> mlua::Result<Value> {
    let options = SerializeOptions::new()
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false);
    lua.to_value_with(value, options)
}

impl UserData for Docker {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Docker");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        containers::add(methods);
        images::add(methods);
        copies::add(methods);
        engine::add(methods);
        compose::add(methods);
        methods.add_meta_method("__index", |lua, _, key: Value| {
            lua.named_registry_value::<Table>(METHODS)?
                .raw_get::<Value>(key)
        });
        methods.add_meta_method("__tostring", |_, this, ()| {
            Ok(format!("docker of {}", this.0.link.id))
        });
    }
}
