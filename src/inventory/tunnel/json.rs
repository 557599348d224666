//! A profile as a JSON object, with its secrets in the clear: a line of `export --json`. Pure.

use serde_json::{Map, Value, json};

use super::{Tunnel, TunnelKind};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::inventory::record::{optional, required, wrong};
use crate::secret::Secret;

/// Keys of the object.
const KEYS: [&str; 6] = ["name", "type", "server", "user", "pass", "fields"];

/// The object for a profile.
pub(in crate::inventory) fn write(tunnel: &Tunnel) -> Value {
    let fields = tunnel.fields();
    let fields: Map<String, Value> = fields
        .map(|(field, value)| (field.key.to_owned(), value.reveal().into()))
        .collect();
    let mut object = json!({
        "name": tunnel.name,
        "type": tunnel.kind.as_str(),
        "server": tunnel.server,
        "user": tunnel.user,
        "pass": tunnel.password.reveal(),
    });
    if !fields.is_empty() {
        object["fields"] = Value::Object(fields);
    }
    json!({ "tunnel_profile": object })
}

/// Reads one. Files that it names are not read yet.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the key; values are not shown.
pub(in crate::inventory) fn read(map: &Map<String, Value>) -> Result<Tunnel> {
    if let Some(key) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let message = format!("unknown key `{}` of a tunnel profile", key.escape_debug());
        return Err(match nearest(key, KEYS) {
            Some(near) => Error::usage(message).hint(format!("did you mean `{near}`?")),
            None => Error::usage(message).hint(format!("known keys: {}", KEYS.join(" "))),
        });
    }
    let word = required(map, "type")?;
    let kind = TunnelKind::from_word(&word).ok_or_else(|| {
        let known: Vec<_> = TunnelKind::words().collect();
        wrong("type", &format!("one of {}", known.join(" ")))
    })?;
    let mut tunnel = Tunnel::new(required(map, "name")?, kind, "");
    tunnel.server = optional(map, "server")?.unwrap_or_default();
    tunnel.user = optional(map, "user")?.unwrap_or_default();
    tunnel.password = Secret::new(optional(map, "pass")?.unwrap_or_default());
    match map.get("fields") {
        None | Some(Value::Null) => {}
        Some(Value::Object(fields)) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) => tunnel.set(key, text)?,
                    Value::Bool(_) | Value::Number(_) => tunnel.set(key, &value.to_string())?,
                    _ => return Err(wrong(&key.escape_debug().to_string(), "a text")),
                }
            }
        }
        Some(_) => return Err(wrong("fields", "an object")),
    }
    Ok(tunnel)
}
