//! How a kept shell ends, and what then becomes of its command and of the next; many commands, and
//! several at once.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::future::join_all;
use machineroom::error::Kind;
use machineroom::output::Output;
use machineroom::ssh::Exec;

use super::ssh_kept::{is, reader, shell, writer};
use crate::support::sshd::Sshd;

#[test]
fn a_killed_shell_is_unknown_and_the_next_is_new() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    for kill in [
        reader("echo begun; kill -9 $$; sleep 1; echo on"),
        writer("echo begun; kill -9 $$; sleep 1; echo on"),
    ] {
        let first = shell(&web);
        let error = block_on(web.exec(kill)).unwrap_err();
        assert_eq!(error.kind(), Kind::Lost, "{error}");
        assert_eq!(
            error.message(),
            "the shell was ended; nobody knows how the command ended"
        );
        let seen = error.remote_output().unwrap();
        assert!(seen.stdout.starts_with(b"begun\n"), "{seen:?}");
        assert!(error.remote_command().unwrap().starts_with("echo begun"));
        assert_ne!(shell(&web), first);
    }
    // One that was killed while nobody looked is no reason to fail.
    let first = shell(&web);
    block_on(web.exec(Exec::new(format!("kill -9 {first}")))).unwrap();
    assert_ne!(shell(&web), first);
    // What serves the connection goes with everything.
    let error =
        block_on(web.exec(writer("echo begun; sleep 0.5; kill -9 $PPID; sleep 1"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert_eq!(error.remote_output().unwrap().stdout, b"begun\n");
    let error = block_on(web.exec(reader("true"))).unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error}");
}

#[test]
fn time_is_up_and_who_waits_may_go() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let start = Instant::now();
    for slow in [reader, writer] {
        let first = shell(&web);
        let request = Exec {
            timeout: Some(Duration::from_millis(700)),
            ..slow("echo a; echo b >&2; sleep 60")
        };
        let error = block_on(web.exec(request)).unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout);
        is(
            &Output {
                code: Some(0),
                ..error.remote_output().unwrap().clone()
            },
            0,
            "a\n",
            "b\n",
        );
        assert_ne!(shell(&web), first);
        let mut call = web.exec(slow("sleep 60"));
        let waker = futures::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        assert!(call.as_mut().poll(&mut context).is_pending());
        std::thread::sleep(Duration::from_millis(300));
        drop(call);
        assert_eq!(
            block_on(web.exec(reader("echo on"))).unwrap().stdout,
            b"on\n"
        );
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn two_at_once_have_two_and_the_servers_limit_holds() {
    let Some(sshd) = Sshd::start("MaxSessions 2") else {
        return;
    };
    let web = sshd.connect();
    let calls = (0..6).map(|i| web.exec(reader(&format!("sleep 0.2; echo {i}"))));
    for (i, output) in block_on(join_all(calls)).into_iter().enumerate() {
        assert_eq!(output.unwrap().stdout_trimmed(), i.to_string());
    }
    let first = shell(&web);
    assert_eq!(shell(&web), first);
    // It gives its channel to who needs one, and files do so for it.
    let calls = (0..2).map(|_| web.exec(Exec::new("sleep 0.2")));
    assert!(block_on(join_all(calls)).iter().all(Result::is_ok));
    block_on(web.write("kept-file", b"x".to_vec(), None)).unwrap();
    assert_ne!(shell(&web), first);
    block_on(web.exec(writer("rm kept-file"))).unwrap();
}

#[test]
fn where_one_session_is_all_they_take_turns() {
    let Some(sshd) = Sshd::start("MaxSessions 1") else {
        return;
    };
    let web = sshd.connect();
    // Those that keep a shell would keep the only channel from those that want one of their own.
    let calls = (0..6).map(|i| match i % 2 {
        0 => web.exec(reader(&format!("sleep 0.1; echo {i}"))),
        _ => web.exec(Exec::new(format!("sleep 0.1; echo {i}"))),
    });
    for (i, output) in block_on(join_all(calls)).into_iter().enumerate() {
        assert_eq!(output.unwrap().stdout_trimmed(), i.to_string());
    }
    block_on(web.write("turns-file", b"x".to_vec(), None)).unwrap();
    block_on(web.exec(writer("rm turns-file"))).unwrap();
}

#[test]
fn a_thousand_in_a_row() {
    let Some(sshd) = Sshd::start("") else { return };
    let web = sshd.connect();
    let size = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let memory = |pid: &str| block_on(web.exec(reader(&format!("grep VmRSS /proc/{pid}/status"))));
    let pid = shell(&web);
    let rss = || memory(&pid).unwrap().stdout_trimmed();
    let mut sizes = Vec::new();
    for i in 0..1000 {
        let output = block_on(web.exec(reader(&format!("echo {i}; exit {}", i % 3)))).unwrap();
        is(&output, i % 3, &format!("{i}\n"), "");
        if i % 300 == 100 {
            sizes.push((size(), rss()));
        }
    }
    let (first, last) = (&sizes[0], &sizes[sizes.len() - 1]);
    // Other tests of the same process come and go; a leak of a buffer a time were 20 MB.
    assert!(last.0 < first.0 + (64 << 20), "{sizes:?}");
    assert_eq!(first.1, last.1, "the server's shell grows");
    assert_eq!(shell(&web), pid);
}
