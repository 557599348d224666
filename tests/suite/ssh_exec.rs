//! Commands on a real sshd: both streams, codes, signals, time, cancelling, loss.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use machineroom::error::Kind;
use machineroom::output::Stream;
use machineroom::ssh::{Exec, Input};

use crate::support::account::Account;
use crate::support::sshd::{Sshd, user};

#[test]
fn streams_are_separate_and_codes_arrive() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let output = block_on(web.exec(Exec::new("echo out; echo err >&2; exit 7"))).unwrap();
    assert_eq!(output.code, Some(7));
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"err\n");
    assert!(!output.truncated && !output.is_success() && output.duration > Duration::ZERO);
    let output = block_on(web.exec(Exec::reader("printf 'a\\0b\\377'"))).unwrap();
    assert_eq!(
        (output.code, &output.stdout[..]),
        (Some(0), &b"a\0b\xff"[..])
    );
    assert!(web.is_alive());
    block_on(web.close()).unwrap();
    assert!(!web.is_alive());
    let error = block_on(web.exec(Exec::new("true"))).unwrap_err();
    assert_eq!(
        (error.kind(), error.server_id()),
        (Kind::Connect, Some("web"))
    );
}

#[test]
fn a_signal_is_not_success() {
    let Some(sshd) = Sshd::start("") else { return };
    let output = block_on(sshd.connect().exec(Exec::new("kill -KILL $$"))).unwrap();
    assert_eq!(
        (output.code, output.signal.as_deref()),
        (None, Some("KILL"))
    );
    assert!(!output.is_success());
}

#[test]
fn a_cut_connection_is_unknown_and_keeps_what_came() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let (begun, seen) = std::sync::mpsc::channel();
    let request = Exec {
        sink: Some(Arc::new(move |_, _: &[u8]| begun.send(()).unwrap())),
        ..Exec::new("echo begun; sleep 60")
    };
    let pending = web.exec(request);
    let killer = std::thread::spawn(move || {
        seen.recv().unwrap();
        sshd.kill_sessions();
        sshd
    });
    let error = block_on(pending).unwrap_err();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert_eq!(error.remote_output().unwrap().stdout, b"begun\n");
    assert_eq!(error.remote_command(), Some("echo begun; sleep 60"));
    let _sshd = killer.join().unwrap();
    assert!(!web.is_alive());
    let error = block_on(web.exec(Exec::new("true"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error}");
}

#[test]
fn floods_on_both_streams_do_not_lock_up_and_stay_bounded() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let seen = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counter = seen.clone();
    let request = Exec {
        max_output: 1000,
        sink: Some(Arc::new(move |stream, bytes: &[u8]| {
            let i = usize::from(stream == Stream::Stderr);
            counter[i].fetch_add(bytes.len(), Ordering::SeqCst);
        })),
        ..Exec::new("head -c 20000000 /dev/zero >&2; head -c 10000000 /dev/zero; exit 3")
    };
    let output = block_on(web.exec(request)).unwrap();
    assert_eq!(output.code, Some(3));
    assert_eq!(
        (output.stdout.len(), output.stderr.len(), output.truncated),
        (1000, 1000, true)
    );
    assert_eq!(seen[0].load(Ordering::SeqCst), 10_000_000);
    assert_eq!(seen[1].load(Ordering::SeqCst), 20_000_000);
    let exact = Exec {
        max_output: 4,
        ..Exec::new("printf 1234")
    };
    assert!(!block_on(web.exec(exact)).unwrap().truncated);
}

#[test]
fn large_input_flows_while_output_is_read() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let stdin: Vec<u8> = (0..5_000_000u32).map(|i| (i * 7 % 256) as u8).collect();
    let request = Exec {
        stdin: stdin.clone().into(),
        ..Exec::new("cat")
    };
    let output = block_on(web.exec(request)).unwrap();
    assert!(output.is_success() && output.stdout == stdin);
    // A command that does not read its input is no error.
    let request = Exec {
        stdin: stdin.into(),
        ..Exec::new("exec 0<&-; echo done")
    };
    assert_eq!(block_on(web.exec(request)).unwrap().stdout, b"done\n");
}

#[test]
fn a_file_goes_in_as_often_as_wanted() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    for length in [0, 1, 64 << 10, (64 << 10) + 1, 5_000_000] {
        let bytes: Vec<u8> = (0..length).map(|i: u32| (i * 7 % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let stdin = Input::file(file).unwrap();
        let request = || Exec {
            stdin: stdin.clone(),
            ..Exec::new("cat")
        };
        // Two at once have each their own place in it.
        let both = block_on(futures::future::join(
            web.exec(request()),
            web.exec(request()),
        ));
        for output in [both.0.unwrap(), both.1.unwrap()] {
            assert!(output.is_success() && output.stdout == bytes, "{length}");
        }
    }
}

#[test]
fn what_cannot_be_read_here_is_not_half_sent() {
    let Some(sshd) = Sshd::start("") else { return };
    let file = tempfile::tempfile().unwrap();
    file.set_len(5_000_000).unwrap();
    let stdin = Input::file(file.try_clone().unwrap()).unwrap();
    file.set_len(100_000).unwrap();
    let web = sshd.connect();
    let request = Exec {
        stdin,
        ..Exec::new("cat")
    };
    let error = block_on(web.exec(request)).unwrap_err();
    assert_eq!(
        (error.kind(), error.server_id()),
        (Kind::Local, Some("web"))
    );
    assert!(
        error.message().contains("cannot read what is to be sent"),
        "{error}"
    );
    // The session is of use still.
    assert!(block_on(web.exec(Exec::new("true"))).unwrap().is_success());
}

#[test]
fn time_is_up_with_the_output_so_far() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let start = Instant::now();
    let request = Exec {
        timeout: Some(Duration::from_millis(700)),
        ..Exec::new("echo a; echo b >&2; sleep 60")
    };
    let error = block_on(web.exec(request)).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(error.kind(), Kind::Timeout);
    let output = error.remote_output().unwrap();
    assert_eq!(
        (&output.stdout[..], &output.stderr[..]),
        (&b"a\n"[..], &b"b\n"[..])
    );
    assert!(
        block_on(web.exec(Exec::new("true"))).unwrap().is_success(),
        "the session lives on"
    );
}

#[test]
fn dropping_the_call_ends_the_command() {
    let Some(sshd) = Sshd::start("") else { return };
    // sshd passes signals on to everybody's commands but root's.
    let mut target = sshd.target();
    let mut account = None;
    if user() == "root" {
        account = Account::create();
        let Some(account) = &account else { return };
        target.user = account.name.clone();
    }
    let web = sshd.open(target).unwrap();
    let mut call = web.exec(Exec::new(
        "trap 'touch ended' TERM; touch begun; sleep 60 & wait",
    ));
    let waker = futures::task::noop_waker();
    let mut context = std::task::Context::from_waker(&waker);
    assert!(call.as_mut().poll(&mut context).is_pending());
    let there = |name: &str| {
        let until = Instant::now() + Duration::from_secs(10);
        while !block_on(web.exec(Exec::new(format!("test -e {name}"))))
            .unwrap()
            .is_success()
        {
            assert!(Instant::now() < until, "no `{name}`");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    there("begun");
    drop(call);
    there("ended");
    drop(sshd);
    drop(account);
}

#[test]
fn many_commands_share_a_session_beyond_what_the_server_allows() {
    let Some(sshd) = Sshd::start("MaxSessions 3") else {
        return;
    };
    let web = sshd.connect();
    let clock = "date +%s%N";
    let calls =
        (0..12).map(|i| web.exec(Exec::new(format!("{clock}; sleep 0.3; {clock}; echo {i}"))));
    let outputs = block_on(futures::future::join_all(calls));
    let mut spans = Vec::new();
    for (i, output) in outputs.into_iter().enumerate() {
        let text = output.unwrap().stdout_trimmed();
        let words: Vec<u128> = text.lines().map(|l| l.parse().unwrap()).collect();
        assert_eq!(words[2], i as u128);
        spans.push((words[0], words[1]));
    }
    let at_once = |t: u128| spans.iter().filter(|s| s.0 <= t && t < s.1).count();
    let most = spans.iter().map(|s| at_once(s.0)).max().unwrap();
    assert!((2..=3).contains(&most), "{most} at once");
}

#[test]
fn output_comes_live() {
    let Some(sshd) = Sshd::start("") else { return };
    let times = Arc::new(Mutex::new(Vec::new()));
    let sink = times.clone();
    let request = Exec {
        sink: Some(Arc::new(move |_, _: &[u8]| {
            sink.lock().unwrap().push(Instant::now())
        })),
        ..Exec::new("echo a; sleep 0.5; echo b")
    };
    block_on(sshd.connect().exec(request)).unwrap();
    let times = times.lock().unwrap();
    assert!(times[times.len() - 1] - times[0] > Duration::from_millis(300));
}

#[test]
fn a_close_does_not_wait_for_a_dead_peer() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let mut call = web.exec(Exec::new("sleep 60"));
    let waker = futures::task::noop_waker();
    assert!(
        call.as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
            .is_pending()
    );
    std::thread::sleep(Duration::from_millis(300));
    // Stopped, not killed: the connection stays, and nothing ever answers.
    for pid in sshd.sessions() {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    }
    let start = Instant::now();
    block_on(web.close()).unwrap();
    drop(call);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}
