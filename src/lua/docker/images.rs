//! Verbs about images and registries.

use mlua::{UserDataMethods, Value};

use super::follow::timeout;
use super::given::{given, names};
use super::{Docker, to_lua};
use crate::docker::given::keys;
use crate::docker::{image, parse};
use crate::lua::options::Options;

/// Adds them.
pub(super) fn add<M: UserDataMethods<Docker>>(methods: &mut M) {
    methods.add_async_method("images", |lua, this, opts: Value| async move {
        let call = image::list(&given("images", image::IMAGES, &opts)?)?;
        let handle = this.0.clone();
        let output = handle.with(async |docker| docker.ask(&call).await).await?;
        to_lua(&lua, &parse::images(&output.stdout)?)
    });
    methods.add_async_method(
        "pull",
        |lua, this, (name, opts): (String, Value)| async move {
            let handle = this.0.clone();
            let mut call = image::pull(&name, &given("pull", image::PULL, &opts)?)?;
            call.timeout = timeout("pull", &opts)?;
            let shown = call.shown();
            match handle.ask(call).await? {
                None => handle.unknown(&lua, shown),
                Some(output) => to_lua(&lua, &parse::pulled(&output.stdout)?),
            }
        },
    );
    methods.add_async_method("push", |_, this, name: String| async move {
        let call = image::push(&name)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("tag", |_, this, (from, to): (String, String)| async move {
        let call = image::tag(&from, &to)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("rmi", |_, this, (list, opts): (Value, Value)| async move {
        let given = given("rmi", image::RMI, &opts)?;
        let call = image::remove(&names("rmi", &list)?, &given)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("login", |_, this, opts: Value| async move {
        let handle = this.0.clone();
        let opts = Options::new("login", opts, &keys(image::LOGIN))?;
        let registry = opts.text("registry")?;
        let (user, password) = (opts.required("user")?, opts.secret("password")?);
        let password = password.unwrap_or_else(|| crate::secret::Secret::new(""));
        handle.link.context.room.redactor.add(&password);
        let call = image::login(registry.as_deref(), &user, &password)?;
        Ok(handle.ask(call).await.map(drop)?)
    });
    methods.add_async_method("logout", |_, this, registry: Option<String>| async move {
        let call = image::logout(registry.as_deref())?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
}
