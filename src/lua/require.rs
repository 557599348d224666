//! `require`: Lua modules from the places that [`super::loader`] knows, and from nowhere else.

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::context::Context;
use super::loader::Loader;
use crate::config::nearest;
use crate::error::{Error, Result};

/// Makes `require` search where the loader does, and nowhere else.
pub(super) fn install(lua: &Lua, context: &Rc<Context>) -> mlua::Result<()> {
    let package: Table = lua.globals().get("package")?;
    let searchers: Table = package.get("searchers")?;
    let preload: Value = searchers.get(1)?;
    let c = context.clone();
    let search = lua.create_function(move |lua, module: String| {
        let mut results = MultiValue::new();
        let found = c.loader.find(&module)?;
        if let Some((text, found)) = found.as_ref().and_then(|f| Some((f.text.as_ref()?, f))) {
            let chunk = super::load(lua, text, &found.chunk_name())?;
            results.push_back(Value::Function(chunk));
            results.push_back(Value::String(lua.create_string(&found.place)?));
        }
        Ok(results)
    })?;
    package.set(
        "searchers",
        lua.create_sequence_from([preload, Value::Function(search)])?,
    )?;
    package.set("path", "")?;
    package.set("cpath", "")?;
    let native = lua.create_table()?;
    let c = context.clone();
    let find = lua.create_function(move |_, module: String| match c.loader.find(&module)? {
        Some(_) => Ok(()),
        None => Err(mlua::Error::from(missing(&c.loader, &module)?)),
    })?;
    native.raw_set("find", find)?;
    let limits = context.limits.clone();
    let load = lua.create_function(move |_, module: String| Ok(limits.load(&module)?))?;
    native.raw_set("load", load)?;
    let text = super::loader::bundled("mr/require.lua").unwrap_or_default();
    let chunk: Function = lua
        .load(&*text)
        .set_name("=mr/require.lua")
        .into_function()?;
    chunk.call(native)
}

/// A module that is nowhere; the hint names one like it, or where it was looked for.
pub(super) fn missing(loader: &Loader, module: &str) -> Result<Error> {
    let error = Error::usage(format!("there is no module `{module}`"));
    let known = loader.modules();
    if let Some(near) = nearest(module, known.iter().map(String::as_str)) {
        return Ok(error.hint(format!("did you mean `{near}`?")));
    }
    let places = loader.candidates(module)?.into_iter().map(|c| c.place);
    let places: Vec<String> = places.collect();
    Ok(error.hint(format!("looked for {}", places.join(", "))))
}
