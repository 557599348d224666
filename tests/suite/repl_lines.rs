//! Lines of the REPL that are no Lua: `:command`, `!command`, `?name`. Over a pipe.

use std::fs;

use super::repl::{pipe, room};
use crate::support::home::Home;
use crate::support::sshd::{Sshd, user};

/// Standard output and standard error; the exit code must be this.
#[track_caller]
fn told(home: &Home, code: i32, input: &str) -> (String, String) {
    let (was, out, err) = pipe(home, input, &["repl"]);
    assert_eq!(was, code, "{out}{err}");
    (out, err)
}

#[test]
fn a_command_runs_on_the_selection() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = room(&sshd, &user(), &["web-1", "web-2", "db-1"]);
    let (out, err) = told(
        &home,
        0,
        ":use web*\n!echo hi\n!!\n_[2].server\n#sel\nsel:ids()",
    );
    let block = "---------------\nweb-[1-2] (2)\n---------------\nhi\n";
    assert_eq!(
        out,
        format!("{block}{block}\"web-2\"\n2\n{{ \"web-1\", \"web-2\" }}\n")
    );
    assert!(err.contains("2 selected: web-[1-2]\n"), "{err}");
    assert!(
        err.contains("\n!echo hi\n"),
        "what is repeated is told: {err}"
    );
    assert_eq!(err.matches("ok 2  changed 0").count(), 2, "{err}");
    // Lua code may select too, and a selection that fails changes nothing.
    let input = "sel = fleet.select 'db*'\n:use nosuch\n!echo there";
    let (out, err) = told(&home, 1, input);
    assert!(
        out.contains("there") && err.contains("nosuch"),
        "{out}{err}"
    );
    // The exit code is that of the worst.
    let (_, err) = told(&home, 3, ":use web*\n!exit 4\n!true");
    assert!(err.contains("failed      web-[1-2]"), "{err}");
    // Nothing is pasted into Lua.
    let (out, _) = told(&home, 0, ":use web-1\n!echo \"'a' ]] \\\\ $((1 + 1))\"");
    assert!(out.ends_with("\n'a' ]] \\ 2\n"), "{out}");
    let (out, _) = told(&home, 0, ":use web-1\n!echo a \\\n  b\n");
    assert!(out.ends_with("\na b\n"), "{out}");
}

#[test]
fn the_commands_of_the_program_are_at_hand() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = room(&sshd, &user(), &["web-1", "web-2"]);
    let ids = |out: &str| -> Vec<String> {
        let words = out.lines().skip(1).filter_map(|l| l.split(' ').next());
        words.map(str::to_owned).collect()
    };
    assert_eq!(ids(&told(&home, 0, ":ls").0), ["web-1", "web-2"]);
    assert_eq!(ids(&told(&home, 0, ":ls web-2").0), ["web-2"]);
    assert_eq!(ids(&told(&home, 0, ":use web-1\n:ls").0), ["web-1"]);
    let (out, _) = told(&home, 0, ":use web-2\n:stage env");
    assert_eq!(out, "web-2  changed      env changed\n");
    let (out, _) = told(&home, 0, ":stage env web-2\n:quit\nprint 'no'");
    assert_eq!(out, "web-2  ok           env ok\n");
    home.write("more.lua", "kept = ...\ngone = 7\nreturn 'x'");
    let (out, err) = told(
        &home,
        0,
        ":load more.lua\ngone\n:time for i = 1, 2 do\nprint(i)\nend",
    );
    assert_eq!(out, "\"x\"\n7\n1\n2\n");
    assert!(err.contains("took 0."), "{err}");
    let (out, _) = told(&home, 0, ":help");
    for word in [":use [PATTERN]", ":stage NAMES", "!COMMAND", "Ctrl-R"] {
        assert!(out.contains(word), "{out}");
    }
}

#[test]
fn what_is_wrong_is_refused_with_a_way_out() {
    let home = Home::new();
    for (line, message, hint) in [
        (
            "!uptime",
            "no servers are selected",
            "`:use PATTERN` selects them",
        ),
        (":use", "no servers are selected", "`:use PATTERN`"),
        (":use nosuch", "nosuch", ""),
        ("!", "`!` needs a command", "`!uptime`"),
        ("!!", "there is no command to repeat", "`!COMMAND`"),
        (":", "no command `:`", "`:help`"),
        (":ues web", "no command `:ues`", "did you mean `:use`?"),
        (":stage", "`:stage` needs the name", "`:stage cert,env`"),
        (":stage env", "no servers are selected", ""),
        (":load", "`:load` needs the name of a file", ""),
        (":load nosuch.lua", "cannot read `nosuch.lua`", ""),
        (":time", "`:time` needs something to run", "`:time !uptime`"),
        (":time x = = 1", "unexpected symbol", ""),
        (":edit", "`:edit` needs a person at a terminal", ""),
        (":quit now", "`:quit` takes nothing", ""),
        ("?nosuch", "nothing is called `nosuch`", ""),
    ] {
        let (_, err) = told(&home, 1, line);
        assert!(err.contains(message) && err.contains(hint), "{line}: {err}");
        assert!(
            err.starts_with("error: ") || line.starts_with(":time x"),
            "{line}: {err}"
        );
    }
}

#[test]
fn a_script_says_what_it_needs_itself() {
    let home = Home::new();
    fs::create_dir_all(home.config("")).unwrap();
    fs::write(home.config("init.lua"), "print 'init'").unwrap();
    assert_eq!(told(&home, 0, "print 'on'").0, "on\n");
}
