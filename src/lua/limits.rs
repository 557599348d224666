//! How much Lua code may use: instructions without a call that waits, memory, and what loading a
//! file may take. [`super::interrupt`]'s hook counts; nothing in Lua can catch what is raised here.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mlua::debug::Debug;
use mlua::{Lua, MultiValue, UserData, UserDataMethods};

use crate::config::Config;
use crate::error::{Error, Kind, Result};

/// Instructions that loading a file may take: about a second, a thousand times what any needs.
const LOADING: u64 = 50_000_000;

/// What the settings allow, and what was used of it.
pub(super) struct Limits {
    /// Bytes, 0 for any.
    memory: usize,
    /// Without a call that waits; 0 for any.
    instructions: u64,
    used: Cell<u64>,
    /// The modules that are loading, outermost first.
    loading: RefCell<Vec<String>>,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Rc<Self> {
        Rc::new(Limits {
            memory: config.lua_memory_mb().saturating_mul(1 << 20),
            instructions: config.lua_instructions(),
            used: Cell::new(0),
            loading: RefCell::default(),
        })
    }

    /// Bounds the VM's memory. A little lies above what [`Limits::count`] allows: it can name the
    /// line, and what fails in the middle of an allocation cannot.
    pub(super) fn bound(&self, lua: &Lua) -> mlua::Result<()> {
        if self.memory > 0 {
            lua.set_memory_limit(self.memory + self.memory / 8)?;
        }
        Ok(())
    }

    /// The code waits for something: what it does next is counted anew.
    pub(super) fn waits(&self) {
        self.used.set(0);
    }

    /// Counts `n` more instructions at the place that `debug` tells.
    ///
    /// # Errors
    /// [`Kind::Limit`] when one is passed.
    pub(super) fn count(&self, lua: &Lua, debug: &Debug, n: u64) -> Result<()> {
        let used = self.used.replace(self.used.get() + n) + n;
        if let Some(module) = self.loading.borrow().last()
            && used > LOADING
        {
            let message = format!("`{module}` does not come to an end of loading");
            let hint = "loading a file only defines things: work belongs into its functions";
            return Err(self.passed(debug, &message).hint(hint));
        }
        if self.instructions > 0 && used > self.instructions {
            let message = format!(
                "more than {} instructions without a call that waits",
                self.instructions
            );
            return Err(self
                .passed(debug, &message)
                .hint(setting("lua.instructions")));
        }
        if self.memory > 0 && lua.used_memory() > self.memory {
            // What is only garbage is no reason to stop.
            lua.gc_collect().map_err(|e| super::error::from_lua(&e))?;
            if lua.used_memory() > self.memory {
                let message = format!("more than {} MB of memory", self.memory >> 20);
                return Err(self.passed(debug, &message).hint(setting("lua.memory_mb")));
            }
        }
        Ok(())
    }

    fn passed(&self, debug: &Debug, message: &str) -> Error {
        self.used.set(0);
        let file = debug.source().short_src.unwrap_or_default().into_owned();
        let line = debug.current_line().unwrap_or_default();
        Error::new(Kind::Limit, format!("{file}:{line}: {message}"))
    }

    /// `module` begins to load; it ends with what is given.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is loading already.
    pub(super) fn load(self: &Rc<Self>, module: &str) -> Result<Loading> {
        let mut loading = self.loading.borrow_mut();
        if let Some(at) = loading.iter().position(|m| m == module) {
            let circle = loading[at..].join(" -> ");
            return Err(
                Error::usage(format!("`require` is a circle: {circle} -> {module}"))
                    .hint("move what both need into a module of its own"),
            );
        }
        if loading.is_empty() {
            self.used.set(0);
        }
        loading.push(module.to_owned());
        Ok(Loading(self.clone()))
    }
}

/// What to do when a setting is too small.
pub(super) fn setting(key: &str) -> String {
    format!("the setting `{key}` allows no more; `mroom config --edit` changes it, 0 is no limit")
}

/// A module that is loading: a value for a `<close>` variable.
pub(super) struct Loading(Rc<Limits>);

impl UserData for Loading {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method("__close", |_, this, _: MultiValue| {
            this.0.loading.borrow_mut().pop();
            if this.0.loading.borrow().is_empty() {
                this.0.used.set(0);
            }
            Ok(())
        });
    }
}
