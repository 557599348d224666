//! Bad Lua: the message with its place, the exit code, and no server touched.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::home::{Done, Home};

fn ends(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, code, "{done:#?}");
    for word in words {
        assert!(done.stderr.contains(word), "`{word}`: {}", done.stderr);
    }
    assert!(
        !done.stderr.contains("stack traceback"),
        "only with -v: {}",
        done.stderr
    );
}

/// A person with a server that nobody must connect to: it would be counted.
fn room() -> Home {
    let me = Home::new();
    me.ok(&["add", "web", "root@127.0.0.1:1"]);
    me
}

#[test]
fn a_syntax_error_has_its_file_and_line() {
    let me = room();
    me.write("play.lua", "print 'never'\nlocal x = = 1\n");
    let done = me.run(&["run", "play.lua"]);
    ends(&done, 1, &["play.lua:2:", "unexpected symbol near '='"]);
    assert_eq!(done.stdout, "", "nothing of it has run");
    ends(&me.run(&["eval", "return ("]), 1, &["error: "]);
    // Compiled code is never loaded: nothing checks it.
    me.write("binary.lua", b"\x1bLuaT\0\x19\x93");
    ends(
        &me.run(&["run", "binary.lua"]),
        1,
        &["binary.lua: this is compiled Lua", "hint: "],
    );
}

#[test]
fn stages_are_refused_before_any_server_is_touched() {
    let me = room();
    let stage = |name: &str, text: &str| {
        let file = format!(".config/machineroom/stages/{name}.lua");
        me.write(&file, text.replace('@', name));
    };
    let body = "apply = function(s) s:run 'true' end";
    stage(
        "typo",
        &format!("return {{ name = '@', summary = 'x', aply = 1, {body} }}"),
    );
    stage(
        "one",
        &format!("return {{ name = '@', summary = 'x', needs = {{ 'two' }}, {body} }}"),
    );
    stage(
        "two",
        &format!("return {{ name = '@', summary = 'x', needs = {{ 'one' }}, {body} }}"),
    );
    stage(
        "self",
        &format!("return {{ name = '@', summary = 'x', needs = {{ 'self' }}, {body} }}"),
    );
    stage(
        "lost",
        &format!("return {{ name = '@', summary = 'x', needs = {{ 'nowhere' }}, {body} }}"),
    );
    stage("broken", "return {");
    stage("nothing", "");
    stage("raises", "error 'at load time'");
    for (name, words) in [
        ("typo", &["stages/typo.lua", "`aply`", "apply"][..]),
        ("one", &["circle", "one", "two", "stages/"]),
        ("self", &["circle", "self"]),
        ("lost", &["`nowhere`", "stages/lost.lua"]),
        ("broken", &["stages/broken.lua:1:"]),
        ("nothing", &["stages/nothing.lua"]),
        ("raises", &["stages/raises.lua:1:", "at load time"]),
        ("unheard-of", &["`unheard-of`"]),
    ] {
        let done = me.run(&["stage", name, "all"]);
        assert!(matches!(done.code, 1 | 2), "{name}: {done:#?}");
        ends(&done, done.code, words);
        assert!(
            !done.stderr.contains("unreachable"),
            "{name}: {}",
            done.stderr
        );
    }
}

/// Runs Lua, sends a signal after a moment, and gives the code and how long the end took.
fn interrupted(me: &Home, code: &str, signal: Signal) -> (Option<i32>, Duration) {
    let mut command = me.mroom(&["eval", code]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut begun = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut begun).unwrap();
    let pid = Pid::from_child(&child);
    let sent = Instant::now();
    kill_process(pid, signal).unwrap();
    let status = child.wait().unwrap();
    (status.code(), sent.elapsed())
}

#[test]
fn an_endless_loop_ends_with_the_first_signal() {
    let me = room();
    let loops = [
        "print 'begun' while true do end",
        "print 'begun' while true do pcall(function() while true do end end) end",
        "print 'begun' fleet.select('all'):map(function() while true do end end)",
        "print 'begun' coroutine.wrap(function() while true do end end)()",
    ];
    for (i, code) in loops.into_iter().enumerate() {
        let signal = if i % 2 == 0 {
            Signal::INT
        } else {
            Signal::TERM
        };
        let (end, took) = interrupted(&me, code, signal);
        assert_eq!(end, Some(130), "{code}");
        assert!(took < Duration::from_secs(30), "{code}: {took:?}");
    }
}

#[test]
fn a_workflow_whose_show_raises_is_told_after_its_work() {
    let me = Home::new();
    me.ok(&["add", "web", "root@127.0.0.1:1"]);
    for (show, told) in [
        ("error 'in show'", "bad.lua:3: in show"),
        ("return 1", "workflow `bad`: `show` must give a text"),
        ("return nil", "workflow `bad`: `show` must give a text"),
        (
            "return outcomes.x.y",
            "bad.lua:3: attempt to index a nil value",
        ),
    ] {
        let text = format!(
            "return {{ run = function() return fleet.select('all'):map(function() end) end,\nshow = function(outcomes)\n{show} end }}"
        );
        me.write(me.config("workflows/bad.lua"), text);
        let done = me.run(&["run", "bad"]);
        assert!(matches!(done.code, 1 | 2), "{show}: {done:#?}");
        ends(&done, done.code, &[told]);
    }
}
