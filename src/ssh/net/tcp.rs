//! From a name and a port to a connected socket, within a deadline that even a hanging resolver
//! keeps, and given up at once when nobody wants it any more.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::poll::{Interest, Wake, wait};
use crate::error::{Error, Kind, Result};

/// How long a connection attempt may take, and who may end it sooner.
pub struct Patience {
    wake: Arc<Wake>,
    abandoned: Box<dyn Fn() -> bool>,
    until: Instant,
    total: Duration,
}

/// Why waiting ended without what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The time is up.
    Timeout,
    /// The caller has gone.
    Abandoned,
}

impl Patience {
    /// `total` from now on; `wake` makes `abandoned` be asked.
    pub fn new(total: Duration, wake: Arc<Wake>, abandoned: Box<dyn Fn() -> bool>) -> Self {
        Patience {
            wake,
            abandoned,
            until: Instant::now() + total,
            total,
        }
    }

    /// Runs what waits for a person: that time does not count.
    pub fn pause<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = f();
        self.forgive(start.elapsed());
        value
    }

    /// Gives back time that a person used.
    pub fn forgive(&mut self, time: Duration) {
        self.until += time;
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// The whole time as given, for messages.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// Fails when there is no reason to go on.
    pub fn check(&self) -> Result<(), Stop> {
        if (self.abandoned)() {
            return Err(Stop::Abandoned);
        }
        if self.left().is_zero() {
            Err(Stop::Timeout)
        } else {
            Ok(())
        }
    }

    /// Waits for `socket`, at most until `cap` when that comes first; false when it came.
    pub fn wait(
        &self,
        socket: Option<(std::os::fd::BorrowedFd<'_>, Interest)>,
        cap: Option<Instant>,
    ) -> Result<bool, Stop> {
        let until = cap.map_or(self.until, |cap| cap.min(self.until));
        loop {
            self.check()?;
            if wait(socket, &self.wake, Some(until)).socket {
                return Ok(true);
            }
            if Instant::now() >= until {
                self.check()?;
                return Ok(false);
            }
        }
    }
}

/// The error of an attempt that nobody waits for any more.
pub fn abandoned() -> Error {
    Error::new(Kind::Cancelled, "the connection attempt was given up")
}

/// The addresses of `host`, in the resolver's order.
pub fn resolve(host: &str, port: u16, patience: &Patience) -> Result<Vec<SocketAddr>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    // The C resolver cannot be interrupted; a thread of its own can be left behind.
    let (tx, rx) = mpsc::channel();
    let wake = patience.wake.clone();
    let name = (bare.to_owned(), port);
    std::thread::Builder::new()
        .name("resolve".to_owned())
        .stack_size(256 << 10)
        .spawn(move || {
            let _ = tx.send(name.to_socket_addrs().map(Iterator::collect::<Vec<_>>));
            wake.wake();
        })
        .map_err(|e| Error::local("cannot start a thread for the resolver").source(e))?;
    loop {
        match rx.try_recv() {
            Ok(Ok(found)) if !found.is_empty() => return Ok(found),
            Ok(answer) => {
                let error = Error::new(Kind::Connect, format!("host `{bare}` does not resolve"))
                    .hint("check the host's name, and that DNS works from here");
                return Err(match answer {
                    Err(source) => error.source(source),
                    Ok(_) => error,
                });
            }
            Err(_) => {}
        }
        wait(None, &patience.wake, Some(patience.until));
        match patience.check() {
            Ok(()) => {}
            Err(Stop::Abandoned) => return Err(abandoned()),
            Err(Stop::Timeout) => {
                let seconds = patience.total.as_secs_f32();
                let message = format!("resolving host `{bare}` timed out after {seconds} s");
                return Err(Error::new(Kind::Connect, message));
            }
        }
    }
}

/// Connects to the first address that answers. Each gets its share of the time that is left, so
/// that one that swallows packets does not use it up.
pub fn connect(addresses: &[SocketAddr], patience: &Patience) -> Result<TcpStream> {
    let mut last = None;
    for (i, address) in addresses.iter().enumerate() {
        let share = patience.left() / (addresses.len() - i).max(1) as u32;
        match attempt(*address, patience, Instant::now() + share) {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::new(Kind::Connect, "the host has no addresses")))
}

fn attempt(address: SocketAddr, patience: &Patience, until: Instant) -> Result<TcpStream> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)
        .map_err(|e| failed(address, e))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) => return Ok(TcpStream::from(socket)),
        Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(failed(address, error)),
    }
    let interest = Interest {
        read: false,
        write: true,
    };
    match patience.wait(Some((socket.as_fd(), interest)), Some(until)) {
        Ok(true) => {}
        Err(Stop::Abandoned) => return Err(abandoned()),
        Ok(false) | Err(Stop::Timeout) => {
            let seconds = patience.total.as_secs_f32();
            let message = format!("connecting to {address} timed out after {seconds} s");
            return Err(Error::new(Kind::Connect, message)
                .hint("is the server up, and does a firewall drop the packets?"));
        }
    }
    match rustix::net::sockopt::socket_error(&socket) {
        Ok(Ok(())) => Ok(TcpStream::from(socket)),
        Ok(Err(error)) | Err(error) => Err(failed(address, error)),
    }
}

fn failed(address: SocketAddr, error: Errno) -> Error {
    let (reason, hint) = match error {
        Errno::CONNREFUSED => ("connection refused", "is sshd running, and on this port?"),
        Errno::HOSTUNREACH => ("no route to the host", "is the server up?"),
        Errno::NETUNREACH => ("the network is unreachable", "is this machine online?"),
        Errno::CONNRESET => (
            "connection reset",
            "a firewall or tcp wrapper may refuse us",
        ),
        Errno::TIMEDOUT => ("connection timed out", "is the server up?"),
        Errno::MFILE | Errno::NFILE => {
            let message = "this machine has no file descriptors left";
            return Error::local(message).hint("use fewer forks, or raise `ulimit -n`");
        }
        other => {
            let message = format!("cannot connect to {address}");
            return Error::new(Kind::Connect, message).source(std::io::Error::from(other));
        }
    };
    Error::new(
        Kind::Connect,
        format!("cannot connect to {address}: {reason}"),
    )
    .hint(hint)
}

/// Without it the server's small first packets wait about 40 ms for our delayed ACK. Linux clears
/// the option by itself, so it is set before each wait.
pub fn quick_ack(socket: impl AsFd) {
    let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
}
