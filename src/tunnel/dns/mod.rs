//! Names that are known behind a tunnel only: a small resolver that asks the servers which the profile names,
//! on the way that the tunnel is. [`message`] is what is said, this file how. Keeps nothing.

mod message;

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use self::message::{Answer, Family, Question};
use super::{Dial, Way};
use crate::error::{Error, Kind, Result};

const PORT: u16 = 53;
/// Patience with one server the first time it is asked over UDP; doubled each time.
const FIRST: Duration = Duration::from_secs(1);
/// How often each is asked.
const TRIES: u32 = 4;
/// The largest message over UDP without an agreement (RFC 1035); more is taken all the same.
const DATAGRAM: usize = 4096;

/// The addresses of `name` as `servers` know them, IPv4 first.
///
/// # Errors
/// [`Kind::Usage`] for what cannot be a name, [`Kind::Connect`] when there is no such name or no server
/// answers within `patience`.
pub async fn resolve(
    way: &Way,
    servers: &[IpAddr],
    name: &str,
    patience: Duration,
) -> Result<Vec<IpAddr>> {
    let asking = Asking {
        way: way.clone(),
        servers: servers.to_vec(),
        port: PORT,
        name: name.to_owned(),
        until: Instant::now() + patience,
    };
    apart(move || asking.run()).await
}

/// The addresses of `name` as this machine knows them, each with `port`; never none.
///
/// # Errors
/// [`Kind::Connect`] when it does not know it, or does not say so within `patience`.
pub async fn resolve_here(name: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>> {
    let name = name.to_owned();
    let asked = (name.clone(), port);
    let (answer, answered) = mpsc::channel();
    // The C resolver cannot be interrupted; its thread can be left behind.
    spawn(move || drop(answer.send(asked.to_socket_addrs())))?;
    apart(move || {
        let error = |what: &str| Error::new(Kind::Connect, format!("host `{name}` {what}"));
        match answered.recv_timeout(patience) {
            Ok(Ok(found)) if found.len() > 0 => Ok(found.collect()),
            Ok(Ok(_)) => Err(error("does not resolve")),
            Ok(Err(e)) => Err(error("does not resolve").source(e)),
            Err(_) => Err(error(&format!(
                "was not resolved within {} s",
                patience.as_secs_f32()
            ))),
        }
    })
    .await
}

/// On a thread of its own, since it blocks; it may be left behind.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (answer, answered) = oneshot::channel();
    spawn(move || drop(answer.send(work())))?;
    let gone = || Err(Error::local("the resolver's thread is gone"));
    answered.await.unwrap_or_else(|_| gone())
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name("resolve".to_owned());
    let started = thread.stack_size(256 << 10).spawn(work);
    let failed = |e| Error::local("cannot start a thread for the resolver").source(e);
    started.map(drop).map_err(failed)
}

struct Asking {
    way: Way,
    servers: Vec<IpAddr>,
    port: u16,
    name: String,
    until: Instant,
}

/// Two questions and what came of each.
type Both = [(Question, Option<Answer>); 2];

impl Asking {
    fn run(self) -> Result<Vec<IpAddr>> {
        let ask = |family| -> Result<_> {
            Ok((
                Question::new(super::random() as u16, &self.name, family)?,
                None,
            ))
        };
        // What cannot be a name is told without asking anybody.
        ask(Family::V4)?;
        let mut last = String::from("no server was named");
        for turn in 0..TRIES {
            for server in &self.servers {
                let left = self.until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(self.unanswered(&last));
                }
                // New numbers each time: an answer that comes late is none.
                let mut both: Both = [ask(Family::V4)?, ask(Family::V6)?];
                let asked = self.ask(*server, &mut both, left.min(FIRST * 2u32.pow(turn)), left);
                match read(both) {
                    Some(Ok(found)) => return Ok(found),
                    Some(Err(Answer::Failed(why))) => last = format!("{server}: {why}"),
                    Some(Err(_)) => return Err(self.unknown(*server)),
                    None => {
                        let why = asked
                            .err()
                            .map_or("no answer".to_owned(), |e| e.to_string());
                        last = format!("{server}: {why}");
                    }
                }
            }
        }
        Err(self.unanswered(&last))
    }

    fn unknown(&self, server: IpAddr) -> Error {
        let message = format!("host `{}` does not resolve behind the tunnel", self.name);
        Error::new(Kind::Connect, message)
            .hint(format!("check the host's name; {server} was asked"))
    }

    fn unanswered(&self, last: &str) -> Error {
        let name = &self.name;
        let message =
            format!("host `{name}` does not resolve: no server behind the tunnel tells ({last})");
        Error::new(Kind::Connect, message).hint("are the tunnel's `dns` servers right?")
    }

    /// Over UDP where there is that, and over TCP when the answer does not fit, or there is no other.
    fn ask(&self, server: IpAddr, both: &mut Both, once: Duration, left: Duration) -> Result<()> {
        let place = SocketAddr::new(server, self.port);
        let fail = |e: io::Error| Error::new(Kind::Connect, e.to_string()).source(e);
        let dial: Option<&Arc<dyn Dial>> = match &self.way {
            Way::Route => None,
            Way::Dial(dial) => Some(dial),
        };
        let is_sent = match dial {
            None => {
                let any: IpAddr = match server {
                    IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                let socket = UdpSocket::bind((any, 0)).map_err(fail)?;
                socket.connect(place).map_err(fail)?;
                datagrams(&OwnedFd::from(socket).into(), both, once).map_err(fail)?;
                true
            }
            Some(dial) => match dial.datagrams(place) {
                Some(socket) => {
                    let socket = futures::executor::block_on(socket)?;
                    datagrams(&socket.into(), both, once).map_err(fail)?;
                    true
                }
                None => false,
            },
        };
        if is_sent
            && both
                .iter()
                .all(|(_, answer)| *answer != Some(Answer::Truncated))
        {
            return Ok(());
        }
        let stream = match dial {
            None => OwnedFd::from(TcpStream::connect_timeout(&place, left).map_err(fail)?),
            Some(dial) => futures::executor::block_on(dial.dial(&server.to_string(), self.port))?,
        };
        stream_of(stream.into(), both, left).map_err(fail)
    }
}

/// What both answers come to; `None` while one is missing, unless the other has addresses.
fn read(both: Both) -> Option<Result<Vec<IpAddr>, Answer>> {
    let mut found = Vec::new();
    let mut worse = None;
    let mut is_missing = false;
    for (_, answer) in both {
        match answer {
            Some(Answer::Addresses(addresses)) => found.extend(addresses),
            Some(Answer::Truncated) | None => is_missing = true,
            Some(answer @ Answer::Failed(_)) => worse = Some(answer),
            Some(answer) => worse = worse.or(Some(answer)),
        }
    }
    match (found.is_empty(), worse, is_missing) {
        (false, _, _) => Some(Ok(found)),
        (true, _, true) => None,
        (true, worse, false) => Some(Err(worse.unwrap_or(Answer::Unknown))),
    }
}

/// Takes an answer where it belongs; true when nothing is missing any more.
fn take(both: &mut Both, message: &[u8]) -> bool {
    for (question, answer) in both.iter_mut() {
        let is_open = matches!(answer, None | Some(Answer::Truncated));
        if is_open && let Some(said) = question.answer(message) {
            *answer = Some(said);
        }
    }
    both.iter().all(|(_, answer)| answer.is_some())
}

/// Over any datagram socket: the calls are the same for each family.
fn datagrams(socket: &UnixDatagram, both: &mut Both, patience: Duration) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    for (question, _) in both.iter() {
        socket.send(&question.bytes())?;
    }
    let until = Instant::now() + patience;
    let mut buffer = [0; DATAGRAM];
    while let Some(left) = until
        .checked_duration_since(Instant::now())
        .filter(|d| !d.is_zero())
    {
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut buffer) {
            Ok(n) if take(both, &buffer[..n]) => break,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Each message behind its length (RFC 1035 4.2.2).
fn stream_of(mut stream: UnixStream, both: &mut Both, patience: Duration) -> io::Result<()> {
    let until = Instant::now() + patience;
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(patience))?;
    let missing = |answer: &Option<Answer>| matches!(answer, None | Some(Answer::Truncated));
    let asked: Vec<_> = both
        .iter()
        .filter(|(_, a)| missing(a))
        .map(|(q, _)| q.bytes())
        .collect();
    for question in &asked {
        let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
        stream.write_all(&[&length.to_be_bytes()[..], question].concat())?;
    }
    for _ in &asked {
        let mut length = [0; 2];
        exactly(&mut stream, &mut length, until)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        exactly(&mut stream, &mut message, until)?;
        take(both, &message);
    }
    Ok(())
}

/// A server that sends one byte a second does not get more time by that.
fn exactly(stream: &mut UnixStream, mut buffer: &mut [u8], until: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => buffer = &mut buffer[n..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
