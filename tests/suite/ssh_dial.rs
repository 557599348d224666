//! Connections that a server makes for us: opened one after another, moved byte by byte.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::select;
use machineroom::error::Kind;
use machineroom::ssh::{Exec, Options};

use super::jump::deaf;
use crate::support::sshd::{Sshd, free_port, open};

#[test]
fn an_opening_that_was_given_up_is_finished_before_the_next() {
    let Some(hop) = Sshd::start("") else { return };
    let options = Options {
        timeout: Duration::from_secs(1),
        ..hop.options()
    };
    let session = open(options, hop.target()).unwrap();
    let closed = block_on(session.dial("127.0.0.1", free_port())).unwrap_err();
    assert_eq!(closed.kind(), Kind::Connect, "{closed}");
    let (deaf, held) = deaf();
    let port = deaf.local_addr().unwrap().port();
    let silent = block_on(session.dial("127.0.0.1", port)).unwrap_err();
    assert_eq!(silent.kind(), Kind::Timeout, "{silent}");
    // Dropped while the server is still thinking, too.
    block_on(async {
        let dial = session.dial("localhost", port);
        select(dial, std::pin::pin!(async {})).await;
    });
    let next = session.clone();
    let next = std::thread::spawn(move || block_on(next.exec(Exec::new("echo there"))));
    drop(held);
    let accepting = std::thread::spawn(move || {
        // One of the queue, and the one that the server makes.
        (0..2).for_each(|_| drop(deaf.accept()));
        deaf
    });
    let output = next.join().unwrap().unwrap();
    assert_eq!(output.stdout, b"there\n");
    let _deaf = accepting.join().unwrap();
    // What comes through is what the other side sends.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    let socket = block_on(session.dial("127.0.0.1", port)).unwrap();
    let (mut peer, _) = plain.accept().unwrap();
    let mut near = UnixStream::from(socket);
    near.set_nonblocking(false).unwrap();
    let big: Vec<u8> = (0..2_000_000u32).map(|i| (i % 251) as u8).collect();
    let sent = big.clone();
    let writer = std::thread::spawn(move || {
        peer.write_all(&sent).unwrap();
        let mut answer = [0; 5];
        peer.read_exact(&mut answer).unwrap();
        answer
    });
    let mut got = vec![0; big.len()];
    near.read_exact(&mut got).unwrap();
    assert!(got == big);
    near.write_all(b"hello").unwrap();
    assert_eq!(&writer.join().unwrap(), b"hello");
    assert_eq!(near.read(&mut got).unwrap(), 0, "the end comes through");
}
