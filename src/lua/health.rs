//! The native half of `mr.health`: the probe of `mroom status` with its parser, a clock with fractions,
//! and the counts of scanned images in the inventory.

use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlua::{Lua, LuaSerdeExt as _, Table, Value};
use serde_json::Value as Json;

use super::context::Context;
use crate::error::{Error, Kind};
use crate::events::Level;
use crate::fleet::Health;

/// Adds `vitals_script`, `vitals`, `unix_time`, `scan_kept` and `scan_keep`.
pub(super) fn add(lua: &Lua, context: &Rc<Context>, native: &Table) -> mlua::Result<()> {
    native.raw_set("vitals_script", Health::SCRIPT)?;
    let vitals = lua.create_function(|lua, text: mlua::LuaString| {
        let health = Health::parse(&text.to_string_lossy()).map_err(|why| {
            let message = format!("what the server said of itself is not understood: {why}");
            Error::new(Kind::Script, message)
        })?;
        let Json::Object(mut fields) = health.json() else {
            return lua.create_table();
        };
        // What was not said is nil there, and how long it took is not of this.
        fields.retain(|key, value| !value.is_null() && key != "login" && key != "answer");
        lua.create_table_from(
            fields
                .into_iter()
                .map(|(key, value)| Ok((key, lua.to_value(&value)?)))
                .collect::<mlua::Result<Vec<_>>>()?,
        )
    })?;
    native.raw_set("vitals", vitals)?;
    // Seconds since 1970, by the clock of this machine.
    let unix_time = lua.create_function(|_, ()| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(since.unwrap_or_default().as_secs_f64())
    })?;
    native.raw_set("unix_time", unix_time)?;
    let c = context.clone();
    let kept = lua.create_function(move |lua, (image, max_age): (String, u64)| {
        let kept = c
            .room
            .store()?
            .image_scan(&image, Duration::from_secs(max_age))?;
        kept.map_or(Ok(Value::Nil), |scan| lua.to_value(&scan))
    })?;
    native.raw_set("scan_kept", kept)?;
    // What cannot be kept is counted again the next time.
    let c = context.clone();
    let keep = lua.create_function(move |lua, (image, scan): (String, Value)| {
        let mut scan: Json = lua.from_value(scan)?;
        scan.sort_all_objects();
        if let Err(error) = c.room.store()?.keep_image_scan(&image, &scan) {
            let message = format!("the scan of an image is not kept: {}", error.message());
            c.room.events.note(Level::Warning, None, &message);
        }
        Ok(())
    })?;
    native.raw_set("scan_keep", keep)
}
