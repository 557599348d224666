//! The tunnel against a gateway in this process, which is the same code on the other side: no root, no
//! namespaces. Against somebody else's WireGuard it is tried in `tests/suite/tunnel_userspace.rs`.

use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use boringtun::x25519::{PublicKey, StaticSecret};
use futures::executor::block_on;
use smoltcp::socket::tcp::State;

use super::device::Came;
use super::*;
use crate::events::Silent;

const ECHO: u16 = 7;
const DISCARD: u16 = 9;
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The other side: listens on its addresses, port 7 echoes, port 9 takes all and says nothing.
struct Gateway {
    address: SocketAddr,
    /// From where it expects us.
    from: u16,
    stop: Arc<AtomicBool>,
    /// Does not hear or say anything while this is set.
    is_deaf: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

fn key(byte: u8) -> StaticSecret {
    StaticSecret::from([byte; 32])
}

/// Ours when `own` is 1, the gateway's when it is 2.
fn settings(own: u8, peer: u8, addresses: &[&str], port: u16) -> Settings {
    Settings {
        name: "lab".to_owned(),
        private: key(own),
        peer: PublicKey::from(&key(peer)),
        preshared: None,
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        allowed: vec!["10.7.0.0/24".parse().unwrap(), "fd07::/64".parse().unwrap()],
        dns: Vec::new(),
        gateway: ("127.0.0.1".to_owned(), 0),
        port,
        mtu: 1420,
        keepalive: None,
        timeout: Duration::from_secs(20),
    }
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

impl Gateway {
    fn start(connections: usize) -> Gateway {
        Gateway::with(
            settings(2, 1, &["10.7.0.1/24", "fd07::1/64"], 0),
            connections,
        )
    }

    fn with(mut settings: Settings, connections: usize) -> Gateway {
        let from = free_port();
        settings.port = free_port();
        let address = SocketAddr::from(([127, 0, 0, 1], settings.port));
        let (stop, is_deaf) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (stopped, deaf) = (stop.clone(), is_deaf.clone());
        let link = Link::new(SocketAddr::from(([127, 0, 0, 1], from)), settings.port).unwrap();
        let thread = std::thread::spawn(move || {
            let device = Device::new(&settings, link);
            let mut stack = stack::Stack::new(device, &settings.addresses);
            let echoes: Vec<_> = (0..connections).map(|_| stack.listen(ECHO)).collect();
            stack.listen(DISCARD);
            while !stopped.load(Ordering::Relaxed) {
                while let Some(came) = stack.device.receive_one() {
                    if came == Came::Packet && !deaf.load(Ordering::Relaxed) {
                        stack.read();
                    }
                }
                for handle in &echoes {
                    let socket = stack.tcp(*handle);
                    if socket.can_recv() && socket.can_send() {
                        let mut bytes = [0; 8192];
                        let room = socket.send_capacity() - socket.send_queue();
                        let n = socket.recv_slice(&mut bytes[..room.min(8192)]).unwrap();
                        assert_eq!(socket.send_slice(&bytes[..n]).unwrap(), n);
                    }
                    if socket.state() == State::CloseWait && !socket.can_recv() {
                        socket.close();
                    }
                }
                stack.device.outer().tick();
                stack.send();
                let pause = stack.patience().unwrap_or(Duration::from_millis(2));
                std::thread::sleep(pause.min(Duration::from_millis(2)));
            }
        });
        Gateway {
            address,
            from,
            stop,
            is_deaf,
            thread: Some(thread),
        }
    }

    /// Our side of it.
    fn open(&self, change: impl FnOnce(&mut Settings)) -> Result<Arc<Userspace>> {
        let mut ours = settings(1, 2, &["10.7.0.2/32", "fd07::2/128"], self.from);
        change(&mut ours);
        block_on(start(ours, self.address, Arc::new(Silent)))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        assert!(
            ended.is_ok() || std::thread::panicking(),
            "the gateway has panicked"
        );
    }
}

fn stream(tunnel: &Userspace, host: &str, port: u16) -> UnixStream {
    let stream = UnixStream::from(block_on(tunnel.dial(host, port)).unwrap());
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn bytes(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| ((i * 31 + i / 251 + seed) % 256) as u8)
        .collect()
}

/// Sends all, ends, and reads what comes back until the end.
fn echoed(mut stream: UnixStream, sent: Vec<u8>) -> Vec<u8> {
    let mut writer = stream.try_clone().unwrap();
    let feeder = std::thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    feeder.join().unwrap();
    back
}

#[test]
fn carries_streams_in_both_families_to_their_ends() {
    let gateway = Gateway::start(4);
    let tunnel = gateway.open(|_| {}).unwrap();
    assert!(tunnel.last_handshake().is_none_or(|ago| ago < PATIENCE));
    for (seed, host) in ["10.7.0.1", "fd07::1", "[fd07::1]"].into_iter().enumerate() {
        let sent = bytes(seed, 3_000_000);
        let back = echoed(stream(&tunnel, host, ECHO), sent.clone());
        assert!(
            back == sent,
            "{host}: {} of {} bytes",
            back.len(),
            sent.len()
        );
    }
    let facts = tunnel.facts();
    assert_eq!(facts.address, Some("10.7.0.2".parse().unwrap()));
    assert!(
        facts.sent.unwrap() > 9_000_000 && facts.received.unwrap() > 9_000_000,
        "{facts:?}"
    );
    block_on(tunnel.close()).unwrap();
    let error = block_on(tunnel.dial("10.7.0.1", ECHO)).unwrap_err();
    assert_eq!(error.message(), "the tunnel `lab` is down");
}

#[test]
fn many_at_once_and_one_that_does_not_read() {
    let gateway = Gateway::start(41);
    let tunnel = gateway.open(|_| {}).unwrap();
    let mut lazy = stream(&tunnel, "10.7.0.1", ECHO);
    // More than all buffers between here and there: it stands still, and nobody else does.
    lazy.set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let lost = lazy.write_all(&bytes(0, 8_000_000)).unwrap_err();
    assert_eq!(lost.kind(), std::io::ErrorKind::WouldBlock);
    let threads: Vec<_> = (0..40)
        .map(|seed| {
            let stream = stream(&tunnel, "10.7.0.1", ECHO);
            std::thread::spawn(move || {
                let sent = bytes(seed, 50_000 + seed);
                assert!(echoed(stream, sent.clone()) == sent, "connection {seed}");
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut some = [0; 100_000];
    lazy.read_exact(&mut some).unwrap();
    assert!(
        some[..] == bytes(0, 100_000),
        "what waited is still in order"
    );
}

#[test]
fn refusals_are_told_in_words() {
    let gateway = Gateway::start(1);
    let tunnel = gateway.open(|_| {}).unwrap();
    let error = |host: &str| block_on(tunnel.dial(host, 22)).unwrap_err();
    let refused = error("10.7.0.1");
    assert_eq!(refused.kind(), Kind::Connect);
    let message = "cannot connect to 10.7.0.1:22 through the tunnel `lab`: connection refused";
    assert_eq!(refused.message(), message);
    let outside = error("192.0.2.1");
    assert_eq!(
        (outside.kind(), outside.reason_word()),
        (Kind::Tunnel, Some("routes"))
    );
    let message = "the tunnel `lab` is not allowed to carry anything to 192.0.2.1";
    assert_eq!(outside.message(), message);

    let gateway = Gateway::start(1);
    let tunnel = gateway.open(|ours| ours.addresses.truncate(1)).unwrap();
    let error = block_on(tunnel.dial("fd07::1", ECHO)).unwrap_err();
    assert_eq!(error.reason_word(), Some("config"));
    let message = "the tunnel `lab` does not reach fd07::1: we have no IPv6 address in it";
    assert_eq!(error.message(), message);

    // Who connects must not wait for a server longer than the profile says.
    let gateway = Gateway::start(1);
    let tunnel = gateway
        .open(|ours| ours.timeout = Duration::from_secs(2))
        .unwrap();
    gateway.is_deaf.store(true, Ordering::Relaxed);
    let error = block_on(tunnel.dial("10.7.0.1", ECHO)).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
    assert!(
        error
            .message()
            .ends_with("through the tunnel `lab` timed out after 2 s"),
        "{error}"
    );
}

#[test]
fn a_gateway_that_does_not_want_us_is_told() {
    let second = Duration::from_secs(1);
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut ours = settings(1, 2, &["10.7.0.2/32"], 0);
    ours.timeout = second;
    let at = silent.local_addr().unwrap();
    let started = start(ours, at, Arc::new(Silent));
    let error = block_on(started).err().unwrap();
    assert_eq!(
        (error.kind(), error.reason_word()),
        (Kind::Tunnel, Some("gateway"))
    );
    let message = format!("the tunnel `lab` does not come up: the gateway {at} does not answer");
    assert_eq!(error.message(), message);
    let ours = settings(1, 2, &["10.7.0.2/32"], 0).public_key();
    assert!(
        error
            .hint_text()
            .unwrap()
            .ends_with(&format!("ours is {ours}")),
        "{error:?}"
    );

    // Another private key than the one that it knows; another gateway than we think.
    let gateway = Gateway::start(1);
    let strangers: [fn(&mut Settings); 2] = [
        |ours| ours.private = key(3),
        |ours| ours.peer = PublicKey::from(&key(4)),
    ];
    for stranger in strangers {
        let error = gateway.open(|ours| {
            stranger(ours);
            ours.timeout = Duration::from_secs(1);
        });
        assert_eq!(error.err().unwrap().reason_word(), Some("gateway"));
    }
    // The same keys and another shared one: it answers, and we cannot read it.
    let error = gateway.open(|ours| {
        ours.preshared = Some([5; 32].into());
        ours.timeout = Duration::from_secs(1);
    });
    let error = error.err().unwrap();
    assert_eq!(error.reason_word(), Some("auth"));
    assert!(
        error.message().ends_with("answers, but not with our keys"),
        "{error}"
    );
    let tunnel = gateway.open(|_| {}).unwrap();
    assert_eq!(
        echoed(stream(&tunnel, "10.7.0.1", ECHO), b"hello".to_vec()),
        b"hello"
    );
}

#[test]
fn a_program_that_leaves_frees_its_connection() {
    let gateway = Gateway::start(30);
    let tunnel = gateway.open(|_| {}).unwrap();
    // Thirty sockets listen; each is used once, and dropped without a goodbye.
    for turn in 0..30 {
        let mut stream = stream(&tunnel, "10.7.0.1", ECHO);
        stream.write_all(&bytes(turn, 1000)).unwrap();
        if turn % 2 == 0 {
            stream.read_exact(&mut [0; 500]).unwrap();
        }
    }
    // A socket of the program's own, and what is to be said on it first.
    let (near, far) = UnixStream::pair().unwrap();
    let error = block_on(tunnel.join("10.7.0.1", 22, near.into(), b"hello ".to_vec()));
    assert_eq!(error.unwrap_err().kind(), Kind::Connect);
    drop(far);
    let gateway = Gateway::start(1);
    let tunnel = gateway.open(|_| {}).unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    block_on(tunnel.join("10.7.0.1", ECHO, near.into(), b"hello ".to_vec())).unwrap();
    far.write_all(b"echo").unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    let mut back = String::new();
    far.read_to_string(&mut back).unwrap();
    assert_eq!(back, "hello echo");
    let begun = Instant::now();
    drop(tunnel);
    assert!(begun.elapsed() < PATIENCE);
}
