//! Lua: the VM, its bindings, and where Lua files come from. The only user of `mlua`.
//!
//! One VM on the main thread. Every blocking binding is an async function, so script code looks
//! blocking while Rust threads wait; a fleet map runs one coroutine per server. The state is the
//! VM's; bindings share a [`context::Context`]. Must not import `ui` or `cli`.

mod beside;
mod catalog;
mod check;
mod complete;
mod context;
mod deploys;
pub mod doc;
mod docker;
mod error;
mod facts;
mod fleet;
mod health;
mod interrupt;
mod limits;
mod link;
mod loader;
mod mr;
mod ops;
mod options;
mod project;
mod repl;
mod request;
mod require;
mod runs;
mod scan;
mod secret;
mod selection;
mod server;
mod show;
mod spec;
mod ssh;
mod template;
mod tree;
mod tunnel;
mod verbs;

#[cfg(test)]
mod tests;

pub use catalog::{OpInfo, StageInfo, StageOption, WorkflowInfo};
pub use check::{Checker, Finding};
pub use complete::{Wanted, What};
pub use context::Out;
pub use deploys::Deployment;
pub use doc::Reference;
pub use loader::{Candidate, Loader, Origin, stubs, template};
pub use project::{FOLDER, Project, STUBS, Trust};
pub use repl::Shown;
pub use runs::{Returned, StageResult, StageStep};
pub use spec::{SpecOptions, SpecResult, run_specs};

use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, LuaOptions, MultiValue, StdLib, Value};

use crate::error::{Error, Kind, Result};
use crate::fleet::Room;
use context::Context;

/// Registry key of the function that every call from Rust goes through.
const GUARD: &str = "mr.guard";
/// mlua recognises a waiting coroutine by the name of its poll loop; the prelude's shims wait
/// in its place.
const PRELUDE: &str = "=__mlua_async_poll";

/// The version of the Lua that is built in, as it says itself.
///
/// # Errors
/// What keeps a VM from starting.
pub fn version() -> Result<String> {
    let lua =
        Lua::new_with(StdLib::NONE, LuaOptions::default()).map_err(|e| error::from_lua(&e))?;
    let name: String = lua
        .globals()
        .get("_VERSION")
        .map_err(|e| error::from_lua(&e))?;
    Ok(name.trim_start_matches("Lua ").to_owned())
}

/// The Lua VM of one run.
pub struct Vm {
    lua: Lua,
    context: Rc<Context>,
}

impl Vm {
    /// A VM with every binding in place.
    ///
    /// # Errors
    /// None in practice: the bundled Lua is loaded by every test.
    pub fn new(room: Rc<Room>, out: Out, loader: Loader) -> Result<Self> {
        let context = Context::new(room, out, loader);
        let lua = compose(&context).map_err(|e| error::from_lua(&e))?;
        Ok(Vm { lua, context })
    }

    /// The exit code that the script chose with `os.exit`.
    pub fn exit_code(&self) -> Option<u8> {
        self.context.exit.get()
    }
}

/// A VM with every binding in place: the one list of what there is.
fn compose(context: &Rc<Context>) -> mlua::Result<Lua> {
    let libs = StdLib::COROUTINE
        | StdLib::TABLE
        | StdLib::IO
        | StdLib::OS
        | StdLib::STRING
        | StdLib::UTF8
        | StdLib::MATH
        | StdLib::PACKAGE;
    let options = LuaOptions::new().thread_pool_size(64);
    let lua = Lua::new_with(libs, options)?;
    interrupt::install(&lua, &context.room.cancel, &context.limits)?;
    prelude(&lua)?;
    let globals = lua.globals();
    globals.raw_set("server", server::global(&lua, context)?)?;
    globals.raw_set("ssh", ssh::global(&lua, context)?)?;
    globals.raw_set("fleet", fleet::global(&lua, context)?)?;
    globals.raw_set("tunnel", tunnel::global(&lua, context)?)?;
    require::install(&lua, context)?;
    mr::install(&lua, context)?;
    verbs::install(&lua)?;
    docker::install(&lua)?;
    context.limits.bound(&lua)?;
    Ok(lua)
}

fn prelude(lua: &Lua) -> mlua::Result<()> {
    let native = lua.create_table()?;
    native.raw_set("bridge", lua.create_function(error::bridge)?)?;
    native.raw_set("caught", lua.create_function(error::caught)?)?;
    native.raw_set("ended", lua.create_function(error::ended)?)?;
    native.raw_set("pending", Value::LightUserData(Lua::poll_pending()))?;
    let text = loader::bundled("mr/prelude.lua").unwrap_or_default();
    let guard: Function = lua.load(&*text).set_name(PRELUDE).call(native)?;
    lua.set_named_registry_value(GUARD, guard)
}

/// What a file that the binary carries gives. Such files are modules without side effects.
fn shipped<R: FromLuaMulti>(lua: &Lua, path: &str) -> mlua::Result<R> {
    let text = loader::bundled(path).unwrap_or_default();
    lua.load(&*text).set_name(format!("={path}")).call(())
}

/// Compiles Lua text, never bytecode.
fn load(lua: &Lua, text: &[u8], name: &str) -> Result<Function> {
    // The first line of a script may name its interpreter; the newline keeps the line numbers.
    let text = match text {
        [b'#', ..] => text
            .iter()
            .position(|b| *b == b'\n')
            .map_or(&[][..], |end| &text[end..]),
        text => text,
    };
    if text.starts_with(b"\x1b") {
        let shown = name.trim_start_matches(['=', '@']);
        let message = format!("{shown}: this is compiled Lua, which is not loaded");
        return Err(Error::new(Kind::Script, message).hint("give its source text"));
    }
    let chunk = lua.load(text).set_name(name).set_mode(ChunkMode::Text);
    chunk.into_function().map_err(|e| error::from_lua(&e))
}

/// Calls `function`; what it raises comes back as the core's error with its traceback.
async fn call(lua: &Lua, function: &Function, args: impl IntoLuaMulti) -> Result<MultiValue> {
    let inner = async {
        let guard: Function = lua.named_registry_value(GUARD)?;
        let mut all = args.into_lua_multi(lua)?;
        all.push_front(Value::Function(function.clone()));
        guard.call_async::<MultiValue>(all).await
    };
    answered(inner.await)
}

/// [`call`] without waiting: for what loads and looks.
fn call_now(lua: &Lua, function: &Function, args: impl IntoLuaMulti) -> Result<MultiValue> {
    let inner = || {
        let guard: Function = lua.named_registry_value(GUARD)?;
        let mut all = args.into_lua_multi(lua)?;
        all.push_front(Value::Function(function.clone()));
        guard.call::<MultiValue>(all)
    };
    answered(inner())
}

/// What the guard gave: true and the values, or false and what was raised.
fn answered(results: mlua::Result<MultiValue>) -> Result<MultiValue> {
    let mut results = results.map_err(|e| error::from_lua(&e))?;
    match results.pop_front() {
        Some(Value::Boolean(true)) => Ok(results),
        _ => Err(error::of_value(&results.pop_front().unwrap_or_default())),
    }
}
