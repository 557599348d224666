//! `mroom doctor`: what it finds here and on the way to a server, and that it leaves no trace.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::account::{Account, PASSWORD};
use crate::support::home::{Done, Home, run};
use crate::support::sshd::{Sshd, keygen};

/// The checks in their order, with how each ended: `tcp fail`.
fn checks(home: &Home, words: &[&str]) -> (Vec<String>, Vec<serde_json::Value>) {
    let done = home.run(&[&["doctor", "--json"], words].concat());
    let rows = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let rows: Vec<serde_json::Value> = rows.collect();
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    let names = rows
        .iter()
        .map(|r| format!("{} {}", text(r, "check"), text(r, "status")));
    (names.collect(), rows)
}

/// What is shown of the only check of that name which is not well.
#[track_caller]
fn trouble<'a>(done: &'a Done, check: &str) -> &'a str {
    let line = done.stdout.lines().position(|line| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|w| w == "warn" || w == "fail")
            && line.get(6..).is_some_and(|rest| rest.starts_with(check))
    });
    let line = line.unwrap_or_else(|| panic!("`{check}` is well: {done:?}"));
    let from = done
        .stdout
        .lines()
        .take(line)
        .map(|l| l.len() + 1)
        .sum::<usize>();
    let rest = &done.stdout[from..];
    let end = rest
        .match_indices('\n')
        .nth(1)
        .map_or(rest.len(), |(at, _)| at);
    &rest[..end]
}

#[test]
fn a_new_home_is_well_and_stays_as_it_is() {
    let home = Home::new();
    let done = home.run(&["doctor"]).ended(0);
    for check in [
        "settings",
        "database",
        "keys",
        "agent",
        "known_hosts",
        "terminal",
        "lua",
    ] {
        assert!(done.stdout.contains(&format!("ok    {check} ")), "{done:?}");
    }
    assert_eq!(
        fs::read_dir(home.path("")).unwrap().count(),
        0,
        "nothing is made"
    );
    let (names, _) = checks(&home, &[]);
    assert_eq!(names[0], "settings ok");
    // An empty inventory is not made for the sake of a look.
    let done = home.run(&["doctor", "web"]).ended(2);
    assert!(done.stderr.contains("the inventory is empty"), "{done:?}");
    assert_eq!(fs::read_dir(home.path("")).unwrap().count(), 0);
}

#[test]
fn what_is_wrong_here_is_told_with_a_remedy() {
    let Some(home) = Home::with_key() else { return };
    home.ok(&["add", "web", "root@h"]);
    home.run(&["doctor"]).ended(0);
    let mode = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();

    mode(home.data("cache.db"), 0o644);
    mode(home.path(".ssh/id_ed25519"), 0o644);
    home.write(".ssh/known_hosts", "# fine\nh ssh-ed25519\n");
    home.write(".machineroom/stages/x.lua", "return {}");
    let mut command = home.mroom(&["doctor"]);
    command.env("SSH_AUTH_SOCK", home.path("agent"));
    command.env("MROOM_FROKS", "3").env("MROOM_QUIET", "0");
    let done = run(&mut command, "").ended(0);
    let variable = trouble(&done, "settings");
    assert!(variable.contains("`MROOM_FROKS`") && variable.contains("`MROOM_FORKS`?"));
    assert!(!done.stdout.contains("MROOM_QUIET"), "{done:?}");
    assert!(
        trouble(&done, "data folder").contains("`chmod 600 "),
        "{done:?}"
    );
    assert!(
        trouble(&done, "keys").contains("read by others"),
        "{done:?}"
    );
    assert!(
        trouble(&done, "known_hosts").contains("known_hosts:2: "),
        "{done:?}"
    );
    assert!(
        trouble(&done, "project").contains("`mroom trust`"),
        "{done:?}"
    );
    assert!(trouble(&done, "agent").contains("ssh-agent"), "{done:?}");
    let kept = fs::metadata(home.data("cache.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(kept & 0o777, 0o644, "it only looks");

    let stage = home.write(home.config("stages/broken.lua"), "return { name = ");
    let done = home.run(&["doctor"]);
    assert!(
        done.code != 0 && trouble(&done, "lua").contains("broken.lua"),
        "{done:?}"
    );
    fs::remove_file(stage).unwrap();

    fs::write(home.data("cache.db"), vec![b'x'; 8192]).unwrap();
    let done = home.run(&["doctor"]).ended(1);
    assert!(trouble(&done, "database").contains("backup"), "{done:?}");

    home.write(home.config("config.toml"), "fork = 1\n");
    let done = home.run(&["doctor"]).ended(2);
    assert!(
        trouble(&done, "settings").contains("did you mean `forks`?"),
        "{done:?}"
    );
    assert_eq!(checks(&home, &[]).0, ["settings fail"]);
}

#[test]
fn secrets_are_opened_and_not_shown() {
    let home = Home::new();
    let add = ["add", "web", "root@h", "--password-stdin"];
    home.feed(&add, "hunter2hunter2\n").ended(0);
    let done = home.run(&["doctor"]).ended(0);
    assert!(
        done.stdout
            .contains("1 sealed; the identity file opens them"),
        "{done:?}"
    );
    assert!(!done.stdout.contains("hunter2"));
    let identity = fs::read_dir(home.data(""))
        .unwrap()
        .map(|e| e.unwrap().path());
    let identity = identity.filter(|p| p.extension().is_none_or(|e| e != "db"));
    for file in identity.filter(|p| fs::read_to_string(p).is_ok_and(|t| t.contains("AGE-SECRET"))) {
        fs::remove_file(file).unwrap();
    }
    let done = home.run(&["doctor"]).ended(5);
    assert!(trouble(&done, "secrets").contains("is missing"), "{done:?}");
    let done = home.run(&["doctor", "web"]).ended(5);
    assert!(trouble(&done, "server").contains("put it back"), "{done:?}");
}

#[test]
fn the_way_to_a_server_is_told_step_by_step() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.add("web", &sshd);

    // An unknown host key is told, and not remembered.
    let done = home.run(&["doctor", "web"]).ended(5);
    assert!(
        trouble(&done, "host key").contains("mroom exec --accept-new web"),
        "{done:?}"
    );
    assert!(!home.path(".ssh").exists());

    home.trust(&sshd);
    let (names, rows) = checks(&home, &["web"]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let steps = [
        "server ok",
        "resolve ok",
        "tcp ok",
        "ssh ok",
        "host key ok",
        "offers ok",
        "login ok",
        "command ok",
    ];
    assert_eq!(names[..8], steps, "{rows:#?}");
    assert!(
        names.contains(&"workspace ok") && names.contains(&"clock ok"),
        "{rows:#?}"
    );
    let detail = |at: usize| rows[at]["detail"].as_str().unwrap().to_owned();
    assert!(detail(3).starts_with("SSH-2.0-OpenSSH") && detail(3).contains("ssh-ed25519"));
    assert!(detail(6).ends_with(": accepted") && rows[6]["seconds"].as_f64() > Some(0.0));
    assert!(
        !home.path("machineroom").exists(),
        "the workspace is not made"
    );
    home.run(&["doctor", "web"]).ended(0);

    // A key that the server does not know.
    let other = keygen(&home.path("other"), &["-t", "ed25519", "-N", ""]);
    home.ok(&["set", "web", &format!("key={}", other.display())]);
    let done = home.run(&["doctor", "web"]).ended(4);
    assert!(done.stdout.contains("other`: refused"), "{done:?}");
    assert!(done.stdout.contains("fail  login"), "{done:?}");
    assert!(done.stdout.contains("mroom set web key=FILE"), "{done:?}");
}

#[test]
fn each_step_can_fail() {
    let home = Home::new();
    home.ok(&["add", "closed", "me@127.0.0.1:1"]);
    let done = home.run(&["doctor", "closed"]).ended(4);
    assert!(
        trouble(&done, "tcp").contains("is sshd running"),
        "{done:?}"
    );
    // Elsewhere the error says who looks closer.
    let done = home.run(&["exec", "closed", "--", "true"]).ended(4);
    assert!(
        done.stderr.contains("`mroom doctor closed` looks closer"),
        "{done:?}"
    );
    home.ok(&["add", "nowhere", "me@nowhere.invalid"]);
    let done = home.run(&["doctor", "nowhere"]).ended(4);
    assert!(
        trouble(&done, "resolve").contains("nowhere.invalid"),
        "{done:?}"
    );
    home.ok(&["set", "closed", "tunnel=office"]);
    let done = home.run(&["doctor", "closed"]).ended(4);
    assert!(trouble(&done, "server").contains("--no-tunnel"), "{done:?}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    home.ok(&["add", "mute", &format!("me@127.0.0.1:{port}")]);
    let done = home.run(&["doctor", "mute", "-T", "0.5"]).ended(4);
    assert!(trouble(&done, "ssh").contains("said nothing"), "{done:?}");
    interrupted(&home);
}

/// Ctrl-C ends the wait for a server that says nothing.
fn interrupted(home: &Home) {
    let mut child = home
        .mroom(&["doctor", "mute", "-T", "600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("connected to")));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_login_that_runs_no_commands_is_told() {
    for (settings, code, check, what) in [
        ("ForceCommand exit 3", 3, "command", "nologin"),
        (
            "ForceCommand printf 'Welcome\\033[2J\\n'; eval \"$SSH_ORIGINAL_COMMAND\"",
            0,
            "command",
            "Welcome^[[2J",
        ),
        (
            "ForceCommand case $SSH_ORIGINAL_COMMAND in true) exit 0;; esac",
            1,
            "command",
            "POSIX shell",
        ),
    ] {
        let Some(sshd) = Sshd::start(settings) else {
            return;
        };
        let home = Home::new();
        home.add("web", &sshd);
        home.trust(&sshd);
        let done = home.run(&["doctor", "web"]).ended(code);
        assert!(trouble(&done, check).contains(what), "{settings}: {done:?}");
        assert!(!done.stdout.contains('\x1b'));
    }
}

#[test]
fn a_password_is_tried_and_never_shown() {
    let Some(account) = Account::create() else {
        return;
    };
    let Some(sshd) = Sshd::start("PasswordAuthentication yes") else {
        return;
    };
    let home = Home::new();
    home.trust(&sshd);
    let place = format!("{}@127.0.0.1:{}", account.name, sshd.port);
    home.feed(&["add", "web", &place, "--password-stdin"], PASSWORD)
        .ended(0);
    let done = home.run(&["doctor", "web"]).ended(0);
    assert!(
        done.stdout.contains("ok    login       password: accepted"),
        "{done:?}"
    );
    assert!(
        done.stdout.contains(&format!("as `{}`", account.name)),
        "{done:?}"
    );
    assert!(!format!("{done:?}").contains(PASSWORD));
    home.feed(&["set", "web", "--password-stdin"], "wrong wrong")
        .ended(0);
    let done = home.run(&["doctor", "web"]).ended(4);
    assert!(
        done.stdout.contains("warn  login       password: refused"),
        "{done:?}"
    );
}

#[test]
fn the_way_through_a_jump_host_is_told_too() {
    let (Some(bastion), Some(inner)) = (Sshd::start(""), Sshd::start("")) else {
        return;
    };
    let home = Home::new();
    home.add("bastion", &bastion);
    home.add("web", &inner);
    let known = |sshd: &Sshd| {
        let key = fs::read_to_string(sshd.path("host_ed25519.pub")).unwrap();
        format!("[127.0.0.1]:{} {key}", sshd.port)
    };
    home.write(".ssh/known_hosts", known(&bastion) + &known(&inner));
    home.ok(&["set", "web", "jump=bastion"]);
    let done = home.run(&["doctor", "web"]).ended(0);
    for text in [
        "through bastion",
        "`bastion`: connected to",
        "connected by `bastion`",
        "runs commands",
    ] {
        assert!(done.stdout.contains(text), "no {text:?}: {done:?}");
    }
    home.ok(&["set", "web", "port=1"]);
    let done = home.run(&["doctor", "web"]).ended(4);
    assert!(trouble(&done, "tcp").contains("bastion"), "{done:?}");
    home.write(".ssh/known_hosts", known(&inner));
    let done = home.run(&["doctor", "web"]).ended(5);
    assert!(done.stdout.contains("--accept-new"), "{done:?}");
}
