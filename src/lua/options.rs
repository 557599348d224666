//! Strict decoding of what Lua code passes: the one optional table of options, and values.
//!
//! An unknown key or a wrong type is an error that names the call, the key and the keys that are
//! allowed. Durations are seconds, sizes bytes. Owns no state.

use std::time::Duration;

use mlua::{Table, Value};

use super::secret::SecretValue;
use crate::config::nearest;
use crate::error::{Error, Result};

/// The options of one call.
pub(super) struct Options {
    call: &'static str,
    table: Option<Table>,
}

impl Options {
    /// Takes the table of `call` and refuses keys that are not in `allowed`.
    pub(super) fn new(call: &'static str, value: Value, allowed: &[&str]) -> Result<Self> {
        let table = match value {
            Value::Nil => None,
            Value::Table(table) => Some(table),
            other => {
                let got = other.type_name();
                return Err(Error::usage(format!(
                    "`{call}`: options must be a table, not {}",
                    article(got)
                )));
            }
        };
        for pair in table.iter().flat_map(|t| t.pairs::<Value, Value>()) {
            let Ok((key, _)) = pair else { continue };
            let name = text_of(&key).unwrap_or_else(|| key.type_name().to_owned());
            if matches!(key, Value::String(_)) && allowed.contains(&name.as_str()) {
                continue;
            }
            let error = Error::usage(format!("`{call}`: unknown option `{name}`"));
            let list = format!("options of `{call}`: {}", allowed.join(", "));
            return Err(match nearest(&name, allowed.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`? {list}")),
                None => error.hint(list),
            });
        }
        Ok(Options { call, table })
    }

    /// The raw value of a key; nil when it is not there.
    pub(super) fn value(&self, key: &str) -> Value {
        let get = |t: &Table| t.raw_get::<Value>(key).ok();
        self.table.as_ref().and_then(get).unwrap_or(Value::Nil)
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Value) -> Error {
        let got = article(value.type_name());
        Error::usage(format!(
            "`{}`: `{key}` must be {wanted}, not {got}",
            self.call
        ))
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.value(key) {
            Value::Nil => Ok(None),
            Value::Boolean(b) => Ok(Some(b)),
            other => Err(self.wrong(key, "true or false", &other)),
        }
    }

    /// A text; a number is taken as its text.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        match self.value(key) {
            Value::Nil => Ok(None),
            value => text_of(&value)
                .map(Some)
                .ok_or_else(|| self.wrong(key, "a string", &value)),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str) -> Result<String> {
        self.text(key)?
            .filter(|t| !t.is_empty())
            .ok_or_else(|| Error::usage(format!("`{}`: `{key}` is missing", self.call)))
    }

    /// A secret: a `mr.secret`, or a plain text.
    pub(super) fn secret(&self, key: &str) -> Result<Option<crate::secret::Secret>> {
        match self.value(key) {
            Value::Nil => Ok(None),
            value => SecretValue::of(&value)
                .map(Some)
                .ok_or_else(|| self.wrong(key, "a secret or a string", &value)),
        }
    }

    /// Bytes: a string or a secret.
    pub(super) fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.value(key) {
            Value::Nil => Ok(None),
            value => bytes_of(&value)
                .map(Some)
                .ok_or_else(|| self.wrong(key, "a string or a secret", &value)),
        }
    }

    /// Seconds.
    pub(super) fn seconds(&self, key: &str) -> Result<Option<Duration>> {
        let value = self.value(key);
        let number = match &value {
            Value::Nil => return Ok(None),
            Value::Integer(n) => *n as f64,
            Value::Number(n) => *n,
            other => return Err(self.wrong(key, "a number of seconds", other)),
        };
        seconds(number)
            .map(Some)
            .ok_or_else(|| Error::usage(format!("`{}`: `{key}` is out of range", self.call)))
    }

    /// A whole number from `min` to `max`.
    pub(super) fn number(&self, key: &str, min: i64, max: i64) -> Result<Option<i64>> {
        match self.value(key) {
            Value::Nil => Ok(None),
            Value::Integer(n) if (min..=max).contains(&n) => Ok(Some(n)),
            Value::Integer(_) => Err(Error::usage(format!(
                "`{}`: `{key}` must be from {min} to {max}",
                self.call
            ))),
            other => Err(self.wrong(key, "a whole number", &other)),
        }
    }

    /// Permission bits, as the octal text that `chmod` takes.
    pub(super) fn mode(&self, key: &str) -> Result<Option<u32>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 && text.len() >= 3 => Ok(Some(mode)),
            _ => Err(Error::usage(format!(
                "`{}`: `{key}` must be an octal text such as \"0644\"",
                self.call
            ))),
        }
    }

    /// A table.
    pub(super) fn table(&self, key: &str) -> Result<Option<Table>> {
        match self.value(key) {
            Value::Nil => Ok(None),
            Value::Table(table) => Ok(Some(table)),
            other => Err(self.wrong(key, "a table", &other)),
        }
    }

    /// A list of texts.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>> {
        let Some(table) = self.table(key)? else {
            return Ok(Vec::new());
        };
        let each = table.sequence_values::<Value>().filter_map(|v| v.ok());
        each.map(|v| text_of(&v).ok_or_else(|| self.wrong(key, "a list of strings", &v)))
            .collect()
    }
}

/// A duration that is not negative, not infinite and not longer than a century.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    (0.0..=3.2e9)
        .contains(&number)
        .then(|| Duration::from_secs_f64(number))
}

/// The text of a string or number.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string_lossy()),
        Value::Integer(n) => Some(n.to_string()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The bytes of a string or secret.
pub(super) fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        other => SecretValue::of(other).map(|s| s.reveal().as_bytes().to_vec()),
    }
}

fn article(name: &str) -> String {
    match name {
        "nil" | "userdata" => name.to_owned(),
        "integer" => "a whole number".to_owned(),
        "error" => "an error".to_owned(),
        other => format!("a {other}"),
    }
}
