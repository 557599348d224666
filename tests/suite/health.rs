//! `mroom health` on real servers: judged by thresholds, on a terminal and off it, with an engine
//! that has containers, and with a stand-in for the scanner of images.

use std::process::Command;

use serde_json::Value;

use super::docker_engine::IMAGE;
use crate::support::cell::Cell;
use crate::support::home::{Done, Home};
use crate::support::sshd::{Sshd, has};
use crate::support::terminal::Terminal;

/// Checks that say the same on every machine, however busy.
const STEADY: &str = "memory,inodes,clock";

fn object(done: &Done) -> Value {
    serde_json::from_str(done.stdout.lines().next().unwrap()).unwrap()
}

fn check<'a>(object: &'a Value, name: &str) -> &'a Value {
    let list = object["checks"].as_array().unwrap();
    list.iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {object}"))
}

/// A server, and one that is not there; `None` when this machine has no sshd.
fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    home.ok(&["add", "gone", "root@127.0.0.1:1"]);
    Some((home, sshd))
}

#[test]
fn a_server_is_judged_by_thresholds() {
    let Some((home, _sshd)) = room() else { return };
    let lax = ["--threshold", "memory=-,-", "--threshold", "inodes=-,-"];
    let ask = |more: &[&str]| home.run(&[&["health", "web", "--only", STEADY], more].concat());
    let done = ask(&lax).ended(0);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{done:?}");
    assert!(lines[1].starts_with("web  memory  ok"), "{done:?}");
    // Something is always used.
    let done = ask(&["--threshold", "memory=0,0", "--json"]).ended(3);
    let web = object(&done);
    assert_eq!(
        (&web["status"], &web["level"]),
        (&"failed".into(), &"critical".into())
    );
    assert_eq!(check(&web, "memory")["level"], "critical");
    assert!(check(&web, "memory")["value"].as_f64().unwrap() > 0.0);
    assert!(
        web["clock"]["offset"].as_f64().unwrap().abs() < 60.0,
        "{web}"
    );
    assert!(web["error"].is_null() && web["uptime"].as_u64().is_some());
    // A warning is no failure, unless it is asked to be one.
    let warns = ["--threshold", "memory=0,-", "--threshold", "inodes=-,-"];
    ask(&warns).ended(0);
    ask(&[&warns[..], &["--strict"]].concat()).ended(3);
    // The server's own word wins over the settings.
    home.ok(&["set", "web", "health.memory=0,0"]);
    ask(&["-q"]).ended(3);
    ask(&lax).ended(0);
    home.ok(&["set", "web", "health.memory="]);

    let done = home.run(&["health", "all", "--only", "memory"]).ended(4);
    assert!(done.stdout.starts_with("ID    HEALTH"), "{done:?}");
    let gone = done.stdout.lines().find(|l| l.starts_with("gone")).unwrap();
    assert!(
        gone.contains("unreachable") && gone.contains("refused"),
        "{gone}"
    );
}

#[test]
fn every_check_says_something() {
    let Some((home, _sshd)) = room() else { return };
    let done = home.run(&["health", "web", "--json"]);
    let web = object(&done);
    for name in [
        "load", "memory", "disk", "inodes", "updates", "reboot", "clock",
    ] {
        let check = check(&web, name);
        assert_ne!(check["text"], "the server did not say", "{check}");
    }
    assert!(!web["disks"].as_array().unwrap().is_empty(), "{web}");
    assert_eq!(done.code, if web["level"] == "critical" { 3 } else { 0 });
}

#[test]
fn wrong_thresholds_are_refused_before_anybody_is_asked() {
    let home = Home::new();
    home.ok(&["add", "gone", "root@127.0.0.1:1"]);
    for (words, why) in [
        (["--threshold", "disk=95,80"], "the wrong way round"),
        (
            ["--threshold", "disk=full"],
            "the threshold `disk` must be two numbers",
        ),
        (["--threshold", "disc=1,2"], "unknown option `disc`"),
        (["--threshold", "disk"], "`disk` is not NAME=VALUE"),
        (["--only", "discs"], "there is no check `discs`"),
        (["--cert", "$(reboot)"], "neither a file nor a name"),
    ] {
        let done = home
            .run(&[&["health", "gone"][..], &words].concat())
            .ended(2);
        assert!(done.stderr.contains(why), "{done:?}");
    }
    home.write(
        ".config/machineroom/config.toml",
        "[health]\nload = \"high\"\n",
    );
    let done = home.run(&["health", "gone"]).ended(2);
    assert!(
        done.stderr.contains("the setting `health.load`"),
        "{done:?}"
    );
}

#[test]
fn certificates_in_files_are_looked_at() {
    if !has("openssl") {
        return;
    }
    let Some((home, _sshd)) = room() else { return };
    let file = |days: &str| {
        let path = home.path(&format!("cert-{days}.pem"));
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-days", days,
            ])
            .args(["-keyout", "/dev/null", "-out"])
            .arg(&path)
            .output();
        assert!(made.unwrap().status.success());
        path.display().to_string()
    };
    let (long, short) = (file("90"), file("3"));
    let ask = |certs: &[&str]| {
        let certs = certs.iter().flat_map(|c| ["--cert", c]);
        let words = ["health", "web", "--only", "certs", "--json"];
        home.run(&words.into_iter().chain(certs).collect::<Vec<_>>())
    };
    let web = object(&ask(&[&long]).ended(0));
    assert!(
        check(&web, "certs")["text"]
            .as_str()
            .unwrap()
            .starts_with("one is good, "),
        "{web}"
    );
    let web = object(&ask(&[&long, &short]).ended(3));
    let text = check(&web, "certs")["text"].as_str().unwrap();
    assert!(
        text.contains("cert-3.pem: ") && text.contains("days left"),
        "{text}"
    );
    let web = object(&ask(&["/nowhere/x.pem"]).ended(0));
    assert_eq!(check(&web, "certs")["level"], "unknown");
}

#[test]
fn it_is_asked_again_and_again() {
    let Some((home, _sshd)) = room() else { return };
    let words = [
        "health",
        "web",
        "--only",
        "memory",
        "--watch=0.2",
        "--color",
        "never",
    ];
    if has("script") {
        let mut terminal = Terminal::new(&home, &words);
        terminal.until("\x1b[?1049h");
        terminal.until("memory");
        home.ok(&["set", "web", "health.memory=0,0"]);
        // The servers are those that were selected: their thresholds stay.
        terminal.until("memory");
        terminal.press("\x03");
        let done = terminal.ended().ended(0);
        let (_, left) = done.stdout.split_once("\x1b[?1049l").unwrap();
        assert!(left.contains("web  memory"), "{done:?}");
    }
    // Off a terminal it is printed each time.
    let mut child = home
        .mroom(&[&words[..], &["-q"]].concat())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let seen = std::io::BufRead::lines(out).map_while(Result::ok);
    let tables = seen.filter(|line| line.starts_with("web  memory")).take(3);
    assert_eq!(tables.count(), 3);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn containers_and_their_images_count() {
    let Some(cell) = Cell::docker() else { return };
    let scanner = r#"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"Severity":"CRITICAL"},{"Severity":"HIGH"}]}]}"#;
    cell.shell(&format!(
        "{IMAGE}docker run -d --name web demo:1 /bin/sleep 600\n\
         docker run -d --name sick --health-cmd false --health-interval 1s --health-retries 1 demo:1 /bin/sleep 600\n\
         until docker ps --format '{{{{.Status}}}}' | grep -q unhealthy; do sleep 0.1; done\n\
         cat >/usr/local/bin/trivy <<'END'\n#!/bin/sh\necho \"$@\" >>/tmp/scans\necho '{scanner}'\nEND\n\
         chmod 755 /usr/local/bin/trivy\n"
    ))
    .ended(0);
    let ask = |id: &str, more: &[&str]| {
        let words = [
            "health",
            id,
            "--only",
            "containers,vulnerabilities",
            "--json",
        ];
        cell.mroom(&[&words[..], more].concat())
    };
    let root = object(&ask("root", &[]).ended(3));
    assert_eq!(check(&root, "containers")["text"], "sick unhealthy");
    assert_eq!(root["vulnerabilities"], Value::Null);
    let plain = object(&ask("plain", &[]).ended(0));
    assert_eq!(
        (&plain["level"], &plain["status"]),
        (&"unknown".into(), &"ok".into())
    );
    // A stand-in for trivy, as its real lists of vulnerabilities are not to be had here. One image, and
    // two servers that run it: it is scanned once.
    for id in ["root", "dock"] {
        let is = object(&ask(id, &["--scan-images"]).ended(3));
        let text = &check(&is, "vulnerabilities")["text"];
        assert_eq!(text, "1 critical, 1 high in 1 of 1 images");
    }
    let scans = cell.shell("cat /tmp/scans").ended(0).stdout;
    assert_eq!(scans.lines().count(), 1, "{scans}");
    assert!(
        scans.starts_with("image --quiet --format json --scanners vuln -- sha256:"),
        "{scans}"
    );
    cell.shell("kill $(pidof dockerd); while pidof dockerd >/dev/null; do sleep 0.1; done")
        .ended(0);
    let root = object(&ask("root", &[]).ended(3));
    let text = check(&root, "containers")["text"].as_str().unwrap();
    assert!(text.starts_with("Docker does not answer: "), "{text}");
}
