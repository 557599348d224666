//! `mroom test`: a person's own specs, on pretended servers and on real ones.

use crate::support::home::{Done, Home, run};
use crate::support::sshd::{has, skip};

const STAGE: &str = "return {
  name = 'hello',
  check = function(s) return s:test { 'test', '-e', 'hi' } and s:read 'hi' == 'there\\n' end,
  apply = function(s) s:write('hi', 'there\\n', { mode = '0600' }) end,
}";

const SPEC: &str = "describe('hello', function()
  it('writes its greeting', function()
    local web = fake 'web-1'
    if not fake.is_real then web:on('test -e hi', { code = 1 }) end
    expect(fleet.select('all'):stage('hello')[1].status):is 'changed'
    local text, mode = web:file 'hi'
    expect({ text, mode }):is { 'there\\n', '0600' }
  end)
  it('leaves it alone', function()
    local web = fake('web-1', { tags = { 'x' } })
    web:put('hi', 'there\\n')
    if not fake.is_real then web:on 'test -e hi' end
    expect(fleet.select('@x'):stage('hello')[1].status):is 'ok'
  end)
  it('cannot reach', function()
    fake.down 'web-1'
    expect(fleet.select('all'):stage('hello')[1].status):is 'unreachable'
  end)
  it('begins with an empty home', function()
    fake 'web-1'
    expect(fake.is_real and server('web-1'):test 'test -e hi' or false):is(false)
    fake('web-2'):on('x', 'y')
    expect(server('web-2'):capture 'x'):is 'y'
  end)
end)
";

fn project() -> Home {
    let home = Home::new();
    home.write(".machineroom/stages/hello.lua", STAGE);
    home.write(".machineroom/tests/hello_spec.lua", SPEC);
    home
}

fn count(done: &Done) -> &str {
    done.stderr
        .lines()
        .last()
        .unwrap()
        .split("  in ")
        .next()
        .unwrap()
}

#[test]
fn specs_of_a_project_run_when_it_is_trusted_or_they_are_named() {
    let home = project();
    let done = home.run(&["test"]).ended(5);
    assert!(
        done.stderr.contains("hint: `mroom trust`") && done.stdout.is_empty(),
        "{done:?}"
    );
    let named = home.run(&["test", ".machineroom"]).ended(0);
    assert_eq!(count(&named), "passed 4  failed 0  skipped 0", "{named:?}");
    let lines: Vec<&str> = named.stdout.lines().collect();
    assert_eq!(lines[0], ".machineroom/tests/hello_spec.lua", "{named:?}");
    assert!(
        lines[1].starts_with("  passed  hello writes its greeting"),
        "{named:?}"
    );
    home.ok(&["trust"]);
    home.run(&["test"]).ended(0);
    // The inventory of the person is not touched, and has no say.
    assert!(!home.data("cache.db").exists());
    // A spec is no stage.
    home.write(".machineroom/stages/hello_spec.lua", SPEC);
    home.ok(&["trust"]);
    assert!(!home.ok(&["stage", "--list"]).contains("hello_spec"));
    home.write(
        ".machineroom/stages/hello.lua",
        STAGE.replace("there", "elsewhere"),
    );
    let done = home.run(&["test"]).ended(5);
    assert!(
        done.stderr.contains("has changed since it was trusted"),
        "{done:?}"
    );
}

#[test]
fn failures_say_where_and_what() {
    let home = project();
    home.write(
        "x_spec.lua",
        "it('is wrong', function()\n  expect(1):is(2)\nend)\nit('is right', function() end)\nit('is left', function() skip 'no tool' end)\nit('is quite wrong', function() fake 'w' server('w'):run 'gone' end)",
    );
    let done = home.run(&["test", "x_spec.lua"]).ended(1);
    for part in [
        "  failed  is wrong",
        "            x_spec.lua:2: expected 2, got 1\n",
        "  passed  is right",
        "  skipped is left",
        "            no tool\n",
        "            x_spec.lua:6: w: command exited with 127\n            no answer for: gone\n",
    ] {
        assert!(done.stdout.contains(part), "{part}\n{done:?}");
    }
    assert_eq!(count(&done), "passed 1  failed 2  skipped 1");
    let quiet = home.run(&["-q", "test", "x_spec.lua"]).ended(1);
    assert!(
        quiet.stdout.starts_with("  failed  is wrong") && !quiet.stdout.contains("right"),
        "{quiet:?}"
    );
    let json = home
        .run(&["test", "--json", "--filter", "quite", "x_spec.lua"])
        .ended(1);
    let case: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (
            &case["name"],
            &case["place"],
            &case["status"],
            &case["file"]
        ),
        (
            &"is quite wrong".into(),
            &"x_spec.lua:6".into(),
            &"failed".into(),
            &"x_spec.lua".into()
        )
    );
    home.write("raises_spec.lua", "error 'no'");
    home.write("empty_spec.lua", "local x = 1");
    home.write(
        "stuck_spec.lua",
        "it('x', function() fake.module('stages.hello', 'return 1') end)",
    );
    for (words, code, told) in [
        (&["test", "raises_spec.lua"][..], 1, "raises_spec.lua:1: no"),
        (&["test", "empty_spec.lua"], 1, "there is no `it` in it"),
        (
            &["test", "--filter", "zzz", "x_spec.lua"],
            2,
            "no case has `zzz` in its name",
        ),
        (&["test", "gone_spec.lua"], 2, "there is no `gone_spec.lua`"),
        (
            &["test", ".machineroom/stages"],
            2,
            "no spec in `.machineroom/stages`",
        ),
    ] {
        let done = home.run(words).ended(code);
        assert!(done.stderr.contains(told), "{words:?}\n{done:?}");
    }
    let done = home.run(&["test", "stuck_spec.lua"]).ended(1);
    assert!(
        done.stdout
            .contains("the project has `stages.hello` itself"),
        "{done:?}"
    );
}

#[test]
fn specs_of_the_persons_own_stages() {
    let home = Home::new();
    home.write(home.config("stages/hello.lua"), STAGE);
    let spec = home.write(home.config("tests/hello_spec.lua"), SPEC);
    let done = home.run(&["test", spec.to_str().unwrap()]).ended(0);
    assert_eq!(count(&done), "passed 4  failed 0  skipped 0");
}

#[test]
fn on_real_servers() {
    let home = project();
    if !has("/usr/sbin/sshd") {
        return skip("no sshd on this machine");
    }
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        let done = home.run(&["test", "--sandbox", ".machineroom"]).ended(5);
        assert!(
            done.stderr.contains("will run on this machine as root"),
            "{done:?}"
        );
    }
    let done = home
        .run(&["-y", "test", "--sandbox", ".machineroom"])
        .ended(0);
    assert_eq!(count(&done), "passed 3  failed 0  skipped 1", "{done:?}");
    let why = "its answers are scripted, and servers are real";
    assert!(done.stdout.contains(why), "{done:?}");
    // Nothing of it stays: the servers have ended, and their folder is gone.
    let text = "it('x', function() fake 'w' local f = io.open('key', 'w') f:write(server('w').key) f:close() end)";
    home.write("key_spec.lua", text);
    home.run(&["-y", "test", "--sandbox", "key_spec.lua"])
        .ended(0);
    let key = std::fs::read_to_string(home.path("key")).unwrap();
    let folder = std::path::Path::new(&key).parent().unwrap();
    assert!(
        folder.ends_with("data/sandbox") && !folder.exists(),
        "{key}"
    );
    let running = run(home.command("ps").args(["-eo", "args"]), "").stdout;
    assert!(
        !running.contains(&folder.display().to_string()),
        "{running}"
    );
}

#[test]
fn ctrl_c_ends_them() {
    let home = Home::new();
    home.write(
        "x_spec.lua",
        "it('x', function() io.stderr:write('begun\\n') while true do end end)",
    );
    let mut child = home
        .mroom(&["test", "x_spec.lua"])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut begun = [0; 6];
    std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut begun).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
