//! The looks of the system operations say the same, and the steps of plans do the same, in every
//! shell that a server may have as its `sh`. Looks only read, so this machine is as good as any.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::home::{Home, run};
use crate::support::sshd::has;

/// Prints each look as one line of JSON: the operation and its script.
const LOOKS: &str = r#"
local ops, perform, steps = require "mr.ops", require "mr.op.perform", require "mr.op.steps"
local calls = {
  { "user", "daemon", { groups = { "root" }, uid = 1 } },
  { "user", "nobody-of-that-name" },
  { "group", "root", { members = { "root" }, gid = 0 } },
  { "sysctl", "net.ipv4.ip_forward", { value = 1 } },
  { "sysctl", "no.such.name", { value = 1 } },
  { "hostname", "web" },
  { "timezone", "UTC" },
  { "swap", "/swap", { state = "absent" } },
  { "mount", "/proc", { src = "proc", fstype = "proc" } },
  { "mount", "/no such 'folder'", { src = "UUID=none", fstype = "ext4" } },
  { "command", "true", { creates = "/etc/passwd", removes = "/a b", unless = "exit 3", only_if = "test 1" } },
}
for _, call in ipairs(calls) do
  local op = ops.load(call[1])
  local o = perform.decode(op, table.pack(call[2], call[3]))
  local asked = op.look(o, {})
  print(mr.json.encode { op = op.name, script = steps.script(asked.script, asked.args) })
end
"#;

const SHELLS: [&[&str]; 4] = [
    &["dash"],
    &["bash", "--posix"],
    &["busybox", "sh"],
    &["zsh", "--emulate", "sh"],
];

fn has_shells() -> bool {
    SHELLS.iter().all(|shell| has(shell[0]))
}

#[test]
fn looks_say_the_same_in_every_shell() {
    if !has_shells() {
        return;
    }
    let home = Home::new();
    let printed = home.ok(&["eval", LOOKS]);
    assert_eq!(printed.lines().count(), 11);
    for line in printed.lines() {
        let look: serde_json::Value = serde_json::from_str(line).unwrap();
        let script = look["script"].as_str().unwrap();
        let said: Vec<String> = SHELLS
            .iter()
            .map(|shell| {
                let mut command = Command::new(shell[0]);
                command.args(&shell[1..]).args(["-c", script]);
                command.env("LC_ALL", "C");
                let done = run(&mut command, "not for the look").ended(0);
                assert!(done.stdout.ends_with("end =\n"), "{shell:?}: {done:?}");
                done.stdout
            })
            .collect();
        for (shell, other) in SHELLS.iter().zip(&said) {
            // How much is free may change in between.
            let lines = |text: &str| -> Vec<String> {
                let lines = text.lines().filter(|line| !line.starts_with("free ="));
                lines.map(str::to_owned).collect()
            };
            assert_eq!(lines(other), lines(&said[0]), "{} in {shell:?}", look["op"]);
        }
    }
}

/// Prints the script of each list of steps, as it would go to a server, and its standard input. `DIR`
/// is where they work, `FROM` a folder of this machine.
const STEPS: &str = r#"
local native, steps = require "mr.native", require "mr.op.steps"
native.op_exec = function(_, call)
  local stdin = call.stdin or ""
  print(mr.json.encode { call.command, type(stdin) == "string" and stdin or "from stdin\n" })
end
local on, text = { server = {} }, "it's \\n %s `x` $x\n\n tail"
for _, list in ipairs {
  {
    { run = { "mkdir", "-p", "-m", "0750", "--", "DIR/a b" } },
    { write = "DIR/a b/c", content = text, mode = "0640" },
    { write = "DIR/run", content = text, mode = "0755" },
    { write = "DIR/empty", content = "" },
    { write = "DIR/secret", content = mr.secret "x", mode = "0400" },
    { write = "DIR/old", content = "new", keeps = { mode = "0664", uid = 0, gid = 0 } },
    { write = "DIR/link", content = "no link" },
    { remove = "DIR/gone" },
  },
  { { write = "DIR/a b/c", content = "", validate = "grep x %s" }, { remove = "DIR/run" } },
  { { remove = "DIR/empty" }, { write = "DIR/a b", content = "" }, { remove = "DIR/run" } },
  { { write = "DIR/none/x", content = "" }, { remove = "DIR/run" } },
  {
    { run = { "mkdir", "-p", "--", "DIR/many", "DIR/many/sub" } },
    { upload = "FROM/a b", to = "DIR/many/a b", mode = "0640", size = 9 },
    { upload = "FROM/-n", to = "DIR/many/-n", mode = "0755", size = 9 },
    { upload = "FROM/a b", to = "DIR/many/sub/.x", mode = "0600", size = 9 },
    { upload = "FROM/-n", to = "DIR/old", mode = "0644", size = 9, keeps = { uid = 0, gid = 0 } },
    { run = { "chmod", "0444", "DIR/old" } },
  },
  {
    { upload = "FROM/a b", to = "DIR/old", mode = "0644", size = 9 },
    { upload = "FROM/-n", to = "DIR/many/sub", mode = "0644", size = 9 },
    { upload = "FROM/-n", to = "DIR/many/c", mode = "0644", size = 9 },
  },
} do
  steps.take(on, list)
end
"#;

/// What is below a folder: path, mode, content.
fn tree(dir: &Path) -> Vec<(String, u32, Option<String>)> {
    let entries = machineroom::ssh::walk(dir).unwrap().into_iter().skip(1);
    let mut found: Vec<_> = entries
        .map(|entry| {
            let at = dir.join(&entry.path);
            let content = at.is_file().then(|| fs::read_to_string(&at).unwrap());
            (entry.path.display().to_string(), entry.mode, content)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn steps_do_the_same_in_every_shell() {
    if !has_shells() {
        return;
    }
    let home = Home::new();
    home.write("a b", "alpha\0\n");
    home.write("-n", "");
    let from = home.path("").display().to_string();
    let dir = home.path("work");
    let steps = STEPS.replace("FROM/", &from);
    let steps = steps.replace("DIR", dir.to_str().unwrap());
    let printed = home.ok(&["eval", &steps]);
    let scripts: Vec<(String, String)> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(scripts.len(), 6);
    let text = "it's \\n %s `x` $x\n\n tail";
    for shell in SHELLS {
        fs::create_dir(&dir).unwrap();
        let at = |name: &str| dir.join(name);
        fs::write(at("old"), "old").unwrap();
        fs::write(at("gone"), "").unwrap();
        symlink("old", at("link")).unwrap();
        let go = |number: usize| {
            let (script, stdin) = &scripts[number];
            let mut command = Command::new(shell[0]);
            // As the kept shell has it.
            command
                .args(&shell[1..])
                .args(["-c", r#"( eval "$1" )"#, "sh", script]);
            command.env("LC_ALL", "C");
            run(&mut command, stdin)
        };
        let done = go(0).ended(0);
        assert_eq!((&*done.stdout, &*done.stderr), ("", ""), "{shell:?}");
        let made = tree(&dir);
        let file =
            |name: &str, mode, content: &str| (name.to_owned(), mode, Some(content.to_owned()));
        assert_eq!(
            made,
            [
                ("a b".to_owned(), 0o750, None),
                file("a b/c", 0o640, text),
                file("empty", 0o644, ""),
                file("link", 0o644, "no link"),
                file("old", 0o664, "new"),
                file("run", 0o755, text),
                file("secret", 0o400, "from stdin\n"),
            ],
            "{shell:?}"
        );
        // What fails is named, nothing of it stays, and nothing comes after it.
        for (number, step, said) in [
            (1, 1, "refused the new content"),
            (2, 2, "it is a folder"),
            (3, 1, "none"),
        ] {
            let done = go(number).ended(1);
            assert_eq!(done.stdout, format!("mroom-step {step}\n"), "{shell:?}");
            assert!(done.stderr.contains(said), "{shell:?} {done:?}");
        }
        let mut left = made;
        left.retain(|(name, ..)| name != "empty");
        assert_eq!(tree(&dir), left, "{shell:?}");
        let done = go(4).ended(0);
        assert_eq!((&*done.stdout, &*done.stderr), ("", ""), "{shell:?}");
        left.retain(|(name, ..)| name != "old");
        left.extend([
            ("many".to_owned(), 0o755, None),
            file("many/-n", 0o755, ""),
            file("many/a b", 0o640, "alpha\0\n"),
            ("many/sub".to_owned(), 0o755, None),
            file("many/sub/.x", 0o600, "alpha\0\n"),
            file("old", 0o444, ""),
        ]);
        left.sort();
        assert_eq!(tree(&dir), left, "{shell:?}");
        // Unpacked, and the first moved: the second is what failed.
        let done = go(5).ended(1);
        assert_eq!(done.stdout, "mroom-step 3\n", "{shell:?}");
        assert!(done.stderr.contains("it is a folder"), "{shell:?} {done:?}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
