//! `mroom connect` where it is stopped, cut off or signalled, and where there is no input.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::connect::{room, shell};
use crate::support::account::{Account, PASSWORD};
use crate::support::home::{Done, Home, MROOM, run};
use crate::support::sshd::{Sshd, has};
use crate::support::terminal::{PATIENCE, Terminal};

/// The process whose id is in that file of the home.
fn process(home: &Home, name: &str) -> Pid {
    let text = std::fs::read_to_string(home.path(name)).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

/// True once a process has ended, whether or not somebody has taken note.
fn is_over(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    match std::fs::read_to_string(path) {
        Ok(stat) => stat.rsplit(") ").next().unwrap().starts_with('Z'),
        Err(_) => true,
    }
}

#[track_caller]
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the server's terminal has that size.
fn has_size(terminal: &mut Terminal, size: &str) {
    terminal.press(&format!(
        "until [ \"$(stty size)\" = '{size}' ]; do sleep 0.1; done; echo si''zed\n"
    ));
    terminal.until("sized\r\n");
}

#[test]
fn a_stop_gives_the_terminal_to_the_shell_and_going_on_takes_it() {
    if !has("script") {
        return;
    }
    let Some((home, _sshd)) = room() else { return };
    // What a person does in a shell with job control: look, resize the window, `fg`.
    let script = format!(
        "saved=$(stty -g)\nsh -c 'echo $$ >pid; exec {MROOM} connect web'\ncode=$?\n\
         for rows in 11 12 13; do\n\
         [ \"$(stty -g)\" = \"$saved\" ] && echo \"stopped $code cooked\" || echo \"stopped $code raw\"\n\
         stty \"$saved\"; stty rows $rows\nfg %1; code=$?\ndone\n\
         [ \"$(stty -g)\" = \"$saved\" ] && echo ALIKE\nexit $code\n"
    );
    let script = home.write("jobs", script).display().to_string();
    let mut terminal = Terminal::running(&home, (100, 30), &format!("sh -m {script}"));
    terminal.press("exec sh -c 'stty -echo; PS1= exec sh -i'\n");
    terminal.press("echo he''re\n");
    terminal.until("here\r\n");
    let pid = process(&home, "pid");
    let raw_again = |terminal: &mut Terminal, size: &str| {
        // The command that goes on.
        terminal.until("connect web");
        has_size(terminal, size);
        // Ctrl-C is the server's: without raw mode it would end the program here.
        terminal.press("trap 'echo cau''ght' INT; echo g''o; sleep 60\n");
        terminal.until("go\r\n");
        terminal.press("\x03");
        terminal.until("caught\r\n");
    };
    terminal.press("\n~\x1a");
    // 128 and SIGSTOP, which is how it stops itself once the terminal is given back.
    terminal.until("stopped 147 cooked");
    raw_again(&mut terminal, "11 100");
    kill_process(pid, Signal::TSTP).unwrap();
    terminal.until("stopped 147 cooked");
    raw_again(&mut terminal, "12 100");
    // Nobody can prepare for SIGSTOP: the shell puts its terminal right.
    kill_process(pid, Signal::STOP).unwrap();
    terminal.until("stopped 147 raw");
    raw_again(&mut terminal, "13 100");
    terminal.press("exit 3\n");
    let done = terminal.ended().ended(3);
    assert!(done.stdout.contains("ALIKE"), "{done:?}");
}

#[test]
fn a_stop_in_the_middle_loses_nothing() {
    let Some((home, _sshd)) = room() else { return };
    let mut child = home
        .mroom(&["connect", "web", "--", "head -c 50000000 /dev/zero; exit 4"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    for _ in 0..5 {
        kill_process(pid, Signal::STOP).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        kill_process(pid, Signal::CONT).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(reader.join().unwrap().unwrap(), 50_000_000);
}

#[test]
fn a_closed_window_leaves_nothing_here_or_there() {
    if !has("script") {
        return;
    }
    let Some((home, sshd)) = room() else { return };
    // Ours alone on its terminal, and below a shell that waits for it.
    for begin in ["sh -c", "sh -mc"] {
        let inner = format!("sh -c 'echo $$ >pid; exec {MROOM} connect web'; true");
        let inner = home.write("inner", inner).display().to_string();
        let mut terminal = Terminal::running(&home, (100, 30), &format!("{begin} '. {inner}'"));
        let there = home.path("there").display().to_string();
        terminal.press(&format!(
            "sh -c 'echo $$ >{there}; echo he''re; exec sleep 61'\n"
        ));
        wait_for("the server's process", || {
            std::fs::read_to_string(&there).is_ok_and(|t| t.ends_with('\n'))
        });
        let (ours, theirs) = (process(&home, "pid"), process(&home, "there"));
        terminal.close();
        wait_for("our end", || is_over(ours));
        wait_for("the end of the server's process", || is_over(theirs));
        wait_for("the end of the connection", || sshd.sessions().is_empty());
        std::fs::remove_file(there).unwrap();
    }
}

#[test]
fn a_sealed_password_opens_a_shell() {
    let Some(account) = Account::create() else {
        return;
    };
    let Some(sshd) = Sshd::start("PasswordAuthentication yes") else {
        return;
    };
    let home = Home::new();
    home.trust(&sshd);
    let place = format!("{}@127.0.0.1:{}", account.name, sshd.port);
    home.feed(&["-q", "add", "web", &place, "--password-stdin"], PASSWORD)
        .ended(0);
    let name = home.run(&["connect", "web", "--", "id -un"]).ended(0);
    assert_eq!(name.stdout, format!("{}\n", account.name));
    if has("script") {
        let mut terminal = shell(&home, &[]);
        terminal.press("echo I am $(id -un).\n");
        terminal.until(&format!("I am {}.", account.name));
        terminal.press("exit 8\n");
        terminal.ended().ended(8);
    }
    home.feed(&["-q", "set", "web", "--password-stdin"], "wrong")
        .ended(0);
    let wrong = home.run(&["connect", "web", "--", "id"]).ended(255);
    assert!(wrong.stderr.starts_with("error: web: "), "{wrong:?}");
    assert!(!wrong.stderr.contains("wrong"), "{wrong:?}");
}

#[test]
fn signals_without_a_terminal_end_it() {
    let Some((home, sshd)) = room() else { return };
    let cases: [&[Signal]; 4] = [
        &[Signal::INT],
        &[Signal::TERM],
        &[Signal::HUP],
        &[Signal::INT, Signal::INT, Signal::TERM],
    ];
    for signals in cases {
        let mut child = home
            .mroom(&["connect", "web", "--", "echo begun; sleep 61"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "begun\n");
        let begun = Instant::now();
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        let done = Done::from(child.wait_with_output().unwrap()).ended(130);
        assert!(begun.elapsed() < PATIENCE, "{signals:?}: {done:?}");
        wait_for("the end of the connection", || sshd.sessions().is_empty());
    }
}

#[test]
fn any_size_of_the_window_arrives() {
    if !has("script") {
        return;
    }
    let Some((home, _sshd)) = room() else { return };
    let mut terminal = shell(&home, &[]);
    for (columns, rows) in [(0, 0), (20, 1), (1, 1), (65535, 65535), (80, 24)] {
        terminal.resize(columns, rows);
        has_size(&mut terminal, &format!("{rows} {columns}"));
    }
    terminal.press("exit\n");
    terminal.ended().ended(0);
    let mut none = Terminal::sized(&home, (0, 0), &["connect", "web", "-t", "--", "stty size"]);
    none.until("0 0\r\n");
    none.press("");
    none.ended().ended(0);
}

#[test]
fn streams_that_are_closed() {
    let Some((home, _sshd)) = room() else { return };
    let with = |words: &str| {
        let line = format!("exec '{MROOM}' connect web {words}");
        run(home.command("sh").args(["-c", &line]), "")
    };
    assert_eq!(with("<&-").ended(0).stdout, "");
    assert_eq!(with("-- 'echo hi; exit 3' <&-").ended(3).stdout, "hi\n");
    let tty = with("-t -- 'tty; exit 4' <&-").ended(4);
    assert!(tty.stdout.starts_with("/dev/pts/"), "{tty:?}");
    with("-- 'echo hi; exit 5' >&-").ended(5);
    with("-- 'echo hi >&2; exit 6' 2>&-").ended(6);
    with("-- 'cat; exit 7' <&- >&- 2>&-").ended(7);
}
