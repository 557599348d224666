//! What an edited document makes of the servers. Pure.

use serde_json::{Map, Value as Json};
use toml::Value as Toml;

use super::document::{NAMED, is_empty};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::inventory::{Server, check};

/// The fields that a server's table may have.
const FIELDS: [&str; 12] = [
    "host",
    "user",
    "port",
    "key",
    "description",
    "tags",
    "tunnel",
    "home",
    "retired",
    "meta",
    "meta_json",
    "next_action_json",
];

/// What the document makes of the servers, in their order.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the line or the server and its field.
pub(super) fn read(document: &str, servers: &[Server]) -> Result<Vec<Server>> {
    let tables: toml::Table = toml::from_str(document).map_err(|e| {
        let before = e.span().and_then(|s| document.get(..s.start));
        let line = before.map_or(1, |text| text.matches('\n').count() + 1);
        Error::usage(format!("line {line}: {}", e.message()))
    })?;
    let is_known = |id: &String| servers.iter().any(|s| s.id == *id);
    if let Some(id) = tables.keys().find(|id| !is_known(id)) {
        let error = Error::usage(format!(
            "`{}` is not one of the servers here",
            id.escape_debug()
        ));
        return Err(error.hint("an id does not change: `mroom add` adds another server"));
    }
    let edit = |server: &Server| match tables.get(&server.id) {
        Some(Toml::Table(table)) => {
            edited(server, table).map_err(|e| e.context(format!("`{}`", server.id)))
        }
        Some(_) => Err(Error::usage(format!("`{}` must be a table", server.id))),
        None => Err(
            Error::usage(format!("the table of `{}` is gone", server.id))
                .hint(format!("`mroom rm {}` removes a server", server.id)),
        ),
    };
    servers.iter().map(edit).collect()
}

fn edited(old: &Server, table: &toml::Table) -> Result<Server> {
    if let Some(name) = table.keys().find(|k| !FIELDS.contains(&k.as_str())) {
        let error = Error::usage(format!("unknown field `{}`", name.escape_debug()));
        return Err(match nearest(name, FIELDS) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("metadata stands under `meta`"),
        });
    }
    let mut new = old.clone();
    // Texts of an original database may be what nobody could set today; they may stay.
    let mut set = |name: &str, now: &str, text: &str| match now == text {
        true => Ok(()),
        false => new.set(name, text),
    };
    set("host", &old.host, &string(table, "host")?)?;
    set("user", &old.user, &string(table, "user")?)?;
    match table.get("port") {
        Some(Toml::Integer(port)) => set("port", &old.port.to_string(), &port.to_string())?,
        _ => return Err(wrong("port", "a number from 1 to 65535")),
    }
    let description = string(table, "description")?;
    new.description = Some(description).filter(|d| !d.is_empty());
    new.tags = match table.get("tags") {
        None => Default::default(),
        Some(Toml::Array(items)) => {
            let tag = |item: &Toml| item.as_str().map(|t| t.trim_start_matches('@').to_owned());
            let tags: Option<_> = items.iter().map(tag).collect();
            tags.ok_or_else(|| wrong("tags", "a list of texts"))?
        }
        Some(_) => return Err(wrong("tags", "a list of texts")),
    };
    let added = new.tags.difference(&old.tags);
    added.map(String::as_str).try_for_each(check::tag)?;
    if let Some(text) = table.get("next_action_json") {
        new.next_action = json_text(text, "next_action_json", Some(&old.next_action))?;
    } else if !is_empty(&old.next_action) {
        new.next_action = Json::Object(Map::new());
    }
    let meta = metadata(table, &old.meta)?;
    // Equal ones keep the order that they have in the database.
    if new.meta != meta {
        new.meta = meta;
    }
    Ok(new)
}

/// The metadata of a table; keys that were there keep their order.
fn metadata(table: &toml::Table, old: &Map<String, Json>) -> Result<Map<String, Json>> {
    let mut found: Map<String, Json> = Map::new();
    for (part, is_json) in [("meta", false), ("meta_json", true)] {
        let entries = match table.get(part) {
            None => continue,
            Some(Toml::Table(entries)) => entries,
            Some(_) => return Err(wrong(part, "a table")),
        };
        for (name, value) in entries {
            if !old.contains_key(name) {
                check::key(name)?;
            }
            let value = match is_json {
                true => json_text(value, name, old.get(name))?,
                false => json(value, name)?,
            };
            if found.insert(name.clone(), value).is_some() {
                return Err(Error::usage(format!(
                    "`{name}` is in `meta` and in `meta_json`"
                )));
            }
        }
    }
    let mut named =
        |field: &str, key: &str, value: Option<Json>| match (found.contains_key(key), value) {
            (true, Some(_)) => Err(Error::usage(format!(
                "`{key}` in `meta` is `{field}` above"
            ))),
            (_, None) => Ok(()),
            (false, Some(value)) => {
                found.insert(key.to_owned(), value);
                Ok(())
            }
        };
    for (field, key) in NAMED {
        let text = string(table, field)?;
        // An empty text that was there may stay one.
        let is_kept = text.is_empty() && old.get(key) == Some(&Json::String(String::new()));
        named(
            field,
            key,
            (!text.is_empty() || is_kept).then_some(Json::String(text)),
        )?;
    }
    let retired = match table.get("retired") {
        None => false,
        Some(Toml::Boolean(retired)) => *retired,
        Some(_) => return Err(wrong("retired", "true or false")),
    };
    let was_false = old.get("retired") == Some(&Json::Bool(false));
    named(
        "retired",
        "retired",
        (retired || was_false).then_some(Json::Bool(retired)),
    )?;
    let mut meta = Map::new();
    for key in old.keys() {
        if let Some(value) = found.shift_remove(key) {
            meta.insert(key.clone(), value);
        }
    }
    meta.extend(found);
    Ok(meta)
}

fn string(table: &toml::Table, name: &str) -> Result<String> {
    match table.get(name) {
        None => Ok(String::new()),
        Some(Toml::String(text)) => Ok(text.clone()),
        Some(_) => Err(wrong(name, "a text")),
    }
}

/// A TOML value as JSON; a date becomes its text.
fn json(value: &Toml, name: &str) -> Result<Json> {
    Ok(match value {
        Toml::String(text) => Json::String(text.clone()),
        Toml::Integer(number) => Json::from(*number),
        Toml::Float(number) => serde_json::Number::from_f64(*number)
            .map(Json::Number)
            .ok_or_else(|| wrong(name, "a finite number"))?,
        Toml::Boolean(truth) => Json::Bool(*truth),
        Toml::Datetime(date) => Json::String(date.to_string()),
        Toml::Array(items) => items.iter().map(|i| json(i, name)).collect::<Result<_>>()?,
        Toml::Table(entries) => {
            let entry = |(key, value): (&String, &Toml)| Ok((key.clone(), json(value, name)?));
            Json::Object(entries.iter().map(entry).collect::<Result<_>>()?)
        }
    })
}

/// JSON in a text; what was written for `old` is that again, to the last digit.
fn json_text(value: &Toml, name: &str, old: Option<&Json>) -> Result<Json> {
    let text = value
        .as_str()
        .ok_or_else(|| wrong(name, "JSON in a text"))?;
    let written = old.map(|old| (old, old.to_string()));
    match written {
        Some((old, written)) if written == text => Ok(old.clone()),
        _ => serde_json::from_str(text).map_err(|_| wrong(name, "JSON in a text")),
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::usage(format!("`{name}` must be {what}"))
}
