use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::Db;
use crate::error::Result;

const SHORT: Duration = Duration::from_millis(50);

fn open(path: &Path) -> Result<Db> {
    Db::open(path, SHORT, &|_| Ok(()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_database_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/cache.db");
    let db = open(&path).unwrap();
    db.write(|c| Ok(c.execute_batch("INSERT INTO tunnel VALUES ('n','ssh','s','u','')")?))
        .unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    drop(db);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn an_error_undoes_the_whole_write() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("cache.db")).unwrap();
    let result: Result<()> = db.write(|c| {
        c.execute_batch("INSERT INTO tunnel VALUES ('n','ssh','s','u','')")?;
        c.execute_batch("INSERT INTO tunnel VALUES ('n','ssh','s','u','')")?;
        Ok(())
    });
    assert!(result.unwrap_err().message().contains("UNIQUE"));
    let count = db
        .read(|c| Ok(c.query_row("SELECT count(*) FROM tunnel", [], |r| r.get::<_, i64>(0))?))
        .unwrap();
    assert_eq!(count, 0);
}

/// What is wrong with the file, how it is made so, and what the message must say.
#[test]
fn bad_files_are_named_and_left_alone() {
    type Break = fn(&Path);
    let cases: &[(&str, Break)] = &[
        ("made by a newer mroom", |p| {
            drop(open(p).unwrap());
            let c = Connection::open(p).unwrap();
            c.execute_batch("PRAGMA user_version = 4711").unwrap();
        }),
        ("belongs to another program", |p| {
            let c = Connection::open(p).unwrap();
            c.execute_batch("CREATE TABLE bookmarks (url TEXT)")
                .unwrap();
        }),
        ("is no SQLite file", |p| {
            fs::write(p, "a list of servers, perhaps\n".repeat(99)).unwrap();
        }),
        ("damaged or cut short", |p| {
            let db = open(p).unwrap();
            db.checkpoint().unwrap();
            drop(db);
            let bytes = fs::read(p).unwrap();
            fs::write(p, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("is a folder", |p| fs::create_dir(p).unwrap()),
    ];
    for (message, break_it) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        break_it(&path);
        let before = fs::read(&path).ok();
        let error = open(&path).unwrap_err();
        assert!(error.message().contains(message), "{message}: {error}");
        assert!(error.message().contains("cache.db"), "{error}");
        assert_eq!(fs::read(&path).ok(), before, "{message}");
    }
}

#[test]
fn a_lock_of_another_process_is_waited_for_and_then_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    let db = open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = db.write(|_| Ok(())).unwrap_err();
    assert!(error.message().contains("locked by another"), "{error}");
    assert!(error.hint_text().is_some());
    db.read(|c| Ok(c.query_row("SELECT count(*) FROM tag", [], |_| Ok(()))?))
        .unwrap();
    other.execute_batch("COMMIT").unwrap();
    db.write(|_| Ok(())).unwrap();
}

#[test]
fn a_read_only_database_can_be_read_and_is_named_when_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    drop(open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let db = open(&path).unwrap();
    assert_eq!(mode(&path), 0o400);
    let count = |sql| db.read(|c| Ok(c.query_row(sql, [], |r| r.get::<_, i64>(0))?));
    assert_eq!(count("SELECT count(*) FROM tag").unwrap(), 0);
    let error = db
        .write(|c| Ok(c.execute_batch("DELETE FROM tag")?))
        .unwrap_err();
    assert!(error.message().ends_with("is read-only"), "{error}");
    assert!(error.message().contains("cache.db"), "{error}");
}

#[test]
fn many_may_open_a_new_database_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| Db::open(&path, super::BUSY_TIMEOUT, &|_| Ok(())).unwrap());
        }
    });
}

#[test]
fn an_original_is_backed_up_once_and_a_failed_upgrade_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    let table = super::schema::MIGRATIONS[0]
        .split("CREATE TABLE tag")
        .next();
    let c = Connection::open(&path).unwrap();
    c.execute_batch(table.unwrap()).unwrap();
    drop(c);
    let broken: super::Upgrade<'_> = &|_| Err(crate::error::Error::local("no"));
    assert!(Db::open(&path, SHORT, broken).is_err());
    let backup = dir.path().join("cache.original.db");
    assert!(!backup.exists());
    fs::write(&backup, "somebody's").unwrap();
    let db = open(&path).unwrap();
    let second = dir.path().join("cache.original-2.db");
    assert_eq!(db.backup(), Some(second.as_path()));
    assert_eq!(mode(&second), 0o600);
    assert_eq!(fs::read(&backup).unwrap(), b"somebody's");
    drop(db);
    assert_eq!(open(&path).unwrap().backup(), None);
}
