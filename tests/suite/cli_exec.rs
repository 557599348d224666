//! `mroom exec` against real sshd servers: what comes out, and how it ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::home::{Home, MROOM, run};
use crate::support::sshd::{Sshd, free_port};

/// A home with `count` names of one sshd, its host key accepted.
fn room(count: usize) -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    for n in 1..=count {
        home.add(&format!("web-{n:02}"), &sshd);
    }
    home.run(&["exec", "web-01", "--accept-new", "--", "true"])
        .ended(0);
    Some((home, sshd))
}

const ALL_OK: &str =
    "ok 3  changed 0  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0\n";

#[test]
fn one_server_is_byte_true_and_many_stand_behind_their_id() {
    let Some((home, _sshd)) = room(3) else { return };
    let command = r"printf 'a\0b\377\033[31m\r\n\302'; echo oops >&2";
    let one = home.run(&["exec", "web-02", "--", command]).ended(0);
    assert_eq!(one.bytes, b"a\0b\xff\x1b[31m\r\n\xc2");
    assert!(one.stderr.starts_with("oops\n"), "{}", one.stderr);

    let many = home
        .run(&["exec", "all", "--", "printf 'x\\n\\ny'; echo err >&2"])
        .ended(0);
    let mut lines: Vec<&str> = many.stdout.lines().collect();
    lines.sort_unstable();
    let expected = [
        "web-01: ",
        "web-01: x",
        "web-01: y",
        "web-02: ",
        "web-02: x",
        "web-02: y",
    ];
    assert_eq!(lines[..6], expected);
    assert!(many.stderr.contains("web-03: err\n") && many.stderr.ends_with(ALL_OK));
    assert!(
        !many.stderr.contains('\x1b'),
        "no escapes off a terminal: {}",
        many.stderr
    );

    let folded = home
        .run(&["exec", "web-*", "--fold", "--", "echo same"])
        .ended(0);
    let rule = "-".repeat(15);
    assert_eq!(
        folded.stdout,
        format!("{rule}\nweb-[01-03] (3)\n{rule}\nsame\n")
    );
    assert_eq!(folded.stderr, ALL_OK);
    let quiet = home.run(&["exec", "all", "-q", "--", "true"]).ended(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn words_behind_the_dashes_are_joined_like_ssh_does() {
    let Some((home, _sshd)) = room(1) else { return };
    let seen = home
        .run(&["exec", "web-01", "--", "echo", "$((1 + 2))", "'a  b'"])
        .ended(0);
    assert_eq!(seen.stdout, "3 a  b\n");
    home.write("hello.sh", "echo \"$# $1\"; cat\n");
    let words = ["exec", "--script", "hello.sh", "web-01", "--", "a  'b", "c"];
    assert_eq!(home.run(&words).ended(0).stdout, "2 a  'b\n");
}

#[test]
fn each_end_has_its_status_and_exit_code() {
    let Some((home, sshd)) = room(2) else { return };
    let port = free_port();
    home.run(&["add", "gone", &format!("root@127.0.0.1:{port}")])
        .ended(0);
    let lines = |words: &[&str], code: i32| -> Vec<Value> {
        let seen = home.run(words).ended(code);
        seen.stdout
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    };
    let failed = &lines(
        &[
            "--json",
            "exec",
            "web-01",
            "--",
            "echo x; echo y >&2; exit 7",
        ],
        3,
    )[0];
    let keys: Vec<&String> = failed.as_object().unwrap().keys().collect();
    let expected = "server status code signal stdout stderr duration truncated error";
    assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(
        (&failed["code"], &failed["status"]),
        (&7.into(), &"failed".into())
    );
    assert_eq!(
        (&failed["stdout"], &failed["stderr"]),
        (&"x\n".into(), &"y\n".into())
    );
    let keys: Vec<&String> = failed["error"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        "kind message server command code stderr hint"
            .split(' ')
            .collect::<Vec<_>>()
    );

    let binary = &lines(&["exec", "web-01", "--json", "--", r"printf '\377'"], 0)[0];
    assert_eq!(
        (&binary["stdout_b64"], &binary["error"]),
        (&"/w==".into(), &Value::Null)
    );
    let killed = &lines(&["exec", "web-01", "--json", "--", "kill -KILL $$"], 3)[0];
    assert_eq!(
        (&killed["signal"], &killed["code"]),
        (&"KILL".into(), &Value::Null)
    );
    let late = &lines(
        &[
            "exec",
            "web-01",
            "--json",
            "--command-timeout",
            "3",
            "--",
            "echo a; sleep 30",
        ],
        3,
    )[0];
    assert_eq!(
        (&late["error"]["kind"], &late["stdout"]),
        (&"timeout".into(), &"a\n".into())
    );
    let cut = &lines(
        &[
            "exec",
            "web-01",
            "--json",
            "--max-output",
            "1K",
            "--",
            "head -c 1M /dev/zero",
        ],
        0,
    )[0];
    assert_eq!(
        (&cut["truncated"], cut["stdout"].as_str().unwrap().len()),
        (&true.into(), 1024)
    );

    let both = lines(&["exec", "all", "--json", "--", "false"], 4);
    let of = |id: &str| both.iter().find(|v| v["server"] == id).unwrap();
    assert_eq!(of("gone")["status"], "unreachable");
    assert_eq!(of("gone")["error"]["kind"], "connect");
    assert_eq!(of("web-02")["status"], "failed");
    let told = home.run(&["exec", "all", "--", "true"]).ended(4);
    let last = "ok 2  changed 0  failed 0  unreachable 1  skipped 0  cancelled 0  unknown 0\n";
    assert!(told.stderr.contains("unreachable gone") && told.stderr.ends_with(last));

    // The session's own process dies under the command: nobody knows how it ended.
    let lost = &lines(
        &[
            "exec",
            "web-01",
            "--json",
            "--",
            "kill -KILL $PPID; sleep 9",
        ],
        3,
    )[0];
    assert_eq!(
        (&lost["status"], &lost["error"]["kind"]),
        (&"unknown".into(), &"connect".into())
    );
    drop(sshd);
}

#[test]
fn an_unknown_host_key_is_refused_with_the_way_out() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.add("web", &sshd);
    let seen = home.run(&["exec", "web", "--", "true"]).ended(5);
    assert!(seen.stderr.contains("--accept-new"), "{}", seen.stderr);
    let object = home.run(&["exec", "web", "--json", "--", "true"]).ended(5);
    let object: Value = serde_json::from_str(&object.stdout).unwrap();
    assert_eq!(object["status"], "unreachable");
    assert_eq!(object["error"]["kind"], "host_key");
    assert!(!home.path(".ssh/known_hosts").exists());
}

#[test]
fn check_mode_reaches_no_server() {
    let home = Home::new();
    home.run(&["add", "web", "root@192.0.2.1"]).ended(0);
    let seen = home.run(&["-C", "exec", "web", "--", "reboot"]).ended(0);
    assert_eq!(
        (seen.stdout.as_str(), seen.stderr.as_str()),
        (
            "",
            "would run on web: reboot\n\
             ok 0  changed 0  failed 0  unreachable 0  skipped 1  cancelled 0  unknown 0\n"
        )
    );
}

#[test]
fn an_interrupt_stops_all_and_tells_all() {
    let Some((home, _sshd)) = room(3) else { return };
    let mut command = home.mroom(&["exec", "all", "--", "echo up; sleep 60"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut up = String::new();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    while up.matches("up\n").count() < 3 {
        assert_ne!(
            std::io::BufRead::read_line(&mut lines, &mut up).unwrap(),
            0,
            "{up}"
        );
    }
    let begun = Instant::now();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let told = String::from_utf8_lossy(&output.stderr);
    let last = "ok 0  changed 0  failed 0  unreachable 0  skipped 0  cancelled 3  unknown 0\n";
    assert!(told.ends_with(last), "{told}");
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let Some((home, _sshd)) = room(1) else { return };
    let line = format!("'{MROOM}' exec web-01 -- yes | head -n 1");
    let begun = Instant::now();
    let seen = run(home.command("/bin/sh").args(["-c", &line]), "").ended(0);
    assert_eq!((seen.stdout.as_str(), seen.stderr.as_str()), ("y\n", ""));
    assert!(begun.elapsed() < Duration::from_secs(30));
}
