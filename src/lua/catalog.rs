//! What stages and workflows there are, and what they say about themselves.

use std::collections::BTreeMap;

use mlua::{FromLuaMulti, Function, LuaSerdeExt as _, Table, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Vm, call_now, error};
use crate::error::{Error, Result};

/// One option of a stage, as its file declares it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct StageOption {
    /// `string`, `number`, `boolean`, `list` or `secret`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is.
    #[serde(default)]
    pub help: Option<String>,
    /// Its value when nothing is given.
    #[serde(default)]
    pub default: Option<Json>,
    /// The only values that it may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Json>,
}

impl StageOption {
    /// The values that it may have, as they are typed; none when there is no end of them.
    pub fn values(&self) -> Vec<String> {
        match self.kind.as_str() {
            "boolean" => vec!["true".to_owned(), "false".to_owned()],
            _ => self.choices.iter().map(typed).collect(),
        }
    }

    /// Its default as it is typed.
    pub fn usual(&self) -> Option<String> {
        self.default.as_ref().map(typed)
    }
}

/// A value as it is typed on the command line.
fn typed(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(typed).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// What a stage says about itself.
#[derive(Debug, Clone)]
pub struct StageInfo {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// The stages that run before it.
    pub needs: Vec<String>,
    /// The metadata keys that it sets.
    pub marks: Vec<String>,
    /// Its options, by name.
    pub options: BTreeMap<String, StageOption>,
    /// The file that it comes from.
    pub file: String,
}

/// What a workflow says about itself.
#[derive(Debug, Clone, Deserialize)]
pub struct WorkflowInfo {
    /// Its name.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// The arguments that it takes, for people.
    #[serde(default)]
    pub args: String,
}

/// What an operation says about itself.
#[derive(Debug, Clone)]
pub struct OpInfo {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// What it works on.
    pub platforms: String,
    /// What Ansible calls it.
    pub ansible: Option<String>,
    /// What pyinfra calls it.
    pub pyinfra: Option<String>,
    /// It looks again when it is done, and fails when something still differs: done twice, it
    /// changes nothing.
    pub looks_again: bool,
    /// It can be told what shows that there is nothing to do.
    pub has_guards: bool,
    /// It shows the text of a file before and after.
    pub has_diff: bool,
}

impl Vm {
    /// All operations, by name.
    ///
    /// # Errors
    /// A file that is no operation: the message names file and key.
    pub fn operations(&self) -> Result<Vec<OpInfo>> {
        let module = self.require("mr.ops")?;
        let function = |name: &str| -> mlua::Result<Function> {
            let table = module
                .as_table()
                .ok_or_else(|| Error::local("`mr.ops` is no table"))?;
            table.get(name)
        };
        let names = function("names").map_err(|e| error::from_lua(&e))?;
        let load = function("load").map_err(|e| error::from_lua(&e))?;
        let names = super::call_now(&self.lua, &names, ())?;
        let names = Vec::<String>::from_lua_multi(names, &self.lua);
        let mut all = Vec::new();
        for name in names.map_err(|e| error::from_lua(&e))? {
            let given = super::call_now(&self.lua, &load, name)?;
            let info = Table::from_lua_multi(given, &self.lua).and_then(|t| operation(&t));
            all.push(info.map_err(|e| error::from_lua(&e))?);
        }
        Ok(all)
    }

    /// All workflows, by name.
    ///
    /// # Errors
    /// A workflow file that cannot be loaded.
    pub fn workflows(&self) -> Result<Vec<WorkflowInfo>> {
        let info = |name: String| {
            let table = self.workflow(&name)?;
            let text = |key| {
                table
                    .raw_get::<Option<String>>(key)
                    .ok()
                    .flatten()
                    .unwrap_or_default()
            };
            Ok(WorkflowInfo {
                summary: text("summary"),
                args: text("args"),
                name,
            })
        };
        self.context
            .loader
            .list("workflows")
            .into_iter()
            .map(info)
            .collect()
    }

    /// The table of a workflow's file.
    pub(super) fn workflow(&self, name: &str) -> Result<Table> {
        let module = format!("workflows.{name}");
        if self.context.loader.find(&module)?.is_none() {
            let known: Vec<_> = self.context.loader.list("workflows").into_iter().collect();
            return Err(Error::usage(format!("no script and no workflow `{name}`"))
                .hint(format!("workflows: {}", known.join(", "))));
        }
        let table = self.require(&module)?;
        table
            .as_table()
            .cloned()
            .ok_or_else(|| Error::usage(format!("workflow `{name}`: the file must return a table")))
    }

    /// The names of all stages.
    pub fn stage_names(&self) -> Vec<String> {
        self.context.loader.list("stages").into_iter().collect()
    }

    /// All stages, by name.
    ///
    /// # Errors
    /// As [`Vm::stage_info`].
    pub fn stages(&self) -> Result<Vec<StageInfo>> {
        let names = self.stage_names();
        names.iter().map(|name| self.stage_info(name)).collect()
    }

    /// What a stage says about itself.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when there is none of that name, or its file is not a stage:
    /// the message names file and key.
    pub fn stage_info(&self, name: &str) -> Result<StageInfo> {
        let load = || self.stage_module()?.get::<Function>("load");
        let load = load().map_err(|e| error::from_lua(&e))?;
        let values = call_now(&self.lua, &load, name)?;
        let (table, file): (Table, String) =
            FromLuaMulti::from_lua_multi(values, &self.lua).map_err(|e| error::from_lua(&e))?;
        self.info(&table, file).map_err(|e| error::from_lua(&e))
    }

    /// The stages of a run, in the order in which they would run.
    ///
    /// # Errors
    /// As [`Vm::stage`].
    pub fn planned(&self, names: &[String]) -> Result<Vec<StageInfo>> {
        let sorted = || self.stage_module()?.get::<Function>("sorted");
        let sorted = sorted().map_err(|e| error::from_lua(&e))?;
        let values = call_now(&self.lua, &sorted, names.to_vec())?;
        let list: Vec<Table> =
            FromLuaMulti::from_lua_multi(values, &self.lua).map_err(|e| error::from_lua(&e))?;
        let name = |t: &Table| t.get::<String>("name").map_err(|e| error::from_lua(&e));
        list.iter().map(|t| self.stage_info(&name(t)?)).collect()
    }

    fn info(&self, table: &Table, file: String) -> mlua::Result<StageInfo> {
        // `get`: a stage that extends another may do so with a metatable.
        Ok(StageInfo {
            file,
            name: table.get("name")?,
            summary: table.get::<Option<String>>("summary")?.unwrap_or_default(),
            needs: table
                .get::<Option<Vec<String>>>("needs")?
                .unwrap_or_default(),
            marks: match table.get::<Value>("marks")? {
                Value::String(mark) => vec![mark.to_string_lossy()],
                Value::Nil => Vec::new(),
                marks => self.lua.from_value(marks)?,
            },
            options: match table.get::<Value>("options")? {
                Value::Nil => BTreeMap::new(),
                options => self.lua.from_value(options)?,
            },
        })
    }

    /// `mr.stage`.
    pub(super) fn stage_module(&self) -> mlua::Result<Table> {
        let mr: Table = self.lua.globals().get("mr")?;
        mr.get("stage")
    }

    fn require(&self, module: &str) -> Result<Value> {
        let require = self.lua.globals().get::<Function>("require");
        let require = require.map_err(|e| error::from_lua(&e))?;
        let given = super::call_now(&self.lua, &require, module)?;
        Ok(given.into_iter().next().unwrap_or_default())
    }
}

fn operation(table: &Table) -> mlua::Result<OpInfo> {
    let text = |key| table.get::<Option<String>>(key);
    let like: Option<Table> = table.get("like")?;
    let other = |name: &str| {
        let value = like.as_ref().and_then(|l| l.get::<Value>(name).ok());
        value.and_then(|v| Some(v.as_string()?.to_string_lossy()))
    };
    let options: Option<Table> = table.get("options")?;
    let guards = options.map(|o| o.contains_key("creates")).transpose()?;
    Ok(OpInfo {
        name: table.get("name")?,
        summary: text("summary")?.unwrap_or_default(),
        platforms: text("platforms")?.unwrap_or_default(),
        ansible: other("ansible"),
        pyinfra: other("pyinfra"),
        looks_again: table.get::<Option<bool>>("verify")?.unwrap_or(true),
        has_guards: guards.unwrap_or(false),
        has_diff: table.get::<Option<bool>>("diff")?.unwrap_or(false),
    })
}
