//! The workflows that come along, on real servers. A restart is played: the command writes another
//! boot id and breaks the session off.

use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, has};

/// One server `web`, a real sshd.
fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    Some((home, sshd))
}

#[test]
fn they_are_listed() {
    let list = Home::new().ok(&["run", "--list"]);
    for name in [
        "audit [PATTERN] ",
        "backup [PATTERN] ",
        "bringup PATTERN ",
        "certs NAME[:PORT]... ",
        "disk [PATTERN] ",
        "reboot_rolling PATTERN ",
        "rotate_keys PATTERN ",
        "update PATTERN ",
        "who [PATTERN] ",
    ] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
    }
}

#[test]
fn disk_and_who_as_tables_and_as_json() {
    let Some((home, _sshd)) = room() else { return };
    if !has("df") || !has("who") {
        return;
    }
    home.ok(&["-q", "add", "gone", "root@127.0.0.1:1"]);
    let done = home.run(&["run", "disk", "-e", "limit=0"]).ended(4);
    assert!(done.stdout.starts_with("USED  SERVER  MOUNT"), "{done:?}");
    assert!(
        done.stdout.contains("%  ") && done.stdout.contains("  web "),
        "{done:?}"
    );
    assert!(done.stderr.contains("web: / is ") && done.stderr.contains("connection refused"));
    assert!(done.stderr.trim_end().ends_with("unknown 0"), "{done:?}");

    let json = home.ok(&["run", "--json", "disk", "web"]);
    let row: Value = serde_json::from_str(&json).unwrap();
    let mounts = row["value"].as_array().unwrap();
    let root = mounts.iter().find(|m| m["mount"] == "/").unwrap();
    assert!(root["size"].as_u64() > root["free"].as_u64(), "{row}");
    home.run(&["run", "disk", "-e", "limit=x"]).ended(2);

    let json = home.ok(&["run", "--json", "who", "web"]);
    let row: Value = serde_json::from_str(&json).unwrap();
    assert!(row["status"] == "ok" && row["value"].is_array(), "{row}");
    let text = home.ok(&["run", "who", "web"]);
    assert!(
        text.starts_with("nobody") || text.starts_with("SERVER"),
        "{text}"
    );
}

#[test]
fn a_restart_that_is_played() {
    let Some((home, _sshd)) = room() else { return };
    let id = home.write("boot", "one\n");
    let play = format!("echo two > {}; kill -9 $PPID", id.display());
    let command = format!("command={play}");
    let boot_id = format!("boot_id=cat {}", id.display());
    let rolling = |more: &[&str]| {
        let flags = ["-e", "force=true", "-e", &boot_id, "-e", &command];
        home.run(&[&["run"][..], &flags, more, &["reboot_rolling", "web"]].concat())
    };
    let boot = || std::fs::read_to_string(&id).unwrap();

    let done = rolling(&[]);
    assert!(
        done.code != 0 && done.stderr.contains("nobody agreed"),
        "{done:?}"
    );
    let done = rolling(&["--check"]).ended(0);
    assert!(
        done.stderr.contains("would run ") && done.stderr.contains("changed 1"),
        "{done:?}"
    );
    assert_eq!(boot(), "one\n");

    let done = rolling(&["-y", "-e", "probe=true"]).ended(0);
    assert!(done.stderr.contains("is back after "), "{done:?}");
    assert!(done.stdout.contains("web     ok      after "), "{done:?}");
    assert_eq!(boot(), "two\n");

    // It says two again: nothing was restarted as far as anybody can tell.
    let done = rolling(&["-y", "-e", "timeout=0.1"]).ended(3);
    assert!(
        done.stderr
            .contains("the return from the restart did not come"),
        "{done:?}"
    );
    // And this machine itself is never restarted.
    let done = home.run(&["run", "-y", "-e", "command=false", "reboot_rolling", "web"]);
    if std::path::Path::new("/proc/sys/kernel/random/boot_id").exists() {
        assert!(done.ended(3).stderr.contains("the machine that you sit at"));
    }
}
