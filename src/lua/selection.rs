//! The REPL's current selection: the global `sel`, a fleet. The VM owns it; Lua code may set it
//! like any other global.

use mlua::Value;

use super::fleet::Fleet;
use super::{Shown, Vm, error};
use crate::error::{Error, Result};
use crate::inventory::Server;

/// The global that holds the selection.
const SELECTION: &str = "sel";

impl Vm {
    /// Makes the servers of a pattern the current selection.
    ///
    /// # Errors
    /// As [`crate::fleet::Room::select`]; the selection stays as it was then.
    pub fn select(&self, pattern: &str) -> Result<()> {
        let rows = self.context.room.select(pattern)?;
        let set = || {
            let fleet = self.lua.create_userdata(Fleet::new(&self.context, rows))?;
            self.lua.globals().raw_set(SELECTION, fleet)
        };
        set().map_err(|e| error::from_lua(&e))
    }

    /// The servers of the current selection; `None` when nothing is selected.
    pub fn selected(&self) -> Option<Vec<Server>> {
        let value: Value = self.lua.globals().raw_get(SELECTION).ok()?;
        let fleet = value.as_userdata()?.borrow::<Fleet>().ok()?;
        Some(fleet.rows().to_vec())
    }

    /// Runs a command on the current selection; the outcomes become `_`.
    ///
    /// # Errors
    /// When nothing is selected. What happens on the servers is in the outcomes.
    pub async fn run_selected(&self, command: &str, width: usize) -> Result<Vec<Shown>> {
        if self.selected().is_none() {
            return Err(Error::usage("no servers are selected").hint("`:use PATTERN` selects them"));
        }
        let chunk = self.compile("return sel:run(...)", "=repl");
        let chunk = chunk.map_err(|e| error::from_lua(&e))?;
        let values = self.call(&chunk, vec![command.to_owned()]).await?;
        self.kept_and_shown(&values, width)
    }
}
