//! The rows of the log: written, and removed when they are old or too many.

use rusqlite::{Connection, params};

use super::log::Begin;
use super::{End, Run};
use crate::error::Result;
use crate::secret::Redactor;

/// Bytes of a command that are kept; a longer one is cut and says so.
const LONGEST: usize = 4096;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// How much of the log is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Days; 0 for all.
    pub days: u64,
    /// Entries; 0 for all.
    pub rows: u64,
}

/// Writes a run; gives its id.
pub(super) fn insert_run(
    conn: &Connection,
    run: &Run,
    at: i64,
    redactor: &Redactor,
) -> Result<i64> {
    conn.prepare_cached("INSERT INTO run (began_at, operator, command) VALUES (?, ?, ?)")?
        .execute(params![at, run.operator, kept(&run.command, redactor)])?;
    Ok(conn.last_insert_rowid())
}

/// Writes an entry that has no end yet; gives its id.
pub(super) fn insert(
    conn: &Connection,
    run: i64,
    begin: &Begin,
    redactor: &Redactor,
) -> Result<i64> {
    let sql = "INSERT INTO command_log (run, began_at, server, kind, what) VALUES (?, ?, ?, ?, ?)";
    conn.prepare_cached(sql)?.execute(params![
        run,
        begin.at,
        begin.server,
        begin.kind.as_str(),
        kept(&begin.what, redactor),
    ])?;
    Ok(conn.last_insert_rowid())
}

/// Writes how an entry ended, after so many seconds.
pub(super) fn finish(
    conn: &Connection,
    id: i64,
    took: f64,
    end: &End,
    redactor: &Redactor,
) -> Result<()> {
    let sql = "UPDATE command_log SET status = ?, duration = ?, code = ?, signal = ?, error = ?, \
               message = ?, bytes = ? WHERE id = ?";
    let (kind, message) = match &end.error {
        Some((kind, message)) => (Some(*kind), Some(kept(message, redactor))),
        None => (None, None),
    };
    conn.prepare_cached(sql)?.execute(params![
        end.status,
        took,
        end.code,
        end.signal,
        kind,
        message,
        end.bytes.and_then(|b| i64::try_from(b).ok()),
        id,
    ])?;
    Ok(())
}

/// Without secrets, then cut: a secret at the cut must not leave a part of itself.
fn kept(text: &str, redactor: &Redactor) -> String {
    let text = redactor.clean(text);
    if text.len() <= LONGEST {
        return text.into_owned();
    }
    let at = (0..=LONGEST).rev().find(|i| text.is_char_boundary(*i));
    format!("{}… ({} bytes)", &text[..at.unwrap_or(0)], text.len())
}

/// Whether there is enough to remove to be worth the while: about a day's entries, or a tenth of
/// those that are kept. Looks at the ends of two indexes only.
pub(super) fn is_due(conn: &Connection, limits: Limits, now: i64) -> Result<bool> {
    let sql = "SELECT (SELECT min(began_at) FROM command_log), \
               (SELECT max(id) FROM command_log) - (SELECT min(id) FROM command_log) + 1";
    let (oldest, span) = conn.query_row(sql, [], |row| {
        Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
    })?;
    let too_old = oldest_kept(limits, now)
        .zip(oldest)
        .is_some_and(|(kept, oldest)| oldest < kept - DAY);
    let rows = i64::try_from(limits.rows).unwrap_or(i64::MAX);
    let too_many = rows > 0 && span.is_some_and(|span| span > rows.saturating_add(rows / 10));
    Ok(too_old || too_many)
}

/// Removes what is too old and, of the rest, the oldest that are too many; gives how many went.
pub(super) fn prune(conn: &Connection, limits: Limits, now: i64) -> Result<usize> {
    let mut gone = 0;
    if let Some(oldest) = oldest_kept(limits, now) {
        gone += conn.execute("DELETE FROM command_log WHERE began_at < ?", [oldest])?;
    }
    if let Ok(rows @ 1..) = i64::try_from(limits.rows) {
        let sql = "DELETE FROM command_log WHERE id <= \
                   (SELECT id FROM command_log ORDER BY id DESC LIMIT 1 OFFSET ?)";
        gone += conn.execute(sql, [rows])?;
    }
    let sql = "DELETE FROM run WHERE NOT EXISTS (SELECT 1 FROM command_log WHERE run = run.id)";
    conn.execute(sql, [])?;
    Ok(gone)
}

/// The moment before which entries are too old.
fn oldest_kept(limits: Limits, now: i64) -> Option<i64> {
    let days = i64::try_from(limits.days).ok().filter(|d| *d > 0)?;
    Some(now.saturating_sub(days.saturating_mul(DAY)))
}
