//! The operation `package` for real, on a Debian in a folder: what comes, stays and goes, who is waited
//! for, and what is told when it fails.

use std::fs;

use crate::support::debian::{Debian, done, steps, wait};

#[test]
fn packages_come_stay_and_go() {
    let Some(debian) = Debian::new() else { return };
    let play = "on:package('greeter=1.*', { hold = true, recommends = false })\n\
                on:package 'dictionary'";

    // Nobody knows yet what is to be had.
    let path = debian.play(play);
    let predicted = debian.home.run(&["run", "--json", "--check", &path]);
    assert!(steps(&predicted)[0].starts_with("unknown"), "{predicted:?}");
    assert_eq!(debian.state("greeter"), "");

    let first = debian.ok(play);
    assert!(first.starts_with("changed: lists refreshed, "), "{first}");
    assert_eq!(debian.state("greeter"), "hi 1.0");
    assert_eq!(debian.state("words"), "ii 1.0");
    assert_eq!(debian.ok(play), "ok: \nok: ");

    // What is held stays, what is freed is upgraded, and check mode knows to which version.
    assert_eq!(
        debian.ok("on:package('greeter', { state = 'latest' })"),
        "ok: "
    );
    let free = "on:package('greeter', { state = 'latest', hold = false })";
    let path = debian.play(free);
    let predicted = debian
        .home
        .run(&["run", "--json", "--check", &path])
        .ended(0);
    let words = "changed: greeter 1.0 -> 2.0, greeter no longer held";
    assert_eq!(steps(&predicted), [words], "{predicted:?}");
    assert_eq!(debian.state("greeter"), "hi 1.0");
    assert_eq!(debian.ok(free), words);
    assert_eq!(debian.state("greeter"), "ii 2.0");
    assert_eq!(debian.ok(free), "ok: ");

    // Broken by hand and repaired; an older version only when it is said.
    done(&mut debian.by_hand(&["dpkg", "--remove", "greeter"]));
    assert_eq!(
        debian.ok("on:package 'greeter'"),
        "changed: greeter 2.0 installed"
    );
    let refused = debian.run("on:package 'greeter=1.0'").ended(3);
    assert!(refused.stdout.contains("downgrade"), "{refused:?}");
    debian.ok("on:package('greeter=1.0', { downgrade = true })");
    assert_eq!(debian.state("greeter"), "ii 1.0");

    let file = debian.path("repo/greeter_2.0_all.deb");
    let from_file = format!("on:package '{}'", file.display());
    assert_eq!(debian.ok(&from_file), "changed: greeter 1.0 -> 2.0");
    assert_eq!(debian.ok(&from_file), "ok: ");

    let gone = "on:package({ 'words' }, { state = 'absent', purge = true })";
    let said = debian.ok(gone);
    assert_eq!(said, "changed: words 1.0 purged, removed with it: greeter");
    assert_eq!(debian.state("words"), "");
    assert_eq!(debian.ok(gone), "ok: ");
}

#[test]
fn a_locked_manager_is_waited_for() {
    let Some(debian) = Debian::new() else { return };
    debian.ok("on:package 'words'");
    let mut other = debian.lock();
    let done = debian
        .run("on:package('greeter', { lock_timeout = 1 })")
        .ended(3);
    let words = format!("dpkg (process {}), for more than 1 s", other.id());
    assert!(
        done.stdout.contains("`apt` is locked by ") && done.stdout.contains(&words),
        "{done:?}"
    );
    assert_eq!(debian.state("greeter"), "");

    let mut waiting = debian.started("on:package('greeter', { lock_timeout = 60 })");
    wait("it to say for whom it waits", || {
        debian
            .log()
            .contains("waits for the lock of `apt`, which dpkg (process ")
    });
    fs::write(debian.path("go"), "").unwrap();
    assert!(other.wait().unwrap().success());
    assert!(waiting.wait().unwrap().success(), "{}", debian.log());
    assert_eq!(debian.state("greeter"), "ii 2.0");
}

#[test]
fn what_apt_says_is_told() {
    let Some(debian) = Debian::new() else { return };
    debian.ok("on:package 'words'");
    let unknown = debian.run("on:package 'grater'").ended(3);
    let words = "no package for `apt`: `grater` (Unable to locate package grater)";
    assert!(unknown.stdout.contains(words), "{unknown:?}");

    // A mirror that nobody answers at.
    let list = debian.path("etc/apt/sources.list");
    fs::write(&list, "deb [trusted=yes] http://127.0.0.1:1/debian ./\n").unwrap();
    let failed = debian.run("on:package('grater', { update = 0 })").ended(3);
    assert!(
        failed.stdout.contains("http://127.0.0.1:1/debian"),
        "{failed:?}"
    );
    assert!(
        failed.stdout.contains("is the mirror right and in reach?"),
        "{failed:?}"
    );
}
