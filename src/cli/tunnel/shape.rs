//! How profiles are shown: no secret is opened for it.

use serde_json::{Map, Value, json};

use crate::inventory::{FIELDS, Field, Outline, TunnelKind, TunnelUsers};
use crate::ui::{fold_ids, width};

/// What stands in the place of a secret that is there.
pub(super) const SET: &str = "set";

/// A profile as an object. `users` are the servers and the profiles that name it.
pub(super) fn object(outline: &Outline, users: &TunnelUsers) -> Value {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| SET.to_owned());
    let fields = outline.fields.iter();
    let fields: Map<String, Value> = fields
        .map(|(key, text)| ((*key).to_owned(), value(text).into()))
        .collect();
    json!({
        "name": outline.name,
        "type": outline.kind.as_str(),
        "server": outline.server,
        "user": outline.user,
        "password": outline.has_password.then_some(SET),
        "fields": fields,
        "servers": users.servers,
        "needed_by": users.tunnels,
    })
}

/// Who uses a profile, in few words.
pub(super) fn users(users: &TunnelUsers) -> String {
    let mut names = fold_ids(users.servers.iter().map(String::as_str));
    for tunnel in &users.tunnels {
        names.push_str(&format!(" (tunnel {tunnel})"));
    }
    names.trim_start().to_owned()
}

/// How a field that is missing is typed.
pub(in crate::cli) fn how(kind: TunnelKind, key: &str) -> String {
    let field = FIELDS
        .iter()
        .find(|f| f.key == key && f.kinds.contains(&kind));
    match field {
        _ if key == "password" => "--ask-password".to_owned(),
        Some(field) if field.is_file => format!("{key}=FILE"),
        Some(field) if field.is_secret => key.to_owned(),
        _ => format!("{key}=…"),
    }
}

/// A field's key with the marks that the page explains.
fn marked(field: &Field) -> String {
    let sealed = if field.is_secret { "*" } else { "" };
    let file = if field.is_file { "@" } else { "" };
    format!("{}{sealed}{file}", field.key)
}

/// The types and their fields, for `mroom help tunnels`.
pub(in crate::cli) fn page() -> String {
    let mut text = String::from(
        "Types of tunnels, and the fields that a profile may have beside server, user and\n\
         password. `mroom tunnel add NAME TYPE SERVER FIELD=VALUE ...` takes them, and the\n\
         first line of a list file: #name--TYPE--server--user--password--field=value\n\n",
    );
    let shared = |field: &&Field| field.kinds.len() == TunnelKind::usable().count();
    for kind in TunnelKind::usable() {
        let own = FIELDS
            .iter()
            .filter(|f| f.kinds.contains(&kind) && !shared(f));
        let own = own.map(marked).collect::<Vec<_>>().join(" ");
        let head = format!("{:<12} port {:<6}", kind.as_str(), kind.port());
        let lines = width::wrap(&own, 80 - head.len());
        text.push_str(&head);
        text.push_str(&lines.join(&format!("\n{}", " ".repeat(head.len()))));
        text.push('\n');
    }
    text.push_str("All of them  ");
    let all: Vec<&str> = FIELDS.iter().filter(shared).map(|f| f.key).collect();
    let all = all.join(" ");
    let pad = format!("\n{}", " ".repeat(13));
    text.push_str(&width::wrap(&all, 80 - 13).join(&pad));
    text.push_str("\n\n* is sealed, @ is a file that is read once and kept:\n");
    for field in FIELDS {
        text.push_str(&format!("  {:<14} {}\n", marked(field), field.help));
    }
    text.push_str("\nRecognised in list files, and not made:\n");
    for word in TunnelKind::words() {
        if let Some((why, _)) = TunnelKind::from_word(word).and_then(TunnelKind::refusal) {
            text.push_str(&format!("  {word:<14} {why}\n"));
        }
    }
    text
}
