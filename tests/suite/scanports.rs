//! `mroom scanports` over loopback: both sides, what is kept, what is expected, bad words.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, free_port};

/// Its number.
pub fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// The objects that were printed.
pub fn rows(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The ports in a list, which are its items or in them.
pub fn numbers(list: &Value) -> Vec<u16> {
    let list = list.as_array().unwrap();
    let number = |v: &Value| v.get("port").unwrap_or(v).as_u64().unwrap() as u16;
    list.iter().map(number).collect()
}

#[test]
fn both_sides_and_what_is_kept() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    let all = TcpListener::bind("0.0.0.0:0").unwrap();
    let (open, closed) = (port(&all), free_port());
    let list = format!("{open},{closed},{}", sshd.port);
    let scan = |words: &[&str]| {
        let words = [&["scanports", "web", "--ports", &list, "--json"], words].concat();
        rows(&home.run(&words).ended(0).stdout).remove(0)
    };
    let row = scan(&["--check"]);
    let outside = &row["outside"];
    let mut wanted = vec![open, sshd.port];
    wanted.sort_unstable();
    assert_eq!(row["status"], "changed");
    assert!(
        numbers(&outside["open"]) == wanted && outside["closed"] == 1,
        "{row}"
    );
    assert_eq!(outside["address"], "127.0.0.1");
    assert_eq!(
        (numbers(&row["ports"]), numbers(&row["appeared"])),
        (wanted.clone(), wanted)
    );
    let heard = row["listening"].as_array().unwrap();
    let of = |number: u16| heard.iter().find(|l| l["port"] == number).unwrap();
    assert!(of(open)["is_local"] == false && of(open)["addresses"][0] == "0.0.0.0");
    assert!(of(sshd.port)["is_local"] == true && of(sshd.port)["addresses"][0] == "127.0.0.1");
    assert!(
        !home.ok(&["show", "web"]).contains("ports"),
        "check mode keeps nothing"
    );
    assert!(scan(&["--no-store"])["status"] == "ok");
    assert!(!home.ok(&["show", "web"]).contains("ports"));

    scan(&[]);
    assert!(home.ok(&["ls", &format!("ports={open}")]).contains("web"));
    assert_eq!(scan(&[])["status"], "ok");
    drop(all);
    let row = scan(&[]);
    assert_eq!(
        (row["status"].as_str(), numbers(&row["disappeared"])),
        (Some("changed"), vec![open])
    );
    // What was not asked stays as it was.
    home.run(&[
        "scanports",
        "web",
        "--outside",
        "--ports",
        &closed.to_string(),
    ]);
    assert!(
        home.ok(&["ls", &format!("ports={}", sshd.port)])
            .contains("web")
    );

    let text = home
        .run(&["scan_ports", "web", "--ports", &list])
        .ended(0)
        .stdout;
    let line = |number: u16| {
        let of = |l: &&str| l.trim_start().starts_with(&format!("{number} "));
        text.lines().find(of).map(str::to_owned).unwrap_or_default()
    };
    assert!(
        text.starts_with("web  ok  127.0.0.1  1 open, 2 closed, 0 filtered"),
        "{text}"
    );
    assert!(
        line(sshd.port).contains("open") && line(sshd.port).contains("127.0.0.1"),
        "{text}"
    );
}

#[test]
fn what_is_expected_is_held_to() {
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (open, closed) = (port(&listener).to_string(), free_port().to_string());
    let scan = |expect: &str| {
        let words = [
            "scanports",
            "web",
            "--outside",
            "--ports",
            &open,
            "--expect",
            expect,
        ];
        home.run(&words)
    };
    scan(&open).ended(0);
    let missing = scan(&format!("{open},{closed}")).ended(3);
    assert!(
        missing
            .stderr
            .contains(&format!("not as expected; not open: {closed}")),
        "{missing:?}"
    );
    assert!(
        missing.stdout.contains("expected, but not open"),
        "{missing:?}"
    );
    let more = scan("none").ended(3);
    assert!(
        more.stderr
            .contains(&format!("not as expected; open: {open}")),
        "{more:?}"
    );
}

#[test]
fn free_ports_are_those_that_nobody_uses() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    home.ok(&["add", "other", "me@192.0.2.1", "ports=[8013,8014]"]);
    let taken = TcpListener::bind("0.0.0.0:8011").ok();
    let done = home
        .run(&["scanports", "web", "--inside", "--free", "3", "--json"])
        .ended(0);
    let free = numbers(&rows(&done.stdout)[0]["free"]);
    assert_eq!(free.len(), 3);
    let not = [8000, 8008, 8011, 8013, 8014, 8080, 8443];
    assert!(
        free.iter().all(|p| *p > 8000 && !not.contains(p)),
        "{free:?}"
    );
    for number in &free {
        TcpListener::bind(("0.0.0.0", *number)).unwrap();
    }
    drop(taken);
    let text = home
        .run(&["scanports", "web", "--inside", "--free", "2"])
        .ended(0)
        .stdout;
    assert!(
        text.lines().last().unwrap().starts_with("free on all: 80"),
        "{text}"
    );
}

#[test]
fn half_of_the_truth_is_told_with_the_reason() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = port(&listener).to_string();
    // Nobody speaks SSH there.
    home.ok(&["add", "web", "me@127.0.0.1:1"]);
    home.ok(&["add", "far", "me@127.0.0.1:1", "jump=me@127.0.0.1:1"]);
    home.ok(&["add", "nowhere", "me@no-such-host.invalid"]);
    let done = home
        .run(&["scanports", "web", "--ports", &open, "--json"])
        .ended(4);
    let row = rows(&done.stdout).remove(0);
    assert_eq!(
        (row["status"].as_str(), row["error"]["kind"].as_str()),
        (Some("unreachable"), Some("connect"))
    );
    assert_eq!(numbers(&row["outside"]["open"]), [port(&listener)]);
    assert!(row["listening"].is_null());

    let all = home
        .run(&["scanports", "all", "--outside", "--ports", &open, "--json"])
        .ended(4);
    let all = rows(&all.stdout);
    let told = |at: usize| {
        (
            all[at]["status"].as_str().unwrap(),
            all[at]["error"]["message"].as_str(),
        )
    };
    assert_eq!(told(0), ("ok", None), "stored by the run before");
    assert_eq!(
        told(1),
        (
            "skipped",
            Some("behind the jump host `me@127.0.0.1:1`: it cannot be scanned from here")
        )
    );
    assert!(all[1]["outside"].is_null() && all[1]["ports"].is_null());
    assert_eq!(
        told(2),
        (
            "unreachable",
            Some("host `no-such-host.invalid` does not resolve")
        )
    );
    let direct = home.run(&[
        "scanports",
        "far",
        "-J",
        "none",
        "--outside",
        "--ports",
        &open,
    ]);
    direct.ended(0);
}

#[test]
fn bad_words_name_themselves() {
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    for (ports, why) in [
        ("0", "`0` is not a port from 1 to 65535"),
        ("70000", "`70000` is not a port from 1 to 65535"),
        ("80-", "a port is missing"),
        ("90-80", "`90-80` goes backwards: write `80-90`"),
        ("top:0", "`top:0` must be `top`, or `top:N`"),
        ("", "the list of ports is empty"),
    ] {
        let done = home.run(&["scanports", "web", "--ports", ports]).ended(2);
        assert!(done.stderr.contains(why), "{ports}: {done:?}");
    }
    for words in [
        &["--outside", "--inside"][..],
        &["--outside", "--free", "3"],
        &["--inside", "--tls"],
        &["--rate", "0"],
        &["--concurrency", "0"],
        &["--wait", "0"],
        &["--free", "0"],
        &["--become"],
    ] {
        home.run(&[&["scanports", "web"], words].concat()).ended(2);
    }
    home.run(&["scanports", "nobody"]).ended(2);
}

#[test]
fn ctrl_c_tells_what_is_known_and_keeps_nothing() {
    let home = Home::new();
    home.ok(&["add", "web", "me@127.0.0.1"]);
    let words = [
        "scanports",
        "web",
        "--outside",
        "--ports",
        "all",
        "--rate",
        "200",
        "--json",
    ];
    // Only what has run for a while has installed its handler.
    for wait in [1, 3, 10] {
        let mut command = home.mroom(&words);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs(wait));
        let (pid, begun) = (Pid::from_child(&child), Instant::now());
        kill_process(pid, Signal::INT).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
        let text = String::from_utf8(done.stdout).unwrap();
        if text.is_empty() {
            continue;
        }
        let row = rows(&text).remove(0);
        assert_eq!(done.status.code(), Some(130), "{row}");
        assert_eq!(
            (row["status"].as_str(), row["error"]["kind"].as_str()),
            (Some("cancelled"), Some("cancelled"))
        );
        let outside = &row["outside"];
        let known =
            outside["closed"].as_u64().unwrap() + outside["open"].as_array().unwrap().len() as u64;
        assert_eq!(known + outside["unknown"].as_u64().unwrap(), 65535);
        assert!(known > 0 && row["ports"].is_null(), "{row}");
        return;
    }
    panic!("no scan got as far as to be interrupted");
}
