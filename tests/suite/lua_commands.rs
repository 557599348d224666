//! Lua as commands: eval, run, which, eject, trust, and what Ctrl-C does to them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::home::{Done, Home};

/// Every line: arguments, exit code, standard output, a part of standard error.
fn table(person: &Home, cases: &[(&[&str], i32, &str, &str)]) {
    for (args, code, stdout, stderr) in cases {
        let done = person.run(args);
        assert_eq!(done.code, *code, "{args:?}\n{done:#?}");
        assert_eq!(done.stdout, *stdout, "{args:?}");
        assert!(done.stderr.contains(stderr), "{args:?}\n{done:#?}");
    }
}

#[test]
fn what_a_playbook_keeps_to_itself_is_told_and_counts() {
    let home = Home::new();
    home.ok(&["-q", "add", "gone", "root@127.0.0.1:1"]);
    let map = |opts: &str| {
        let text = format!("fleet.select('all'):map(function(s) s:run 'true' end{opts})");
        home.write("play.lua", text);
        home.run(&["run", "play.lua"])
    };
    let done = map("").ended(4);
    assert!(done.stderr.contains("connection refused"), "{done:?}");
    assert!(done.stderr.contains("unreachable 1"), "{done:?}");
    let done = map(", { tolerate = true }").ended(0);
    assert!(done.stderr.is_empty(), "{done:?}");
    // Twice the same server is one server.
    home.write(
        "play.lua",
        "for _ = 1, 2 do fleet.select('all'):map(function() end) end\nreturn nil",
    );
    let done = home.run(&["run", "play.lua"]).ended(0);
    assert!(done.stderr.is_empty(), "{done:?}");
    home.run(&["exec", "all", "--diff", "--", "true"]).ended(2);
}

#[test]
fn eval_prints_what_it_gives_and_ends_with_its_code() {
    let person = Home::new();
    table(
        &person,
        &[
            (&["eval", "1 + 1"], 0, "2\n", ""),
            (&["eval", "'a b', nil, { 1 }"], 0, "a b\nnil\n{ 1 }\n", ""),
            (
                &["eval", "print(...) return arg[1]", "x", "--", "--y"],
                0,
                "x\t--y\nx\n",
                "",
            ),
            (&["eval", "vars.a", "-e", "a=b"], 0, "b\n", ""),
            (
                &["eval", "--json", "{ a = 1 }, mr.json.null"],
                0,
                "{\"a\":1}\nnull\n",
                "",
            ),
            (
                &["eval", "mr.secret 'hunter2', 'hunter2'"],
                0,
                "[redacted]\n[redacted]\n",
                "",
            ),
            (&["eval", "mr.log 'hi'"], 0, "", "hi\n"),
            (&["-q", "eval", "mr.log 'hi'"], 0, "", ""),
            (&["eval", "os.exit(7)"], 7, "", ""),
            (&["eval", "x ="], 1, "", "error: eval:1: "),
            (&["eval", "error 'no'"], 1, "", "error: eval:1: no\n"),
            (
                &["eval", "mr.fail('no', { hint = 'do this' })"],
                1,
                "",
                "hint: do this",
            ),
            (
                &["eval", "server 'a'"],
                2,
                "",
                "error: eval:1: no server `a`",
            ),
            (&["eval", "fleet.select 'all'"], 2, "", "error: "),
            (
                &["eval", "mr.sleep('x')"],
                2,
                "",
                "argument 1 must be a number",
            ),
        ],
    );
    let quiet = person.run(&["eval", "local function f() error 'no' end f()"]);
    assert!(!quiet.stderr.contains("in function"), "{quiet:#?}");
    let verbose = person.run(&["-v", "eval", "local function f() error 'no' end f()"]);
    assert!(
        verbose.stderr.contains("in local 'f'") || verbose.stderr.contains("'f'"),
        "{verbose:#?}"
    );
}

#[test]
fn run_takes_files_by_path_and_workflows_by_name() {
    let person = Home::new();
    person.write(
        "play/site.lua",
        "#!/usr/bin/env mroom\nlocal m = require 'lib.part'\nprint(arg[0], ..., m.n)\n",
    );
    person.write("play/lib/part.lua", "return { n = 3 }");
    person.write("broken.lua", "\nif x then\n");
    person.write("bare", "print 'never'");
    person.write(
        ".config/machineroom/workflows/mine.lua",
        "return { summary = 'My own.', run = function(a) print('mine', a) end }",
    );
    person.write(".config/machineroom/workflows/odd.lua", "return 1");
    table(
        &person,
        &[
            (
                &["run", "play/site.lua", "a"],
                0,
                "play/site.lua\ta\t3\n",
                "",
            ),
            (&["run", "mine", "--", "--b"], 0, "mine\t--b\n", ""),
            // A flag behind the words of the script is ours, or nobody's.
            (&["run", "mine", "--b"], 2, "", "has no flag `--b`"),
            (&["run", "mine", "b", "--check"], 0, "mine\tb\n", ""),
            (&["run", "broken.lua"], 1, "", "error: broken.lua:3: "),
            (&["run", "./gone.lua"], 2, "", "cannot read `./gone.lua`"),
            (
                &["run", "bare"],
                2,
                "",
                "hint: to run the file here: `mroom run ./bare`",
            ),
            (
                &["run", "odd"],
                2,
                "",
                "workflow `odd`: the file must return a table",
            ),
            (&["run", "../x"], 2, "", "cannot read"),
        ],
    );
    std::fs::remove_file(person.path(".config/machineroom/workflows/odd.lua")).unwrap();
    let list = person.ok(&["run", "--list"]);
    assert!(
        list.contains("bringup") && list.contains("My own."),
        "{list}"
    );
}

#[test]
fn which_and_eject_show_and_make_an_override() {
    let person = Home::new();
    let before = person.ok(&["which", "stages.env"]);
    assert!(before.contains("-> bundled"), "{before}");
    let path = person.ok(&["eject", "stages.env"]);
    assert_eq!(
        path.trim_end(),
        person
            .path(".config/machineroom/stages/env.lua")
            .to_str()
            .unwrap()
    );
    let after = person.ok(&["which", "stages.env"]);
    assert!(
        after.contains("-> user") && after.contains("   bundled"),
        "{after}"
    );
    table(
        &person,
        &[
            (&["eject", "stages.env"], 2, "", "hint: `-y` replaces it"),
            (
                &["eject", "stages.gone"],
                2,
                "",
                "no `stages.gone` is shipped",
            ),
            (
                &["eject", "--here", "stages.env"],
                2,
                "",
                "hint: `mroom init` makes one",
            ),
            (
                &["eject", "../../etc/passwd"],
                2,
                "",
                "is not the name of a Lua module",
            ),
            (
                &["which", "stages.gone"],
                2,
                &format!(
                    "   user     {}  (not there)\n   bundled  bundled/stages/gone.lua  (not there)\n",
                    person.path(".config/machineroom/stages/gone.lua").display()
                ),
                "there is no `stages.gone`",
            ),
        ],
    );
    // Extending the shipped stage needs no rebuilding.
    let text = "local env = require 'bundled.stages.env'\nenv.summary = 'Ours.'\nreturn env\n";
    person.write(".config/machineroom/stages/env.lua", text);
    assert!(person.ok(&["stage", "--list"]).contains("env        Ours."));
}

#[test]
fn a_projects_lua_runs_only_when_it_is_trusted_as_it_is() {
    let person = Home::new();
    let file = ".machineroom/workflows/deploy.lua";
    person.write(file, "return { run = function() print 'deployed' end }");
    let done = person.run(&["run", "deploy"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{done:#?}");
    assert!(
        done.stderr.contains("is not trusted: its Lua is left out"),
        "{done:#?}"
    );
    let listed = person.ok(&["trust"]);
    assert!(listed.trim_end().ends_with(file), "{listed}");
    assert_eq!(person.ok(&["run", "deploy"]), "deployed\n");
    assert!(
        person
            .ok(&["which", "workflows.deploy"])
            .contains("-> project")
    );
    person.write(file, "return { run = function() print 'other' end }");
    let done = person.run(&["run", "deploy"]);
    assert_eq!((done.code, done.stdout.as_str()), (5, ""), "{done:#?}");
    assert!(
        done.stderr.contains("has changed since it was trusted"),
        "{done:#?}"
    );
    person.ok(&["trust"]);
    assert_eq!(person.ok(&["run", "deploy"]), "other\n");
    // What comes along is copied into it, and changes nothing about the trust.
    let copied = person.ok(&["eject", "--here", "workflows.disk"]);
    assert!(
        copied
            .trim_end()
            .ends_with(".machineroom/workflows/disk.lua"),
        "{copied}"
    );
    assert_eq!(person.ok(&["run", "deploy"]), "other\n");
    person.ok(&["trust", "--forget"]);
    assert_eq!(person.run(&["run", "deploy"]).code, 2);
}

/// Starts a command, presses Ctrl-C after its first line, and gives how it ended and when.
fn interrupted(person: &Home, args: &[&str]) -> (Done, Duration) {
    use std::io::{BufRead as _, Read as _};
    let mut child = person
        .mroom(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut stdout = String::new();
    reader.read_line(&mut stdout).unwrap();
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let pressed = Instant::now();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let mut done = Done::from(child.wait_with_output().unwrap());
    done.stdout = stdout + &rest;
    (done, pressed.elapsed())
}

#[test]
fn ctrl_c_ends_a_loop_that_never_waits() {
    let person = Home::new();
    for text in [
        "while true do end",
        "while true do pcall(mr.sleep, 1) end",
        "mr.sleep(1000)",
    ] {
        let (done, took) = interrupted(&person, &["eval", &format!("print 'begun' {text}")]);
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (130, "begun\n"),
            "{text}: {done:#?}"
        );
        assert!(took < Duration::from_secs(2), "{text}: {took:?}");
    }
}

#[test]
fn a_playbook_on_real_servers() {
    let Some(person) = Home::with_key().filter(|_| crate::support::sshd::has("sshd")) else {
        return crate::support::sshd::skip("no sshd on this machine");
    };
    person.ok(&["sandbox", "up", "3"]);
    person.write(
        "site.lua",
        r#"
        local seen, word = {}, ...
        local out = fleet.select("@sandbox"):map(function(s)
          local _, err = mr.try(s.run, s, "exit 3")
          seen[#seen + 1] = s.id
          s:write("note", mr.template("{{ word }} {{ id }}\n", { word = word, id = s.id }), { mode = "0600" })
          return { id = s.id, code = err.code, note = s:read "note" }
        end)
        local rows = {}
        for i, o in ipairs(out) do rows[i] = o.value end
        print(mr.table(rows, { columns = { "id", "code", "note" } }))
        assert(#seen == 3)
        return fleet.select("@sandbox"):run { "test", "-s", "note" }
        "#,
    );
    let done = person.run(&["run", "site.lua", "hello"]);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!(
        done.stdout,
        "ID          CODE  NOTE\nsandbox-01  3     hello sandbox-01\nsandbox-02  3     hello sandbox-02\nsandbox-03  3     hello sandbox-03\n"
    );
    assert!(done.stderr.ends_with(
        "ok 3  changed 0  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0\n"
    ));
    let failed = person.run(&[
        "eval",
        "--json",
        "fleet.select('sandbox-02'):run 'echo oh >&2; exit 4'",
    ]);
    assert_eq!(failed.code, 3, "{failed:#?}");
    let object: serde_json::Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(
        (
            &object["status"],
            &object["error"]["code"],
            &object["error"]["stderr"]
        ),
        (&"failed".into(), &4.into(), &"oh\n".into())
    );
    let text = "print 'begun' fleet.select('@sandbox'):run 'sleep 1234'";
    let (done, took) = interrupted(&person, &["eval", text]);
    assert_eq!(done.code, 130, "{done:#?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let check = person.run(&[
        "eval",
        "--check",
        "fleet.select('@sandbox'):run 'touch made'",
    ]);
    assert!(
        check.stderr.contains("would run `touch made`") && check.stderr.contains("changed 3"),
        "{check:#?}"
    );
    assert_eq!(
        person.run(&["exec", "@sandbox", "--", "test -e made"]).code,
        3
    );
}
