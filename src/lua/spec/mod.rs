//! Lua specs: a file of `describe` and `it` that runs in a room of its own, whose servers are
//! pretended ones, or real ones of a sandbox of its own. The words are in `stdlib/mr/spec.lua`;
//! here is what they stand on.
//!
//! Each file gets a fresh VM, inventory and folder; between two cases everything is forgotten.

mod real;
mod server;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Function, Lua, Table, Value};

use super::error::{of_value, place};
use super::loader::Origin;
use super::{Loader, Project, Vm, call, interrupt, load, loader};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::{Events, Level, Nobody};
use crate::fleet::{Room, RunOptions};
use crate::secret::Redactor;
use crate::ssh::Connector;
use crate::ssh::fake::FakeConnector;
use real::RealServers;
use server::FakeServer;

/// How one case of a spec file ended.
#[derive(Debug, Clone)]
pub struct SpecResult {
    /// The names of its `describe`s and its own.
    pub name: String,
    /// `file:line` of its `it`.
    pub place: String,
    /// `file:line: what is wrong`; `None` when all is well.
    pub failure: Option<String>,
    /// Why it was not run to its end, which is neither well nor wrong.
    pub skipped: Option<String>,
    /// Seconds.
    pub duration: f64,
}

/// How specs are run.
#[derive(Debug, Clone, Default)]
pub struct SpecOptions {
    /// Whose stages, workflows and modules they find.
    pub project: Option<Project>,
    /// Only cases whose names have this in them.
    pub filter: Option<String>,
    /// Real sandbox servers instead of pretended ones.
    pub is_real: bool,
    /// Ends them.
    pub cancel: Cancel,
}

/// Runs the cases of a spec file, in order. `folder` is empty and only for this file: inventory
/// and user's Lua files of its room are kept there, and the sandbox.
///
/// # Errors
/// A file that cannot be read or loaded, that raises outside of its cases, or that has none.
pub async fn run_specs(
    path: &Path,
    folder: &Path,
    options: &SpecOptions,
) -> Result<Vec<SpecResult>> {
    let shown = path.display().to_string();
    let text = std::fs::read(path)
        .map_err(|e| Error::usage(format!("cannot read `{shown}`: {e}")).source(e))?;
    let world = World::new(folder, options)?;
    let inner = || -> mlua::Result<Function> {
        let words = loader::bundled("mr/spec.lua").unwrap_or_default();
        let words = world.vm.lua.load(&*words).set_name("=mr/spec.lua");
        words.call(world.native(options.filter.clone())?)
    };
    let run = inner().map_err(|e| super::error::from_lua(&e))?;
    let beside = path.parent().map(Path::to_owned);
    world.vm.context.loader.set_beside(beside);
    let chunk = load(&world.vm.lua, &text, &format!("@{shown}"))?;
    let results = call(&world.vm.lua, &run, chunk);
    let results = interrupt::until(&options.cancel, results).await;
    world.vm.context.closed().await;
    world.vm.context.room.close().await;
    let read = |list: &Value| -> mlua::Result<Vec<SpecResult>> {
        let list = list.as_table().into_iter();
        let each = list.flat_map(|l| l.sequence_values::<Table>());
        each.map(|case| result(&case?)).collect()
    };
    let list = results?.into_iter().next().unwrap_or_default();
    let results = read(&list).map_err(|e| super::error::from_lua(&e))?;
    match results.is_empty() && options.filter.is_none() {
        true => Err(Error::usage(format!("`{shown}`: there is no `it` in it"))),
        false => Ok(results),
    }
}

fn result(case: &Table) -> mlua::Result<SpecResult> {
    let at: String = case.raw_get("place")?;
    let failure = match case.raw_get::<Value>("err")? {
        Value::Nil => None,
        err => Some(failure(&of_value(&err), &at)),
    };
    Ok(SpecResult {
        name: case.raw_get("name")?,
        skipped: case.raw_get("skipped")?,
        duration: case.raw_get("duration")?,
        place: at,
        failure,
    })
}

/// An error with the place in the spec where it came up.
fn failure(error: &Error, case: &str) -> String {
    let file = case.rsplit_once(':').map_or(case, |(file, _)| file);
    let mut text = error.to_string();
    if !text.starts_with(file) {
        let frames = error.lua_traceback().unwrap_or_default();
        let mut places = frames.lines().filter_map(place);
        let at = places.find(|p| p.starts_with(file)).unwrap_or(case);
        text = format!("{at}: {text}");
    }
    if let Some(output) = error.remote_output() {
        text += &format!("\n{}", String::from_utf8_lossy(&output.stderr));
    }
    text
}

/// Keeps every note that a person would read.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Events for Notes {
    fn note(&self, level: Level, server: Option<&str>, message: &str) {
        if level < Level::Notice {
            return;
        }
        let line = match server {
            Some(id) => format!("{id}: {message}"),
            None => message.to_owned(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

/// The room of one spec file.
struct World {
    vm: Vm,
    fakes: FakeConnector,
    notes: Arc<Notes>,
    printed: Rc<RefCell<String>>,
    /// Instead of the pretended ones.
    real: Option<Rc<RealServers>>,
}

impl World {
    fn new(folder: &Path, options: &SpecOptions) -> Result<Self> {
        let config = Config::at(folder)?;
        let loader = Loader::new(config.config_dir(), options.project.clone());
        let (fakes, notes) = (FakeConnector::new(), Arc::new(Notes::default()));
        let connector: Arc<dyn Connector> = match options.is_real {
            true => real::connector(&config, notes.clone()),
            false => Arc::new(fakes.clone()),
        };
        let room = Room::new(
            config,
            RunOptions {
                // Nothing is brought up on this machine for a spec.
                no_tunnel: true,
                ..RunOptions::default()
            },
            (notes.clone(), Arc::new(Nobody)),
            (Arc::new(Redactor::new()), options.cancel.clone()),
            connector,
        );
        let printed = Rc::new(RefCell::new(String::new()));
        let sink = printed.clone();
        let out = Rc::new(move |text: &str| {
            sink.borrow_mut().push_str(text);
            Ok(())
        });
        let real = options
            .is_real
            .then(|| Rc::new(RealServers::new(room.clone())));
        Ok(World {
            vm: Vm::new(room, out, loader)?,
            real,
            fakes,
            notes,
            printed,
        })
    }

    /// What `mr/spec.lua` is made of.
    fn native(&self, filter: Option<String>) -> mlua::Result<Table> {
        let lua = &self.vm.lua;
        let native = lua.create_table()?;
        native.raw_set("place", lua.create_function(|lua, ()| Ok(here(lua)))?)?;
        native.raw_set("filter", filter)?;
        let fakes = self.fakes.clone();
        let server = lua.create_function(move |_, id: String| Ok(FakeServer(fakes.server(&id))))?;
        native.raw_set("server", server)?;
        if let Some(real) = self.real.clone() {
            let add = lua.create_function(move |_, id: String| Ok(real.add(&id)?))?;
            native.raw_set("real", add)?;
        }
        let printed = self.printed.clone();
        let text = lua.create_function(move |lua, ()| lua.create_string(&*printed.borrow()))?;
        native.raw_set("printed", text)?;
        let notes = self.notes.clone();
        let list = lua.create_function(move |lua, ()| {
            let notes = notes.0.lock().unwrap_or_else(PoisonError::into_inner);
            lua.create_sequence_from(notes.iter().map(String::as_str))
        })?;
        native.raw_set("notes", list)?;
        native.raw_set("module", self.module()?)?;
        native.raw_set("reset", self.reset()?)?;
        Ok(native)
    }

    /// Puts a Lua file into the user's folder.
    fn module(&self) -> mlua::Result<Function> {
        let context = self.vm.context.clone();
        self.vm
            .lua
            .create_function(move |_, (name, text): (String, String)| {
                // The name is held to the loader's rules: no way out of the folder.
                let candidates = context.loader.candidates(&name)?;
                let mut before = candidates.iter().filter(|c| c.origin == Origin::Project);
                if before.any(|c| c.text.is_some()) {
                    let message = format!("`fake.module`: the project has `{name}` itself");
                    return Err(Error::usage(message).into());
                }
                let path = context
                    .loader
                    .user_dir()
                    .join(name.replace('.', "/") + ".lua");
                let write = || {
                    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
                    std::fs::write(&path, &text)
                };
                Ok(write().map_err(|e| {
                    Error::local(format!("cannot write `{}`: {e}", path.display())).source(e)
                })?)
            })
    }

    /// Forgets sessions, servers, Lua files and all that was said.
    fn reset(&self) -> mlua::Result<Function> {
        let context = self.vm.context.clone();
        let (fakes, notes) = (self.fakes.clone(), self.notes.clone());
        let real = self.real.clone();
        let printed = self.printed.clone();
        self.vm.lua.create_async_function(move |_, ()| {
            let (context, fakes, real) = (context.clone(), fakes.clone(), real.clone());
            printed.borrow_mut().clear();
            notes
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            async move {
                context.room.close().await;
                fakes.forget();
                if let Some(real) = real {
                    real.forget();
                }
                let store = context.room.store()?;
                for server in store.list()? {
                    store.remove(&server.id)?;
                }
                for tunnel in store.tunnels()? {
                    store.remove_tunnel(&tunnel)?;
                }
                let folder = context.loader.user_dir();
                if folder.exists() {
                    std::fs::remove_dir_all(folder).map_err(|e| {
                        let text = format!("cannot remove `{}`: {e}", folder.display());
                        Error::local(text).source(e)
                    })?;
                }
                Ok(())
            }
        })
    }
}

/// `file:line` of the innermost function that is not of the bundled library.
pub(super) fn here(lua: &Lua) -> Option<String> {
    (1..100).find_map(|level| {
        lua.inspect_stack(level, |frame| {
            let line = frame.current_line()?;
            let file = frame.source().short_src?.into_owned();
            let is_ours = file.starts_with("mr/") || file.starts_with("__mlua");
            (!is_ours).then(|| format!("{file}:{line}"))
        })
        .flatten()
    })
}
