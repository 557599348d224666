//! Verbs about the engine, its networks and its volumes.

use mlua::{UserDataMethods, Value};

use super::follow::{callback, follow, timeout};
use super::given::{given, names};
use super::{Docker, to_lua};
use crate::docker::{parse, resource};
use crate::error::Error;
use crate::output::Stream;

/// Adds them.
pub(super) fn add<M: UserDataMethods<Docker>>(methods: &mut M) {
    methods.add_async_method("version", |lua, this, ()| async move {
        let handle = this.0.clone();
        let output = handle.with(async |docker| docker.ask(&resource::version()).await);
        to_lua(&lua, &parse::version(&output.await?.stdout)?)
    });
    methods.add_async_method("info", |lua, this, ()| async move {
        let handle = this.0.clone();
        let output = handle.with(async |docker| docker.ask(&resource::info()).await);
        to_lua(&lua, &parse::whole("itself", &output.await?.stdout)?)
    });
    methods.add_async_method("networks", |lua, this, ()| async move {
        let handle = this.0.clone();
        let output = handle.with(async |docker| docker.ask(&resource::list("network")).await);
        to_lua(&lua, &parse::networks(&output.await?.stdout)?)
    });
    methods.add_async_method("volumes", |lua, this, ()| async move {
        let handle = this.0.clone();
        let output = handle.with(async |docker| docker.ask(&resource::list("volume")).await);
        to_lua(&lua, &parse::volumes(&output.await?.stdout)?)
    });
    methods.add_async_method("network_create", |_, this, opts: Value| async move {
        let given = given("network_create", resource::NETWORK, &opts)?;
        let call = resource::create("network", resource::NETWORK, &given)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("network_rm", |_, this, list: Value| async move {
        let call = resource::remove("network", &names("network_rm", &list)?)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method(
        "network_connect",
        |_, this, (network, name, opts): (String, String, Value)| async move {
            let given = given("network_connect", resource::CONNECT, &opts)?;
            let call = resource::connect(&network, &name, &given)?;
            Ok(this.0.clone().ask(call).await.map(drop)?)
        },
    );
    methods.add_async_method(
        "network_disconnect",
        |_, this, (network, name): (String, String)| async move {
            let call = resource::disconnect(&network, &name)?;
            Ok(this.0.clone().ask(call).await.map(drop)?)
        },
    );
    methods.add_async_method("volume_create", |_, this, opts: Value| async move {
        let given = given("volume_create", resource::VOLUME, &opts)?;
        let call = resource::create("volume", resource::VOLUME, &given)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("volume_rm", |_, this, list: Value| async move {
        let call = resource::remove("volume", &names("volume_rm", &list)?)?;
        Ok(this.0.clone().ask(call).await.map(drop)?)
    });
    methods.add_async_method("events", |lua, this, opts: Value| async move {
        let handle = this.0.clone();
        let mut call = resource::events(&given("events", resource::EVENTS, &opts)?)?;
        call.timeout = timeout("events", &opts)?;
        if let Some(on_event) = callback("events", "on_event", &opts)? {
            let shape = |stream: Stream, line: Vec<u8>| {
                let event = parse::lines(&line)
                    .pop()
                    .filter(|_| stream == Stream::Stdout);
                event.map(|event| to_lua(&lua, &event)).transpose()
            };
            follow(&lua, &handle, call, &on_event, shape).await?;
            return lua.create_table().map(Value::Table);
        }
        if !matches!(&opts, Value::Table(t) if t.contains_key("until_")?) {
            let message = "`events`: without `until_` they have no end";
            let hint = "give `until_`, such as \"0s\" for now, or `on_event`, a function";
            return Err(Error::usage(message).hint(hint).into());
        }
        let output = handle.with(async |docker| docker.ask(&call).await).await?;
        to_lua(&lua, &parse::lines(&output.stdout))
    });
    methods.add_async_method("prune", |lua, this, opts: Value| async move {
        let handle = this.0.clone();
        let wanted = resource::prune(&given("prune", resource::PRUNE, &opts)?)?;
        if handle.withholds("docker prune") {
            return handle.unknown(&lua, "docker prune".to_owned());
        }
        let bytes = handle
            .with(async |docker| docker.prune(&wanted).await)
            .await?;
        to_lua(&lua, &serde_json::json!({ "reclaimed": bytes }))
    });
}
