//! What differs on a terminal, seen through a pseudo-terminal.

use crate::support::home::Home;
use crate::support::sshd::{Sshd, has};

fn room() -> Option<(Home, Sshd)> {
    if !has("script") {
        return None;
    }
    let sshd = Sshd::start("")?;
    let home = Home::new();
    home.add("web-01", &sshd);
    home.add("web-02", &sshd);
    Some((home, sshd))
}

#[test]
fn a_server_cannot_write_to_the_terminal() {
    let Some((home, _sshd)) = room() else { return };
    home.run(&["exec", "web-01", "--accept-new", "--", "true"])
        .ended(0);
    let evil = r"printf '\033]0;owned\007\302\233\342\200\256 \t\377\n'";
    for pattern in ["web-01", "all"] {
        let seen = home
            .on_terminal(&["exec", pattern, "-q", "--", evil], &[])
            .ended(0);
        let shown = "^[]0;owned^G<U+009B><U+202E> ";
        assert!(seen.stdout.contains(shown), "{:?}", seen.stdout);
        assert!(seen.stdout.contains("\\xff\r\n"), "{:?}", seen.stdout);
        let acting = ['\x07', '\u{9b}', '\u{202e}'];
        assert!(
            !seen.stdout.contains(acting) && !seen.stdout.contains("\x1b]"),
            "{:?}",
            seen.stdout
        );
    }
}

#[test]
fn same_output_is_one_block_and_the_count_comes_last() {
    let Some((home, _sshd)) = room() else { return };
    home.run(&["exec", "web-01", "--accept-new", "--", "true"])
        .ended(0);
    let seen = home
        .on_terminal(
            &[
                "exec",
                "all",
                "--fold",
                "--color",
                "never",
                "--",
                "echo same",
            ],
            &[],
        )
        .ended(0);
    let block = "web-[01-02] (2)\r\n---------------\r\nsame\r\n";
    assert!(seen.stdout.contains(block), "{:?}", seen.stdout);
    let last = "ok 2  changed 0  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0\r\n";
    assert!(seen.stdout.ends_with(last), "{:?}", seen.stdout);
    assert!(
        seen.stdout.contains("ok          web-01"),
        "a line as each finishes: {:?}",
        seen.stdout
    );
}

#[test]
fn a_person_accepts_a_host_key() {
    let Some((home, _sshd)) = room() else { return };
    let no = home
        .on_terminal(
            &["exec", "web-01", "--", "echo in"],
            &[("[yes/no]", "no\n")],
        )
        .ended(5);
    assert!(
        no.stdout.contains("is not known yet: ssh-ed25519 SHA256:"),
        "{:?}",
        no.stdout
    );
    // `-y` does not answer that one.
    home.on_terminal(
        &["exec", "web-01", "-y", "--", "echo in"],
        &[("[yes/no]", "n\n")],
    )
    .ended(5);
    let yes = home
        .on_terminal(
            &["exec", "web-01", "--", "echo in"],
            &[("[yes/no]", "yes\n")],
        )
        .ended(0);
    assert!(yes.stdout.contains("in\r\n"), "{:?}", yes.stdout);
    home.run(&["exec", "web-01", "--", "true"]).ended(0);
}

#[test]
fn a_password_is_asked_for_twice_without_echo() {
    if !has("script") {
        return;
    }
    let home = Home::new();
    let words = ["add", "web", "root@h", "--ask-password"];
    let typed = |second| [("Password:", "hunter2hunter2\n"), ("(again):", second)];
    let seen = home
        .on_terminal(&words, &typed("hunter2hunter3\n"))
        .ended(2);
    assert!(
        seen.stdout.contains("the two are not the same"),
        "{:?}",
        seen.stdout
    );
    let seen = home
        .on_terminal(&words, &typed("hunter2hunter2\n"))
        .ended(0);
    assert!(
        !seen.stdout.contains("hunter2"),
        "no echo: {:?}",
        seen.stdout
    );
    let list = home.run(&["export"]).ended(0);
    assert_eq!(list.stdout, "web--h--root--hunter2hunter2--22\n");
    // Not onto a terminal, unless one insists.
    home.on_terminal(&["export"], &[]).ended(2);
    let shown = home.on_terminal(&["export", "-y"], &[]).ended(0);
    assert!(shown.stdout.contains("hunter2hunter2"));
}

#[test]
fn the_table_fits_and_colours_obey() {
    if !has("script") {
        return;
    }
    let home = Home::new();
    let long = format!("description={}", "word ".repeat(60));
    home.run(&["add", "web", "root@h", &long]).ended(0);
    let seen = home.on_terminal(&["ls", "--long"], &[]).ended(0);
    assert!(seen.stdout.starts_with("\x1b[1mID"), "{:?}", seen.stdout);
    let widest = seen
        .stdout
        .lines()
        .map(|l| l.trim_end().chars().count())
        .max()
        .unwrap();
    assert!(widest <= 100 + "\x1b[1m\x1b[0m".len(), "{widest}");
    let plain = home.on_terminal(&["ls", "--color", "never"], &[]).ended(0);
    assert!(!plain.stdout.contains('\x1b'));
}
