//! A package manager that was cut off in the middle of its work, for real: what the operation `package`
//! makes of what that left half-done.

use std::fs;

use crate::support::debian::{Debian, steps, wait};

#[test]
fn a_half_configured_dpkg_is_mended_first() {
    let Some(debian) = Debian::new() else { return };
    let failed = debian.run("on:package 'broken'").ended(3);
    let words = "post-installation script subprocess returned error exit status 1";
    assert!(failed.stdout.contains(words), "{failed:?}");
    assert!(failed.stdout.contains("dpkg --configure -a"), "{failed:?}");
    assert_eq!(debian.state("broken"), "iF 1.0");

    // As long as it cannot be mended, nothing else is tried.
    debian.run("on:package 'words'").ended(3);
    assert_eq!(debian.state("words"), "");
    fs::write(debian.path("mended"), "").unwrap();
    let said = debian.ok("on:package 'words'");
    assert_eq!(
        said,
        "changed: half-done, finished: broken, words 1.0 installed"
    );
    assert_eq!(debian.state("broken"), "ii 1.0");

    // What cannot be finished can still be taken off.
    std::fs::remove_file(debian.path("mended")).unwrap();
    debian.ok("on:package({ 'broken' }, { state = 'absent' })");
    debian.run("on:package 'broken'").ended(3);
    debian.ok("on:package({ 'broken' }, { state = 'absent' })");
    assert_eq!(debian.state("broken"), "");
}

/// Where the work was cut off; what the next run says, and which packages it leaves.
struct Case {
    before: &'static str,
    work: &'static str,
    at: (&'static str, &'static str),
    next: &'static str,
    told: &'static str,
    left: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 5] = [
    // One is configured, the next waits for it.
    Case {
        before: "",
        work: "on:package { 'slow', 'greeter' }",
        at: ("slow", "iF 1.0"),
        next: "on:package { 'slow', 'greeter' }",
        told: "changed: half-done, finished: ",
        left: &[("slow", "ii 1.0"), ("greeter", "ii 2.0")],
    },
    // Some are unpacked, one is half there, what needs both never came.
    Case {
        before: "",
        work: "on:package 'app'",
        at: ("slow-files", "iHR2.0"),
        next: "on:package 'app'",
        told: "changed: half-done, finished: slow-files, words, app 1.0 installed",
        left: &[
            ("slow-files", "ii 2.0"),
            ("words", "ii 1.0"),
            ("app", "ii 1.0"),
        ],
    },
    // It is finished even for somebody who wants another package.
    Case {
        before: "",
        work: "on:package 'app'",
        at: ("slow-files", "iHR2.0"),
        next: "on:package 'words'",
        told: "changed: half-done, finished: slow-files, words",
        left: &[("slow-files", "ii 2.0"), ("words", "ii 1.0"), ("app", "")],
    },
    // An upgrade: the files of the old version are gone, those of the new one not there.
    Case {
        before: "on:package 'slow-files=1.0'",
        work: "on:package('slow-files', { state = 'latest' })",
        at: ("slow-files", "iHR1.0"),
        next: "on:package('slow-files', { state = 'latest' })",
        told: "changed: half-done, finished: slow-files, slow-files 2.0 installed",
        left: &[("slow-files", "ii 2.0")],
    },
    // A removal ends as a removal.
    Case {
        before: "on:package { 'slow-end', 'words' }",
        work: "on:package({ 'slow-end' }, { state = 'absent' })",
        at: ("slow-end", "rF 1.0"),
        next: "on:package 'words'",
        told: "changed: half-done, finished: slow-end",
        left: &[("slow-end", ""), ("words", "ii 1.0")],
    },
];

#[test]
fn work_that_was_cut_off_is_finished_by_the_next_run() {
    for case in CASES {
        let Some(debian) = Debian::new() else { return };
        debian.ok(
            "on:package({ 'words' }, { state = 'absent', update = 0 })\non:package 'words'\n\
                   on:package({ 'words' }, { state = 'absent' })",
        );
        let go = debian.path("go");
        if !case.before.is_empty() {
            fs::write(&go, "").unwrap();
            debian.ok(case.before);
            fs::remove_file(&go).unwrap();
        }
        debian.cut(case.work, case.at.0, case.at.1);
        let play = debian.play(case.next);
        let told = debian
            .home
            .run(&["run", "--json", "--check", &play])
            .ended(0);
        assert!(steps(&told)[0].starts_with(case.told), "{told:?}");
        assert_eq!(
            debian.state(case.at.0),
            case.at.1,
            "check mode changed something"
        );

        fs::write(&go, "").unwrap();
        let told = debian.ok(case.next);
        assert!(told.starts_with(case.told), "{told}");
        for (name, state) in case.left {
            assert_eq!(&debian.state(name), state, "{name}: {}", case.work);
        }
        assert_eq!(debian.ok(case.next), "ok: ");
    }
}

/// What went on without its connection still has the lock: it is waited for, and when it then ends
/// badly, what it leaves is finished.
#[test]
fn work_that_goes_on_alone_is_waited_for() {
    for is_killed in [false, true] {
        let Some(debian) = Debian::new() else { return };
        debian.ok("on:package 'words'");
        debian.disconnect("on:package('slow')", "slow", "iF 1.0");
        let mut next = debian.started("on:package('greeter', { lock_timeout = 60 })");
        wait("it to wait", || {
            debian.log().contains("waits for the lock of `apt`, which ")
        });
        if is_killed {
            debian.kill();
        }
        fs::write(debian.path("go"), "").unwrap();
        assert!(next.wait().unwrap().success(), "{}", debian.log());
        assert_eq!(debian.state("greeter"), "ii 2.0");
        assert_eq!(debian.state("slow"), "ii 1.0", "{}", debian.log());
    }
}

/// Each state of dpkg(1) that is none to stay in, written by hand, and what becomes of it.
#[test]
fn every_state_that_is_half_done_is_finished() {
    let Some(debian) = Debian::new() else { return };
    debian.ok("on:package 'words'");
    let file = debian.path("var/lib/dpkg/status");
    let good = fs::read_to_string(&file).unwrap();
    for (state, more, left) in [
        ("install ok unpacked", "", "ii 1.0"),
        (
            "install ok half-configured",
            "Config-Version: 1.0\n",
            "ii 1.0",
        ),
        ("install ok half-installed", "", "ii 1.0"),
        ("install reinstreq half-installed", "", "ii 1.0"),
        ("install reinstreq unpacked", "", "ii 1.0"),
        (
            "install ok triggers-pending",
            "Triggers-Pending: x\n",
            "ii 1.0",
        ),
        ("hold ok unpacked", "", "hi 1.0"),
        (
            "deinstall ok half-configured",
            "Config-Version: 1.0\n",
            "ii 1.0",
        ),
        ("deinstall ok half-installed", "", "ii 1.0"),
        ("purge ok half-installed", "", "ii 1.0"),
    ] {
        let text = good.replace(
            "Status: install ok installed\n",
            &format!("Status: {state}\n{more}"),
        );
        assert_ne!(text, good);
        fs::write(&file, text).unwrap();
        let told = debian.ok("on:package 'words'");
        assert!(
            told.starts_with("changed: half-done, finished: words"),
            "{state}: {told}"
        );
        assert_eq!(debian.state("words"), left, "{state}");
        assert_eq!(debian.ok("on:package 'words'"), "ok: ", "{state}");
    }

    // What is half there is none the less taken off, and a file that is wanted stands for its package.
    let lost = good.replace(
        "Status: install ok installed",
        "Status: install reinstreq half-installed",
    );
    fs::write(&file, &lost).unwrap();
    debian.ok("on:package({ 'words' }, { state = 'absent' })");
    assert_eq!(debian.state("words"), "");
    let list = debian.path("etc/apt/sources.list");
    let source = fs::read_to_string(&list).unwrap();
    fs::write(&list, "").unwrap();
    fs::write(&file, &lost).unwrap();
    let from_file = debian.path("repo/words_1.0_all.deb");
    debian.ok(&format!("on:package '{}'", from_file.display()));
    assert_eq!(debian.state("words"), "ii 1.0");

    // A package that nobody has any more cannot be unpacked again.
    fs::write(&file, &lost).unwrap();
    let failed = debian.run("on:package 'words'").ended(3);
    assert!(
        failed.stdout.contains("`apt-get` failed: ") && failed.stdout.contains("words"),
        "{failed:?}"
    );
    fs::write(&list, source).unwrap();

    // Notes of dpkg that it did not end: apt does nothing while they are there.
    fs::write(&file, &good).unwrap();
    fs::write(debian.path("var/lib/dpkg/updates/0000"), &good).unwrap();
    let told = debian.ok("on:package 'greeter'");
    assert!(
        told.starts_with("changed: an interrupted dpkg finished, greeter "),
        "{told}"
    );
    assert_eq!(debian.state("greeter"), "ii 2.0");
}
