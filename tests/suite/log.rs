//! `mroom log`: what went to servers, as it is written and as it is shown.

use std::fs;

use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, free_port, user};

/// A home with the servers `web` and `db`, both the same sshd, and `gone`, which is nobody.
pub(super) fn room() -> Option<(Home, Sshd)> {
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
pub(super) fn told(home: &Home, words: &[&str]) -> Vec<String> {
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
