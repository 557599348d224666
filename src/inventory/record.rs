//! [`Record`]: what a line of an imported file says of one server, and its JSON form.
//!
//! The JSON form is that of `export --json`: the keys of `ls --json`, `pass` and `sudo_pass` in the
//! clear, `next_action` and `updated_at`. `tunnel`, `key` and `retired` repeat what `meta` holds; they
//! count only where `meta` is left out. What a line does not mention stays as it is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Server;
use super::listfile::Entry;
use super::tunnel::{self, Tunnel};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Keys of a server's JSON line.
const KEYS: [&str; 14] = [
    "id",
    "host",
    "user",
    "port",
    "pass",
    "sudo_pass",
    "description",
    "tunnel",
    "key",
    "tags",
    "retired",
    "meta",
    "next_action",
    "updated_at",
];

/// What a file says of one server; `None` is "nothing".
#[derive(Debug, Default)]
pub(super) struct Record {
    pub id: String,
    pub host: Option<String>,
    pub user: Option<String>,
    /// The user of a server that is new, when nothing names one.
    pub new_user: Option<String>,
    pub port: Option<u16>,
    pub password: Option<Secret>,
    /// What sudo asks for there, when it is not the login's password; an empty one removes it.
    pub sudo_password: Option<Secret>,
    pub description: Option<Option<String>>,
    pub tags: Option<BTreeSet<String>>,
    /// Tags beside those that it has.
    pub add_tags: BTreeSet<String>,
    pub meta: Option<Map<String, Value>>,
    /// Single metadata keys, after `meta`; null removes one.
    pub set: Vec<(String, Value)>,
    pub next_action: Option<Value>,
    pub updated_at: BTreeMap<String, i64>,
}

/// What one JSON line holds.
pub(super) enum Line {
    Server(Box<Record>),
    Tunnel(Box<Tunnel>),
}

impl Record {
    /// The record of a list line. The file is the truth for host, user, password, port and key:
    /// a blank password or key removes the one that is stored.
    pub(super) fn of_entry(entry: Entry, tunnel: Option<&str>) -> Self {
        let mut record = Record {
            id: entry.id,
            host: Some(entry.host),
            user: Some(entry.user),
            port: Some(entry.port),
            password: Some(entry.password),
            ..Record::default()
        };
        record.set(
            "local_cert_path",
            entry.key.map_or(Value::Null, Value::String),
        );
        if let Some(name) = tunnel {
            record.set("tunnel_profile", Value::String(name.to_owned()));
        }
        record
    }

    /// Sets one metadata key after those that the file gives as a whole; null removes it.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.set.push((key.to_owned(), value));
    }

    /// The server that it makes of `old`. The password is not touched.
    ///
    /// # Errors
    /// A new server needs host and user.
    pub(super) fn apply(&self, old: Option<&Server>) -> Result<Server> {
        let user = self.user.as_ref().or(self.new_user.as_ref());
        let mut server = match (old, &self.host, user) {
            (Some(old), ..) => old.clone(),
            (None, Some(_), Some(user)) => Server::new(&self.id, "", user, 22),
            (None, None, _) => return Err(Error::usage("no host")),
            (None, _, None) => {
                return Err(
                    Error::usage("no user").hint("`--user NAME` gives it to all that have none")
                );
            }
        };
        let Record {
            host, user, port, ..
        } = self;
        server.host = host.clone().unwrap_or(server.host);
        server.user = user.clone().unwrap_or(server.user);
        server.port = port.unwrap_or(server.port);
        server.description = self.description.clone().unwrap_or(server.description);
        server.tags = self.tags.clone().unwrap_or(server.tags);
        server.tags.extend(self.add_tags.iter().cloned());
        server.meta = self.meta.clone().unwrap_or(server.meta);
        for (key, value) in &self.set {
            server.set_meta(key, value.clone());
        }
        server.next_action = self.next_action.clone().unwrap_or(server.next_action);
        Ok(server)
    }

    /// The key path that it sets.
    pub(super) fn key(&self) -> Option<&str> {
        let meta = self.meta.as_ref().and_then(|m| m.get("local_cert_path"));
        let set = self.set.iter().find(|(key, _)| key == "local_cert_path");
        set.map(|(_, value)| value).or(meta)?.as_str()
    }
}

/// The JSON object for a server.
pub(super) fn server_json(
    server: &Server,
    password: Option<&Secret>,
    updated_at: &BTreeMap<String, i64>,
) -> Value {
    json!({
        "id": server.id,
        "host": server.host,
        "user": server.user,
        "port": server.port,
        "pass": password.map_or("", Secret::reveal),
        "description": server.description,
        "tunnel": server.tunnel(),
        "key": server.key(),
        "tags": server.tags,
        "retired": server.is_retired(),
        "meta": server.meta,
        "next_action": server.next_action,
        "updated_at": updated_at,
    })
}

/// Reads one JSON line.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the key; values are not shown.
pub(super) fn parse_json(line: &str) -> Result<Line> {
    let value: Value = serde_json::from_str(line).map_err(|e| {
        Error::usage(format!(
            "not a JSON object on one line (column {})",
            e.column()
        ))
    })?;
    let Value::Object(map) = value else {
        return Err(Error::usage("not a JSON object"));
    };
    match map.get("tunnel_profile") {
        Some(Value::Object(map)) => Ok(Line::Tunnel(Box::new(tunnel::json::read(map)?))),
        _ => Ok(Line::Server(Box::new(parse_server(map)?))),
    }
}

fn parse_server(mut map: Map<String, Value>) -> Result<Record> {
    if let Some(key) = map.keys().find(|k| !KEYS.contains(&k.as_str())) {
        let error = Error::usage(format!("unknown key `{}`", key.escape_debug()));
        return Err(match nearest(key, KEYS) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("known keys: {}", KEYS.join(" "))),
        });
    }
    let mut record = Record {
        id: required(&map, "id")?,
        host: optional(&map, "host")?,
        user: optional(&map, "user")?,
        password: optional(&map, "pass")?.map(Secret::new),
        sudo_password: optional(&map, "sudo_pass")?.map(Secret::new),
        next_action: map.remove("next_action"),
        ..Record::default()
    };
    if let Some(port) = map.get("port") {
        let port = port.as_u64().and_then(|p| u16::try_from(p).ok());
        record.port = Some(port.ok_or_else(|| wrong("port", "a number from 1 to 65535"))?);
    }
    if map.contains_key("description") {
        let text = optional(&map, "description")?;
        record.description = Some(text.filter(|t| !t.is_empty()));
    }
    record.tags = take(&mut map, "tags", "a list of texts")?;
    record.meta = take(&mut map, "meta", "an object")?;
    record.updated_at = take(&mut map, "updated_at", "an object of times")?.unwrap_or_default();
    if record.meta.is_none() {
        for (key, name) in [
            ("local_cert_path", "key"),
            ("tunnel_profile", "tunnel"),
            ("retired", "retired"),
        ] {
            if let Some(value) = map.remove(name) {
                let value = if value == Value::Bool(false) {
                    Value::Null
                } else {
                    value
                };
                record.set(key, value);
            }
        }
    }
    Ok(record)
}

/// A text that may be missing.
pub(super) fn optional(map: &Map<String, Value>, key: &str) -> Result<Option<String>> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(key, "a text")),
    }
}

/// A text that must be there.
pub(super) fn required(map: &Map<String, Value>, key: &str) -> Result<String> {
    optional(map, key)?.ok_or_else(|| Error::usage(format!("no `{key}`")))
}

fn take<T: serde::de::DeserializeOwned>(
    map: &mut Map<String, Value>,
    key: &str,
    what: &str,
) -> Result<Option<T>> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|_| wrong(key, what)),
    }
}

/// What is said of a value of another kind.
pub(super) fn wrong(key: &str, what: &str) -> Error {
    Error::usage(format!("`{key}` must be {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = parse_json(&text);
        }

        #[test]
        fn values_of_any_type_never_panic(
            key in proptest::sample::select(KEYS.to_vec()),
            value in "(null|true|-1|1e9|99999999999999999999|\"x\"|\\[\\]|\\[1\\]|\\{\\}|\\{\"a\":1\\})",
        ) {
            let line = format!("{{\"id\":\"a\",\"{key}\":{value}}}");
            if let Ok(Line::Server(record)) = parse_json(&line) {
                let _ = record.apply(None);
                let _ = record.key();
            }
        }
    }
}
