//! The thread that writes the log: its own connection, one transaction for what came together.
//!
//! Owns the connection and what waits to be written. After a pause an entry is written at once,
//! so that what had begun is known even when the program is killed; in a busy run the entries of
//! [`ROUND`] go together, and most of them have ended by then.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::log::{Begin, Note, now};
use super::{End, Limits, Run, rows};
use crate::db::{Db, is_locked};
use crate::error::{Error, Result};
use crate::events::{Events, Level};
use crate::secret::Redactor;

/// The time between two transactions of a busy run.
const ROUND: Duration = Duration::from_millis(200);
/// How long the first entry after a pause waits for company: things that belong together are
/// begun within this.
const GATHER: Duration = Duration::from_millis(5);
/// How long a lock of another process is waited for before the entries wait for the next round.
const BUSY: Duration = Duration::from_secs(1);
/// Entries that may wait for a lock; the oldest are lost beyond that.
const WAITING: usize = 100_000;
/// Pages of the write-ahead log after which it is merged: the next process reads it whole.
const CHECKPOINT: i64 = 256;

/// What waits to be written.
struct Waiting<'a> {
    run: &'a Run,
    redactor: &'a Redactor,
    /// This run's id, once it is written.
    id: Option<i64>,
    notes: VecDeque<Change>,
    /// The ids of entries that were written without their end.
    open: HashMap<u64, i64>,
    /// More came than can wait.
    has_lost: bool,
}

/// The run's id, and the ids of the entries that are written without their end.
type Stored = (Option<i64>, HashMap<u64, i64>);

enum Change {
    Begin(u64, Begin),
    End(u64, f64, End),
}

/// The thread's whole life. It ends with the last [`super::Log`], or when nothing can be written.
pub(super) fn write(
    database: &Path,
    run: &Run,
    limits: Limits,
    redactor: &Redactor,
    events: &dyn Events,
    inbox: &Receiver<Note>,
) {
    let warn = |message: &str| events.note(Level::Warning, None, message);
    let complain = |e: &Error| warn(&format!("the command log is not written: {}", e.message()));
    let mut waiting = Waiting {
        run,
        redactor,
        id: None,
        notes: VecDeque::new(),
        open: HashMap::new(),
        has_lost: false,
    };
    let (mut db, mut last) = (None, None);
    let (mut is_first, mut is_told) = (true, false);
    while let Ok(note) = inbox.recv() {
        let begun = Instant::now();
        let until = last.map_or(begun, |last| last + ROUND).max(begun + GATHER);
        let flush = gather(inbox, note, until, &mut waiting);
        let open = match db.take().map_or_else(|| open(database), Ok) {
            Ok(open) => open,
            Err(e) => return complain(&e),
        };
        match commit(&open, &waiting) {
            Ok(stored) => {
                waiting.stored(stored);
                if std::mem::take(&mut waiting.has_lost) {
                    warn("the command log has a gap: the database was locked for too long");
                }
                if std::mem::take(&mut is_first) {
                    // Not worth a word: the next run tries again.
                    let _ = prune(&open, limits);
                }
            }
            // The next round may find it free; after the last there is none.
            Err(e) if is_locked(&e) => {
                if flush.is_some() && !std::mem::replace(&mut is_told, true) {
                    complain(&e);
                }
            }
            Err(e) => return complain(&e),
        }
        last = Some(Instant::now());
        // Who waits may be about to end: it must not be kept from closing the database as the last.
        db = flush.is_none().then_some(open);
        drop(flush);
    }
}

/// The log's own connection. What it commits survives the end of the process at once; a power cut
/// may take the last entries, and is not waited for.
fn open(database: &Path) -> Result<Db> {
    let not_here = |_: &Connection| Err(Error::local("the database is not upgraded yet"));
    let db = Db::open(database, BUSY, &not_here)?;
    db.read(|conn| {
        conn.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?)
    })?;
    Ok(db)
}

/// Writes all that waits. Merging the write-ahead log waits for the disk: that is left to who
/// writes the inventory, and to the write-ahead log's own limit.
fn commit(db: &Db, waiting: &Waiting<'_>) -> Result<Stored> {
    let stored = db.write(|conn| waiting.store(conn));
    db.merge_at_close(false)?;
    stored
}

fn prune(db: &Db, limits: Limits) -> Result<()> {
    if db.read(|conn| rows::is_due(conn, limits, now()))? {
        db.write(|conn| rows::prune(conn, limits, now()))?;
    }
    Ok(())
}

/// Takes what comes until then, or until somebody waits for it to be written.
fn gather(
    inbox: &Receiver<Note>,
    first: Note,
    until: Instant,
    waiting: &mut Waiting<'_>,
) -> Option<Sender<()>> {
    let mut note = first;
    loop {
        match note {
            Note::Begin(number, begin) => waiting.take(Change::Begin(number, begin)),
            Note::End(number, took, end) => waiting.take(Change::End(number, took, end)),
            Note::Flush(done) => return Some(done),
        }
        note = match inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(note) => note,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
    }
}

impl Waiting<'_> {
    fn take(&mut self, change: Change) {
        if self.notes.len() == WAITING {
            self.notes.pop_front();
            self.has_lost = true;
        }
        self.notes.push_back(change);
    }

    /// Writes all that waits; gives what [`Waiting::stored`] has to know once it is committed.
    fn store(&self, conn: &Connection) -> Result<Stored> {
        let (mut run, mut open) = (self.id, self.open.clone());
        for note in &self.notes {
            match note {
                Change::Begin(number, begin) => {
                    let run = match run {
                        Some(run) => run,
                        None => {
                            let id = rows::insert_run(conn, self.run, begin.at, self.redactor)?;
                            *run.insert(id)
                        }
                    };
                    let id = rows::insert(conn, run, begin, self.redactor)?;
                    open.insert(*number, id);
                }
                Change::End(number, took, end) => {
                    if let Some(id) = open.remove(number) {
                        rows::finish(conn, id, *took, end, self.redactor)?;
                    }
                }
            }
        }
        Ok((run, open))
    }

    fn stored(&mut self, (run, open): Stored) {
        self.id = run;
        self.open = open;
        self.notes.clear();
    }
}
