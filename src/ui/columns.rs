//! What `ls` can show of a server: fields, marks and metadata by the names that people type.

use std::collections::BTreeSet;

use serde_json::Value;

use super::grid::{Cell, Column};
use super::{Paint, facts, sort};
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::inventory::Server;
use crate::inventory::facts::PREFIX;

/// A field or mark: its name and title, when it is shown without being asked for, and how
/// important it is where there is little room.
struct Known {
    name: &'static str,
    title: &'static str,
    when: When,
    weight: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Long,
    Asked,
}

const fn known(name: &'static str, title: &'static str, when: When, weight: u8) -> Known {
    Known {
        name,
        title,
        when,
        weight,
    }
}

/// In the order in which they stand.
const KNOWN: &[Known] = &[
    known("id", "ID", When::Always, Column::KEPT),
    known("host", "HOST", When::Always, 20),
    known("user", "USER", When::Long, 12),
    known("port", "PORT", When::Long, 11),
    known("tunnel", "TUNNEL", When::Always, 6),
    known("retired", "RETIRED", When::Always, 8),
    known("cert", "CERT", When::Always, 7),
    known("docker", "DOCKER", When::Always, 5),
    known("daed", "DAED", When::Always, 2),
    known("yacht", "YACHT", When::Always, 2),
    known("py", "PY", When::Always, 3),
    known("tags", "TAGS", When::Always, 10),
    known("home", "HOME", When::Long, 1),
    known("description", "DESCRIPTION", When::Long, 4),
    known("key", "KEY", When::Asked, 0),
    known("password", "PASSWORD", When::Asked, 0),
];

/// The names of the columns that are shown when none are asked for.
pub fn usual(long: bool) -> Vec<String> {
    let shown = KNOWN
        .iter()
        .filter(|k| k.when == When::Always || (long && k.when == When::Long));
    shown.map(|k| k.name.to_owned()).collect()
}

/// Are these names of columns? Any metadata key of the inventory is one.
///
/// # Errors
/// [`crate::error::Kind::Usage`], with the known ones.
pub fn check<'a>(names: impl IntoIterator<Item = &'a str>, inventory: &[Server]) -> Result<()> {
    let mut all: Option<BTreeSet<&str>> = None;
    for name in names {
        if KNOWN.iter().any(|k| k.name == name) || name.starts_with(PREFIX) {
            continue;
        }
        let all = all.get_or_insert_with(|| {
            let keys = inventory.iter().flat_map(|s| s.meta.keys());
            keys.map(String::as_str).collect()
        });
        if all.contains(name) {
            continue;
        }
        let known: Vec<&str> = KNOWN
            .iter()
            .map(|k| k.name)
            .chain(all.iter().copied())
            .collect();
        let error = Error::usage(format!("unknown column `{}`", name.escape_debug()));
        return Err(match nearest(name, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("known: {}", known.join(" "))),
        });
    }
    Ok(())
}

/// The column of that name. One that was `asked` for is never dropped.
pub fn column(name: &str, asked: bool) -> Column {
    let known = KNOWN.iter().find(|k| k.name == name);
    let title = known.map_or_else(|| name.to_uppercase(), |k| k.title.to_owned());
    let weight = known.map_or(0, |k| k.weight);
    let column = Column::new(title, if asked { Column::KEPT } else { weight });
    match name {
        "port" => column.right(),
        _ => column,
    }
}

/// What the column of that name holds; null when there is nothing.
pub fn value(server: &Server, name: &str) -> Value {
    let mark = |key: &str| match server.has_mark(key) {
        true => Value::Bool(true),
        false => Value::Null,
    };
    match name {
        "retired" => mark("retired"),
        "cert" => match server.key() {
            Some(path) => format!("custom {path}").into(),
            None if server.has_mark("identity_cert_installed") => "default".into(),
            None => Value::Null,
        },
        "docker" => match server.has_mark("docker_compose_installed") {
            true => "compose".into(),
            false => mark("docker_installed"),
        },
        "daed" => mark("daed_installed"),
        "yacht" => mark("yacht_installed"),
        "py" => mark("python3_installed"),
        "tags" => server.tags.iter().cloned().collect(),
        "password" => match server.sealed_pass.is_empty() {
            true => Value::Null,
            false => "sealed".into(),
        },
        name => server.field(name),
    }
}

/// The cell of that column, in the colour of what it means: good is what is there, a retired
/// server is faint as a whole.
pub fn cell(server: &Server, name: &str) -> Cell {
    let text = match value(server, name) {
        fact if let Some(path) = name.strip_prefix(PREFIX) => facts::shown(path, &fact),
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Bool(true) => "yes".to_owned(),
        Value::Array(items) => {
            let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            items.iter().map(text).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let paint = match name {
        _ if server.is_retired() => Some(Paint::Faint),
        "cert" | "docker" | "daed" | "yacht" | "py" => Some(Paint::Good),
        "tunnel" => Some(Paint::Notable),
        _ => None,
    };
    Cell::new(&text).painted(paint)
}

/// Sorts by columns, the first name counting most; `-` before a name turns its order around.
pub fn sort(servers: &mut [Server], keys: &[String]) {
    servers.sort_by(|a, b| {
        let orders = keys.iter().map(|key| {
            let name = key.strip_prefix('-').unwrap_or(key);
            sort::values(&value(a, name), &value(b, name), name.len() < key.len())
        });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn servers() -> Vec<Server> {
        let mut all: Vec<Server> = ["web-10", "web-2", "db"]
            .iter()
            .map(|id| Server::new(*id, "h", "root", 22))
            .collect();
        all[0].set_meta("rank", json!(3));
        all[1].set_meta("rank", json!(20));
        all[2].set_meta("role", json!("store"));
        all
    }

    #[test]
    fn names_and_their_nearest() {
        let all = servers();
        check(["id", "py", "rank", "role"], &all).unwrap();
        for (name, hint) in [
            ("ranc", "did you mean `rank`?"),
            ("hots", "did you mean `host`?"),
            ("nothing-like-it", "known: id host "),
            ("no\u{1b}thing-like-it", "known: id host "),
        ] {
            let error = check([name], &all).unwrap_err();
            assert!(error.hint_text().unwrap().starts_with(hint), "{error:?}");
            assert!(!error.message().contains('\u{1b}'));
        }
    }

    #[test]
    fn sorted_by_any_column() {
        let by = |keys: &[&str]| {
            let mut all = servers();
            sort(
                &mut all,
                &keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>(),
            );
            all.into_iter().map(|s| s.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(by(&[]), "web-10 web-2 db");
        assert_eq!(by(&["id"]), "db web-2 web-10");
        assert_eq!(by(&["-id"]), "web-10 web-2 db");
        assert_eq!(by(&["rank"]), "web-10 web-2 db");
        assert_eq!(by(&["-rank"]), "web-2 web-10 db");
        assert_eq!(by(&["host", "id"]), "db web-2 web-10");
    }
}
