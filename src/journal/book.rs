//! [`Book`]: the reader's end of the log.

use std::path::Path;

use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

use super::log::now;
use super::{Kind, Limits, rows};
use crate::db::{BUSY_TIMEOUT, Db};
use crate::error::{Error, Result};

/// The log in its database.
pub struct Book {
    db: Db,
}

/// One entry, with what its run says.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Grows from entry to entry.
    pub id: i64,
    /// The run that it belongs to.
    pub run: i64,
    /// Who ran it: `user@machine`.
    pub operator: String,
    /// The run's command line.
    pub command: String,
    /// When it began: milliseconds since 1970.
    pub at: i64,
    /// The server's id, or what stood for it.
    pub server: String,
    /// What sort it is: a [`Kind`]'s word.
    pub kind: String,
    /// The command, or the paths.
    pub what: String,
    /// How it ended; `None` while it has not, or when nobody was left to write it.
    pub status: Option<String>,
    /// Seconds.
    pub duration: Option<f64>,
    /// A command's exit code.
    pub code: Option<i32>,
    /// The signal that ended a command.
    pub signal: Option<String>,
    /// The kind of the error.
    pub error: Option<String>,
    /// The error's message.
    pub message: Option<String>,
    /// Bytes copied, read or written.
    pub bytes: Option<i64>,
}

/// Which entries. The default is all of them.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only those of these servers.
    pub servers: Option<Vec<String>>,
    /// Only those that began at that moment (milliseconds since 1970) or later.
    pub since: Option<i64>,
    /// Only those that began before that moment.
    pub until: Option<i64>,
    /// Only those that did not end well: failed, unreachable, unknown, unfinished.
    pub failed: bool,
    /// Only those of these kinds.
    pub kinds: Vec<Kind>,
    /// Not the connections that were made.
    pub without_connections: bool,
    /// Only those of this run.
    pub run: Option<i64>,
    /// Only those with a greater id.
    pub after: Option<i64>,
    /// Only the last so many.
    pub last: Option<usize>,
}

impl Book {
    /// Opens the log in the database at `database`, which is there.
    ///
    /// # Errors
    /// Those of [`Db::open`].
    pub fn open(database: &Path) -> Result<Self> {
        let not_here = |_: &Connection| Err(Error::local("the database is not upgraded yet"));
        let db = Db::open(database, BUSY_TIMEOUT, &not_here)?;
        Ok(Book { db })
    }

    /// The entries, oldest first.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the database fails, here and below.
    pub fn rows(&self, query: &Query) -> Result<Vec<Row>> {
        let (conditions, values) = conditions(query);
        let last = query.last.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1);
        let sql = format!(
            "SELECT l.id, l.run, r.operator, r.command, l.began_at, l.server, l.kind, l.what, \
             l.status, l.duration, l.code, l.signal, l.error, l.message, l.bytes \
             FROM command_log l JOIN run r ON r.id = l.run{conditions} \
             ORDER BY l.began_at DESC, l.id DESC LIMIT {last}"
        );
        let mut rows = self.db.read(|conn| {
            let mut statement = conn.prepare(&sql)?;
            let rows = statement.query_map(params_from_iter(&values), row)?;
            Ok(rows.collect::<rusqlite::Result<Vec<Row>>>()?)
        })?;
        rows.reverse();
        Ok(rows)
    }

    /// How many entries there are, whatever the query's `last` says.
    ///
    /// # Errors
    /// As [`Book::rows`].
    pub fn count(&self, query: &Query) -> Result<usize> {
        let (conditions, values) = conditions(query);
        let sql = format!("SELECT count(*) FROM command_log l{conditions}");
        let count = |conn: &Connection| -> Result<i64> {
            Ok(conn.query_row(&sql, params_from_iter(&values), |row| row.get(0))?)
        };
        Ok(usize::try_from(self.db.read(count)?).unwrap_or_default())
    }

    /// The id of the newest entry; 0 when there is none.
    ///
    /// # Errors
    /// As [`Book::rows`].
    pub fn last(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM command_log";
        self.db
            .read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?))
    }

    /// The ids of all servers that the log tells of, in alphabetical order. Some may have left
    /// the inventory.
    ///
    /// # Errors
    /// As [`Book::rows`].
    pub fn servers(&self) -> Result<Vec<String>> {
        // From each id straight to the next one in the index: few steps for many entries.
        let sql = "WITH RECURSIVE s(id) AS ( \
                       SELECT min(server) FROM command_log UNION ALL \
                       SELECT (SELECT min(server) FROM command_log WHERE server > s.id) \
                       FROM s WHERE s.id IS NOT NULL) \
                   SELECT id FROM s WHERE id IS NOT NULL";
        self.db.read(|conn| {
            let mut statement = conn.prepare(sql)?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<Vec<String>>>()?)
        })
    }

    /// Removes what the limits do not keep and gives unused space back to the disk; gives how many
    /// entries went.
    ///
    /// # Errors
    /// As [`Book::rows`].
    pub fn prune(&self, limits: Limits) -> Result<usize> {
        let gone = self.db.write(|conn| rows::prune(conn, limits, now()))?;
        if gone > 0 {
            self.db.read(|conn| Ok(conn.execute_batch("VACUUM")?))?;
            self.db.checkpoint()?;
        }
        Ok(gone)
    }
}

/// The conditions in SQL, and the values of their places.
fn conditions(query: &Query) -> (String, Vec<Box<dyn ToSql>>) {
    let mut sql: Vec<&str> = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut is = |text: &'static str, value: Box<dyn ToSql>| {
        sql.push(text);
        values.push(value);
    };
    let list =
        |words: &[&str]| -> Box<dyn ToSql> { Box::new(serde_json::json!(words).to_string()) };
    if let Some(servers) = &query.servers {
        let ids: Vec<&str> = servers.iter().map(String::as_str).collect();
        is("l.server IN (SELECT value FROM json_each(?))", list(&ids));
    }
    if !query.kinds.is_empty() {
        let words: Vec<&str> = query.kinds.iter().map(|k| k.as_str()).collect();
        is("l.kind IN (SELECT value FROM json_each(?))", list(&words));
    }
    for (text, value) in [
        ("l.began_at >= ?", query.since),
        ("l.began_at < ?", query.until),
        ("l.run = ?", query.run),
        ("l.id > ?", query.after),
    ] {
        if let Some(value) = value {
            is(text, Box::new(value));
        }
    }
    if query.failed {
        sql.push("(l.status IN ('failed', 'unreachable', 'unknown') OR l.status IS NULL)");
    }
    if query.without_connections {
        sql.push("NOT (l.kind = 'connect' AND l.status IS 'ok')");
    }
    match sql.is_empty() {
        true => (String::new(), values),
        false => (format!(" WHERE {}", sql.join(" AND ")), values),
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        run: row.get(1)?,
        operator: row.get(2)?,
        command: row.get(3)?,
        at: row.get(4)?,
        server: row.get(5)?,
        kind: row.get(6)?,
        what: row.get(7)?,
        status: row.get(8)?,
        duration: row.get(9)?,
        code: row.get(10)?,
        signal: row.get(11)?,
        error: row.get(12)?,
        message: row.get(13)?,
        bytes: row.get(14)?,
    })
}
