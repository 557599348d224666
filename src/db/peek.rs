//! A database looked at from outside: nothing is made, upgraded, asked for or waited for long.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Found, at, look, schema};
use crate::error::Result;

/// How long a look waits for a lock: somebody is at the keyboard.
const BUSY: Duration = Duration::from_millis(100);

/// What is in a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Empty,
    /// Ours, of the version that this program writes.
    Current,
    /// Ours or the original's; the next command that needs it brings it to the current version.
    Older,
}

/// What a thorough look found.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What is in the file.
    pub state: State,
    /// `wal`, or another way of keeping changes safe.
    pub journal_mode: String,
    /// What SQLite's own check complains of; empty when all is well.
    pub damage: Vec<String>,
    /// How many servers there are.
    pub servers: i64,
}

/// A database that is only looked at.
pub struct Peek {
    conn: Connection,
    path: std::path::PathBuf,
}

impl Peek {
    /// Opens the database at `path` when there is one.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`]: it cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Peek>> {
        if !path.is_file() {
            return Ok(None);
        }
        // Not SQLITE_OPEN_READ_ONLY: that would leave its `-wal` and `-shm` files behind.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Connection> {
            let conn = Connection::open_with_flags(path, flags)?;
            conn.busy_timeout(BUSY)?;
            conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
            Ok(conn)
        };
        let conn = open().map_err(|e| at(path, e.into()))?;
        let path = path.to_owned();
        Ok(Some(Peek { conn, path }))
    }

    /// Runs `work`, which only reads.
    ///
    /// # Errors
    /// Those of `work`; database errors get the file's name.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.conn).map_err(|e| at(&self.path, e))
    }

    /// Looks at all of it; takes as long as reading the file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`]: locked, no database, of another program, made by a newer
    /// version.
    pub fn examine(&self) -> Result<Examination> {
        self.read(|conn| {
            let state = match look(conn)? {
                Found::Nothing => State::Empty,
                Found::Ours(version) if version == schema::MIGRATIONS.len() => State::Current,
                Found::Ours(_) | Found::Original => State::Older,
            };
            let mut check = conn.prepare("PRAGMA integrity_check(5)")?;
            let lines = check.query_map([], |row| row.get::<_, String>(0))?;
            let lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
            let servers = match state {
                State::Empty => 0,
                _ => conn.query_row("SELECT count(*) FROM server_room", [], |row| row.get(0))?,
            };
            Ok(Examination {
                state,
                journal_mode: conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
                damage: lines.into_iter().filter(|line| line != "ok").collect(),
                servers,
            })
        })
    }
}
