//! Templates: Jinja's language, by minijinja, with the values of Lua.
//!
//! What is not defined is an error that names it, its file and its line. A template sees only the
//! values that it is given: it can read no file and call nothing. Owns no state.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value as Known, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, escape_formatter};
use mlua::{Lua, Table, Value};

use super::options::bytes_of;
use super::secret::SecretValue;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// How deep tables may lie in each other; one that holds itself is deeper.
const DEEPEST: usize = 64;

/// Adds `template` to `mr.native`: text, values, and the template's name for messages.
pub(super) fn add(lua: &Lua, native: &Table) -> mlua::Result<()> {
    let render = lua.create_function(
        |lua, (text, values, name): (Value, Value, Option<String>)| {
            let mut is_secret = SecretValue::is(&text);
            let wrong = || Error::usage("`mr.template`: the template must be a string");
            let text = bytes_of(&text).ok_or_else(wrong)?;
            let text = String::from_utf8(text)
                .map_err(|_| Error::usage("`mr.template`: the template is not UTF-8"))?;
            let values = match &values {
                Value::Nil => Known::from_pairs(Vec::<(String, Known)>::new()),
                Value::Table(_) => known(&values, "values", 0, &mut is_secret)?,
                _ => return Err(Error::usage("`mr.template`: the values must be a table").into()),
            };
            let text = render(&text, values, name.as_deref())?;
            // What holds a secret is one.
            match is_secret {
                true => lua
                    .create_userdata(SecretValue(Secret::new(text)))
                    .map(Value::UserData),
                false => lua.create_string(text).map(Value::String),
            }
        },
    )?;
    native.raw_set("template", render)
}

/// A value of Lua as templates know it; `is_secret` becomes true when there is a secret in it.
fn known(value: &Value, name: &str, depth: usize, is_secret: &mut bool) -> Result<Known> {
    let refuse = |what: &str| Err(Error::usage(format!("`mr.template`: `{name}` is {what}")));
    Ok(match value {
        Value::Nil => Known::UNDEFINED,
        Value::Boolean(b) => Known::from(*b),
        Value::Integer(n) => Known::from(*n),
        Value::Number(n) => Known::from(*n),
        Value::LightUserData(null) if null.0.is_null() => Known::from(()),
        Value::Table(_) if depth > DEEPEST => return refuse("nested too deeply"),
        Value::Table(table) => {
            let length = table.raw_len();
            let (mut list, mut pairs) = (Vec::with_capacity(length), Vec::new());
            for pair in table.pairs::<Value, Value>() {
                let Ok((key, item)) = pair else {
                    return refuse("not a plain table");
                };
                let inner = match &key {
                    Value::Integer(n) => format!("{name}[{}]", n - 1),
                    Value::String(key) if depth == 0 => key.to_string_lossy(),
                    Value::String(key) => format!("{name}.{}", key.to_string_lossy()),
                    _ => return refuse("a table with keys that are no text"),
                };
                let item = known(&item, &inner, depth + 1, is_secret)?;
                match &key {
                    Value::Integer(_) if depth > 0 => list.push(item),
                    Value::Integer(n) => pairs.push((n.to_string(), item)),
                    key => pairs.push((bytes_of(key).map(text).unwrap_or_default(), item)),
                }
            }
            match (pairs.is_empty(), list.is_empty()) {
                (true, false) => Known::from(list),
                (true, true) if depth > 0 => Known::from(list),
                (_, true) => Known::from_pairs(pairs),
                _ => return refuse("a list and a table at once"),
            }
        }
        other => match bytes_of(other) {
            Some(bytes) => {
                *is_secret |= SecretValue::is(other);
                Known::from(text(bytes))
            }
            None => return refuse(&format!("a {}", other.type_name())),
        },
    })
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text of a template with its values put in.
fn render(text: &str, values: Known, name: Option<&str>) -> Result<String> {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    // Errors shall name what is not defined.
    jinja.set_debug(true);
    // As configuration files want it: a line that holds a block alone leaves nothing behind.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    jinja.set_syntax(syntax.map_err(|e| failed(&e, text, name))?);
    jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    jinja.set_formatter(|out, state, value| {
        let what = match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => "is a list",
            ValueKind::Map => "is a table",
            ValueKind::None => "is null",
            _ => return escape_formatter(out, state, value),
        };
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, what))
    });
    let rendered = jinja.render_named_str(name.unwrap_or("template"), text, values);
    rendered.map_err(|error| failed(&error, text, name))
}

/// `FILE:LINE: what is wrong`.
fn failed(error: &minijinja::Error, text: &str, name: Option<&str>) -> Error {
    let line = error.line().unwrap_or(1);
    let place = match name {
        Some(name) => format!("{name}:{line}"),
        None => format!("template line {line}"),
    };
    let detail = error.detail().unwrap_or("it cannot be rendered");
    let what = match (error.kind(), error.range().and_then(|r| text.get(r))) {
        (ErrorKind::UndefinedError, _) => detail.replace("undefined", "not defined"),
        (ErrorKind::InvalidOperation, Some(part)) if detail.starts_with("is ") => {
            format!("`{part}` {detail}")
        }
        _ => detail.to_owned(),
    };
    let error = Error::new(Kind::Script, format!("{place}: {what}"));
    match detail.starts_with("is ") {
        true => error.hint("`{% for item in list %}` goes through it, `| join(\", \")` and `| tojson` make it a text"),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_template_makes_it_panic(text in "([{}%# a-z|.()0-9\n'-]|\\{\\{|\\{%|%\\}|\\}\\}|for|if|end|in ){0,40}") {
            let values = Known::from_pairs([("a", Known::from(vec![1, 2]))]);
            if let Err(error) = render(&text, values, Some("t")) {
                prop_assert!(error.message().starts_with("t:"), "{error}");
            }
        }
    }
}
