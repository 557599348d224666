//! The looks of the system operations say the same in every shell that a server may have as its
//! `sh`. They only read, so this machine is as good as any.

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

#[test]
fn looks_say_the_same_in_every_shell() {
    let shells: [&[&str]; 4] = [
        &["dash"],
        &["bash", "--posix"],
        &["busybox", "sh"],
        &["zsh", "--emulate", "sh"],
    ];
    if !shells.iter().all(|shell| has(shell[0])) {
        return;
    }
    let home = Home::new();
    let printed = home.ok(&["eval", LOOKS]);
    assert_eq!(printed.lines().count(), 11);
    for line in printed.lines() {
        let look: serde_json::Value = serde_json::from_str(line).unwrap();
        let script = look["script"].as_str().unwrap();
        let said: Vec<String> = shells
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
        for (shell, other) in shells.iter().zip(&said) {
            // How much is free may change in between.
            let lines = |text: &str| -> Vec<String> {
                let lines = text.lines().filter(|line| !line.starts_with("free ="));
                lines.map(str::to_owned).collect()
            };
            assert_eq!(lines(other), lines(&said[0]), "{} in {shell:?}", look["op"]);
        }
    }
}
