//! `mroom docker`: one table over many servers, docker's own words, exit codes as everywhere.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::docker_engine::IMAGE;
use crate::support::cell::Cell;

#[test]
fn many_servers_are_one_table() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    cell.home.ok(&["add", "down", "root@127.0.0.1:9"]);
    let run = [
        "docker", "dock", "run", "-d", "--name", "shop", "-p", "8080:80", "demo:1", "sleep", "1000",
    ];
    let made = cell.mroom(&run).ended(0);
    assert_eq!(made.stdout.trim().len(), 64, "{made:?}");
    let table = cell
        .mroom(&["docker", "dock,sudoer,down", "ps", "-a"])
        .ended(4);
    let rows: Vec<Vec<&str>> = table
        .stdout
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(
        &rows[0][..4],
        ["SERVER", "NAME", "IMAGE", "STATE"],
        "{table:?}"
    );
    assert_eq!(
        &rows[1][..4],
        ["dock", "shop", "demo:1", "running"],
        "{table:?}"
    );
    assert_eq!(&rows[2][..2], ["sudoer", "shop"], "{table:?}");
    assert_eq!(rows[3], ["down", "unreachable"], "{table:?}");
    assert!(table.stdout.contains("8080->80/tcp"), "{table:?}");
    assert!(
        table
            .stderr
            .contains("ok 2  changed 0  failed 0  unreachable 1"),
        "{table:?}"
    );

    let json = cell
        .mroom(&["--json", "docker", "dock,down", "ps"])
        .ended(4)
        .stdout;
    let lines: Vec<serde_json::Value> = json
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["server"], &lines[0]["name"]),
        (&"dock".into(), &"shop".into())
    );
    assert_eq!(
        (&lines[1]["server"], &lines[1]["status"]),
        (&"down".into(), &"unreachable".into())
    );

    for (verb, told) in [
        ("images", "demo:1"),
        ("stats", "shop"),
        ("networks", "bridge"),
        ("version", "linux/"),
        ("info", "overlay2"),
    ] {
        let done = cell.mroom(&["docker", "dock", verb]).ended(0);
        assert!(
            done.stdout.starts_with("SERVER") && done.stdout.contains(told),
            "{done:?}"
        );
    }
    let none = cell.mroom(&["docker", "dock", "volumes"]).ended(0);
    assert_eq!(none.stdout, "");
}

#[test]
fn what_has_no_end_is_an_object_for_each_line() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    let talk = "echo 'it is \"one\"'; echo two >&2; exec sleep 1000";
    let run = [
        "docker", "dock", "run", "-d", "--name", "talk", "demo:1", "sh", "-c", talk,
    ];
    cell.mroom(&run).ended(0);
    let mut command = cell.command(&["--json", "docker", "root", "logs", "-f", "talk"]);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    // They come while the container goes on.
    let mut both = [next(), next()];
    both.sort();
    assert_eq!(
        both,
        [
            r#"{"server":"root","stream":"stderr","line":"two"}"#,
            r#"{"server":"root","stream":"stdout","line":"it is \"one\""}"#,
        ]
    );
    cell.shell("docker rm -f talk").ended(0);
    let last: serde_json::Value = serde_json::from_str(&next()).unwrap();
    assert_eq!(
        (&last["server"], &last["status"], &last["code"]),
        (&"root".into(), &"ok".into(), &0.into())
    );
    assert!(last.get("stdout").is_none(), "{last}");
    assert!(lines.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn words_go_to_docker_as_they_are() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    let docker = |words: &[&str]| {
        let mut line = vec!["docker", "root,sudoer"];
        line.extend(words);
        cell.mroom(&line)
    };
    let script = "echo \"it's $HOME\"; echo two >&2";
    let one = [
        "docker", "dock", "run", "--name", "talk", "demo:1", "sh", "-c", script,
    ];
    assert_eq!(cell.mroom(&one).ended(0).stdout, "it's /\n");
    let logs = docker(&["logs", "-f", "--tail", "5", "talk"]).ended(0);
    assert!(
        logs.stdout.contains("root: it's /\n") && logs.stdout.contains("sudoer: it's /\n"),
        "{logs:?}"
    );
    assert!(logs.stderr.contains("root: two\n"), "{logs:?}");
    // Codes: a command's own, docker's, the line's.
    let code = [
        "docker", "dock", "run", "--rm", "demo:1", "sh", "-c", "exit 7",
    ];
    let failed = cell.mroom(&code).ended(3);
    assert!(failed.stderr.contains("exited with 7"), "{failed:?}");
    let gone = docker(&["stop", "nothing"]).ended(3);
    assert!(
        gone.stderr.contains("no such container: nothing"),
        "{gone:?}"
    );
    for (words, told) in [
        (&["ps", "--al"][..], "did you mean `--all`?"),
        (&["stopp", "x"], "did you mean `stop`?"),
        (&["exec", "-it", "x", "sh"], "wants a terminal"),
        (&["ps", "x"], "takes no name"),
        (
            &["login", "-u", "a", "-p", "hunter2hunter2"],
            "seen by others",
        ),
    ] {
        let wrong = docker(words).ended(2);
        assert!(
            wrong.stderr.contains(told) && !wrong.stderr.contains("hunter2"),
            "{wrong:?}"
        );
    }
    // Check mode: what changes stays where it is, what reads is read.
    let check = cell
        .mroom(&["-C", "docker", "dock", "rm", "-f", "talk"])
        .ended(0);
    assert!(
        check
            .stderr
            .contains("would run on dock: docker rm -f talk"),
        "{check:?}"
    );
    let there = cell.mroom(&["-C", "docker", "dock", "ps", "-a"]).ended(0);
    assert!(there.stdout.contains("talk"), "{there:?}");
    // Nobody agrees, somebody does.
    let asked = cell.mroom(&["docker", "dock", "prune"]).ended(1);
    assert!(asked.stderr.contains("nobody agreed"), "{asked:?}");
    let pruned = cell.mroom(&["-y", "docker", "dock", "prune"]).ended(0);
    assert!(pruned.stdout.contains("came back"), "{pruned:?}");
    let empty = cell.mroom(&["docker", "dock", "ps", "-a"]).ended(0);
    assert_eq!(empty.stdout, "");
    let compose = cell
        .mroom(&["docker", "dock", "compose", "-f", "/nope.yml", "ps"])
        .ended(3);
    assert!(compose.stderr.contains("no such file"), "{compose:?}");
}
