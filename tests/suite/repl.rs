//! The REPL: over a pipe, and with a person's keys on a person of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::account::Account;
use crate::support::home::Home;
use crate::support::prompt::{Prompt, TAKEN};
use crate::support::sshd::{Sshd, user};
use crate::support::terminal::PATIENCE;

/// A home in which all `ids` are that user on the sshd, whose host key is known.
pub fn room(sshd: &Sshd, user: &str, ids: &[&str]) -> Home {
    let home = Home::new();
    for id in ids {
        home.add(id, sshd);
        home.ok(&["set", id, &format!("user={user}")]);
    }
    home.trust(sshd);
    home
}

pub fn history(home: &Home) -> String {
    fs::read_to_string(home.data("repl_history")).unwrap_or_default()
}

/// Feeds the REPL over a pipe; exit code, standard output, standard error.
pub fn pipe(home: &Home, input: &str, words: &[&str]) -> (i32, String, String) {
    let done = home.feed(words, input);
    (done.code, done.stdout, done.stderr)
}

#[test]
fn chunks_over_a_pipe_print_their_values_and_nothing_else() {
    let home = Home::new();
    let input = "#!/usr/bin/env mroom\nx = { 1, b = 'c' }\nx\nfor i = 1, 2 do\n  print(i)\nend\n\
                 local gone = 1\ngone\n_, 'a\\27b'\n{ { n = 1, id = 'x' }, { n = 2, id = 'y' } }";
    let (code, out, err) = pipe(&home, input, &["repl"]);
    let shown = "{ 1, b = \"c\" }\n1\n2\nnil\n{ 1, b = \"c\" }\n\"a\\x1bb\"\nid  n\nx   1\ny   2\n";
    assert_eq!((code, out.as_str(), err.as_str()), (0, shown, ""));
    assert_eq!(
        pipe(&home, "", &["repl"]),
        (0, String::new(), String::new())
    );
    assert_eq!(history(&home), "", "a pipe is nobody's typing");
}

#[test]
fn a_broken_chunk_is_told_with_its_line_and_ends_nothing() {
    let home = Home::new();
    let input = "x = = 1\nprint 'on'\n\nerror 'no'\nserver 'nosuch'\nif true then\n  f(\n";
    let (code, out, err) = pipe(&home, input, &["repl", "-q"]);
    assert_eq!((code, out.as_str()), (1, "on\n"));
    let told: Vec<&str> = err.lines().collect();
    assert_eq!(
        told[0], "error: stdin:1: unexpected symbol near '='",
        "{err}"
    );
    assert_eq!(told[1], "error: stdin:4: no", "{err}");
    assert!(err.contains("stdin:5: no server `nosuch`"), "{err}");
    assert!(err.contains("hint: "), "{err}");
    assert!(err.contains("near <eof>"), "{err}");
    assert!(!err.contains("stack traceback"), "{err}");
    let (_, _, verbose) = pipe(
        &home,
        "local function f() error 'no' end\nf()",
        &["repl", "-v"],
    );
    assert!(verbose.contains("nil value (global 'f')"), "{verbose}");
    let (code, out, _) = pipe(&home, "print 'a' os.exit(7)\nprint 'b'", &["repl"]);
    assert_eq!((code, out.as_str()), (7, "a\n"));
    let (code, _, err) = pipe(&home, "\"\\xff\"\n\"\\u{202e}\"", &["repl", "--json"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn a_fleet_call_over_a_pipe_is_grouped_and_counts() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = room(&sshd, &user(), &["web-1", "web-2"]);
    let (code, out, err) = pipe(&home, "fleet.select('web*'):run 'echo hi'", &["repl"]);
    assert!(
        out.contains("web-[1-2] (2)\n") && out.ends_with("\nhi\n"),
        "{out}"
    );
    assert!(err.contains("ok 2  changed 0"), "{err}");
    assert_eq!(code, 0);
    let (code, _, err) = pipe(&home, "fleet.select('web*'):run 'exit 9'\n1", &["repl"]);
    assert!(err.contains("failed      web-[1-2]"), "{err}");
    assert_eq!(code, 3, "{err}");
    let (code, _, err) = pipe(
        &home,
        "server('web-1'):run 'echo why >&2; exit 9'",
        &["repl"],
    );
    for part in ["web-1: command exited with 9", "command: echo why", "| why"] {
        assert!(err.contains(part), "{err}");
    }
    assert_eq!(code, 1);
}

#[test]
fn a_person_types() {
    let home = Home::new();
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    assert!(person.say("x = 20 + 1").contains("mroom> "));
    assert!(person.say("x * 2").contains("42\r\n"));
    // A chunk goes on in a further line of its own.
    person.press("for i = 7, 8 do\r");
    assert!(person.say("print('n' .. i) end").contains("n7\r\nn8\r\n"));
    assert!(person.say("error 'no'").contains("error: repl:1: no\r\n"));
    // Ctrl-C drops the line.
    person.press("print('dropped')\x03");
    assert!(!person.ready().contains("dropped\r\n"));
    // What a person would obey is only shown.
    assert!(person.say(r"print '\27[2J'").contains("^[[2J\r\n"));
    assert!(person.say(r"'\27[2J'").contains(r#""\x1b[2J""#));
    assert!(
        person
            .say("mr.secret 'correct-horse'")
            .contains("[redacted]")
    );
    assert!(person.say("'a correct-horse'").contains("\"a [redacted]\""));
    person.say("t = { password = 'battery' }");
    assert_eq!(person.leave(), 0);

    let file = home.data("repl_history");
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let history = history(&home);
    assert!(
        history.contains("x * 2\n") && history.contains("error 'no'"),
        "{history}"
    );
    assert!(history.contains(r"for i = 7, 8 do\nprint"), "{history}");
    for word in ["correct-horse", "battery", "dropped"] {
        assert!(!history.contains(word), "{history}");
    }

    // The next session has it: arrow up, and the search.
    let mut person = Prompt::new(&home).unwrap();
    assert!(person.say("\x1b[A").contains(r#""\x1b[2J""#));
    person.press("\x12error");
    person.terminal.until("error 'no'");
    assert!(person.say("").contains("error: repl:1: no\r\n"));
    person.press("os.exit(5)\r");
    assert_eq!(person.terminal.ended().code, 5);
}

#[test]
fn ctrl_c_ends_the_calls_on_all_servers_and_gives_the_prompt_back() {
    let Some(sshd) = Sshd::start("") else { return };
    // sshd passes signals on to everybody's commands but root's.
    let account = match user().as_str() {
        "root" => match Account::create() {
            Some(account) => Some(account),
            None => return,
        },
        _ => None,
    };
    let name = account.as_ref().map_or_else(user, |a| a.name.clone());
    let home = room(&sshd, &name, &["web-1", "web-2", "web-3", "web-4"]);
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    person.say("all = fleet.select 'all'; all:run 'true'");
    // A length of sleep that nobody else on this machine has.
    let sleep = format!("sleep 600.{}", std::process::id());
    let sleeping = || {
        let list = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        list.lines().filter(|line| line.trim() == sleep).count()
    };
    person.press(&format!("all:run 'exec {sleep}'\r"));
    let begun = Instant::now();
    while sleeping() < 4 {
        assert!(begun.elapsed() < PATIENCE, "the commands do not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    person.terminal.until(TAKEN);
    let pressed = Instant::now();
    person.press("\x03");
    let told = person.ready();
    assert!(pressed.elapsed() < PATIENCE, "{:?}", pressed.elapsed());
    assert!(told.contains("cancelled   web-[1-4]"), "{told}");
    assert!(told.contains("cancelled 4  unknown 0"), "{told}");
    // The commands are gone from the servers as well.
    while sleeping() > 0 {
        assert!(pressed.elapsed() < PATIENCE, "the commands go on");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The sessions are still good, the token is reset, and code that only computes stops too.
    assert!(person.say("all:capture 'echo again'").contains("again\r\n"));
    person.press("while true do pcall(function() while true do end end) end\r");
    person.terminal.until(TAKEN);
    std::thread::sleep(Duration::from_millis(100));
    let pressed = Instant::now();
    person.press("\x03");
    std::thread::sleep(Duration::from_millis(50));
    person.press("\x03");
    assert!(person.ready().contains("interrupted"));
    assert!(pressed.elapsed() < PATIENCE, "{:?}", pressed.elapsed());
    let left = Instant::now();
    assert_eq!(person.leave(), 0);
    assert!(left.elapsed() < PATIENCE, "{:?}", left.elapsed());
}

#[test]
fn a_history_that_cannot_be_used_is_told_and_ends_nothing() {
    for (name, is_bad) in [
        (
            "invalid UTF-8",
            (|file| fs::write(file, b"#V2\n\xff\n")) as fn(PathBuf) -> _,
        ),
        ("a folder", |file| fs::create_dir(file)),
    ] {
        let home = Home::new();
        fs::create_dir_all(home.data("")).unwrap();
        is_bad(home.data("repl_history")).unwrap();
        let Some(mut person) = Prompt::new(&home) else {
            return;
        };
        assert!(person.said.contains("cannot read the history"), "{name}");
        assert!(person.say("1 + 1").contains("\n2\r\n"), "{name}");
        assert_eq!(person.leave(), 0, "{name}");
    }
}
