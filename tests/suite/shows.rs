//! The main job from end to end, as a person would type it, on real servers.

use std::fs;
use std::path::Path;

use crate::support::account::{Account, PASSWORD};
use crate::support::home::{Done, Home, run};
use crate::support::sshd::{Sshd, has};

/// How the last line of a run begins.
fn total(done: &Done) -> &str {
    done.stderr.lines().last().unwrap_or_default()
}

/// A person with a key and `count` sandbox servers; `None` when this machine has no sshd.
fn with_sandbox(count: usize) -> Option<Home> {
    if !has("/usr/sbin/sshd") {
        return None;
    }
    let me = Home::with_key()?;
    me.ok(&["sandbox", "up", &count.to_string()]);
    Some(me)
}

#[test]
fn a_hundred_servers_with_a_broken_one_among_them() {
    let Some(me) = with_sandbox(99) else {
        return;
    };
    me.ok(&["add", "broken", "nobody@127.0.0.1:1"]);
    let first = me.run(&["stage", "cert,env", "all", "-f", "50"]);
    assert_eq!(
        total(&first),
        "ok 0  changed 99  failed 0  unreachable 1  skipped 0  cancelled 0  unknown 0",
        "{}",
        first.stderr
    );
    assert_eq!(first.code, 4);
    let why = format!("{}{}", first.stdout, first.stderr);
    let line = why.lines().find(|l| l.contains("broken")).unwrap();
    assert!(line.contains("unreachable"), "{line}");
    assert!(why.contains("refused"), "the reason is told: {why}");

    let second = me.run(&["stage", "cert,env", "all", "-f", "50"]);
    assert_eq!(
        total(&second),
        "ok 99  changed 0  failed 0  unreachable 1  skipped 0  cancelled 0  unknown 0",
        "{}",
        second.stderr
    );
    let listed = me.ok(&["ls", "--json", "sandbox-42"]);
    let row: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(row["meta"]["identity_cert_installed"], true);
    assert!(row["meta"]["home_path"].as_str().unwrap().ends_with("home"));

    a_playbook_over_all_of_them(&me);
}

/// A closure with upvalues goes to every server, one error is caught, a table is printed.
fn a_playbook_over_all_of_them(me: &Home) {
    me.write(
        "play.lua",
        r#"
        local wanted, seen = "home", 0
        local out = fleet.select("@sandbox"):map(function(s)
          seen = seen + 1
          local value, err = mr.try(function() return s:run "exit 7" end)
          assert(value == nil and err.kind == "exit" and err.code == 7 and err.server == s.id)
          return { id = s.id, home = s:capture("basename $HOME"), same = s:test("test -d ~/../" .. wanted) }
        end, { forks = 50 })
        local rows = {}
        for i, o in ipairs(out) do rows[i] = o.value end
        print(seen)
        print(mr.table(rows, { columns = { "id", "home", "same" } }))
        "#,
    );
    let out = me.ok(&["run", "play.lua"]);
    assert_eq!(out.lines().next(), Some("99"));
    assert_eq!(out.matches(" true").count(), 99, "{out}");
    assert!(out.contains("sandbox-01") && out.contains("sandbox-99"));
}

#[test]
fn a_password_server_becomes_a_key_server() {
    let Some(me) = Home::with_key() else {
        return;
    };
    let Some(account) = Account::create() else {
        return;
    };
    let settings = "PasswordAuthentication yes\nAuthorizedKeysFile .ssh/authorized_keys";
    let Some(sshd) = Sshd::start(settings) else {
        return;
    };
    let line = format!(
        "web--127.0.0.1--{}--{PASSWORD}--{}\n",
        account.name, sshd.port
    );
    me.write("servers.txt", line);
    me.ok(&["import", "servers.txt"]);

    let refused = me.run(&["exec", "web", "--", "true"]);
    assert_eq!(
        refused.code, 5,
        "an unknown host key is refused: {refused:#?}"
    );
    assert!(
        refused.stderr.contains("--accept-new"),
        "{}",
        refused.stderr
    );

    let staged = me.run(&["stage", "cert", "web", "--accept-new", "-vvv"]);
    assert_eq!(staged.code, 0, "{staged:#?}");
    let shown = me.run(&["exec", "web", "--json", "-vvv", "--", "id -un"]);
    let exported = me.run(&["ls", "--json"]);

    me.ok(&["set", "web", "--no-password"]);
    let with_key = me.run(&["exec", "web", "--", "id -un"]);
    assert_eq!(with_key.stdout.trim(), account.name, "{with_key:#?}");

    for done in [&refused, &staged, &shown, &exported] {
        assert!(!done.stdout.contains(PASSWORD) && !done.stderr.contains(PASSWORD));
    }
    assert_nowhere(&me.data(""), PASSWORD);
}

/// The text is in no file below `folder`.
fn assert_nowhere(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(&path, text);
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        let found = bytes.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(!found, "`{}` holds the password", path.display());
    }
}

#[test]
fn a_known_password_is_nowhere_to_be_found() {
    let Some(account) = Account::create() else {
        return;
    };
    let Some(sshd) = Sshd::start("PasswordAuthentication yes") else {
        return;
    };
    let me = Home::new();
    let line = format!(
        "web--127.0.0.1--{}--{PASSWORD}--{}\n",
        account.name, sshd.port
    );
    me.write("servers.txt", &line);
    me.ok(&["import", "servers.txt"]);
    fs::remove_file(me.path("servers.txt")).unwrap();

    // While the command runs, no process shows the password in its command line.
    let mut command = me.mroom(&["exec", "web", "--accept-new", "-vvv", "--json", "--"]);
    command.arg("for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null; env");
    let asked = run(&mut command, "");
    assert_eq!(asked.code, 0, "{asked:#?}");
    assert!(
        asked.stdout.contains("mroom"),
        "the command lines are there"
    );
    let wrong = me.run(&["eval", "error(tostring(server('web')))"]);
    assert_eq!(wrong.code, 1, "{wrong:#?}");
    for done in [&asked, &wrong] {
        assert!(!done.stdout.contains("$taple") && !done.stderr.contains("$taple"));
    }
    assert_nowhere(&me.path("."), PASSWORD);
}

#[test]
fn an_own_stage_extends_the_bundled_one() {
    let Some(me) = with_sandbox(2) else {
        return;
    };
    me.write(
        ".config/machineroom/stages/env.lua",
        r#"
        local base = require "bundled.stages.env"
        local own = {}
        for key, value in pairs(base) do own[key] = value end
        own.summary = "The bundled env, and a note of who was there."
        function own.apply(s, o, found)
          base.apply(s, o, found)
          s:run { "touch", "i-was-here" }
        end
        return own
        "#,
    );
    let which = me.ok(&["which", "stages.env"]);
    assert!(
        which.contains(".config/machineroom/stages/env.lua"),
        "{which}"
    );
    assert!(which.contains("bundled"), "{which}");
    me.ok(&["stage", "env", "@sandbox"]);
    me.ok(&["exec", "@sandbox", "--", "test -f i-was-here"]);
    let listed = me.ok(&["stage", "--list"]);
    assert!(listed.contains("a note of who was there"), "{listed}");
}
