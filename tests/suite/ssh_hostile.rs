//! Servers that are not there, not SSH, or not kind: each has its own message, and an end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use machineroom::error::{Error, Kind};
use machineroom::ssh::{Connector as _, Exec, Options, Ssh, Target};

use crate::support::sshd::{Sshd, free_port, open, options};

/// Serves one kind of misbehaviour to one connection after another.
fn server(count: usize, serve: impl Fn(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(count) {
            serve(stream.unwrap());
        }
    });
    (port, thread)
}

fn target(host: &str, port: u16) -> Target {
    Target {
        id: "web".to_owned(),
        host: host.to_owned(),
        port,
        user: "root".to_owned(),
        password: None,
        key: None,
        key_only: false,
        without: None,
        network: None,
        route: machineroom::ssh::Route::Direct,
    }
}

fn fails(host: &str, port: u16, timeout: Duration) -> Error {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        timeout,
        ..options(dir.path().join("known_hosts"))
    };
    let start = Instant::now();
    let error = open(options, target(host, port)).err().expect("connected");
    // A busy machine is late, but a server that never answers would hold it for ever.
    let limit = timeout + Duration::from_secs(20);
    assert!(start.elapsed() < limit, "{:?}: {error}", start.elapsed());
    assert_eq!(
        (error.kind(), error.server_id()),
        (Kind::Connect, Some("web")),
        "{error}"
    );
    error
}

const SHORT: Duration = Duration::from_millis(700);
const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_name_that_does_not_resolve() {
    let error = fails("no-such-host.invalid", 22, LONG);
    assert!(
        error
            .message()
            .contains("`no-such-host.invalid` does not resolve"),
        "{error}"
    );
    assert!(error.hint_text().is_some());
}

#[test]
fn a_port_that_refuses() {
    let error = fails("127.0.0.1", free_port(), LONG);
    assert!(error.message().contains("connection refused"), "{error}");
}

#[test]
fn one_address_refuses_and_the_next_answers() {
    let Some(sshd) = Sshd::start("") else { return };
    // `localhost` is ::1 first on most machines, and the test's sshd listens on IPv4 alone.
    let target = Target {
        host: "localhost".to_owned(),
        ..sshd.target()
    };
    let web = sshd.open(target).unwrap();
    assert!(block_on(web.exec(Exec::new("true"))).unwrap().is_success());
}

#[test]
fn silence_after_the_connection() {
    let (port, _thread) = server(1, |stream| {
        std::thread::sleep(SHORT * 3);
        drop(stream);
    });
    let error = fails("127.0.0.1", port, SHORT);
    assert!(
        error.message().contains("said nothing for 0.7 s"),
        "{error}"
    );
}

#[test]
fn not_an_ssh_server() {
    let (port, thread) = server(1, |mut stream| {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\x1b[2J\r\n\r\n")
            .unwrap();
    });
    let error = fails("127.0.0.1", port, LONG);
    assert!(
        error
            .message()
            .contains("not an SSH server: it said `HTTP/1.1 400 Bad Request.[2J`"),
        "{error}"
    );
    thread.join().unwrap();
    let (port, _thread) = server(1, |mut stream| {
        stream.write_all(b"220 mail ready\r\n").unwrap();
        std::thread::sleep(SHORT * 3);
    });
    let error = fails("127.0.0.1", port, SHORT);
    assert!(error.message().contains("not an SSH server"), "{error}");
}

#[test]
fn a_banner_without_end() {
    for line in [&b"x"[..], b"hello there\r\n"] {
        let flood = line.repeat((1 << 20) / line.len());
        let (port, thread) = server(
            1,
            move |mut stream| while stream.write_all(&flood).is_ok() {},
        );
        let error = fails("127.0.0.1", port, LONG);
        assert!(error.message().contains("not an SSH server"), "{error}");
        thread.join().unwrap();
    }
}

#[test]
fn a_flood_after_the_greeting() {
    let (port, thread) = server(1, |mut stream| {
        let _ = stream.write_all(b"SSH-2.0-flood\r\n");
        // SSH_MSG_IGNORE, again and again, before any key exchange.
        let ignore = [0, 0, 0, 12, 6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(4096);
        while stream.write_all(&ignore).is_ok() {}
    });
    fails("127.0.0.1", port, LONG);
    thread.join().unwrap();
}

#[test]
fn closed_before_during_and_by_reset() {
    let (port, thread) = server(1, drop);
    let error = fails("127.0.0.1", port, LONG);
    assert!(error.message().contains("gave no greeting"), "{error}");
    thread.join().unwrap();
    let (port, thread) = server(1, |mut stream| {
        stream.write_all(b"SSH-2.0-gone\r\n").unwrap();
        // Its answer is read, so that the end is an end and not a reset.
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = fails("127.0.0.1", port, LONG);
    assert!(error.message().contains("during the handshake"), "{error}");
    thread.join().unwrap();
}

#[test]
fn garbage_instead_of_keys() {
    let (port, thread) = server(1, |mut stream| {
        let _ = stream.write_all(b"SSH-2.0-junk\r\n");
        let _ = stream.write_all(&[0xff; 5000]);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    fails("127.0.0.1", port, SHORT * 2);
    thread.join().unwrap();
}

#[test]
fn another_try_after_a_dropped_connection_but_not_after_a_refused_login() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let Some(sshd) = Sshd::start("") else { return };
    let (seen, sshd_port) = (Arc::new(AtomicUsize::new(0)), sshd.port);
    let counter = seen.clone();
    // Drops the first connection, as MaxStartups does, and passes the others on.
    let (port, _thread) = server(3, move |mut stream| {
        if counter.fetch_add(1, Ordering::SeqCst) == 0 {
            return;
        }
        let mut inner = TcpStream::connect(("127.0.0.1", sshd_port)).unwrap();
        let (mut back, mut inner_back) = (stream.try_clone().unwrap(), inner.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut inner_back, &mut back);
            let _ = back.shutdown(std::net::Shutdown::Both);
        });
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut stream, &mut inner);
            let _ = inner.shutdown(std::net::Shutdown::Both);
        });
    });
    let again = || Options {
        retries: 1,
        ..sshd.options()
    };
    let web = open(
        again(),
        Target {
            port,
            ..sshd.target()
        },
    )
    .unwrap();
    assert!(block_on(web.exec(Exec::new("true"))).unwrap().is_success());
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    let refused = Target {
        port,
        key: Some(sshd.path("host_ed25519")),
        ..sshd.target()
    };
    assert_eq!(open(again(), refused).err().unwrap().kind(), Kind::Auth);
    assert_eq!(
        seen.load(Ordering::SeqCst),
        3,
        "a refused login was tried again"
    );
}

#[test]
fn giving_up_a_connection_ends_it_at_once() {
    let (port, _thread) = server(1, |mut stream| {
        // Gone when the other side is.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let dir = tempfile::tempdir().unwrap();
    let ssh = Ssh::new(Options {
        timeout: LONG,
        ..options(dir.path().join("known_hosts"))
    });
    let mut call = ssh.connect(target("127.0.0.1", port));
    let waker = futures::task::noop_waker();
    assert!(
        call.as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
            .is_pending()
    );
    std::thread::sleep(Duration::from_millis(200));
    drop(call);
    let until = Instant::now() + Duration::from_secs(5);
    while !_thread.is_finished() {
        assert!(Instant::now() < until, "the connection stays open");
        std::thread::sleep(Duration::from_millis(20));
    }
}
