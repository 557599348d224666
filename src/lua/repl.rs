//! The VM's half of the REPL: chunks that are typed one after another, and their values as text.

use mlua::chunk::ChunkMode;
use mlua::{Function, Table, Value};

use super::fleet::OUTCOMES;
use super::options::seconds as duration;
use super::show::{Clean, literal, show};
use super::{Vm, error};
use crate::error::Result;
use crate::fleet::{Outcome, Status};
use crate::output::Output;

/// The global that holds the last value.
const LAST: &str = "_";

/// One value of a chunk as a person reads it.
pub enum Shown {
    /// Nothing in it acts on a terminal, and known secrets are taken out.
    Text(String),
    /// A fleet call's outcomes. A text is its server's standard output, any other value its
    /// literal; the bytes are as the servers sent them.
    Outcomes(Vec<Outcome<Output>>),
}

impl Vm {
    /// Is `text` the beginning of a chunk that needs further lines?
    pub fn is_incomplete(&self, text: &str) -> bool {
        let mut any = false;
        for form in forms(text) {
            match self.compile(&form, "=repl") {
                Ok(_) => return false,
                Err(mlua::Error::SyntaxError {
                    incomplete_input, ..
                }) => any |= incomplete_input,
                Err(_) => {}
            }
        }
        any
    }

    /// Is there a global of that name?
    pub fn has(&self, name: &str) -> bool {
        let value = self.lua.globals().raw_get::<Value>(name);
        value.is_ok_and(|value| !value.is_nil())
    }

    /// Runs a chunk: an expression, else statements. Its first value becomes the global `_`. Lua
    /// names the chunk `name` in messages and counts its lines from `line`. Values are shown in
    /// lines of at most `width` columns where that is possible.
    ///
    /// # Errors
    /// What the chunk raises; the VM goes on.
    pub async fn reply(
        &self,
        text: &str,
        (name, line): (&str, usize),
        width: usize,
    ) -> Result<Vec<Shown>> {
        let text = "\n".repeat(line.saturating_sub(1)) + text;
        let [expression, statements] = forms(&text);
        let name = format!("={name}");
        let chunk = self
            .compile(&expression, &name)
            .or_else(|_| self.compile(&statements, &name))
            .map_err(|e| error::from_lua(&e))?;
        let values = self.call(&chunk, Vec::new()).await?;
        self.kept_and_shown(&values, width)
    }

    /// Keeps the first value as `_`, and gives all of them as a person reads them.
    pub(super) fn kept_and_shown(&self, values: &[Value], width: usize) -> Result<Vec<Shown>> {
        if let Some(value) = values.first().filter(|v| !v.is_nil()) {
            let kept = self.lua.globals().raw_set(LAST, value);
            kept.map_err(|e| error::from_lua(&e))?;
        }
        Ok(values
            .iter()
            .map(|value| self.shown(value, width))
            .collect())
    }

    pub(super) fn compile(&self, text: &str, name: &str) -> mlua::Result<Function> {
        let chunk = self.lua.load(text).set_name(name);
        chunk.set_mode(ChunkMode::Text).into_function()
    }

    /// A value as a person reads it.
    pub fn shown(&self, value: &Value, width: usize) -> Shown {
        let redactor = &self.context.room.redactor;
        let clean = |text: &str| redactor.clean(text).into_owned();
        let Some(outcomes) = outcomes(value) else {
            return Shown::Text(show(value, width, &clean));
        };
        let text = |o: Outcome<Value>| Outcome {
            value: o.value.map(|v| output(&v, width, &clean)),
            server: o.server,
            status: o.status,
            error: o.error,
            duration: o.duration,
        };
        Shown::Outcomes(outcomes.into_iter().map(text).collect())
    }
}

/// A chunk as an expression and as statements, line by line the same.
fn forms(text: &str) -> [String; 2] {
    let code = text.trim_start_matches('\n');
    let (lines, code) = text.split_at(text.len() - code.len());
    [format!("{lines}return {code}"), text.to_owned()]
}

/// The outcomes in a value, when it is what a fleet call gave.
pub(super) fn outcomes(value: &Value) -> Option<Vec<Outcome<Value>>> {
    let list = value.as_table()?;
    if list.metatable()?.raw_get::<String>("__name").ok()? != OUTCOMES {
        return None;
    }
    let one = |table: Table| -> mlua::Result<Option<Outcome<Value>>> {
        let word: String = table.raw_get("status")?;
        let Some(status) = Status::ALL.into_iter().find(|s| s.as_str() == word) else {
            return Ok(None);
        };
        let err: Value = table.raw_get("err")?;
        let seconds: f64 = table.raw_get("duration")?;
        Ok(Some(Outcome {
            server: table.raw_get("server")?,
            status,
            value: table.raw_get("value")?,
            error: (!err.is_nil()).then(|| error::of_value(&err)),
            duration: duration(seconds).unwrap_or_default(),
        }))
    };
    list.sequence_values::<Table>()
        .map(|t| t.and_then(one).ok().flatten())
        .collect()
}

/// What one server gave, in the form of a command's output.
fn output(value: &Value, width: usize, clean: Clean) -> Output {
    let printed = |stdout| Output {
        code: Some(0),
        stdout,
        ..Output::default()
    };
    match value {
        Value::Nil => printed(Vec::new()),
        Value::String(text) => printed(text.as_bytes().to_vec()),
        Value::Table(table) => {
            result(table).unwrap_or_else(|| printed(literal(value, width, clean).into_bytes()))
        }
        other => printed(literal(other, width, clean).into_bytes()),
    }
}

/// The output in a table that `run` gave.
fn result(table: &Table) -> Option<Output> {
    let bytes = |key| match table.raw_get::<Value>(key) {
        Ok(Value::String(text)) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    Some(Output {
        stdout: bytes("stdout")?,
        stderr: bytes("stderr")?,
        code: table.raw_get("code").ok()?,
        signal: table.raw_get("signal").ok()?,
        ..Output::default()
    })
}
