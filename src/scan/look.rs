//! Who is behind an open port: what it says first, and its certificate.
//!
//! Open ports are few, so each is asked over connections of its own by a few threads. Nothing is sent
//! but a TLS greeting. What a server says is bounded in bytes and in time, and is nothing but data.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Found, Manner, Open, Target, tls};
use crate::error::Result;

/// Most bytes kept of what a port says.
pub(super) const LONGEST: usize = 256;
/// Ports of one host that are asked; a tarpit has more of them than anybody wants to know.
const MOST: usize = 512;
/// Ports asked at once.
const THREADS: usize = 32;
/// How long a port may take to say something, or to show its certificate.
const WAIT: Duration = Duration::from_secs(2);
/// Most bytes of a handshake.
const HANDSHAKE: usize = 256 << 10;

/// Asks all open ports, and keeps what they say.
pub(super) fn at(
    targets: &[Target],
    found: &mut [Result<Found>],
    manner: &Manner,
    stop: &(dyn Fn() -> bool + Sync),
) {
    let mut jobs = Vec::new();
    for (target, found) in targets.iter().zip(&mut *found) {
        let Ok(found) = found else { continue };
        let places: Vec<SocketAddr> = found
            .open
            .iter()
            .take(MOST)
            .map(|open| SocketAddr::new(found.address, open.port))
            .collect();
        let open = found.open.iter_mut().take(MOST).zip(places);
        jobs.extend(open.map(|(open, place)| Mutex::new((open, place, target.host.as_str()))));
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop() {
                return;
            }
            if let Ok(mut job) = job.lock() {
                let (open, place, host) = &mut *job;
                ask(open, *place, host, manner);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = super::room(THREADS).min(jobs.len());
        for _ in 1..threads {
            // With fewer threads it takes longer; this one is there in any case.
            let thread = std::thread::Builder::new().name("look".to_owned());
            if thread.spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

fn ask(open: &mut Open, place: SocketAddr, host: &str, manner: &Manner) {
    if manner.banner {
        open.banner = banner(place).ok().filter(|text| !text.is_empty());
    }
    // Who speaks first in plain text does not speak TLS.
    if manner.tls
        && open.banner.is_none()
        && let Ok(line) = Line::open(place)
    {
        open.tls = tls::certificate(line, host);
    }
}

fn banner(place: SocketAddr) -> io::Result<String> {
    let mut line = Line::open(place)?;
    let mut bytes = [0; LONGEST];
    let count = line.read(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes[..count]);
    Ok(text.trim_end().to_owned())
}

/// A connection that ends by itself: after a time, and after so many bytes.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    until: Instant,
    left: usize,
}

impl Line {
    fn open(place: SocketAddr) -> io::Result<Line> {
        let stream = TcpStream::connect_timeout(&place, WAIT)?;
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        Ok(Line {
            stream,
            until: Instant::now() + WAIT,
            left: HANDSHAKE,
        })
    }

    /// The time that is left; an error when there is none.
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        match left.is_zero() || self.left == 0 {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(Some(left)),
        }
    }
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        let most = bytes.len().min(self.left);
        let count = self.stream.read(&mut bytes[..most])?;
        self.left -= count;
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
