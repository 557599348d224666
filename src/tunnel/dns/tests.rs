//! The resolver against servers of its own on loopback, by kernel sockets and by a `Dial`.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;

use super::*;
use crate::ssh::Reply;

const V4: &str = "10.1.0.5";
const V6: &str = "fd07::5";

/// What a server says to the question with this number: `None`, nothing.
type Says = fn(usize, &[u8]) -> Option<Vec<u8>>;

/// A server for UDP and TCP on one port; counts the questions.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// Its threads are left behind; they wait for questions that never come.
    fn start(udp: Says, tcp: Says) -> Server {
        let (listener, socket) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()) {
                break (listener, socket);
            }
        };
        let asked = Arc::new(AtomicUsize::new(0));
        let address = socket.local_addr().unwrap();
        let count = asked.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((n, from)) = socket.recv_from(&mut buffer) {
                let number = count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = udp(number, &buffer[..n]) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        let count = asked.clone();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut question = vec![0; u16::from_be_bytes(length).into()];
                    stream.read_exact(&mut question).unwrap();
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    let Some(answer) = tcp(number, &question) else {
                        break;
                    };
                    let length = (answer.len() as u16).to_be_bytes();
                    // In two pieces, as a network may do.
                    stream.write_all(&length[..1]).unwrap();
                    stream.write_all(&[&length[1..], &answer].concat()).unwrap();
                }
            }
        });
        Server { address, asked }
    }

    fn ask(&self, way: Way, patience: Duration) -> Result<Vec<IpAddr>> {
        let asking = Asking {
            way,
            servers: vec![self.address.ip()],
            port: self.address.port(),
            name: "db.corp.test".to_owned(),
            until: Instant::now() + patience,
        };
        asking.run()
    }
}

/// Both families, each with one address.
fn good(_: usize, question: &[u8]) -> Option<Vec<u8>> {
    let kind = question[question.len() - 3];
    let ip: Vec<u8> = match kind {
        1 => V4.parse::<Ipv4Addr>().unwrap().octets().to_vec(),
        _ => V6.parse::<Ipv6Addr>().unwrap().octets().to_vec(),
    };
    let mut answer = says(question, 0x8180);
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, ip.len() as u8]);
    answer.extend(ip);
    Some(answer)
}

fn says(question: &[u8], flags: u16) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2..4].copy_from_slice(&flags.to_be_bytes());
    answer
}

fn nothing(_: usize, _: &[u8]) -> Option<Vec<u8>> {
    None
}

fn both() -> Vec<IpAddr> {
    vec![V4.parse().unwrap(), V6.parse().unwrap()]
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn asks_again_and_does_not_believe_strangers() {
    let server = Server::start(good, nothing);
    assert_eq!(server.ask(Way::Route, PATIENCE).unwrap(), both());
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    // The first two are lost, the next are answered by somebody who guesses the number.
    let server = Server::start(
        |number, question| match number {
            0 | 1 => None,
            2 | 3 => good(0, question).map(|mut answer| {
                answer[0] ^= 0xff;
                answer
            }),
            _ => good(0, question),
        },
        nothing,
    );
    assert_eq!(server.ask(Way::Route, PATIENCE).unwrap(), both());
    assert_eq!(server.asked.load(Ordering::SeqCst), 6);
}

#[test]
fn asks_over_tcp_what_does_not_fit() {
    let server = Server::start(|_, question| Some(says(question, 0x8380)), good);
    assert_eq!(server.ask(Way::Route, PATIENCE).unwrap(), both());
    assert_eq!(server.asked.load(Ordering::SeqCst), 4);
}

#[test]
fn tells_what_is_wrong_in_time() {
    let server = Server::start(|_, question| Some(says(question, 0x8183)), nothing);
    let error = server.ask(Way::Route, PATIENCE).unwrap_err();
    assert_eq!(
        error.message(),
        "host `db.corp.test` does not resolve behind the tunnel"
    );
    let server = Server::start(nothing, nothing);
    let begun = Instant::now();
    let error = server.ask(Way::Route, Duration::from_secs(2)).unwrap_err();
    let message = "host `db.corp.test` does not resolve: no server behind the tunnel tells \
                   (127.0.0.1: no answer)";
    assert_eq!((error.kind(), error.message()), (Kind::Connect, message));
    assert!(begun.elapsed() < PATIENCE);
    let server = Server::start(|_, question| Some(says(question, 0x8185)), nothing);
    let error = server.ask(Way::Route, PATIENCE).unwrap_err();
    assert!(
        error
            .message()
            .contains("127.0.0.1: it refuses to answer us"),
        "{error}"
    );
    assert_eq!(server.asked.load(Ordering::SeqCst), 8, "each of four times");
    let no = block_on(resolve(&Way::Route, &[], "a b", PATIENCE)).unwrap_err();
    assert_eq!(no.message(), "`a b` is not a host's name");
    let no = block_on(resolve(&Way::Route, &[], "a", PATIENCE)).unwrap_err();
    assert!(no.message().ends_with("(no server was named)"), "{no}");
}

/// Connects to the server of a test, whatever it is asked for; UDP is not to be had.
struct Only(SocketAddr);

impl Dial for Only {
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        assert_eq!((host, port), ("127.0.0.1", self.0.port()));
        let stream = TcpStream::connect(self.0);
        Box::pin(async move { Ok(stream.unwrap().into()) })
    }

    fn join(&self, _: &str, _: u16, _: OwnedFd, _: Vec<u8>) -> Reply<()> {
        Box::pin(async { Err(Error::usage("nobody asks for this")) })
    }
}

#[test]
fn asks_on_connections_where_there_is_no_route() {
    let server = Server::start(nothing, good);
    let way = Way::Dial(Arc::new(Only(server.address)));
    assert_eq!(server.ask(way, PATIENCE).unwrap(), both());
    // One that hangs up says nothing.
    let server = Server::start(nothing, nothing);
    let way = Way::Dial(Arc::new(Only(server.address)));
    let error = server.ask(way, PATIENCE).unwrap_err();
    assert!(
        error
            .message()
            .contains("no server behind the tunnel tells"),
        "{error}"
    );
}

#[test]
fn names_of_this_machine() {
    let found = block_on(resolve_here("localhost", 7, PATIENCE)).unwrap();
    assert!(
        found.iter().all(|a| a.ip().is_loopback() && a.port() == 7),
        "{found:?}"
    );
    let error = block_on(resolve_here("no.such.name.invalid", 7, PATIENCE)).unwrap_err();
    assert_eq!(
        error.message(),
        "host `no.such.name.invalid` does not resolve"
    );
    let error = block_on(resolve_here("no.such.name.invalid", 7, Duration::ZERO)).unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "in no time at all: {error}");
}
