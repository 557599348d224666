//! What Lua code hands over, as the core's [`Given`].

use mlua::{Table, Value};

use crate::docker::given::{Arg, Given, Opt, keys};
use crate::error::{Error, Result};
use crate::lua::options::Options;
use crate::lua::secret::SecretValue;

/// The options of a call: those of `table` and no others.
pub(super) fn given(call: &'static str, table: &[Opt], value: &Value) -> Result<Given> {
    Options::new(call, value.clone(), &keys(table))?;
    match value {
        Value::Table(all) => map(call, all),
        _ => Ok(Given::new()),
    }
}

fn map(call: &str, table: &Table) -> Result<Given> {
    let mut given = Given::new();
    for pair in table.pairs::<Value, Value>() {
        let Ok((key, value)) = pair else { continue };
        let Value::String(key) = key else {
            let message = format!("`{call}`: a table has both names and numbers");
            return Err(Error::usage(message));
        };
        let key = key.to_string_lossy();
        // Callbacks are for the binding.
        if matches!(value, Value::Function(_)) && key.starts_with("on_") {
            continue;
        }
        let arg = arg(call, &value).ok_or_else(|| {
            let got = value.type_name();
            Error::usage(format!("`{call}`: `{key}` must not be a {got}"))
        })??;
        given.insert(key, arg);
    }
    Ok(given)
}

/// One value; `None` for what can be no option.
fn arg(call: &str, value: &Value) -> Option<Result<Arg>> {
    Some(Ok(match value {
        Value::Boolean(is_on) => Arg::Flag(*is_on),
        Value::Integer(number) => Arg::Number(*number as f64),
        Value::Number(number) => Arg::Number(*number),
        Value::String(text) => Arg::Text(text.to_string_lossy()),
        Value::Table(table) if table.raw_len() > 0 => {
            if table.pairs::<Value, Value>().count() != table.raw_len() {
                let message = format!("`{call}`: a table has both names and numbers");
                return Some(Err(Error::usage(message)));
            }
            let list = table.sequence_values::<Value>().filter_map(|v| v.ok());
            let list: Result<Vec<Arg>> = list
                .map(|one| {
                    let bad = || Error::usage(format!("`{call}`: a list holds no value of use"));
                    arg(call, &one).unwrap_or_else(|| Err(bad()))
                })
                .collect();
            return Some(list.map(Arg::List));
        }
        Value::Table(table) => return Some(map(call, table).map(Arg::Map)),
        other => Arg::Secret(SecretValue::of(other)?),
    }))
}

/// A command: a text, or a list of words.
pub(super) fn command(call: &str, value: &Value) -> Result<Arg> {
    let bad = || Error::usage(format!("`{call}`: the command must be a string or a list"));
    match arg(call, value) {
        Some(Ok(Arg::Map(_))) => Err(Error::usage(format!(
            "`{call}`: an empty list is no command"
        ))),
        Some(Ok(found @ (Arg::Text(_) | Arg::List(_)))) => Ok(found),
        Some(Err(error)) => Err(error),
        _ => Err(bad()),
    }
}

/// A name, or a list of names.
pub(super) fn names(call: &str, value: &Value) -> Result<Vec<String>> {
    let bad = || {
        Error::usage(format!(
            "`{call}`: names must be a string or a list of strings"
        ))
    };
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::String(one) => Ok(vec![one.to_string_lossy()]),
        Value::Table(list) => list
            .sequence_values::<Value>()
            .map(|one| match one {
                Ok(Value::String(one)) => Ok(one.to_string_lossy()),
                _ => Err(bad()),
            })
            .collect(),
        _ => Err(bad()),
    }
}
