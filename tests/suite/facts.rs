//! `mroom facts`, what is kept of it, and patterns and columns that use it.

use crate::support::home::Home;
use crate::support::sshd::Sshd;

/// Two ids of one real server, and one that cannot be reached.
fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    home.add("web-01", &sshd);
    home.add("web-02", &sshd);
    home.trust(&sshd);
    home.ok(&["add", "gone", "me@127.0.0.1:1"]);
    Some((home, sshd))
}

fn rows(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn facts_are_gathered_once_and_kept() {
    let Some((home, sshd)) = room() else { return };
    let seen = home.run(&["facts", "web-*", "--json"]).ended(0);
    let first = rows(&seen.stdout);
    assert_eq!(first.len(), 2);
    let facts = &first[0]["facts"];
    let name = std::process::Command::new("uname")
        .arg("-s")
        .output()
        .unwrap();
    let name = String::from_utf8(name.stdout).unwrap();
    assert_eq!(facts["kernel"]["name"], name.trim());
    for path in ["/cpu/count", "/memory/total", "/disk/total", "/uptime"] {
        assert!(
            facts.pointer(path).is_some_and(|v| v.as_u64() > Some(0)),
            "{path}: {facts}"
        );
    }
    for path in [
        "/users/0/name",
        "/addresses/0/address",
        "/disks/0/mount",
        "/os/family",
    ] {
        assert!(
            facts
                .pointer(path)
                .is_some_and(serde_json::Value::is_string),
            "{path}: {facts}"
        );
    }
    // They are young: nobody is asked again, not even a server that has gone.
    let target = sshd.port;
    drop(sshd);
    let again = home.run(&["facts", "web-*", "--json"]).ended(0);
    assert_eq!(rows(&again.stdout), first);
    home.run(&["facts", "web-01", "--refresh"]).ended(4);
    home.run(&["facts", "web-01", "--max-age", "1h"]).ended(0);
    let whole = home.ok(&["show", "web-01"]);
    assert!(whole.contains("\nfacts of 0m ago\n  os "), "{whole}");
    let asked = home.ok(&["__complete", "zsh", "ls", "facts.kernel.n"]);
    assert_eq!(asked, "-\nfacts.kernel.name=\tfact\n");
    let asked = home.ok(&["__complete", "zsh", "ls", "facts.kernel.name="]);
    assert_eq!(asked, format!("-\nfacts.kernel.name={}\t\n", name.trim()));
    let card = home.ok(&["facts", "web-01"]);
    assert!(
        card.starts_with("web-01\n  os ") && card.contains("\n  memory "),
        "{card}"
    );
    let table = home.ok(&[
        "facts",
        "web-*",
        "--columns",
        "kernel.name,memory.total,none.such",
    ]);
    let head = table.lines().next().unwrap();
    assert!(
        head.contains("KERNEL.NAME") && head.contains("NONE.SUCH"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 3);
    assert!(target > 0);

    // With the server, its facts go; under another pattern they are found.
    let kernel = format!("facts.kernel.name={}", name.trim());
    let found = |pattern: &str| home.run(&["-q", "ls", pattern, "--columns", "id"]);
    assert_eq!(found(&kernel).ended(0).stdout, "ID\nweb-01\nweb-02\n");
    assert_eq!(
        found("facts.memory.total>1M !web-02").ended(0).stdout,
        "ID\nweb-01\n"
    );
    assert_eq!(
        found("all !facts.cpu.count>=1").ended(0).stdout,
        "ID\ngone\n"
    );
    assert_eq!(
        found("facts.disks.mount=/*").ended(0).stdout,
        "ID\nweb-01\nweb-02\n"
    );
    assert_eq!(found("facts.uptime<0").ended(2).stdout, "");
    let table = home.ok(&[
        "ls",
        "all",
        "--columns",
        "id,facts.kernel.name",
        "--sort",
        "-facts.cpu.count",
    ]);
    assert!(table.contains(name.trim()), "{table}");
    home.ok(&["rm", "-y", "web-*"]);
    let none = found(&kernel).ended(2);
    assert!(none.stderr.contains("`mroom facts all`"), "{none:?}");
}

#[test]
fn what_is_not_reached_is_told() {
    let Some((home, _sshd)) = room() else { return };
    let cached = home.run(&["facts", "all", "--cached"]).ended(0);
    assert!(cached.stderr.contains("skipped 3"), "{cached:?}");
    assert!(cached.stderr.contains("no facts are kept"), "{cached:?}");
    let seen = home.run(&["facts", "all", "--json"]).ended(4);
    let gone = &rows(&seen.stdout)[2];
    assert_eq!(
        (&gone["server"], &gone["facts"]),
        (&"gone".into(), &serde_json::Value::Null)
    );
    assert_eq!(gone["error"]["kind"], "connect");
    let shown = home.run(&["facts", "all"]).ended(4);
    assert!(
        shown
            .stderr
            .contains("ok 2  changed 0  failed 0  unreachable 1"),
        "{shown:?}"
    );
    let wrong = home.run(&["ls", "facts.none=x"]).ended(2);
    assert!(wrong.stderr.contains("matches no server"), "{wrong:?}");
}

#[test]
fn a_script_asks_once_in_a_run() {
    let Some((home, _sshd)) = room() else { return };
    let script = r#"
        local s = server "web-01"
        local first = s:facts()
        assert(s:facts() == first and s:facts { refresh = true } ~= first)
        assert(s:facts({ folders = { "/" } }).folders["/"])
        local kept = server("web-01"):facts { max_age = 3600 }
        print(kept.kernel.name == first.kernel.name)
        local _, err = mr.try(s.facts, s, { age = 1 })
        print(err.kind, err.hint)"#;
    let done = home.run(&["eval", script]).ended(0);
    assert_eq!(
        done.stdout,
        "true\nusage\toptions of `facts`: commands, folders, max_age, refresh\n"
    );
    let log = home.ok(&["log", "web-01", "--json"]);
    assert_eq!(log.matches("sh -s -- bash=").count(), 3, "{log}");
}
