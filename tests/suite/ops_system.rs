//! The system operations for real: each playbook of tests/lab/playbooks that needs no whole machine
//! runs in a Debian in namespaces, in check mode and then three times, and its `check.sh` looks
//! each time. A restart is played on a plain sshd.

use serde_json::Value;

use super::files::root;
use crate::support::cell::Cell;
use crate::support::home::{Done, Home};
use crate::support::sshd::Sshd;

/// `op target: status: changes` of each step that a report tells of.
fn steps(done: &Done) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = done.stdout.lines();
    let steps = lines
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|step| step["op"].is_string())
        .map(|step| {
            let name = format!("{} {}", text(&step["op"]), text(&step["target"]));
            (name, text(&step["status"]), step["changes"].clone())
        });
    let steps: Vec<_> = steps.collect();
    assert!(!steps.is_empty(), "{done:?}");
    steps
}

/// Predicted, changed, unchanged, broken by hand, repaired. Gives the machine.
fn three_times(name: &str) -> Option<Cell> {
    let cell = Cell::start()?;
    let folder = root().join("tests/lab/playbooks").join(name);
    let play = folder.join("play.lua").display().to_string();
    let looks = || cell.by_hand(&folder.join("check.sh"));
    let misses = || assert_ne!(looks().code, 0, "{name}: check.sh sees nothing wrong");

    let predicted = cell.mroom(&["--json", "run", "--check", "--diff", &play, "lab"]);
    let predicted = steps(&predicted.ended(0));
    misses();
    let first = cell.mroom(&["--json", "run", "--diff", &play, "lab"]);
    assert_eq!(predicted, steps(&first.ended(0)));
    assert!(predicted.iter().any(|step| step.1 == "changed"));
    looks().ended(0);
    let second = cell.mroom(&["--json", "run", &play, "lab"]).ended(0);
    for (name, status, changes) in steps(&second) {
        assert_eq!(status, "ok", "{name}: {changes}");
    }
    looks().ended(0);
    cell.by_hand(&folder.join("break.sh")).ended(0);
    misses();
    let third = cell.mroom(&["--json", "run", &play, "lab"]).ended(0);
    assert!(steps(&third).iter().any(|step| step.1 == "changed"));
    looks().ended(0);
    Some(cell)
}

#[test]
fn accounts_and_their_keys() {
    let Some(cell) = three_times("accounts") else {
        return;
    };
    // The hash of the password is in no log.
    let log = cell.mroom(&["log", "all", "--json", "-n", "0"]).ended(0);
    assert!(log.stdout.contains("lab-app") && !log.stdout.contains("$6$lab$"));
    for entry in std::fs::read_dir(cell.home.data("")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let is_there = bytes.windows(7).any(|part| part == b"$6$lab$");
        assert!(!is_there, "the hash is in {}", path.display());
    }
}

#[test]
fn name_zone_settings_and_commands() {
    three_times("identity");
}

#[test]
fn mounts_and_fstab() {
    three_times("mounts");
}

/// A restart is played: the command writes another boot id and breaks the session off.
#[test]
fn a_restart_is_waited_for() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    let id = home.write("boot", "one\n");
    let play = |command: &str| {
        let text = format!(
            "fleet.select('web'):map(function(s)\n\
             local on = s:ops()\n\
             local r = on:reboot {{ boot_id = 'cat {id}', command = '{command}kill -9 $PPID',\n\
             timeout = 0.1, test = 'test -s {id}' }}\n\
             local after = on:command('echo after >>{id}', {{ unless = 'grep -q after {id}' }})\n\
             s:log(tostring(r) .. '; ' .. tostring(after))\n\
             end)\n",
            id = id.display(),
        );
        home.write("play.lua", text).display().to_string()
    };
    let two = format!("echo two >{}; ", id.display());
    let boot = || std::fs::read_to_string(&id).unwrap();

    let done = home.run(&["run", "--check", &play(&two)]).ended(0);
    assert!(done.stderr.contains("reboot"), "{done:?}");
    assert_eq!(boot(), "one\n");

    let done = home.run(&["run", &play(&two)]).ended(0);
    assert!(done.stderr.contains("is back after "), "{done:?}");
    assert!(done.stderr.contains("reboot: changed; "), "{done:?}");
    assert_eq!(boot(), "two\nafter\n");

    // It has the same boot id as before: as far as anybody can tell, it never came back.
    let done = home.run(&["run", &play("")]).ended(3);
    let words = "the return from the restart did not come within 0.1 s";
    assert!(done.stderr.contains(words), "{done:?}");
    assert!(done.stderr.contains("`mroom doctor web`"), "{done:?}");
}
