//! `mroom add`: typed whole, and asking on a terminal.

use crate::support::home::Home;
use crate::support::sshd::{Sshd, has, user};
use crate::support::terminal::Terminal;

#[test]
fn off_a_terminal_nothing_is_asked() {
    let me = Home::new();
    for (words, message) in [
        (&["add"][..], "`mroom add` needs an id and a place"),
        (&["add", "web"], "`mroom add` needs a place"),
        (
            &["add", "web", "role=x", "--tag", "x"],
            "`mroom add` needs a place",
        ),
        (&["add", "all", "h"], "id `all` means every server"),
        (&["add", "web", "u@"], "is not `[USER@]HOST[:PORT]`"),
        (&["add", "web", "h:0"], "the port must be from 1 to 65535"),
        (
            &["add", "web", "h", "role"],
            "is not of the form `key=value`",
        ),
    ] {
        let done = me.run(words).ended(2);
        assert!(done.stderr.contains(message), "{words:?}: {done:?}");
    }
    me.run(&["add", "web", "h"]).ended(0);
    let done = me.run(&["add", "web", "h"]).ended(2);
    assert!(done.stderr.contains("there is a server `web` already"));
}

#[test]
fn a_login_is_tried_on_request() {
    let Some(sshd) = Sshd::start("") else { return };
    let me = Home::new();
    me.trust(&sshd);
    let place = format!("{}@127.0.0.1:{}", user(), sshd.port);
    let key = format!("key={}", sshd.path("id").display());
    let done = me.run(&["add", "web", &place, &key, "--test"]).ended(0);
    assert_eq!(done.stderr, "added web\nweb: connects\n");
    let done = me
        .run(&["add", "other", &place, "key=/nowhere", "--test"])
        .ended(4);
    assert!(done.stderr.contains("added other\n"), "{done:?}");
    assert!(
        done.stderr.contains("`mroom edit other` mends it"),
        "{done:?}"
    );
    me.ok(&["show", "other"]);
    let done = me.run(&["add", "down", "u@127.0.0.1:1", "--test"]).ended(4);
    assert!(done.stderr.contains("connection refused"), "{done:?}");
}

#[test]
fn a_terminal_is_asked_for_what_is_missing() {
    if !has("script") {
        return;
    }
    let Some(sshd) = Sshd::start("") else { return };
    let me = Home::new();
    me.trust(&sshd);
    let (port, key) = (sshd.port.to_string(), sshd.path("id").display().to_string());
    let line = |text: &str| format!("{text}\n");
    let talk = [
        ("Id:", line("all")),
        ("id `all` means every server", String::new()),
        ("Id:", line("web")),
        ("Host:", line("a b")),
        ("Host:", line("127.0.0.1")),
        ("User [", line(&user())),
        ("Port [22]:", line("x")),
        ("the port is not a number", String::new()),
        ("Port [22]:", line(&port)),
        ("Key file, if not your own keys [none]:", line(&key)),
        ("Password, if any:", line("hunter2")),
        ("added web", String::new()),
        ("Try the login? [yes]:", line("")),
    ];
    let talk: Vec<(&str, &str)> = talk.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let done = me.on_terminal(&["add"], &talk).ended(0);
    assert!(done.stdout.contains("web: connects"), "{done:?}");
    assert!(!done.stdout.contains("hunter2"), "{done:?}");
    let shown = me.ok(&["show", "web"]);
    assert!(
        shown.contains(&port) && shown.contains("password      sealed"),
        "{shown}"
    );
    assert!(shown.contains(&key), "{shown}");
    // What was typed is not asked for.
    let talk = [("Host:", "ann@h:2222\n"), ("Try the login? [yes]:", "no\n")];
    me.on_terminal(&["add", "db", "key=~/k", "--tag", "x"], &talk)
        .ended(0);
    let shown = me.ok(&["show", "db"]);
    assert!(
        shown.contains("ann") && shown.contains("2222") && shown.contains("~/k"),
        "{shown}"
    );
    // With an answer to everything given, nobody is asked.
    let done = me.on_terminal(&["add", "c", "-y"], &[]).ended(2);
    assert!(done.stdout.contains("needs a place"), "{done:?}");
    me.on_terminal(&["add", "d", "h"], &[]).ended(0);
}

#[test]
fn an_interview_can_be_left() {
    if !has("script") {
        return;
    }
    let me = Home::new();
    for (keys, code) in [("\x03", 130), ("\x04", 2)] {
        let mut terminal = Terminal::new(&me, &["add", "web"]);
        terminal.until("Host:");
        terminal.press("10.0.0.1\n");
        terminal.until("User [");
        terminal.press("\n");
        terminal.until("Port [22]:");
        terminal.press("\n");
        terminal.until("Key file");
        terminal.press("\n");
        terminal.until("Password, if any:");
        terminal.press(keys);
        terminal.ended().ended(code);
        assert_eq!(me.run(&["show", "web"]).code, 2);
    }
}

#[test]
fn a_question_that_is_left_gives_the_echo_back() {
    if !has("script") {
        return;
    }
    let me = Home::new();
    me.ok(&["add", "web", "root@127.0.0.1:1"]);
    for (words, prompt) in [
        ("set web --ask-password", "Password:"),
        ("rm web", "remove web from the inventory? [y/N]"),
        ("secrets lock", "New passphrase:"),
    ] {
        let mroom = crate::support::home::MROOM;
        let line = format!(
            "sh -c \"trap : INT; '{mroom}' {words}; echo code \\$?; stty -a | grep -o '[-]*echo '\""
        );
        let mut terminal = Terminal::running(&me, (100, 30), &line);
        terminal.until(prompt);
        terminal.press("\x03");
        let done = terminal.ended();
        assert!(done.stdout.contains("code 130"), "{words}: {done:?}");
        assert!(done.stdout.ends_with("\necho \r\n"), "{words}: {done:?}");
    }
    me.ok(&["show", "web"]);
}
