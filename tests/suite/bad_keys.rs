//! Keys and passwords that do not open a server: why, what to do, and the exit code.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, keygen, user};

/// A person who knows the server's host key; a key of theirs is a path below their home.
fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("PasswordAuthentication yes")?;
    let me = Home::new();
    me.trust(&sshd);
    Some((me, sshd))
}

#[test]
fn each_has_its_reason() {
    let Some((me, sshd)) = room() else { return };
    let line = |id: &str, password: &str, key: &str| {
        format!(
            "{id}--127.0.0.1--{}--{password}--{}{key}\n",
            user(),
            sshd.port
        )
    };
    keygen(&me.path("other"), &["-t", "ed25519", "-N", ""]);
    keygen(&me.path("locked"), &["-t", "ed25519", "-N", "open sesame"]);
    fs::copy(me.path("other"), me.path("open")).unwrap();
    fs::set_permissions(me.path("open"), fs::Permissions::from_mode(0o644)).unwrap();
    me.write("text", "this is no key\n");
    fs::set_permissions(me.path("text"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::copy(sshd.path("id"), me.path("good")).unwrap();
    let list = [
        line("good", "", "--~/good"),
        line("password", "hunter2", ""),
        line("other", "", "--~/other"),
        line("locked", "", "--~/locked"),
        line("open", "", "--~/open"),
        line("text", "", "--~/text"),
        line("gone", "", "--~/gone"),
        line("nothing", "", ""),
    ];
    me.write("list.txt", list.concat());
    assert_eq!(me.run(&["import", "list.txt"]).code, 0);

    for (id, words) in [
        ("password", &["password"][..]),
        ("other", &["tried key `", "/other`", "offers publickey"]),
        ("locked", &["/locked` is encrypted", "hint:"]),
        (
            "open",
            &["/open`", "can be read by others (mode 0644)", "hint:"],
        ),
        ("text", &["/text`"]),
        ("gone", &["/gone`", "is not there"]),
        ("nothing", &["hint:"]),
    ] {
        // The good one finishes beside each.
        let done = me.run(&["exec", "good", id, "--", "echo done"]);
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (4, "good: done\n"),
            "{id}: {done:#?}"
        );
        let line = done.stderr.lines().find(|l| l.starts_with("unreachable "));
        assert!(
            line.is_some_and(|l| l.contains(&format!(" {id} "))),
            "{id}: {}",
            done.stderr
        );
        for word in words {
            assert!(
                done.stderr.contains(word),
                "{id}: `{word}`: {}",
                done.stderr
            );
        }
        for secret in ["hunter2", "sesame", "PRIVATE KEY", "this is no key"] {
            assert!(!done.stderr.contains(secret), "{id}: {}", done.stderr);
        }
    }
}

#[test]
fn a_changed_host_key_is_refused_whatever_is_said() {
    let Some((me, sshd)) = room() else { return };
    keygen(&me.path("new"), &["-t", "ed25519", "-N", ""]);
    let key = fs::read_to_string(me.path("new.pub")).unwrap();
    let hosts = me.write(
        ".ssh/known_hosts",
        format!("[127.0.0.1]:{} {key}", sshd.port),
    );
    let before = fs::read(&hosts).unwrap();
    let place = format!("{}@127.0.0.1:{}", user(), sshd.port);
    me.ok(&["add", "web", &place]);
    for more in [
        &[][..],
        &["--accept-new"],
        &["-y"],
        &["--accept-new", "-y", "--json"],
    ] {
        let words = [&["exec", "web"], more, &["--", "true"]].concat();
        let done = me.run(&words);
        assert_eq!(done.code, 5, "{more:?}: {done:#?}");
        let all = done.stdout + &done.stderr;
        assert!(
            all.contains("changed") && all.contains("ssh-keygen -R"),
            "{all}"
        );
        assert!(all.contains("SHA256:"), "{all}");
    }
    assert_eq!(fs::read(&hosts).unwrap(), before);
    // A command that runs Lua ends alike.
    let done = me.run(&["eval", "server 'web':run 'true'"]);
    assert_eq!(done.code, 5, "{done:#?}");
}
