//! Servers as a TOML document; [`super::reading`] is the way back. Pure.
//!
//! The document is the whole truth: a line that is taken out empties its field. What TOML cannot
//! hold (a null, a number beyond 64 bits) stands as JSON text in a table of its own, so that
//! nothing is lost by editing something else.

use serde_json::{Map, Value as Json};

use crate::inventory::Server;

/// What stands on top.
const LEGEND: &str = "\
# Save and leave the editor to change what you changed here; a line that is
# taken out empties its field. The password is not here:
# `mroom set ID --ask-password` changes it.
#
# host         host name or address
# user         login name
# port         port of its sshd, 1 to 65535
# key          path of its private key file; empty for none
# description  free text
# tags         names without the @
# tunnel       name of the tunnel profile in front of it
# home         folder in which sessions start
# retired      true: left out of selections unless named
# meta         whatever else is kept: texts, numbers, lists, tables
";

/// Fields that are metadata under another name.
pub(super) const NAMED: [(&str, &str); 3] = [
    ("key", "local_cert_path"),
    ("tunnel", "tunnel_profile"),
    ("home", "home_path"),
];

/// The document of these servers.
pub(super) fn write(servers: &[Server]) -> String {
    let mut document = LEGEND.to_owned();
    servers.iter().for_each(|s| document.push_str(&table(s)));
    document
}

fn table(server: &Server) -> String {
    let id = key(&server.id);
    let mut table = format!("\n[{id}]\n");
    let mut line = |name: &str, value: String| {
        table.push_str(&format!("{name} = {value}\n"));
    };
    line("host", text(&server.host));
    line("user", text(&server.user));
    line("port", server.port.to_string());
    let mut meta = server.meta.clone();
    let mut field = |name: &str| {
        let own = NAMED.iter().find(|(n, _)| *n == name);
        let value = own.and_then(|(_, key)| match meta.get(*key) {
            Some(Json::String(_)) => meta.shift_remove(*key),
            _ => None,
        });
        text(value.as_ref().and_then(Json::as_str).unwrap_or_default())
    };
    line("key", field("key"));
    let description = server.description.as_deref().unwrap_or_default();
    line("description", text(description));
    let tags = server.tags.iter().map(|tag| text(tag));
    line("tags", format!("[{}]", tags.collect::<Vec<_>>().join(", ")));
    line("tunnel", field("tunnel"));
    line("home", field("home"));
    line("retired", server.is_retired().to_string());
    if server.meta.get("retired").is_some_and(Json::is_boolean) {
        meta.shift_remove("retired");
    }
    if !is_empty(&server.next_action) {
        line("next_action_json", text(&server.next_action.to_string()));
    }
    let (mut plain, mut rest) = (String::new(), String::new());
    for (name, json) in &meta {
        match value(json) {
            Some(value) => plain.push_str(&format!("{} = {value}\n", key(name))),
            None => rest.push_str(&format!("{} = {}\n", key(name), text(&json.to_string()))),
        }
    }
    table.push_str(&format!("\n[{id}.meta]\n{plain}"));
    if !rest.is_empty() {
        table.push_str(&format!(
            "\n# As JSON: TOML cannot hold these.\n[{id}.meta_json]\n{rest}"
        ));
    }
    table
}

/// A text on one line: JSON's escapes are TOML's.
fn text(text: &str) -> String {
    Json::String(text.to_owned())
        .to_string()
        .replace('\u{7f}', "\\u007F")
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => text(name),
    }
}

/// A JSON value as TOML; `None` when TOML cannot hold it.
fn value(json: &Json) -> Option<String> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => truth.to_string(),
        Json::String(string) => text(string),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.to_string(),
            (None, Some(float)) if number.is_f64() => format!("{float:?}"),
            _ => return None,
        },
        Json::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(value).collect();
            format!("[{}]", items?.join(", "))
        }
        Json::Object(entries) => {
            let entry =
                |(name, json): (&String, &Json)| Some(format!("{} = {}", key(name), value(json)?));
            let entries: Option<Vec<String>> = entries.iter().map(entry).collect();
            match entries?.join(", ") {
                inside if inside.is_empty() => "{}".to_owned(),
                inside => format!("{{ {inside} }}"),
            }
        }
    })
}

/// Is it an object with nothing in it?
pub(super) fn is_empty(json: &Json) -> bool {
    json.as_object().is_some_and(Map::is_empty)
}
