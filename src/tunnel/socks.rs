//! SOCKS5 as RFC 1928 has it: CONNECT, without authentication. Names are passed on as they are, so that
//! they are resolved behind the tunnel.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};

/// The protocol's version.
const VERSION: u8 = 5;
/// How long a client may take to say where to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Replies of RFC 1928, section 6.
mod reply {
    pub const GRANTED: u8 = 0;
    pub const FAILURE: u8 = 1;
    pub const HOST_UNREACHABLE: u8 = 4;
    pub const REFUSED: u8 = 5;
    pub const NO_COMMAND: u8 = 7;
    pub const NO_ADDRESS_TYPE: u8 = 8;
}

/// Where a client wants to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address.
    pub host: String,
    /// A port from 1.
    pub port: u16,
}

/// What the bytes so far come to. No byte beyond a message is ever wanted: what follows it is not ours.
#[derive(Debug, PartialEq, Eq)]
enum Read<T> {
    /// So many more are needed.
    More(usize),
    Done(T),
}

/// Why a client is sent away, and what it is told.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    why: &'static str,
    answer: Vec<u8>,
}

impl Refusal {
    /// It does not speak SOCKS5: it would not understand an answer.
    fn silent(why: &'static str) -> Self {
        let answer = Vec::new();
        Refusal { why, answer }
    }

    fn with(why: &'static str, code: u8) -> Self {
        let answer = answer(code);
        Refusal { why, answer }
    }
}

/// The answer to a request. We do not tell the address that we connect from.
fn answer(code: u8) -> Vec<u8> {
    vec![VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// What a client hears when its connection is there.
pub(super) fn granted() -> Vec<u8> {
    answer(reply::GRANTED)
}

/// What it hears when it does not come about.
pub(super) fn refused(error: &Error) -> Vec<u8> {
    answer(match error.kind() {
        Kind::Timeout => reply::HOST_UNREACHABLE,
        Kind::Connect => reply::REFUSED,
        _ => reply::FAILURE,
    })
}

/// Reads where a client wants to. It is told when that is refused.
///
/// # Errors
/// [`Kind::Usage`] for what is no SOCKS5, or more of it than we do; [`Kind::Timeout`].
pub(super) fn ask(client: &TcpStream) -> Result<Place> {
    let until = Instant::now() + PATIENCE;
    converse(client, until, greeting)?;
    send(client, &[VERSION, 0])?;
    converse(client, until, request)
}

fn converse<T>(
    mut client: &TcpStream,
    until: Instant,
    parse: fn(&[u8]) -> Result<Read<T>, Refusal>,
) -> Result<T> {
    let mut bytes = Vec::new();
    loop {
        let wanted = match parse(&bytes) {
            Ok(Read::Done(value)) => return Ok(value),
            Ok(Read::More(wanted)) => wanted,
            Err(refusal) => {
                send(client, &refusal.answer)?;
                return Err(Error::usage(format!("a client {}", refusal.why)));
            }
        };
        let left = until.saturating_duration_since(Instant::now());
        let slow = || Error::new(Kind::Timeout, "a client did not say where to");
        if left.is_zero() {
            return Err(slow());
        }
        let gone = |e: std::io::Error| Error::local("a client is gone").source(e);
        client.set_read_timeout(Some(left)).map_err(gone)?;
        let mut piece = vec![0; wanted];
        match client.read(&mut piece) {
            Ok(0) => return Err(Error::local("a client went without a word")),
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Err(slow()),
            Err(e) => return Err(gone(e)),
        }
    }
}

fn send(mut client: &TcpStream, bytes: &[u8]) -> Result<()> {
    client
        .write_all(bytes)
        .map_err(|e| Error::local("a client is gone").source(e))
}

/// A message of which `size` bytes are needed, or how many are missing.
fn all<T>(bytes: &[u8], size: usize) -> Option<Read<T>> {
    (bytes.len() < size).then(|| Read::More(size - bytes.len()))
}

/// Version and the ways to authenticate that the client knows.
fn greeting(bytes: &[u8]) -> Result<Read<()>, Refusal> {
    match bytes.first() {
        None | Some(&VERSION) => {}
        Some(4) => return Err(Refusal::silent("speaks SOCKS4, not SOCKS5")),
        Some(_) => return Err(Refusal::silent("does not speak SOCKS5")),
    }
    let count = bytes.get(1).copied().map_or(0, usize::from);
    if let Some(more) = all(bytes, 2 + count) {
        return Ok(more);
    }
    match bytes[2..2 + count].contains(&0) {
        true => Ok(Read::Done(())),
        false => Err(Refusal {
            why: "wants to authenticate, and nobody asks for that",
            answer: vec![VERSION, 0xff],
        }),
    }
}

/// What the client wants.
fn request(bytes: &[u8]) -> Result<Read<Place>, Refusal> {
    if let Some(more) = all(bytes, 4) {
        return Ok(more);
    }
    if bytes[0] != VERSION || bytes[2] != 0 {
        return Err(Refusal::with("does not speak SOCKS5", reply::FAILURE));
    }
    if bytes[1] != 1 {
        let why = "wants more than a connection (BIND or UDP)";
        return Err(Refusal::with(why, reply::NO_COMMAND));
    }
    let (begin, size) = match bytes[3] {
        1 => (4, 4),
        4 => (4, 16),
        3 => match bytes.get(4) {
            None => return Ok(Read::More(1)),
            Some(size) => (5, usize::from(*size)),
        },
        _ => {
            let why = "names an address of no known type";
            return Err(Refusal::with(why, reply::NO_ADDRESS_TYPE));
        }
    };
    if let Some(more) = all(bytes, begin + size + 2) {
        return Ok(more);
    }
    let (host, port) = bytes[begin..].split_at(size);
    let host = match bytes[3] {
        1 => <[u8; 4]>::try_from(host)
            .ok()
            .map(|b| Ipv4Addr::from(b).to_string()),
        4 => <[u8; 16]>::try_from(host)
            .ok()
            .map(|b| Ipv6Addr::from(b).to_string()),
        _ => name(host),
    };
    let port = u16::from_be_bytes([port[0], port[1]]);
    match host.filter(|_| port > 0) {
        Some(host) => Ok(Read::Done(Place { host, port })),
        None => Err(Refusal::with(
            "names a place that cannot be",
            reply::FAILURE,
        )),
    }
}

/// A host's name: nothing in it that a resolver, a log or a terminal could take for something else.
fn name(bytes: &[u8]) -> Option<String> {
    let good = |b: &u8| b.is_ascii_alphanumeric() || b"-._:".contains(b);
    let well = !bytes.is_empty() && bytes[0] != b'-' && bytes.iter().all(good);
    well.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wanted(bytes: &[u8]) -> (String, u16) {
        match request(bytes) {
            Ok(Read::Done(place)) => (place.host, place.port),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }

    #[test]
    fn what_clients_want() {
        assert_eq!(greeting(&[5, 1, 0]), Ok(Read::Done(())));
        assert_eq!(greeting(&[5, 2, 2, 0]), Ok(Read::Done(())));
        let four = [5, 1, 0, 1, 10, 0, 0, 7, 0, 22];
        assert_eq!(wanted(&four), ("10.0.0.7".to_owned(), 22));
        let name = b"\x05\x01\x00\x03\x0bdb.internal\x15\x38";
        assert_eq!(wanted(name), ("db.internal".to_owned(), 5432));
        let mut six = vec![5, 1, 0, 4];
        six.extend([0; 15]);
        six.extend([1, 1, 0xbb]);
        assert_eq!(wanted(&six), ("::1".to_owned(), 443));
    }

    #[test]
    fn what_is_refused_and_how() {
        let silent = |bytes: &[u8]| greeting(bytes).unwrap_err().answer.is_empty();
        assert!(silent(b"GET / HTTP/1.1\r\n") && silent(&[4, 1]) && silent(&[0]));
        assert_eq!(greeting(&[5, 1, 2]).unwrap_err().answer, [5, 0xff]);
        assert_eq!(greeting(&[5, 0]).unwrap_err().answer, [5, 0xff]);
        for (bytes, code) in [
            (&[5, 2, 0, 1][..], 7),
            (&[5, 3, 0, 1], 7),
            (&[5, 1, 0, 2], 8),
            (&[5, 1, 9, 1], 1),
            (&[4, 1, 0, 1], 1),
            (&[5, 1, 0, 1, 1, 2, 3, 4, 0, 0], 1),
            (b"\x05\x01\x00\x03\x00\x00\x16", 1),
            (b"\x05\x01\x00\x03\x03a\nb\x00\x16", 1),
            (b"\x05\x01\x00\x03\x03a\0b\x00\x16", 1),
            (b"\x05\x01\x00\x03\x02-x\x00\x16", 1),
            (b"\x05\x01\x00\x03\x03a b\x00\x16", 1),
            (b"\x05\x01\x00\x03\x02\xc3\xa9\x00\x16", 1),
        ] {
            let refusal = request(bytes).unwrap_err();
            assert_eq!(refusal.answer[..2], [5, code], "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_or_want_more(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for parsed in [greeting(&bytes).map(|r| matches!(r, Read::More(0))),
                           request(&bytes).map(|r| matches!(r, Read::More(0)))] {
                prop_assert_ne!(parsed, Ok(true), "nothing more is wanted, and it is not done");
            }
        }

        #[test]
        fn a_request_is_read_to_its_last_byte_and_no_further(
            host in "[a-z0-9.]{1,60}", port in 1u16.., tail in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let mut bytes = vec![5, 1, 0, 3, host.len() as u8];
            bytes.extend(host.as_bytes());
            bytes.extend(port.to_be_bytes());
            bytes.extend(tail);
            let (mut have, mut total) = (Vec::new(), 0);
            let place = loop {
                match request(&have).unwrap() {
                    Read::Done(place) => break place,
                    Read::More(n) => {
                        total += n;
                        have = bytes[..total].to_vec();
                    }
                }
            };
            prop_assert_eq!(total, 7 + host.len());
            prop_assert_eq!((place.host, place.port), (host, port));
        }
    }
}
