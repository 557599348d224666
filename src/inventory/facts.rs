//! Facts: what servers have told about themselves, kept with the time.
//!
//! They are read only when something asks for them, so that listing an inventory stays as fast as
//! it is.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::rows::now;
use super::{Server, Store};
use crate::error::{Error, Result};

/// How a key begins that names a fact: `facts.os.id`.
pub const PREFIX: &str = "facts.";
/// Most bytes that one server's facts may take: it is the server that says them.
const LARGEST: usize = 64 << 10;

/// What a server has told, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Seconds since 1970.
    pub gathered_at: i64,
    /// An object; sizes are bytes.
    pub facts: Value,
}

impl Facts {
    /// How long ago that was.
    pub fn age(&self) -> Duration {
        Duration::from_secs(u64::try_from(now() - self.gathered_at).unwrap_or_default())
    }
}

impl Store {
    /// Keeps what a server has just told, in place of what it told before.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when it is more than 64 KiB or the database fails, and for a
    /// server that is not in the inventory.
    pub fn keep_facts(&self, id: &str, facts: &Value) -> Result<()> {
        let text = facts.to_string();
        if text.len() > LARGEST {
            return Err(Error::local(format!(
                "more than {} KiB of them",
                LARGEST >> 10
            )));
        }
        let sql = "INSERT INTO facts (server, gathered_at, json) VALUES (?, ?, ?)
                   ON CONFLICT (server) DO UPDATE SET gathered_at = excluded.gathered_at,
                                                      json = excluded.json";
        self.db.write(|conn| {
            conn.prepare_cached(sql)?
                .execute(params![id, now(), text])?;
            Ok(())
        })
    }

    /// What is kept of a server.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn facts(&self, id: &str) -> Result<Option<Facts>> {
        self.db.read(|conn| {
            let mut query =
                conn.prepare_cached("SELECT gathered_at, json FROM facts WHERE server = ?")?;
            let row = query.query_row([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
            Ok(row.optional()?.map(|(gathered_at, text)| Facts {
                gathered_at,
                facts: serde_json::from_str(&text).unwrap_or_default(),
            }))
        })
    }

    /// Puts what is kept into each server, for [`Server::field`].
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn load_facts(&self, servers: &mut [Server]) -> Result<()> {
        let mut all: HashMap<String, String> = self.db.read(|conn| {
            let mut query = conn.prepare_cached("SELECT server, json FROM facts")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        for server in servers {
            let text = all.remove(&server.id);
            let facts = text.and_then(|text| serde_json::from_str(&text).ok());
            server.facts = facts.unwrap_or_default();
        }
        Ok(())
    }
}

/// Is there a value at the end of a path for which `hit` says true? Through a list the path leads to
/// each of its items: `disks.mount`.
pub fn matches(facts: &Value, path: &str, hit: &mut dyn FnMut(&Value) -> bool) -> bool {
    match facts {
        Value::Array(items) => items.iter().any(|item| matches(item, path, hit)),
        Value::Null => false,
        value if path.is_empty() => hit(value),
        value => {
            let (key, rest) = path.split_once('.').unwrap_or((path, ""));
            value
                .get(key)
                .is_some_and(|inner| matches(inner, rest, hit))
        }
    }
}

/// The value at the end of a dotted path: `os.id`, `disks.0.mount`.
pub fn at<'a>(facts: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(facts, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::secret::Redactor;

    #[test]
    fn facts_are_kept_and_go_with_their_server() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("cache.db"), Arc::new(Redactor::new())).unwrap();
        store
            .put(&Server::new("web", "h", "root", 22), None)
            .unwrap();
        assert_eq!(store.facts("web").unwrap(), None);
        store
            .keep_facts("web", &json!({"os": {"id": "arch"}}))
            .unwrap();
        store
            .keep_facts("web", &json!({"os": {"id": "debian"}}))
            .unwrap();
        let kept = store.facts("web").unwrap().unwrap();
        assert_eq!(kept.facts, json!({"os": {"id": "debian"}}));
        assert!(kept.age() < Duration::from_secs(60));
        let mut servers = store.list().unwrap();
        store.load_facts(&mut servers).unwrap();
        assert_eq!(servers[0].field("facts.os.id"), "debian");
        assert_eq!(servers[0].field("facts.os"), json!({"id": "debian"}));
        assert_eq!(servers[0].field("facts.none.id"), Value::Null);

        let large = json!({"os": "x".repeat(LARGEST)});
        assert!(store.keep_facts("web", &large).is_err());
        assert!(store.keep_facts("nobody", &json!({})).is_err());
        store.remove("web").unwrap();
        assert_eq!(store.facts("web").unwrap(), None);
    }

    #[test]
    fn paths() {
        let facts = json!({"os": {"id": "debian"}, "disks": [{"mount": "/"}]});
        assert_eq!(at(&facts, "os.id"), Some(&json!("debian")));
        assert_eq!(at(&facts, "disks.0.mount"), Some(&json!("/")));
        for path in ["", ".", "os.", "disks.x", "disks.9", "os.id.more"] {
            assert_eq!(at(&facts, path), None, "{path}");
        }
    }

    #[test]
    fn a_path_leads_through_lists() {
        let facts = json!({"disks": [{"mount": "/"}, {"mount": "/srv"}], "list": ["a", "b"]});
        let has = |path: &str, text: &str| matches(&facts, path, &mut |v| v == text);
        assert!(has("disks.mount", "/srv") && has("list", "b"));
        assert!(!has("disks.mount", "/none") && !has("disks", "/") && !has("", "x"));
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in ".{0,20}") {
            matches(&json!({"a": [1, {"b": 2}]}), &path, &mut |_| false);
            at(&json!({"a": [1, {"b": 2}]}), &path);
        }
    }
}
