//! `docker:compose{…}`: a compose project in a folder of the server.

use std::rc::Rc;

use mlua::{UserData, UserDataFields, UserDataMethods, Value};

use super::containers::said;
use super::follow::timeout;
use super::given::{given, names};
use super::{Docker, Handle, to_lua};
use crate::docker::compose::{self, Project};
use crate::docker::{Call, parse};
use crate::error::Result;
use crate::output::Output;
use crate::ssh::Effect;

/// A project in the hands of Lua code.
pub(super) struct Compose(Rc<Own>);

struct Own {
    handle: Rc<Handle>,
    project: Project,
}

impl Own {
    /// Runs a call that must end well. `None` when check mode withheld it.
    async fn ask(&self, call: Call) -> Result<Option<Output>> {
        if call.effect == Effect::Write && self.handle.withholds(&call.shown()) {
            return Ok(None);
        }
        let work = self.handle.with(async |docker| docker.compose(&call).await);
        work.await.map(Some)
    }

    async fn read(&self, call: Call) -> Result<Vec<u8>> {
        Ok(self.ask(call).await?.unwrap_or_default().stdout)
    }
}

/// Adds `compose` to Docker.
pub(super) fn add<M: UserDataMethods<Docker>>(methods: &mut M) {
    methods.add_method("compose", |_, this, opts: Value| {
        let project = Project::new(&given("compose", compose::PROJECT, &opts)?)?;
        let handle = this.0.clone();
        Ok(Compose(Rc::new(Own { handle, project })))
    });
}

impl UserData for Compose {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Compose");
        fields.add_field_method_get("folder", |_, this| Ok(this.0.project.folder.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("up", |_, this, opts: Value| async move {
            let own = this.0.clone();
            let mut call = own.project.up(&given("up", compose::UP, &opts)?)?;
            call.timeout = timeout("up", &opts)?;
            Ok(own.ask(call).await.map(drop)?)
        });
        methods.add_async_method("down", |_, this, opts: Value| async move {
            let own = this.0.clone();
            let call = own.project.down(&given("down", compose::DOWN, &opts)?)?;
            Ok(own.ask(call).await.map(drop)?)
        });
        methods.add_async_method("pull", |_, this, services: Value| async move {
            let own = this.0.clone();
            let call = own.project.act("pull", &names("pull", &services)?)?;
            Ok(own.ask(call).await.map(drop)?)
        });
        methods.add_async_method("restart", |_, this, services: Value| async move {
            let own = this.0.clone();
            let call = own.project.act("restart", &names("restart", &services)?)?;
            Ok(own.ask(call).await.map(drop)?)
        });
        methods.add_async_method("stop", |_, this, services: Value| async move {
            let own = this.0.clone();
            let call = own.project.act("stop", &names("stop", &services)?)?;
            Ok(own.ask(call).await.map(drop)?)
        });
        methods.add_async_method("ps", |lua, this, ()| async move {
            let own = this.0.clone();
            let stdout = own.read(own.project.ps()).await?;
            to_lua(&lua, &parse::compose_ps(&stdout)?)
        });
        methods.add_async_method("config", |lua, this, ()| async move {
            let own = this.0.clone();
            let stdout = own.read(own.project.config()).await?;
            to_lua(&lua, &parse::whole("a project", &stdout)?)
        });
        methods.add_async_method("logs", |lua, this, opts: Value| async move {
            let own = this.0.clone();
            let mut call = own.project.logs(&given("logs", compose::LOGS, &opts)?)?;
            call.timeout = timeout("logs", &opts)?;
            said(&lua, &own.handle, call, &opts).await
        });
        methods.add_async_method("version", |_, this, ()| async move {
            let own = this.0.clone();
            let stdout = own.read(compose::version()).await?;
            let text = String::from_utf8_lossy(&stdout);
            Ok(text.trim().trim_start_matches('v').to_owned())
        });
        methods.add_meta_method("__tostring", |_, this, ()| {
            let own = &this.0;
            Ok(format!(
                "compose project {} of {}",
                own.project.folder, own.handle.link.id
            ))
        });
    }
}
