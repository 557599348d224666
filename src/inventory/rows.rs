//! Reading and writing the rows of `server_room` and its tags and times.
//!
//! Reading is tolerant, because the original's SQL wrote whatever it was given: `res` may be text
//! or blob, `port` a number or a text. Writing touches only the columns that differ, so what is
//! not understood stays as it was.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

use super::Server;
use crate::error::Result;

/// The metadata key under which a `res` that is no JSON object is kept, as text.
pub(super) const UNREADABLE: &str = "unreadable_res";

const SELECT: &str =
    "SELECT id, host, user, pass, port, description, res, next_action FROM server_room";

/// All servers, in inventory order (the order in which they were added).
pub(super) fn all(conn: &Connection) -> Result<Vec<Server>> {
    let mut tags: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut query = conn.prepare_cached("SELECT server, name FROM tag")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        tags.entry(row.get(0)?).or_default().insert(row.get(1)?);
    }
    let mut query = conn.prepare_cached(&format!("{SELECT} ORDER BY rowid"))?;
    let mut rows = query.query([])?;
    let mut servers = Vec::new();
    while let Some(row) = rows.next()? {
        let mut server = server(row)?;
        server.tags = tags.remove(&server.id).unwrap_or_default();
        servers.push(server);
    }
    Ok(servers)
}

/// One server.
pub(super) fn one(conn: &Connection, id: &str) -> Result<Option<Server>> {
    let mut query = conn.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
    let Some(mut server) = query.query_row([id], server).optional()? else {
        return Ok(None);
    };
    let mut query = conn.prepare_cached("SELECT name FROM tag WHERE server = ?")?;
    let names = query.query_map([id], |row| row.get(0))?;
    server.tags = names.collect::<rusqlite::Result<_>>()?;
    Ok(Some(server))
}

/// When each metadata key of a server was last set; seconds since 1970.
pub(super) fn times(conn: &Connection, id: &str) -> Result<BTreeMap<String, i64>> {
    let mut query =
        conn.prepare_cached("SELECT key, updated_at FROM meta_time WHERE server = ?")?;
    let pairs = query.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(pairs.collect::<rusqlite::Result<_>>()?)
}

/// Writes a server over `old`, its row of now, or adds it.
pub(super) fn write(conn: &Connection, server: &Server, old: Option<&Server>) -> Result<()> {
    let id = &server.id;
    match old {
        None => {
            conn.prepare_cached(
                "INSERT INTO server_room (id, host, user, pass, port, description, res, next_action)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                id,
                server.host,
                server.user,
                server.sealed_pass,
                server.port,
                server.description,
                json(&server.meta),
                json(&server.next_action),
            ])?;
        }
        Some(old) => {
            let set = |column: &str, value: &dyn rusqlite::ToSql| -> Result<()> {
                let sql = format!("UPDATE server_room SET {column} = ? WHERE id = ?");
                conn.prepare_cached(&sql)?.execute(params![value, id])?;
                Ok(())
            };
            if server.host != old.host {
                set("host", &server.host)?;
            }
            if server.user != old.user {
                set("user", &server.user)?;
            }
            if server.sealed_pass != old.sealed_pass {
                set("pass", &server.sealed_pass)?;
            }
            if server.port != old.port {
                set("port", &server.port)?;
            }
            if server.description != old.description {
                set("description", &server.description)?;
            }
            if server.meta != old.meta {
                set("res", &json(&server.meta))?;
            }
            if server.next_action != old.next_action {
                set("next_action", &json(&server.next_action))?;
            }
        }
    }
    let nothing = (Map::new(), BTreeSet::new());
    let (old_meta, old_tags) = old.map_or((&nothing.0, &nothing.1), |o| (&o.meta, &o.tags));
    write_times(conn, id, old_meta, &server.meta)?;
    for name in server.tags.difference(old_tags) {
        conn.prepare_cached("INSERT OR IGNORE INTO tag (server, name) VALUES (?, ?)")?
            .execute([id, name])?;
    }
    for name in old_tags.difference(&server.tags) {
        conn.prepare_cached("DELETE FROM tag WHERE server = ? AND name = ?")?
            .execute([id, name])?;
    }
    Ok(())
}

/// Notes the time of each key that differs, and forgets those that are gone.
fn write_times(
    conn: &Connection,
    id: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Result<()> {
    for (key, value) in new {
        if old.get(key) != Some(value) {
            write_time(conn, id, key, now())?;
        }
    }
    for key in old.keys().filter(|k| !new.contains_key(*k)) {
        conn.prepare_cached("DELETE FROM meta_time WHERE server = ? AND key = ?")?
            .execute([id, key])?;
    }
    Ok(())
}

/// Sets the time of one metadata key.
pub(super) fn write_time(conn: &Connection, id: &str, key: &str, time: i64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO meta_time (server, key, updated_at) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET updated_at = excluded.updated_at",
    )?
    .execute(params![id, key, time])?;
    Ok(())
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

fn json(value: &impl serde::Serialize) -> String {
    // Maps of JSON values with text keys always serialise.
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

fn server(row: &Row<'_>) -> rusqlite::Result<Server> {
    let description = text(row.get_ref(5)?);
    let next_action = text(row.get_ref(7)?);
    Ok(Server {
        id: text(row.get_ref(0)?),
        host: text(row.get_ref(1)?),
        user: text(row.get_ref(2)?),
        sealed_pass: text(row.get_ref(3)?),
        port: super::check::port(&text(row.get_ref(4)?)).unwrap_or(0),
        description: Some(description).filter(|d| !d.is_empty()),
        meta: meta(text(row.get_ref(6)?)),
        next_action: serde_json::from_str(&next_action).unwrap_or(Value::String(next_action)),
        tags: BTreeSet::new(),
        facts: Value::Null,
    })
}

fn meta(res: String) -> Map<String, Value> {
    if res.trim().is_empty() {
        return Map::new();
    }
    serde_json::from_str(&res)
        .unwrap_or_else(|_| Map::from_iter([(UNREADABLE.to_owned(), Value::String(res))]))
}

/// Any SQLite value as text.
pub(super) fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(x) => x.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}
