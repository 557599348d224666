//! [`Log`] and [`Entry`]: the run's end of the command log. Neither waits for the database.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{End, Kind, Limits, Run, writer};
use crate::events::{Events, Level};
use crate::secret::Redactor;

/// How long the end of a run waits for its last entries to be written.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the writer is told.
pub(super) enum Note {
    /// Something begins.
    Begin(u64, Begin),
    /// It ended, so many seconds later.
    End(u64, f64, End),
    /// Everything before this is to be in the database; the sender is dropped then.
    Flush(mpsc::Sender<()>),
}

/// What is known when something begins.
pub(super) struct Begin {
    /// Milliseconds since 1970.
    pub at: i64,
    pub server: String,
    pub kind: Kind,
    pub what: String,
}

/// Where a run's entries go. Clones share one writer, which ends with the last of them.
#[derive(Clone)]
pub struct Log {
    notes: mpsc::Sender<Note>,
    last: Arc<AtomicU64>,
}

impl Log {
    /// Begins to write the log of `run` into the database at `database`, which is there and of
    /// this version. The run itself is written with its first entry. What keeps the log from being
    /// written `events` hear of, once.
    pub fn start(
        database: PathBuf,
        run: Run,
        limits: Limits,
        redactor: Arc<Redactor>,
        events: Arc<dyn Events>,
    ) -> Self {
        let (notes, inbox) = mpsc::channel();
        let teller = events.clone();
        let work = move || writer::write(&database, &run, limits, &redactor, &*events, &inbox);
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .stack_size(512 << 10)
            .spawn(work);
        if let Err(e) = thread {
            teller.note(
                Level::Warning,
                None,
                &format!("the command log is not written: no thread can be started: {e}"),
            );
        }
        Log {
            notes,
            last: Arc::default(),
        }
    }

    /// Something begins on `server`. `what` is the command as it is sent, or the paths.
    pub fn begin(&self, server: &str, kind: Kind, what: String) -> Entry {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let begin = Begin {
            at: now(),
            server: server.to_owned(),
            kind,
            what,
        };
        // Without a writer there is no log; it has said so.
        let _ = self.notes.send(Note::Begin(number, begin));
        Entry {
            notes: self.notes.clone(),
            number,
            begun: Instant::now(),
            is_open: true,
        }
    }

    /// Waits, within bounds, until everything that was begun or ended so far is in the database.
    pub fn flush(&self) {
        let (done, written) = mpsc::channel();
        if self.notes.send(Note::Flush(done)).is_ok() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

/// Something that has begun on a server. Dropped without an end, it was cancelled.
pub struct Entry {
    notes: mpsc::Sender<Note>,
    number: u64,
    begun: Instant,
    is_open: bool,
}

impl Entry {
    /// It has ended.
    pub fn end(mut self, end: End) {
        self.close(end);
    }

    fn close(&mut self, end: End) {
        if std::mem::take(&mut self.is_open) {
            let took = self.begun.elapsed().as_secs_f64();
            let _ = self.notes.send(Note::End(self.number, took, end));
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.close(End::of("cancelled"));
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
