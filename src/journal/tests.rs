use std::sync::{Arc, Mutex};

use super::*;
use crate::db::Db;
use crate::events::{Events, Level};
use crate::secret::{Redactor, Secret};

/// Keeps what a person would read.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Events for Notes {
    fn note(&self, _: Level, _: Option<&str>, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// A database of its own.
pub(super) struct Place {
    dir: tempfile::TempDir,
    notes: Arc<Notes>,
    redactor: Arc<Redactor>,
}

impl Place {
    pub(super) fn new() -> Self {
        let place = Place {
            dir: tempfile::tempdir().unwrap(),
            notes: Arc::default(),
            redactor: Arc::default(),
        };
        place.db();
        place
    }

    pub(super) fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("cache.db")
    }

    pub(super) fn db(&self) -> Db {
        Db::open(&self.file(), crate::db::BUSY_TIMEOUT, &|_| Ok(())).unwrap()
    }

    pub(super) fn log(&self, limits: Limits) -> Log {
        let run = Run {
            operator: "me@here".into(),
            command: "mroom exec web -- x hunter2".into(),
        };
        let events = self.notes.clone();
        Log::start(self.file(), run, limits, self.redactor.clone(), events)
    }

    pub(super) fn rows(&self, query: &Query) -> Vec<Row> {
        Book::open(&self.file()).unwrap().rows(query).unwrap()
    }

    /// The notes, without the folder's name.
    fn told(&self) -> Vec<String> {
        let folder = format!("{}/", self.dir.path().display());
        let notes = self.notes.0.lock().unwrap();
        notes.iter().map(|note| note.replace(&folder, "")).collect()
    }
}

#[test]
fn what_began_and_how_it_ended() {
    let place = Place::new();
    place.redactor.add(&Secret::new("hunter2"));
    let log = place.log(Limits::default());
    let one = log.begin("web", Kind::Exec, "login hunter2\nnext \x1b[31m".into());
    let copy = log.begin("db", Kind::Copy, "a -> db:b".into());
    let gone = log.begin("db", Kind::Connect, "root@h:22".into());
    log.flush();
    let open = place.rows(&Query::default());
    assert!(
        open.iter()
            .all(|r| r.status.is_none() && r.duration.is_none())
    );
    assert_eq!(open.len(), 3);
    one.end(End {
        code: Some(3),
        ..End::of("failed")
    });
    copy.end(End {
        bytes: Some(7),
        ..End::of("ok")
    });
    drop(gone);
    let error = ("connect", "no hunter2".to_owned());
    log.begin("x", Kind::Connect, String::new()).end(End {
        error: Some(error),
        ..End::of("unreachable")
    });
    log.flush();
    let rows = place.rows(&Query::default());
    let seen: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                r.server.as_str(),
                r.kind.as_str(),
                r.status.as_deref().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("web", "exec", "failed"),
        ("db", "copy", "ok"),
        ("db", "connect", "cancelled"),
        ("x", "connect", "unreachable"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(rows[0].what, "login [redacted]\nnext \x1b[31m");
    assert_eq!(rows[0].command, "mroom exec web -- x [redacted]");
    assert_eq!((rows[0].code, rows[1].bytes), (Some(3), Some(7)));
    assert_eq!(rows[3].message.as_deref(), Some("no [redacted]"));
    assert_eq!(rows[3].error.as_deref(), Some("connect"));
    assert!(rows[0].at > 1_600_000_000_000 && rows[0].duration.unwrap() >= 0.0);
    assert_eq!(place.told(), [""; 0]);
}

#[test]
fn a_long_command_is_cut_behind_its_secrets() {
    let place = Place::new();
    place.redactor.add(&Secret::new("hunter2"));
    let log = place.log(Limits::default());
    // The cut would fall into the secret, and into a character of two bytes.
    let text = format!("{}hunter2{}", "x".repeat(4090), "é".repeat(3000));
    log.begin("a", Kind::Exec, text).end(End::of("ok"));
    log.flush();
    let what = place.rows(&Query::default())[0].what.clone();
    assert!(
        what.len() < 4200 && what.ends_with("… (10100 bytes)"),
        "{what}"
    );
    assert!(!what.contains("hunt"), "{what}");
}

#[test]
fn a_lock_is_waited_for_and_a_lasting_one_is_told_once() {
    let place = Place::new();
    let log = place.log(Limits::default());
    log.begin("a", Kind::Exec, "1".into()).end(End::of("ok"));
    log.flush();
    let other = rusqlite::Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    log.begin("b", Kind::Exec, "2".into()).end(End::of("ok"));
    log.flush();
    log.flush();
    let told =
        "the command log is not written: `cache.db`: the database is locked by another process";
    assert_eq!(place.told(), [told]);
    other.execute_batch("COMMIT").unwrap();
    // Nothing was thrown away: it goes with the next.
    log.begin("c", Kind::Exec, "3".into()).end(End::of("ok"));
    log.flush();
    assert_eq!(place.rows(&Query::default()).len(), 3);
}

#[test]
fn a_database_that_cannot_be_written_is_told_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let read_only = std::fs::Permissions::from_mode(0o400);
    std::fs::set_permissions(place.file(), read_only).unwrap();
    let log = place.log(Limits::default());
    for _ in 0..3 {
        log.begin("a", Kind::Exec, "1".into()).end(End::of("ok"));
        log.flush();
    }
    let told = "the command log is not written: `cache.db`: the database is read-only";
    assert_eq!(place.told(), [told]);
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let place = Place::new();
    let logs = [place.log(Limits::default()), place.log(Limits::default())];
    std::thread::scope(|scope| {
        for log in logs {
            scope.spawn(move || {
                for n in 0..500 {
                    log.begin("a", Kind::Exec, n.to_string()).end(End::of("ok"));
                    if n % 100 == 0 {
                        log.flush();
                    }
                }
                log.flush();
            });
        }
    });
    let rows = place.rows(&Query::default());
    assert_eq!(rows.len(), 1000);
    assert_eq!(rows.iter().filter(|r| r.run == 1).count(), 500);
    assert_eq!(place.told(), [""; 0]);
}

/// What a command costs its caller and this process: `cargo test --release --lib journal -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost() {
    let place = Place::new();
    let log = place.log(Limits::default());
    let count = 20_000;
    let begun = std::time::Instant::now();
    for n in 0..count {
        let command = format!("systemctl status unit-{n}");
        log.begin("web-01", Kind::Exec, command).end(End::of("ok"));
    }
    let sent = begun.elapsed() / count;
    log.flush();
    let whole = begun.elapsed() / count;
    eprintln!("{sent:?} a command for the caller, {whole:?} with the writing");
    assert_eq!(place.rows(&Query::default()).len(), count as usize);
    assert!(sent.as_micros() < 100, "{sent:?}");
}
