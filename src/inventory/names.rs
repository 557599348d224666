//! [`Names`]: the words of the inventory that a person may type, for completion.
//!
//! Only looks: makes no database, upgrades none, opens no secret. What cannot be read is not
//! there.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use super::check::is_unseen;
use super::facts::PREFIX;
use crate::db::Peek;
use crate::error::Result;

/// The text of `res` where it is an object (the original wrote texts and blobs).
const RES: &str =
    "json_each(CASE WHEN json_valid(CAST(res AS TEXT)) THEN CAST(res AS TEXT) ELSE '{}' END)";

/// The words of one inventory.
pub struct Names(Option<Peek>);

impl Names {
    /// Those of the database at `path`; none when there is none.
    pub fn of(path: &Path) -> Names {
        Names(Peek::open(path).ok().flatten())
    }

    /// Each server's id, and where it is.
    pub fn ids(&self) -> Vec<(String, String)> {
        let sql = "SELECT CAST(id AS TEXT), user || '@' || host FROM server_room ORDER BY rowid";
        let rows = self.query(|conn| {
            let mut query = conn.prepare(sql)?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<Vec<(String, String)>>>()?)
        });
        let is_plain = |(id, _): &(String, String)| is_plain(id);
        rows.into_iter().filter(is_plain).collect()
    }

    /// The tags, without their `@`.
    pub fn tags(&self) -> Vec<String> {
        self.words("SELECT DISTINCT name FROM tag ORDER BY name", &[])
    }

    /// The tunnel profiles.
    pub fn tunnels(&self) -> Vec<String> {
        self.words("SELECT name FROM tunnel ORDER BY name", &[])
    }

    /// The type of a tunnel profile, as it is stored.
    pub fn tunnel_kind(&self, name: &str) -> Option<String> {
        let sql = "SELECT type FROM tunnel WHERE name = ?";
        self.words(sql, &[name]).into_iter().next()
    }

    /// The metadata keys.
    pub fn keys(&self) -> Vec<String> {
        let sql = format!("SELECT DISTINCT key FROM server_room, {RES} ORDER BY key");
        self.words(&sql, &[])
    }

    /// The values that a metadata key has, those that are one text or number.
    pub fn values(&self, key: &str) -> Vec<String> {
        let sql = format!(
            "SELECT DISTINCT CAST(atom AS TEXT) FROM server_room, {RES}
             WHERE key = ? AND type IN ('text', 'integer', 'real') ORDER BY 1"
        );
        self.words(&sql, &[key])
    }

    /// The paths of facts that servers have told: `facts.os.id`. Those of some servers are enough.
    pub fn facts(&self) -> Vec<String> {
        let texts = self.words("SELECT json FROM facts LIMIT 20", &[]);
        let mut paths = std::collections::BTreeSet::new();
        for text in texts {
            if let Ok(facts) = serde_json::from_str(&text) {
                collect("facts", &facts, &mut paths);
            }
        }
        paths.into_iter().collect()
    }

    /// The values that the fact at a path has.
    pub fn fact_values(&self, path: &str) -> Vec<String> {
        let steps = path.strip_prefix(PREFIX).unwrap_or(path).split('.');
        let steps: String = steps
            .map(|step| format!(".\"{}\"", step.replace('"', "")))
            .collect();
        let sql = "SELECT DISTINCT CAST(value AS TEXT) FROM
                     (SELECT json_extract(json, ?) AS value FROM facts)
                   WHERE typeof(value) IN ('text', 'integer', 'real') ORDER BY 1";
        self.words(sql, &[&format!("${steps}")])
    }

    fn words(&self, sql: &str, parameters: &[&str]) -> Vec<String> {
        let words = self.query(|conn| {
            let mut query = conn.prepare(sql)?;
            let rows = query.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<Vec<String>>>()?)
        });
        words.into_iter().filter(|word| is_plain(word)).collect()
    }

    fn query<T>(&self, work: impl FnOnce(&Connection) -> Result<Vec<T>>) -> Vec<T> {
        let rows = self.0.as_ref().map(|peek| peek.read(work));
        rows.and_then(Result::ok).unwrap_or_default()
    }
}

/// The paths of all values that are one text or number.
fn collect(path: &str, value: &Value, into: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                collect(&format!("{path}.{key}"), inner, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(path, item, into)),
        _ => drop(into.insert(path.to_owned())),
    }
}

/// Can be shown on a terminal and sent as a line.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && !word.chars().any(is_unseen)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::inventory::{Server, Store};
    use crate::secret::Redactor;

    #[test]
    fn words_of_an_inventory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        assert!(Names::of(&path).ids().is_empty());
        assert!(!path.exists(), "nothing is made");
        let store = Store::open(&path, Arc::new(Redactor::new())).unwrap();
        let mut web = Server::new("web", "h", "root", 22);
        web.set_meta("role", json!("edge"));
        web.set_meta("ports", json!([80]));
        web.tags.insert("front".into());
        store.put(&web, None).unwrap();
        store
            .put(&Server::new("东京", "h", "me", 22), None)
            .unwrap();
        let names = Names::of(&path);
        let ids = [("web", "root@h"), ("东京", "me@h")].map(|(a, b)| (a.into(), b.into()));
        assert_eq!(names.ids(), ids);
        assert_eq!(names.tags(), ["front"]);
        assert_eq!(names.keys(), ["ports", "role"]);
        assert_eq!(names.values("role"), ["edge"]);
        assert!(names.values("ports").is_empty());
        let facts = json!({"os": {"id": "debian"}, "disks": [{"mount": "/"}]});
        store.keep_facts("web", &facts).unwrap();
        assert_eq!(names.facts(), ["facts.disks.mount", "facts.os.id"]);
        assert_eq!(names.fact_values("facts.os.id"), ["debian"]);
        assert!(names.fact_values("facts.\"").is_empty());
    }

    #[test]
    fn what_is_no_database_has_no_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        std::fs::write(&path, "not a database, but long enough to look like a file").unwrap();
        assert!(Names::of(&path).ids().is_empty());
        assert!(Names::of(dir.path()).tags().is_empty());
    }
}
