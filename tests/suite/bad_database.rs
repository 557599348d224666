//! Databases that cannot be used: each is named with the way out, and left as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use rusqlite::Connection;

use crate::support::home::{Done, Home};

/// A person with one server, and the database file.
fn room() -> (Home, PathBuf) {
    let me = Home::new();
    me.ok(&["add", "web", "root@127.0.0.1:1"]);
    let file = me.data("cache.db");
    (me, file)
}

fn refused(done: &Done, message: &str) {
    assert_eq!(done.code, 1, "{done:#?}");
    let named = done.stderr.starts_with("error: `/") && done.stderr.contains("/cache.db`");
    assert!(named && done.stderr.contains(message), "{}", done.stderr);
}

#[test]
fn what_is_no_database_of_ours_is_left_alone() {
    let (me, file) = room();
    let whole = fs::read(&file).unwrap();
    let altered = |sql: &str| {
        fs::write(&file, &whole).unwrap();
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        fs::read(&file).unwrap()
    };
    let newer = altered("PRAGMA user_version = 99");
    let other = altered("PRAGMA application_id = 7; PRAGMA user_version = 3");
    let garbage = b"this is a text, and a rather long one. ".repeat(500);
    let cases: [(&[u8], &str); 6] = [
        (
            &whole[..5000],
            "the database is damaged or cut short\n  hint: put the file back",
        ),
        (
            &whole[..whole.len() / 2],
            "the database is damaged or cut short\n",
        ),
        (&whole[..60], "the database is"),
        (
            &garbage,
            "the database is no SQLite file, or a damaged one\n",
        ),
        (
            &newer,
            "the database has version 99, made by a newer mroom; this one knows ",
        ),
        (&other, "the database belongs to another program\n"),
    ];
    for (bytes, message) in cases {
        fs::write(&file, bytes).unwrap();
        refused(&me.run(&["ls"]), message);
        refused(&me.run(&["add", "new", "root@h"]), message);
        refused(&me.run(&["exec", "web", "--", "true"]), message);
        assert_eq!(fs::read(&file).unwrap(), bytes, "{message}");
    }
    fs::write(&file, &whole).unwrap();
    assert!(me.ok(&["ls"]).contains("web"), "nothing is lost");
}

#[test]
fn a_folder_in_its_place() {
    let (me, file) = room();
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    refused(&me.run(&["ls"]), "is a folder, not a database\n");
    let done = me.run(&["eval", "return server.list 'all'"]);
    assert!(
        done.code == 1 && done.stderr.contains("is a folder"),
        "{done:#?}"
    );
}

#[test]
fn a_read_only_database_is_read() {
    let (me, file) = room();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(me.ok(&["ls"]).contains("web"));
    let words: [&[&str]; 3] = [
        &["add", "new", "root@h"],
        &["set", "web", "port=2"],
        &["rm", "web", "-y"],
    ];
    for words in words {
        let done = me.run(words);
        refused(
            &done,
            "the database is read-only\n  hint: give yourself the right",
        );
    }
    // A server is asked all the same; this one refuses.
    let done = me.run(&["exec", "web", "--", "true"]);
    assert_eq!(done.code, 4, "{done:#?}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(me.ok(&["ls", "--json"]).lines().count(), 1);
}

#[test]
fn a_locked_database_is_waited_for_then_named() {
    let (me, file) = room();
    let lock = Connection::open(&file).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Readers do not wait for a writer.
    assert!(me.ok(&["ls"]).contains("web"));
    let late = me.run(&["add", "late", "root@h"]);
    refused(
        &late,
        "the database is locked by another process\n  hint: wait until",
    );

    // One that is let in within its patience writes.
    let mut command = me.mroom(&["add", "patient", "root@h"]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut patient = command.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(patient.try_wait().unwrap().is_none(), "it waits");
    lock.execute_batch("COMMIT").unwrap();
    assert!(patient.wait().unwrap().success());
    let all = me.ok(&["ls", "--json"]);
    assert!(
        all.contains("\"patient\"") && !all.contains("\"late\""),
        "{all}"
    );
}
