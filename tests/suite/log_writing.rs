//! The command log when something is in its way: secrets, locks, kills, age.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::log::{room, told};
use crate::support::home::run;
use crate::support::terminal::Terminal;

#[test]
fn no_secret_and_no_control_character_gets_out() {
    let Some((home, _sshd)) = room() else { return };
    let script = "mr.secret 'hunter2hunter2'; server 'web':run 'echo hunter2hunter2 \\27[31m\\n: second line'";
    home.ok(&["eval", script]);
    home.ok(&["exec", "web", "--", "printf '\x1b]0;owned\x07'"]);
    let shown = home.ok(&["log", "-a", "-n", "0", "--long"]);
    assert!(
        !shown.contains("hunter2") && !shown.contains('\x1b'),
        "{shown}"
    );
    assert!(
        shown.contains("[redacted]") && shown.contains("^[]0;owned^G"),
        "{shown}"
    );
    let folder = home.data("");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap_or_default();
        let found = bytes.windows(7).any(|w| w == b"hunter2");
        assert!(!found, "a secret in {}", path.display());
    }
}

#[test]
fn check_mode_and_a_switched_off_log_write_nothing() {
    let Some((home, _sshd)) = room() else { return };
    home.ok(&["exec", "-C", "web", "--", "true"]);
    let script = "local s = server 'web'; s:run 'touch /nowhere/x'; s:test 'true'";
    home.run(&["eval", "-C", script]).ended(0);
    assert_eq!(told(&home, &[]), ["web exec ok 0 true"]);
    let mut off = home.mroom(&["exec", "web", "--", "true"]);
    run(off.env("MROOM_LOG", "off"), "").ended(0);
    assert_eq!(told(&home, &[]).len(), 1);
}

#[test]
fn a_log_that_cannot_be_written_is_one_warning() {
    let Some((home, _sshd)) = room() else { return };
    let file = home.data("cache.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let done = home
        .run(&["exec", "web", "db", "--", "echo there"])
        .ended(0);
    assert_eq!(done.stdout.matches("there").count(), 2);
    assert_eq!(
        done.stderr
            .matches("the command log is not written")
            .count(),
        1,
        "{done:?}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    let lock = Connection::open(&file).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let done = home.run(&["exec", "web", "--", "echo there"]).ended(0);
    assert!(
        done.stderr.contains("is locked by another process"),
        "{done:?}"
    );
    assert_eq!(
        done.stderr.matches("the command log").count(),
        1,
        "{done:?}"
    );
    lock.execute_batch("COMMIT").unwrap();
    // One that is let go in time costs nothing.
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let freed = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        lock.execute_batch("COMMIT").unwrap();
    });
    let done = home.run(&["exec", "web", "--", "sleep 0.2"]).ended(0);
    freed.join().unwrap();
    assert!(!done.stderr.contains("log"), "{done:?}");
    assert_eq!(told(&home, &[]), ["web exec ok 0 sleep 0.2"]);
}

#[test]
fn what_was_killed_stays_unfinished() {
    let Some((home, _sshd)) = room() else { return };
    let mut child = home
        .mroom(&["exec", "web", "--", "sleep 30"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while told(&home, &["--kind", "exec"]).is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(told(&home, &["--failed"]), ["web exec - - sleep 30"]);
    assert!(home.ok(&["log"]).contains("  unfinished  "));

    // Two at once share the database, and a stopped one tells that it was.
    let mut one = home
        .mroom(&["exec", "web", "--", "sleep 30"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    home.ok(&["exec", "db", "--", "true"]);
    while told(&home, &["web", "--kind", "exec"]).len() < 2 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = rustix::process::Pid::from_child(&one);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    one.wait().unwrap();
    let seen = told(&home, &["--kind", "exec"]);
    let expected = [
        "web exec - - sleep 30",
        "web exec cancelled - sleep 30",
        "db exec ok 0 true",
    ];
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(
        expected.iter().all(|e| seen.iter().any(|s| s == e)),
        "{seen:?}"
    );
}

#[test]
fn the_log_is_pruned_and_followed() {
    let Some((home, _sshd)) = room() else { return };
    home.ok(&["exec", "web", "--", "echo old"]);
    let file = home.data("cache.db");
    let db = Connection::open(&file).unwrap();
    let ago = "UPDATE command_log SET began_at = began_at - 100 * 86400000";
    db.execute_batch(ago).unwrap();
    home.ok(&["exec", "web", "--", "echo new"]);
    let left = home.ok(&["log", "--prune"]);
    assert!(left.ends_with("left 2\n"), "{left}");
    assert_eq!(told(&home, &[]), ["web exec ok 0 echo new"]);
    let mut all = home.mroom(&["log", "--prune"]);
    let all = all.env("MROOM_LOG_DAYS", "0").env("MROOM_LOG_ROWS", "0");
    assert_eq!(run(all, "").code, 2);

    let mut follower = Terminal::new(&home, &["log", "-F"]);
    follower.until("echo new");
    home.run(&["exec", "web", "--", "exit 7"]).ended(3);
    let seen = follower.until("exit 7");
    assert!(!seen.contains("TIME"), "the titles come once: {seen}");
    follower.press("\x03");
    assert_ne!(follower.ended().code, 0);
}
