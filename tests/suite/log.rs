//! `mroom log`: what went to servers, as it is written and as it is shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::home::{Home, run};
use crate::support::sshd::{Sshd, free_port, user};
use crate::support::terminal::Terminal;

/// A home with the servers `web` and `db`, both the same sshd, and `gone`, which is nobody.
fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    home.trust(&sshd);
    home.add("web", &sshd);
    home.add("db", &sshd);
    let nowhere = format!("root@127.0.0.1:{}", free_port());
    home.ok(&["add", "gone", &nowhere]);
    Some((home, sshd))
}

/// The entries as JSON, with further words for `log`.
fn entries(home: &Home, words: &[&str]) -> Vec<Value> {
    let all = [&["log", "--json"][..], words].concat();
    let lines = home.ok(&all);
    lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// `server kind status code what` of each entry.
fn told(home: &Home, words: &[&str]) -> Vec<String> {
    let word = |v: &Value| match v {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let line = |e: &Value| {
        let fields = ["server", "kind", "status", "code", "what"];
        fields.map(|key| word(&e[key])).join(" ")
    };
    entries(home, words).iter().map(line).collect()
}

#[test]
fn every_sort_of_access_is_there() {
    let Some((home, sshd)) = room() else { return };
    home.run(&["log"]).ended(0);
    home.run(&["exec", "web", "gone", "--", "exit 3"]).ended(4);
    home.write("a.txt", "12345");
    let copy = format!("web:{}", sshd.path("copied").display());
    home.ok(&["cp", "a.txt", &copy]);
    let folder = sshd.path("").display().to_string();
    let script = format!(
        "local s = server 'db'\n\
         s:write('{folder}written', 'content that nobody logs')\n\
         s:read '{folder}written'\n\
         s:test 'false'\n\
         s:run('cat', {{ stdin = 'input that nobody logs' }})"
    );
    home.ok(&["eval", &script]);
    let stages = home.path(".config/machineroom/stages");
    fs::create_dir_all(&stages).unwrap();
    let stage = "return { name = 'hello', apply = function(s) s:run 'true' end }";
    fs::write(stages.join("hello.lua"), stage).unwrap();
    home.ok(&["stage", "hello", "web"]);

    let copied = format!("web copy ok - a.txt -> {copy}");
    let mut first = told(&home, &["--run", "1", "-a"]);
    first.sort_unstable();
    assert_eq!(first.len(), 3, "{first:?}");
    assert!(first[0].starts_with("gone connect unreachable - root@127.0.0.1:"));
    assert!(first[1].starts_with("web connect ok - root@127.0.0.1:"));
    assert_eq!(first[2], "web exec failed 3 exit 3");
    assert_eq!(told(&home, &["--run", "2"]), [copied]);
    let eval = [
        format!("db write ok - {folder}written"),
        format!("db read ok - {folder}written"),
        "db exec ok 1 false".to_owned(),
        "db exec ok 0 cat".to_owned(),
    ];
    assert_eq!(told(&home, &["db"]), eval);
    let mut stage = told(&home, &["--run", "4"]);
    stage.sort_unstable();
    assert_eq!(stage, ["web exec ok 0 true", "web stage changed - hello"]);

    let all = entries(&home, &["-n", "0", "-a"]);
    let whole = serde_json::to_string(&all).unwrap();
    assert!(!whole.contains("nobody logs\""), "{whole}");
    let copy = all.iter().find(|e| e["kind"] == "copy").unwrap();
    assert_eq!(copy["bytes"], 5);
    assert!(copy["duration"].as_f64().unwrap() > 0.0);
    assert!(copy["operator"].as_str().unwrap().starts_with(&user()));
    assert!(
        copy["command"]
            .as_str()
            .unwrap()
            .starts_with("mroom cp a.txt web:")
    );
    assert!(copy["time"].as_str().unwrap().ends_with('Z'));
    let gone = all.iter().find(|e| e["server"] == "gone").unwrap();
    assert_eq!(gone["error"]["kind"], "connect");
    assert!(
        gone["error"]["message"]
            .as_str()
            .unwrap()
            .contains("connection refused")
    );
}

#[test]
fn what_is_asked_for_is_shown() {
    let Some((home, _sshd)) = room() else { return };
    let empty = home.run(&["log"]).ended(0);
    assert_eq!(
        (empty.stdout.as_str(), empty.stderr.as_str()),
        ("", "the log is empty\n")
    );
    home.ok(&["exec", "web", "--", "echo one"]);
    home.run(&["exec", "db", "--", "kill -KILL $$"]).ended(3);
    home.run(&["exec", "gone", "--", "true"]).ended(4);
    home.ok(&["rm", "db", "-y"]);

    assert_eq!(
        told(&home, &["db"]),
        ["db exec failed - kill -KILL $$"],
        "no longer there"
    );
    assert_eq!(told(&home, &["w*,d?"]).len(), 2);
    assert_eq!(told(&home, &["--failed"]).len(), 2);
    assert_eq!(told(&home, &["--kind", "connect"]).len(), 3);
    assert_eq!(
        told(&home, &["--kind", "exec", "-n", "1"]),
        ["db exec failed - kill -KILL $$"]
    );
    assert_eq!(told(&home, &["-r"])[2], "web exec ok 0 echo one");
    assert_eq!(told(&home, &["--since", "1h"]).len(), 3);
    assert_eq!(
        told(&home, &["--since", "2026-01-01", "--until", "2026-01-02"]).len(),
        0
    );
    let none = home.run(&["log", "--until", "2020-01-01"]).ended(0);
    assert_eq!(none.stderr, "nothing in the log matches\n");

    let text = home.ok(&["log"]);
    let mut lines = text.lines();
    let title = lines.next().unwrap();
    let at = title.find("WHAT").unwrap();
    let whats: Vec<&str> = lines.map(|l| &l[at..]).collect();
    assert_eq!(whats[..2], ["echo one", "kill -KILL $$"]);
    assert!(
        whats[2].contains(": cannot connect to 127.0.0.1:"),
        "{text}"
    );
    assert!(
        text.contains("  signal KILL  ") && text.contains("  connect  "),
        "{text}"
    );
    let long = home.ok(&["log", "--long"]);
    assert!(long.lines().next().unwrap().contains("RUN  BY"), "{long}");

    for (words, message) in [
        (
            &["log", "--since", "soon"][..],
            "`soon` is not a time such as 90s",
        ),
        (
            &["log", "--kind", "eat"],
            "hint: one of: connect, shell, exec, copy",
        ),
        (&["log", "wbe"], "no server `wbe`"),
        (&["log", "nothing*"], "matches no server"),
        (&["log", "--prune", "web"], "exclude each other"),
        (&["log", "-f", "3"], "has no meaning for `log`"),
        (&["log", "-n", "-1"], "has no flag `-1`"),
    ] {
        let done = home.run(words).ended(2);
        assert!(done.stderr.contains(message), "{words:?}: {}", done.stderr);
    }
    let many = "seq 101 | while read n; do :; done";
    let script = format!("local s = server 'web' for i = 1, 101 do s:run '{many}' end");
    home.ok(&["eval", &script]);
    let cut = home.run(&["log"]).ended(0);
    assert_eq!(cut.stdout.lines().count(), 101);
    assert_eq!(cut.stderr, "the last 100 of 104: `-n 0` shows all\n");
    assert_eq!(home.ok(&["log", "-n", "0"]).lines().count(), 105);
}

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
