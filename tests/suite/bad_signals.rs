//! Signals at bad moments: before anything ended, while nobody reads, and again and again.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::home::Home;
use crate::support::sshd::has;

fn room(count: &str) -> Option<Home> {
    if !has("/usr/sbin/sshd") || !has("ssh-keygen") {
        return None;
    }
    let me = Home::new();
    me.ok(&["sandbox", "up", count]);
    Some(me)
}

/// A run in which each server at work has said `begun`.
fn begun(me: &Home, words: &[&str], remote: &str, servers: usize) -> Child {
    let mut command = me.mroom(&[&["exec"], words, &["--", remote]].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let out = child.stdout.as_mut().unwrap();
    let mut text = vec![0; servers * "sandbox-01: begun\n".len()];
    out.read_exact(&mut text).unwrap();
    child
}

/// Sends the signal; gives the exit code once it ended within the time, and what it said.
fn ended(
    mut child: Child,
    signal: Signal,
    within: Duration,
) -> Result<(Option<i32>, String), Child> {
    kill_process(Pid::from_child(&child), signal).unwrap();
    let until = Instant::now() + within;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            return Err(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.code(), said))
}

#[test]
fn each_of_both_ends_the_run_and_counts() {
    let Some(me) = room("4") else { return };
    for signal in [Signal::INT, Signal::TERM] {
        let child = begun(&me, &["all", "--serial", "2"], "echo begun; sleep 61", 2);
        let (code, said) = ended(child, signal, Duration::from_secs(10)).unwrap();
        assert_eq!(code, Some(130), "{said}");
        let count = "ok 0  changed 0  failed 0  unreachable 0  skipped 0  cancelled 4  unknown 0";
        assert_eq!(said.lines().last(), Some(count));
        assert_eq!(
            said.matches("not started: interrupted").count(),
            2,
            "{said}"
        );
    }
}

#[test]
fn a_second_one_ends_what_waits_for_its_reader() {
    let Some(me) = room("2") else { return };
    let mut child = begun(&me, &["all"], "echo begun; yes", 2);
    // Nobody reads on: the pipe is full, and the program waits.
    std::thread::sleep(Duration::from_millis(500));
    for patience in [2, 20] {
        match ended(child, Signal::INT, Duration::from_secs(patience)) {
            Ok((code, _)) => return assert_eq!(code, Some(130)),
            Err(still) => child = still,
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("two signals did not end it");
}
