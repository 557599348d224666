//! The REPL under a person's keys: what the editor does with them.

use std::fs;

use super::repl::{history, room};
use crate::support::home::{Home, MROOM};
use crate::support::prompt::Prompt;
use crate::support::sshd::{Sshd, has, user};
use crate::support::terminal::Terminal;

/// Presses of the arrows.
const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";
const RIGHT: &str = "\x1b[C";

#[test]
fn the_selection_stands_in_the_prompt() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = room(&sshd, &user(), &["web-1", "web-2"]);
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    assert!(person.said.contains("`:help` helps") && person.said.contains("mroom> "));
    assert!(person.say(":use web*").contains("mroom web* (2)> "));
    let said = person.say("!echo hi");
    assert!(
        said.contains("web-[1-2] (2)\r\n") && said.contains("\nhi\r\n"),
        "{said}"
    );
    assert!(
        person
            .say("sel = fleet.select 'web-1'")
            .contains("mroom sel (1)> ")
    );
    assert!(person.say("sel = nil").contains("mroom> "));
    assert!(person.say("help").contains(":use [PATTERN]"));
    assert!(person.say("help = 1").contains("mroom> "));
    assert!(person.say("help").contains("1\r\n"));
    person.press("exit\r");
    assert_eq!(person.terminal.ended().code, 0);
    assert!(history(&home).contains("!echo hi\n"));
    let Some(person) = Prompt::with(&home, (100, 30), &["--color", "never", "--check"]) else {
        return;
    };
    assert!(person.said.contains("mroom check> "), "{}", person.said);
}

#[test]
fn the_arrows_search_for_the_same_beginning() {
    let home = Home::new();
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    for line in ["one = 1", "two = 2", "one = 11"] {
        person.say(line);
    }
    person.press(&format!("one{UP}{UP}"));
    person.say("");
    assert!(person.say("one").contains("1\r\n"));
    // An empty line goes through all of it, whatever that begins with.
    person.press(&format!("{UP}{UP}{UP}{UP}{DOWN}"));
    person.say("");
    assert!(person.say("two").contains("2\r\n"));
    assert_eq!(person.leave(), 0);
}

#[test]
fn a_hint_is_taken_with_the_arrow() {
    let home = Home::new();
    let Some(mut person) = Prompt::with(&home, (100, 30), &["--color", "always"]) else {
        return;
    };
    person.say("total = 40 + 2");
    person.shows("tot", "\x1b[2mal = 40 + 2\x1b[0m");
    person.press(RIGHT);
    person.say("");
    // A word of the language in its colour.
    person.shows("return 'a'", "\x1b[35mreturn\x1b[0m \x1b[32m'a'\x1b[0m");
    assert!(person.say("").contains("\"a\""));
    person.shows(":u", "\x1b[35m:u\x1b[0m");
    person.shows("\t", "\x1b[35m:use\x1b[0m");
    person.press("\x03");
    person.ready();
    assert_eq!(person.leave(), 0);
}

#[test]
fn lines_that_are_pasted_long_or_wide_arrive_whole() {
    let home = Home::new();
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    // Bracketed paste: nothing runs before Enter, and a tab is a tab.
    person.press("\x1b[200~function f(a)\n\tlocal b = a + 1\n\treturn b\nend\x1b[201~");
    person.say("");
    assert!(person.say("f(41)").contains("42\r\n"));
    // What is typed ahead while something runs is not lost, however many lines.
    person.press("a = 1\rb = 2\rfor i = 1, 2 do\rb = b + i\rend\ra + b\r");
    person.terminal.until("\n6\r\n");
    person.ready();
    let long = "x".repeat(400);
    assert!(person.say(&format!("#'{long}'")).contains("400\r\n"));
    assert!(person.say("#'東京👨‍👩‍👧é'").contains("26\r\n"));
    // In the middle of such a line the window gets narrow, and wide again.
    person.press(&format!("#'東京{long}'"));
    person.terminal.resize(40, 10);
    person.press(&format!("{}\x1b[3~", "\x1b[D".repeat(2)));
    person.terminal.resize(120, 30);
    let said = person.say("");
    assert!(
        said.contains("405\r\n") || said.contains("406\r\n"),
        "{said}"
    );
    // Bytes that are no text drop the line and end nothing.
    person.terminal.press_bytes(b"x = '\xff");
    assert!(person.ready().contains("not UTF-8"));
    assert!(person.say("6 * 7").contains("42\r\n"));
    assert_eq!(person.leave(), 0);
}

#[test]
fn a_dumb_terminal_will_do() {
    if !has("script") {
        return;
    }
    let home = Home::new();
    let line = format!("env TERM=dumb '{}' repl", MROOM);
    let mut terminal = Terminal::running(&home, (80, 24), &line);
    terminal.until("mroom> ");
    terminal.press("for i = 1, 2 do\n");
    terminal.press("print('n' .. i) end\n");
    let said = terminal.until("mroom> ");
    assert!(
        said.contains("n1\r\nn2\r\n") && !said.contains('\x1b'),
        "{said:?}"
    );
    terminal.press("\x04");
    assert_eq!(terminal.ended().code, 0);
}

#[test]
fn the_terminal_is_given_back_as_it_was() {
    let home = Home::new();
    let stty = "stty -a | tr ';' '\\n'";
    let line = format!("sh -c \"{stty}; '{MROOM}' repl --color never; {stty}; echo end\"");
    let Some(mut person) = Prompt::running(&home, (100, 30), &line) else {
        return;
    };
    let begin = |text: &str| text.find("speed").unwrap();
    let before = person.said[begin(&person.said)..].to_owned();
    person.say("1");
    person.press("\x04");
    let after = person.terminal.until("end\r\n");
    let after = after[begin(&after)..].strip_suffix("end\r\n").unwrap();
    assert!(
        after.contains("echoctl") && before.starts_with(after),
        "{before}{after}"
    );
}

#[test]
fn ctrl_c_on_an_empty_line_ends_when_it_comes_twice() {
    let home = Home::new();
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    person.press("\x03");
    assert!(person.ready().contains("Ctrl-C once more ends"));
    assert!(person.say("1 + 1").contains("2\r\n"));
    person.press("abc\x03");
    assert!(!person.ready().contains("once more"));
    person.press("\x03");
    person.ready();
    person.press("\x03");
    assert_eq!(person.terminal.ended().code, 0);
}

#[test]
fn init_lua_runs_first_and_may_fail() {
    let home = Home::new();
    fs::create_dir_all(home.config("")).unwrap();
    fs::write(home.config("init.lua"), "answer = 42\nprint 'init'").unwrap();
    let Some(mut person) = Prompt::new(&home) else {
        return;
    };
    assert!(person.said.contains("init\r\n"), "{}", person.said);
    assert!(person.say("answer").contains("42\r\n"));
    assert_eq!(person.leave(), 0);
    fs::write(home.config("init.lua"), "answer = 42\nerror 'broken'").unwrap();
    let mut person = Prompt::new(&home).unwrap();
    let told = &person.said;
    assert!(
        told.contains("init.lua:2: broken") && told.contains("--no-init"),
        "{told}"
    );
    assert!(person.say("answer").contains("42\r\n"));
    assert_eq!(person.leave(), 0);
    let words = ["--color", "never", "--no-init"];
    let mut person = Prompt::with(&home, (100, 30), &words).unwrap();
    assert!(!person.said.contains("broken"));
    assert!(person.say("answer").contains("nil\r\n"));
    assert_eq!(person.leave(), 0);
}

#[test]
fn the_last_chunk_in_the_editor() {
    let home = Home::new();
    let editor = home.write("editor", "#!/bin/sh\nsed -i s/20/40/ \"$1\"\n");
    let Some(mut person) = edited_by(&home, &format!("sh {}", editor.display())) else {
        return;
    };
    assert!(person.say("20 + 2").contains("22\r\n"));
    let said = person.say(":edit");
    assert!(said.contains("40 + 2\r\n42\r\n"), "{said}");
    assert!(person.say(":edit").contains("nothing changed"));
    assert_eq!(person.leave(), 0);
    let history = history(&home);
    assert!(history.contains("40 + 2\n"), "what ran: {history}");
    let drafts = fs::read_dir(home.data("")).unwrap();
    let names = drafts.map(|d| d.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|n| n.starts_with("edit-")).count(), 0);
    let mut person = edited_by(&home, "false").unwrap();
    assert!(
        person
            .say(":edit")
            .contains("the editor `false` ended with 1")
    );
    assert_eq!(person.leave(), 0);
}

/// A person whose editor that is.
fn edited_by(home: &Home, editor: &str) -> Option<Prompt> {
    let line = format!("env EDITOR='{editor}' '{MROOM}' repl --color never");
    Prompt::running(home, (100, 30), &line)
}
