//! The database: the one SQLite connection, its settings and its migrations.
//!
//! [`Db`] owns the connection; `inventory` and `journal` own the rows. WAL, so that readers and a
//! writer do not wait for each other; `secure_delete`, so that nothing removed stays in free
//! pages; files 0600. Imports nothing of the inventory: what the upgrade of an original database
//! does to its rows is handed in.

mod file;
mod peek;
mod schema;

pub use peek::{Examination, Peek, State};

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, Result};

/// How long a busy database is waited for.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The version of the tables that this program makes and works on.
pub const SCHEMA_VERSION: usize = schema::MIGRATIONS.len();

/// The version of the SQLite that is built in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// An open database of the current version.
#[derive(Debug)]
pub struct Db {
    conn: Connection,
    path: PathBuf,
    backup: Option<PathBuf>,
}

/// What is in a database file.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing yet.
    Nothing,
    /// A database of ours, of this version.
    Ours(usize),
    /// The Python tool's: `server_room` is there, and no version.
    Original,
}

/// What an upgrade does to the rows of an original database, inside its transaction.
pub type Upgrade<'a> = &'a dyn Fn(&Connection) -> Result<()>;

impl Db {
    /// Opens the database at `path`, making folder (0700) and file (0600) when they are missing
    /// and bringing an older version to the current one. A database of the original Python tool
    /// is first copied to [`Db::backup`], then upgraded in one transaction that ends with
    /// `upgrade`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`]: locked for longer than `busy`, read-only, damaged, of
    /// another program, or made by a newer version.
    pub fn open(path: &Path, busy: Duration, upgrade: Upgrade<'_>) -> Result<Db> {
        file::make_private(path)?;
        let mut db = Db {
            conn: connect(path, busy).map_err(|e| at(path, e.into()))?,
            path: path.to_owned(),
            backup: None,
        };
        db.prepare(busy, upgrade).map_err(|e| at(path, e))?;
        Ok(db)
    }

    fn prepare(&mut self, busy: Duration, upgrade: Upgrade<'_>) -> Result<()> {
        if look(&self.conn)? == Found::Ours(SCHEMA_VERSION) {
            return Ok(());
        }
        self.merge_at_close(true)?;
        use_wal(&self.conn, busy)?;
        // Looked at again under the write lock: another process may have been first.
        let tx = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
        match look(&tx)? {
            Found::Ours(version) => migrate(tx, version, &|_| Ok(())),
            Found::Nothing => migrate(tx, 0, &|_| Ok(())),
            Found::Original => {
                // A second connection reads what was last committed; the lock keeps writers out.
                let backup = file::back_up(&self.path, busy)?;
                migrate(tx, 0, upgrade).inspect_err(|_| {
                    // The original is as it was; copies of it should not pile up.
                    let _ = fs::remove_file(&backup);
                })?;
                self.backup = Some(backup);
                // Rewrites the file, so that not even its unused bytes hold a password.
                self.conn.execute_batch("VACUUM")?;
                self.checkpoint()
            }
        }
    }

    /// The copy that was made of an original database before it was upgraded just now. It still
    /// holds its passwords in the clear.
    pub fn backup(&self) -> Option<&Path> {
        self.backup.as_deref()
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work`, which only reads.
    ///
    /// # Errors
    /// Those of `work`; database errors get the file's name.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.conn).map_err(|e| at(&self.path, e))
    }

    /// Runs `work` in a transaction that holds the write lock from its beginning; an error undoes
    /// everything.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let run = || {
            self.merge_at_close(true)?;
            let tx = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|e| at(&self.path, e))
    }

    /// Whether the last one to close the database moves the write-ahead log into it, which waits
    /// for the disk. Only who has written does so, unless told otherwise.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn merge_at_close(&self, wanted: bool) -> Result<()> {
        let conn = &self.conn;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !wanted)?;
        Ok(())
    }

    /// Moves the write-ahead log into the database and empties it, so that nothing overwritten
    /// stays in it. A reader in another process can hold this up; then the next one does it.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn checkpoint(&self) -> Result<()> {
        self.read(|conn| Ok(conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?))
    }
}

fn connect(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    // A file marked read-only is meant so, also by root, whom the system would let write.
    let is_read_only = fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o200 == 0);
    let access = match is_read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        false => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(busy)?;
    // Until something is written: see `Db::merge_at_close`.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
         PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;",
    )?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// Switches to WAL, which the file remembers. SQLite does not wait for the lock that this takes,
/// so two processes that open a new file at once would otherwise fail.
fn use_wal(conn: &Connection, busy: Duration) -> Result<()> {
    let end = Instant::now() + busy;
    loop {
        match conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            Err(e) if is_busy(&e) && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return Ok(other?),
        }
    }
}

/// Brings a database from `version` to the current one, and commits.
fn migrate(tx: Transaction<'_>, version: usize, upgrade: Upgrade<'_>) -> Result<()> {
    for sql in schema::MIGRATIONS.iter().skip(version) {
        tx.execute_batch(sql)?;
    }
    upgrade(&tx)?;
    tx.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA_VERSION as i64)?;
    Ok(tx.commit()?)
}

fn is_busy(e: &rusqlite::Error) -> bool {
    matches!(
        e.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Whether the error says that another process holds the lock: a later try may succeed.
pub fn is_locked(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|e| e.downcast_ref::<rusqlite::Error>())
        .is_some_and(is_busy)
}

fn look(conn: &Connection) -> Result<Found> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = number("user_version")?;
    if number("application_id")? == i64::from(schema::APPLICATION_ID) {
        return match usize::try_from(version) {
            Ok(version) if version <= SCHEMA_VERSION => Ok(Found::Ours(version)),
            _ => Err(Error::local(format!(
                "the database has version {version}, made by a newer mroom; this one knows {}",
                SCHEMA_VERSION
            ))
            .hint("install the newer mroom, or choose another folder with MROOM_DATA_DIR")),
        };
    }
    let count = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    if count("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(Found::Nothing);
    }
    let original =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'server_room'";
    if version == 0 && count(original)? == 1 {
        return Ok(Found::Original);
    }
    Err(Error::local("the database belongs to another program")
        .hint("choose another folder with MROOM_DATA_DIR"))
}

/// Names the file in an error that SQLite or the look at the file gave.
fn at(path: &Path, e: Error) -> Error {
    match e.message().starts_with("the database") {
        true => e.context(format!("`{}`", path.display())),
        false => e,
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        let (message, hint) = match e.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
                "the database is locked by another process".to_owned(),
                Some("wait until it has ended, then try again"),
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
                "the database is read-only".to_owned(),
                Some("give yourself the right to write the file and its folder"),
            ),
            Some(ErrorCode::CannotOpen) => (
                "the database cannot be opened".to_owned(),
                Some("give yourself the right to write the file and its folder"),
            ),
            Some(ErrorCode::NotADatabase) => (
                "the database is no SQLite file, or a damaged one".to_owned(),
                Some("put the file back from a backup, or move it away to begin anew"),
            ),
            Some(ErrorCode::DatabaseCorrupt) => (
                "the database is damaged or cut short".to_owned(),
                Some("put the file back from a backup, or move it away to begin anew"),
            ),
            Some(ErrorCode::DiskFull) => {
                ("the database cannot grow: the disk is full".into(), None)
            }
            _ => (format!("the database failed: {e}"), None),
        };
        let error = Error::local(message).source(e);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests;
