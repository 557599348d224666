//! `mroom connect`: a terminal on a server, and commands whose streams go both ways.

use std::process::{Command, Stdio};

use crate::support::home::{Home, MROOM, run};
use crate::support::memory::peak;
use crate::support::sshd::{Sshd, has};
use crate::support::terminal::Terminal;

/// A home that knows one server, `web`.
pub(super) fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("AcceptEnv LANG LC_*")?;
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    Some((home, sshd))
}

/// A terminal on which the person has a shell on `web`, at its prompt.
pub(super) fn shell(home: &Home, words: &[&str]) -> Terminal {
    let mut terminal = Terminal::sized(home, (100, 30), &[&["connect", "web"], words].concat());
    // What is typed before the shell is there is echoed by nobody.
    terminal.press("exec sh -c 'stty -echo; PS1= exec sh -i'\n");
    terminal.press("echo he''re\n");
    terminal.until("here\r\n");
    terminal
}

/// Runs `line` on a terminal between two looks at the terminal's settings, which must be alike.
fn keeps_the_terminal(home: &Home, line: &str, talk: impl FnOnce(&mut Terminal)) -> String {
    let script = format!(
        "before=$(stty -a); {line}; code=$?; after=$(stty -a); \
        [ \"$before\" = \"$after\" ] && echo ALIKE || echo \"$before\" \"$after\"; exit $code"
    );
    let path = home.write("look", script);
    let mut terminal = Terminal::running(home, (100, 30), &format!("sh {}", path.display()));
    talk(&mut terminal);
    let done = terminal.ended();
    assert!(done.stdout.contains("ALIKE"), "{done:?}");
    format!("{} {}", done.code, done.stdout)
}

#[test]
fn a_terminal_with_its_size_its_type_and_its_exit_code() {
    if !has("script") {
        return;
    }
    let Some((home, _sshd)) = room() else { return };
    let mut terminal = shell(&home, &[]);
    terminal.press("stty size; echo $TERM; tty\n");
    terminal.until("30 100\r\nxterm\r\n/dev/pts/");
    terminal.resize(61, 17);
    terminal.press("sleep 0.3; stty size\n");
    terminal.until("17 61\r\n");
    terminal.resize(20, 5);
    terminal.press("sleep 0.3; stty size\n");
    terminal.until("5 20\r\n");
    terminal.press("exit 7\n");
    let done = terminal.ended().ended(7);
    assert!(
        done.stdout.contains("web: the connection is closed\r\n"),
        "{done:?}"
    );
}

#[test]
fn keys_go_to_the_server_and_not_to_us() {
    if !has("script") {
        return;
    }
    let Some((home, _sshd)) = room() else { return };
    let mut terminal = shell(&home, &[]);
    terminal.press("trap 'echo caught' INT; echo go; sleep 60\n");
    terminal.until("go\r\n");
    terminal.press("\x03");
    terminal.until("caught\r\n");
    // A program that takes the whole screen and every key.
    terminal.press(
        "printf '\\033[?1049h'; stty raw; dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane\n",
    );
    terminal.until("\x1b[?1049h");
    terminal.press("\x1a\x1b~");
    terminal.until("1a 1b 7e");
    terminal.press("\nexit\n");
    terminal.ended().ended(0);
}

#[test]
fn escapes_end_and_tell() {
    if !has("script") {
        return;
    }
    let Some((home, _sshd)) = room() else { return };
    let mut terminal = shell(&home, &[]);
    terminal.press("~?");
    terminal.until("~.   end the connection");
    terminal.press("echo a~.b; echo done\n");
    terminal.until("a~.b\r\ndone");
    terminal.press("sleep 60\n~.");
    let done = terminal.ended().ended(255);
    assert!(done.stdout.contains("the connection is closed"), "{done:?}");
    let mut other = shell(&home, &["--escape", "%"]);
    other.press("\n~.\n%.");
    other.ended().ended(255);
    let mut none = shell(&home, &["--escape", "none"]);
    none.press("\n~.\nexit 3\n");
    none.ended().ended(3);
    let wrong = home.run(&["connect", "web", "--escape", "ab"]).ended(2);
    assert!(
        wrong
            .stderr
            .contains("`ab` is neither one character nor `none`"),
        "{wrong:?}"
    );
}

#[test]
fn the_terminal_is_as_before_after_every_end() {
    if !has("script") {
        return;
    }
    let Some((home, sshd)) = room() else { return };
    let connect = format!("{MROOM} connect web");
    let ready = |terminal: &mut Terminal| {
        terminal.press("echo he''re $PPID.\n");
        terminal.until("here ");
        terminal.until(".\r\n")
    };
    let seen = keeps_the_terminal(&home, &connect, |t| {
        ready(t);
        t.press("exit 4\n");
    });
    assert!(seen.starts_with("4 "), "{seen}");
    let seen = keeps_the_terminal(&home, &connect, |t| {
        ready(t);
        t.press("\n~.");
    });
    assert!(seen.starts_with("255 "), "{seen}");
    // The server's process for this connection dies.
    let seen = keeps_the_terminal(&home, &connect, |t| {
        let parent = ready(t);
        let parent = parent.trim_end_matches(".\r\n").to_owned();
        let done = Command::new("kill")
            .args(["-KILL", &parent])
            .status()
            .unwrap();
        assert!(done.success());
    });
    assert!(
        seen.starts_with("255 ") && seen.contains("web: the server closed the connection"),
        "{seen}"
    );
    for signal in ["TERM", "HUP", "INT"] {
        let line = format!("sh -c 'echo $$ >pid; exec {connect}'");
        let seen = keeps_the_terminal(&home, &line, |t| {
            ready(t);
            let pid = std::fs::read_to_string(home.path("pid")).unwrap();
            let done = Command::new("kill")
                .args([&format!("-{signal}"), pid.trim()])
                .status();
            assert!(done.unwrap().success());
        });
        assert!(seen.starts_with("130 "), "{signal}: {seen}");
    }
    drop(sshd);
    let seen = keeps_the_terminal(&home, &connect, |_| {});
    assert!(
        seen.starts_with("255 ") && seen.contains("connection refused"),
        "{seen}"
    );
}

#[test]
fn a_command_has_both_directions_and_its_own_code() {
    let Some((home, _sshd)) = room() else { return };
    let all: Vec<u8> = (0..=255u8).cycle().take(3_000_000).collect();
    let done = home
        .feed(&["connect", "web", "--", "tee /dev/stderr; exit 9"], &all)
        .ended(9);
    assert!(done.bytes == all, "{} bytes", done.bytes.len());
    assert_eq!(done.stderr.len(), String::from_utf8_lossy(&all).len());
    let killed = home
        .run(&["connect", "web", "--", "kill -KILL $$"])
        .ended(255);
    assert!(
        killed.stderr.contains("killed by signal KILL"),
        "{killed:?}"
    );
    let gone = home
        .run(&["connect", "web", "--", "kill -KILL $PPID; sleep 9"])
        .ended(255);
    // A login may have something to say first.
    assert!(gone.stderr.contains("error: web: "), "{gone:?}");
    // No terminal: a shell that is fed.
    assert_eq!(
        home.feed(&["connect", "web"], "echo fed; exit 5\n")
            .ended(5)
            .stdout,
        "fed\n"
    );
    // Standard input that is closed.
    let line = format!("exec '{MROOM}' connect web -- 'cat; echo end' <&-");
    let closed = run(home.command("sh").args(["-c", &line]), "");
    assert_eq!(closed.ended(0).stdout, "end\n");
    for (words, code) in [
        (&["connect", "nobody"][..], 2),
        (&["-C", "connect", "web"], 2),
    ] {
        home.run(words).ended(code);
    }
}

#[test]
fn what_nobody_takes_is_not_asked_for() {
    let Some((home, _sshd)) = room() else { return };
    let line = format!("'{MROOM}' connect web -- yes | head -n 2");
    let done = run(home.command("sh").args(["-c", &line]), "").ended(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("y\ny\n", ""));
    // A reader that waits: the command waits with it, and memory does not grow.
    let mut child = home
        .mroom(&["connect", "web", "--", "head -c 200000000 /dev/zero"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let most = peak(&child).unwrap();
    assert!(most < 80 << 10, "{most} KiB");
    let mut out = child.stdout.take().unwrap();
    let all = std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    assert_eq!((all, child.wait().unwrap().code()), (200_000_000, Some(0)));
}

#[test]
fn a_shell_begins_in_its_folder() {
    let Some((home, _sshd)) = room() else { return };
    let folder = home.path("a 'b");
    std::fs::create_dir(&folder).unwrap();
    home.ok(&["-q", "set", "web", &format!("home={}", folder.display())]);
    let there = home.feed(&["connect", "web"], "pwd\n").ended(0);
    assert_eq!(there.stdout, format!("{}\n", folder.display()));
    std::fs::remove_dir(&folder).unwrap();
    let gone = home.feed(&["connect", "web"], "echo shell\n").ended(0);
    assert_eq!(gone.stdout, "shell\n");
    assert!(gone.stderr.contains("no folder `"), "{gone:?}");
}

#[test]
fn a_first_word_that_is_no_command_is_a_server() {
    let Some((home, _sshd)) = room() else { return };
    home.ok(&["-q", "add", "log", "root@127.0.0.1:1"]);
    assert_eq!(home.ok(&["-q", "web", "--", "echo hi"]), "hi\n");
    assert_eq!(home.run(&["web", "--", "exit 6"]).ended(6).stdout, "");
    let near = home.run(&["wbe"]).ended(2);
    assert!(
        near.stderr.contains("`mroom` has no command `wbe`"),
        "{near:?}"
    );
    assert!(
        near.stderr.contains("did you mean the server `web`?"),
        "{near:?}"
    );
    let command = home.run(&["lss"]).ended(2);
    assert!(command.stderr.contains("did you mean `ls`?"), "{command:?}");
    let both = home.run(&["log"]).ended(0);
    assert!(
        both.stderr
            .contains("`mroom connect log` reaches the server"),
        "{both:?}"
    );
    assert!(
        !home
            .run(&["log", "-n", "1"])
            .ended(0)
            .stderr
            .contains("reaches")
    );
    // A typing error makes no database.
    let empty = Home::new();
    empty.run(&["wbe"]).ended(2);
    assert!(!empty.data("").exists());
}

#[test]
fn the_agent_goes_along_when_asked() {
    if !has("ssh-agent") || !has("ssh-add") {
        return;
    }
    let Some((home, sshd)) = room() else { return };
    let socket = home.path("agent");
    let mut agent = home
        .command("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    while !socket.exists() && begun.elapsed() < crate::support::terminal::PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut add = home.command("ssh-add");
    run(add.env("SSH_AUTH_SOCK", &socket).arg(sshd.path("id")), "").ended(0);
    let ask = |words: &[&str]| {
        let words = [
            &["-q", "connect", "web"],
            words,
            &["--", "ssh-add -l; ssh-add -l"],
        ]
        .concat();
        run(home.mroom(&words).env("SSH_AUTH_SOCK", &socket), "")
    };
    let (with, without) = (ask(&["-A"]), ask(&[]));
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(with.stdout.matches("SHA256:").count(), 2, "{with:?}");
    assert!(!without.stdout.contains("SHA256:"), "{without:?}");
    let none = home.run(&["connect", "web", "-A", "--", "true"]).ended(2);
    assert!(
        none.stderr.contains("there is no agent to forward"),
        "{none:?}"
    );
}
