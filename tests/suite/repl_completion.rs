//! The REPL helps who types: completion, proposals, documentation.

use super::repl::{pipe, room};
use crate::support::home::Home;
use crate::support::prompt::Prompt;
use crate::support::sshd::{Sshd, user};

/// A line with Tab in it, and what it is once all fits.
const LINES: &[(&str, &str)] = &[
    ("flee\t", "fleet"),
    ("mr.text.tr\t", "mr.text.trim"),
    ("server('nosuch'):capt\t", "server('nosuch'):capture"),
    ("fleet.select 'x':filt\t", "fleet.select 'x':filter"),
    ("server(\"we\t", "server(\"web-1\""),
    ("fleet.select('@fro\t", "fleet.select('@front"),
    ("fleet.select('db-1 @fro\t", "fleet.select('db-1 @front"),
    (
        "x = server('db-1'):run('ls', { timeo\t",
        "x = server('db-1'):run('ls', { timeout = ",
    ),
    ("x = 'notes/de\t", "x = 'notes/deep/"),
    ("x = '~/notes/o\t", "x = '~/notes/one.lua"),
    (":us\t", ":use"),
    (":use we\t", ":use web-1"),
    (":time :use role=ed\t", ":time :use role=edge"),
    (":stage en\t", ":stage env"),
    (":stage env,cer\t", ":stage env,cert"),
    (":stage env @fr\t", ":stage env @front"),
    (":load notes/o\t", ":load notes/one.lua"),
    ("?fleet.sele\t", "?fleet.select"),
    (":help mr.ret\t", ":help mr.retry"),
    // What stands behind the cursor already is not put in again.
    ("server(\"\")\x1b[D\x1b[Dwe\t", "server(\"web-1"),
    // In a line of its own Tab indents.
    ("do\r\ty = 1", "do\n  y = 1"),
];

#[test]
fn tab_completes_what_fits() {
    let home = Home::new();
    home.ok(&["add", "web-1", "u@h", "role=edge", "--tag", "front"]);
    home.ok(&["add", "db-1", "u@h"]);
    home.write("notes/one.lua", "");
    home.write("notes/deep/two.lua", "");
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    for (keys, line) in LINES {
        person.press(keys);
        // What is typed behind it shows that the line is done.
        let shown = person.shows("#", "#");
        let shown = drawn(&shown);
        assert!(shown.ends_with(&format!("{line}#")), "{keys:?}: {shown:?}");
        person.press("\x03");
        person.ready();
    }
    // Several are listed; what they share is put in.
    person.press("server('x'):rea\t");
    let list = person.shows("\x15server('x'):me\t", "meta_set");
    assert!(list.contains("read"), "{list:?}");
    assert!(
        person
            .shows("\x15local web = server('db-1') web.h\t", "host")
            .contains("home")
    );
    person.press("\x03");
    person.ready();
    person.press("nosuch.\t#");
    person.terminal.until("#");
    person.press("\x03");
    person.ready();
    assert_eq!(person.leave(), 0);
}

/// What is drawn behind the last prompt, up to the cursor: without the moves of the cursor and its
/// bell.
fn drawn(seen: &str) -> String {
    let last = seen.rfind("mroom> ").map_or(seen, |at| &seen[at + 7..]);
    let mut text = String::new();
    let mut characters = last.chars();
    while let Some(c) = characters.next() {
        match c {
            '\x1b' => {
                let _ = characters.find(char::is_ascii_alphabetic);
            }
            '\r' | '\x07' => {}
            c => text.push(c),
        }
    }
    text
}

#[test]
fn a_call_tells_what_it_takes_in_grey() {
    let home = Home::new();
    let Some(mut person) = Prompt::with(&home, (100, 30), &["--color", "always"]) else {
        return;
    };
    let grey = |text: &str| format!("\x1b[2m{text}\x1b[0m");
    person.shows("fleet.select", &grey("(pattern) -> Fleet"));
    person.shows("(", &grey("pattern) -> Fleet"));
    person.shows("'x'", &grey(") -> Fleet"));
    person.press("\x03");
    person.ready();
    person.shows(":us", "us");
    person.shows(
        "e",
        &grey(" [PATTERN]  select servers for `!` and as `sel`"),
    );
    person.press("\x03");
    person.ready();
    assert_eq!(person.leave(), 0);
}

#[test]
fn a_question_is_answered_from_the_stubs() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = room(&sshd, &user(), &["web-1"]);
    let input =
        "?Server:run\nmr.try?\nweb = server 'web-1'\nweb:capture?\n:help fleet.select\n?env\n?";
    let (code, out, err) = pipe(&home, input, &["repl"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for part in [
        "Server:run(command, opts?) -> mr.Result",
        "timeout",
        "mr.try(",
        "Server:capture(command, opts?) -> string",
        "fleet.select(pattern) -> Fleet",
        "stage",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (code, _, err) = pipe(&home, "?fleet.selct\n?nosuchatall", &["repl"]);
    assert_eq!(code, 1);
    assert!(err.contains("nothing is called `fleet.selct`"), "{err}");
    assert!(err.contains("did you mean `fleet.select`?"), "{err}");
}
