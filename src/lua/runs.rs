//! What the commands run on a VM: a chunk, a script, a workflow, stages over a selection.

use std::path::Path;

use mlua::{Function, LuaSerdeExt as _, MultiValue, Value, Variadic};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::fleet::Job;
use super::{Vm, call, error, interrupt, load};
use crate::error::{Error, Kind, Result};
use crate::fleet::{self, Outcome};
use crate::inventory::Server;

/// A value that Lua code gave back; the [`Vm`] knows what to make of it.
pub type Returned = Value;

/// How one stage ended on one server.
#[derive(Debug, Clone, Deserialize)]
pub struct StageStep {
    /// The stage.
    pub stage: String,
    /// `ok` or `changed`.
    pub status: String,
    /// Seconds.
    pub duration: f64,
}

/// What the stages did on one server.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StageResult {
    /// In the order in which they ran.
    pub steps: Vec<StageStep>,
}

impl Vm {
    /// Runs a chunk of Lua text named `name` (as Lua writes it in messages) to its end.
    ///
    /// # Errors
    /// What the chunk raises.
    pub async fn exec(&self, text: &[u8], name: &str, args: &[String]) -> Result<Vec<Returned>> {
        let chunk = load(&self.lua, text, name)?;
        self.call(&chunk, args.to_vec()).await
    }

    /// Runs one line of Lua, an expression or statements; messages call it `eval`.
    ///
    /// # Errors
    /// What it raises.
    pub async fn eval(&self, text: &str, args: &[String]) -> Result<Vec<Returned>> {
        self.set_args("eval", args)
            .map_err(|e| error::from_lua(&e))?;
        let expression = load(&self.lua, format!("return {text}").as_bytes(), "=eval");
        let chunk = match expression {
            Ok(chunk) => chunk,
            Err(_) => load(&self.lua, text.as_bytes(), "=eval")?,
        };
        self.call(&chunk, args.to_vec()).await
    }

    /// Runs the script in a file; `require` finds what lies beside it.
    ///
    /// # Errors
    /// What the script raises, and [`Kind::Usage`] for a file that cannot be read.
    pub async fn exec_file(&self, path: &Path, args: &[String]) -> Result<Vec<Returned>> {
        let shown = path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|e| Error::usage(format!("cannot read `{shown}`: {e}")).source(e))?;
        self.context
            .loader
            .set_beside(path.parent().map(Path::to_owned));
        self.set_args(&shown, args)
            .map_err(|e| error::from_lua(&e))?;
        // By its whole name: the same file, wherever it is run from.
        if let Ok(whole) = path.canonicalize() {
            *self.context.scope.borrow_mut() = whole.display().to_string();
        }
        self.exec(&text, &format!("@{shown}"), args).await
    }

    /// Runs a workflow by its name.
    ///
    /// # Errors
    /// What the workflow raises, and [`Kind::Usage`] when there is none of that name.
    pub async fn exec_workflow(&self, name: &str, args: &[String]) -> Result<Vec<Returned>> {
        let workflow = self.workflow(name)?;
        let run: Function = workflow
            .raw_get("run")
            .map_err(|_| Error::usage(format!("workflow `{name}`: `run` must be a function")))?;
        self.set_args(name, args).map_err(|e| error::from_lua(&e))?;
        self.call(&run, args.to_vec()).await
    }

    /// The outcomes of a workflow as its own `show` tells them; `None` when it has none.
    ///
    /// # Errors
    /// What `show` raises, and what it gives when that is no text.
    pub fn told(&self, name: &str, outcomes: &Returned) -> Result<Option<Vec<u8>>> {
        let show: Value = self.workflow(name)?.raw_get("show").unwrap_or_default();
        let Value::Function(show) = show else {
            return Ok(None);
        };
        let value: Value = show.call(outcomes).map_err(|e| error::from_lua(&e))?;
        match self.text(&value) {
            Some(text) => Ok(Some(text)),
            None => Err(Error::usage(format!(
                "workflow `{name}`: `show` must give a text"
            ))),
        }
    }

    /// Brings servers through stages and what these need. `options` is `{STAGE: {KEY: value}}`.
    /// Everything is loaded, validated and prepared before a server is touched.
    ///
    /// # Errors
    /// A stage or option that is not right, or whose preparation fails. What happens on the
    /// servers is in the outcomes.
    pub async fn stage(
        &self,
        names: &[String],
        options: &Map<String, Json>,
        servers: Vec<Server>,
        on_done: impl FnMut(&Outcome<StageResult>),
    ) -> Result<Vec<Outcome<StageResult>>> {
        let (lua, room) = (&self.lua, &self.context.room);
        let module = self.stage_module().map_err(|e| error::from_lua(&e))?;
        let get = |key: &str| module.get::<Function>(key).map_err(|e| error::from_lua(&e));
        let args = (
            names.to_vec(),
            lua.to_value(options).map_err(|e| error::from_lua(&e))?,
        );
        let plan = interrupt::until(&room.cancel, call(lua, &get("plan")?, args)).await?;
        let plan = plan.into_iter().next().unwrap_or_default();
        let run = get("run")?;
        let job = Job::new(lua, &self.context, &run, false).with(plan);
        let one = |server| async {
            let (status, value) = job.run(server).await?;
            let result = lua.from_value(value).map_err(|e| error::from_lua(&e))?;
            Ok((status, result))
        };
        let label = names.join(",");
        let outcomes = fleet::map(room, &label, servers, &room.options.policy, one, on_done).await;
        self.context.closed().await;
        Ok(outcomes)
    }

    /// How the servers of all fleet calls ended, each server once, the worst it came to; calls with
    /// `tolerate` are left out. In the order in which servers came up.
    pub fn ended(&self) -> Vec<Outcome<()>> {
        self.context.ended.take().into_vec()
    }

    /// The global `arg`: what runs at 0, its arguments from 1 on.
    fn set_args(&self, name: &str, args: &[String]) -> mlua::Result<()> {
        *self.context.scope.borrow_mut() = name.to_owned();
        let table = self
            .lua
            .create_sequence_from(args.iter().map(String::as_str))?;
        table.raw_set(0, name)?;
        self.lua.globals().raw_set("arg", table)
    }

    /// Calls a function under Ctrl-C and waits for the goodbyes that it began.
    pub(super) async fn call(
        &self,
        function: &Function,
        args: Vec<String>,
    ) -> Result<Vec<Returned>> {
        let work = async {
            let result = call(&self.lua, function, Variadic::from(args)).await;
            super::ops::over(&self.lua, result).await
        };
        let result = interrupt::until(&self.context.room.cancel, work).await;
        self.context.closed().await;
        result.map(MultiValue::into_vec)
    }

    /// Whether a value is what a fleet call gave.
    pub fn are_outcomes(&self, value: &Returned) -> bool {
        super::repl::outcomes(value).is_some()
    }

    /// The bytes of a string, known secrets taken out.
    pub fn text(&self, value: &Returned) -> Option<Vec<u8>> {
        let bytes = value.as_string()?.as_bytes().to_vec();
        Some(match String::from_utf8(bytes) {
            Ok(text) => self
                .context
                .room
                .redactor
                .clean(&text)
                .into_owned()
                .into_bytes(),
            Err(raw) => raw.into_bytes(),
        })
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// [`Kind::Usage`] for what JSON cannot carry: a function, a handle.
    pub fn json(&self, value: &Returned) -> Result<Json> {
        serde_json::to_value(value)
            .map_err(|e| Error::new(Kind::Usage, format!("the value is not JSON: {e}")))
    }
}
