//! The workflows `update` and `audit` on a real server. Its package manager is played, and so is
//! its restart: the command writes another boot id and breaks the session off.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, user};

/// An `apt-get` that has something to upgrade until it was told to, and writes down what it is told.
const APT: &str = r#"#!/bin/sh
echo "$*" >>DIR/said
case " $* " in
*" -s "*) [ -e DIR/new ] || echo "Inst tool [1.0] (1.1 Lab:1/stable [all])" ;;
*" update "*) ;;
*" upgrade "*) [ ! -e DIR/broken ] || { echo "E: mirror failed" >&2; exit 100; }; touch DIR/new ;;
esac
"#;

/// A server `web` and the folder in which its package manager writes.
fn room() -> Option<(Home, Sshd)> {
    let home = Home::new();
    let dir = home.path("play");
    let sshd = Sshd::start(&format!(
        "SetEnv PATH={}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        dir.display()
    ))?;
    let text = APT.replace("DIR", &dir.display().to_string());
    for (name, text) in [("apt-get", text.as_str()), ("dpkg", "#!/bin/sh\n")] {
        let file = home.write(format!("play/bin/{name}"), text);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    home.write("play/boot", "one\n");
    home.add("web", &sshd);
    home.trust(&sshd);
    Some((home, sshd))
}

#[test]
fn upgrades_restarts_and_proves() {
    let Some((home, _sshd)) = room() else { return };
    if user() != "root" {
        return;
    }
    let boot = home.path("play/boot");
    let command = format!("command=echo two > {}; kill -9 $PPID", boot.display());
    let boot_id = format!("boot_id=cat {}", boot.display());
    let update = |more: &[&str]| {
        let flags = ["run", "-e", &command, "-e", &boot_id, "-e", "force=true"];
        home.run(&[&flags[..], more, &["update", "web"]].concat())
    };
    let said = || fs::read_to_string(home.path("play/said")).unwrap_or_default();

    let done = update(&["--check"]).ended(0);
    assert!(done.stdout.contains("tool 1.0 -> 1.1"), "{done:?}");
    assert!(done.stderr.contains("changed 1 "), "{done:?}");
    assert!(
        said().lines().all(|line| line.contains("-s ")),
        "{}",
        said()
    );

    let done = update(&[]);
    assert!(
        done.code != 0 && done.stderr.contains("nobody agreed"),
        "{done:?}"
    );

    home.write("play/broken", "");
    let done = update(&["-y"]).ended(3);
    assert!(done.stderr.contains("mirror failed"), "{done:?}");
    fs::remove_file(home.path("play/broken")).unwrap();

    let done = update(&["-y", "--json", "-e", "reboot=always", "-e", "probe=true"]).ended(0);
    let rows: Vec<Value> = done
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let row = rows
        .iter()
        .find(|row| row["value"]["upgraded"].is_array())
        .unwrap();
    assert_eq!(row["value"]["upgraded"][0]["name"], "tool", "{row}");
    assert_eq!(
        (&row["value"]["restarted"], &row["status"]),
        (&true.into(), &"changed".into())
    );
    assert_eq!(fs::read_to_string(&boot).unwrap(), "two\n");
    assert!(said().contains("--with-new-pkgs upgrade"));

    // There is nothing left to do.
    let done = update(&["-y", "-e", "reboot=always"]).ended(0);
    assert!(done.stderr.contains("ok 1  changed 0"), "{done:?}");
}

#[test]
fn audit_of_a_real_server() {
    let Some((home, _sshd)) = room() else { return };
    let table = home.ok(&["run", "audit", "web"]);
    assert!(
        table.starts_with("SERVER  USERS  KEYS  SUDO  PORTS  FAILED"),
        "{table}"
    );
    let json = home.ok(&["run", "--json", "audit", "web"]);
    let row: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    let value = &row["value"];
    let users = value["users"].as_array().unwrap();
    assert!(
        users
            .iter()
            .any(|one| one["user"] == "root" && one["uid"] == 0),
        "{row}"
    );
    assert_eq!(value["updates"][0]["package"], "tool");
    assert!(value["ports"].is_array() && value["unknown"].is_array());
    let full = home.ok(&["run", "-e", "full=true", "-e", "what=users", "audit", "web"]);
    assert!(
        full.starts_with("SERVER  WHAT   WHICH\nweb     users  root  0  "),
        "{full}"
    );
    home.run(&["run", "-e", "what=all", "audit", "web"])
        .ended(2);
}
