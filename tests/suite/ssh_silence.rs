//! A peer that is there and says nothing any more: a frozen machine, a cut line.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use machineroom::error::Kind;
use machineroom::ssh::{Exec, Options, Transport};
use rustix::process::Signal;

use crate::support::sshd::{Sshd, open, signal_family};

/// A connection with a keepalive each second, and the process on the server that serves it.
fn connect(sshd: &Sshd) -> (Arc<dyn Transport>, i32) {
    let before = sshd.sessions();
    let options = Options {
        keepalive: 1,
        ..sshd.options()
    };
    let web = open(options, sshd.target()).unwrap();
    let session = sshd.sessions().into_iter().find(|s| !before.contains(s));
    (web, session.unwrap())
}

#[test]
fn a_frozen_server_is_noticed_and_a_quiet_one_is_waited_for() {
    let Some(sshd) = Sshd::start("") else { return };
    let (frozen, session) = connect(&sshd);
    let (quiet, _) = connect(&sshd);
    // Quiet for longer than the patience with a silent peer; but its sshd answers.
    let waiting = std::thread::spawn(move || block_on(quiet.exec(Exec::new("sleep 6; echo done"))));

    let (began, begun) = mpsc::channel();
    let began = Mutex::new(Some(began));
    let request = Exec {
        sink: Some(Arc::new(move |_, _: &[u8]| {
            drop(began.lock().unwrap().take())
        })),
        ..Exec::new("echo begun; sleep 60")
    };
    let freezer = std::thread::spawn(move || {
        let _: Result<(), _> = begun.recv();
        signal_family(session, Signal::STOP);
        Instant::now()
    });
    let error = block_on(frozen.exec(request)).unwrap_err();
    let taken = freezer.join().unwrap().elapsed();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert!(
        error
            .message()
            .contains("no answer from the server for 4 s"),
        "{error}"
    );
    assert_eq!(error.remote_output().unwrap().stdout, b"begun\n");
    assert!(
        (Duration::from_secs(3)..Duration::from_secs(30)).contains(&taken),
        "noticed after {taken:?}"
    );
    assert!(!frozen.is_alive());
    assert_eq!(waiting.join().unwrap().unwrap().stdout, b"done\n");
}

#[test]
fn closing_does_not_wait_for_a_frozen_server() {
    let Some(sshd) = Sshd::start("") else { return };
    let (web, session) = connect(&sshd);
    signal_family(session, Signal::STOP);
    let begun = Instant::now();
    block_on(web.close()).unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}
