//! `require`: Lua modules from the places that [`super::loader`] knows, and from nowhere else.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value};

use super::context::Context;

/// Makes `require` search where the loader does, and nowhere else.
pub(super) fn install(lua: &Lua, context: &Rc<Context>) -> mlua::Result<()> {
    let package: Table = lua.globals().get("package")?;
    let searchers: Table = package.get("searchers")?;
    let preload: Value = searchers.get(1)?;
    let c = context.clone();
    let search = lua.create_function(move |lua, module: String| {
        let mut results = MultiValue::new();
        let found = c.loader.find(&module)?;
        match found.as_ref().and_then(|f| f.text.as_ref().map(|t| (f, t))) {
            Some((found, text)) => {
                results.push_back(Value::Function(super::load(
                    lua,
                    text,
                    &found.chunk_name(),
                )?));
                results.push_back(Value::String(lua.create_string(&found.place)?));
            }
            None => {
                let places = c.loader.candidates(&module)?;
                let lines: String = places
                    .iter()
                    .map(|p| format!("\n\tno file '{}'", p.place))
                    .collect();
                results.push_back(Value::String(lua.create_string(lines)?));
            }
        }
        Ok(results)
    })?;
    package.set(
        "searchers",
        lua.create_sequence_from([preload, Value::Function(search)])?,
    )?;
    package.set("path", "")?;
    package.set("cpath", "")
}
