//! Sockets that ask one port after another, and the epoll descriptor that tells which got an answer.
//!
//! A socket that was refused can ask the next port (Linux allows that), which saves most of the
//! system calls of a scan; one that was let in or that still waits is closed. The state is that of
//! the kernel: [`Sockets`] only keeps which question each socket asks.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

use super::host::{Answer, Probe};
use crate::error::{Error, Result};

/// Answers taken at once.
const EVENTS: usize = 1024;

/// What became of a question.
pub(super) enum Sent {
    /// Answered at once, as on loopback.
    Answered(Answer),
    /// It waits in that place under that number.
    Waits { slot: usize, stamp: u32 },
    /// This machine has not what it takes now: descriptors, memory, ports.
    Short(Errno),
    /// There is no way to that address.
    NoWay(Errno),
    /// We have met ourselves: the kernel chose the port that was asked. Says nothing.
    Again,
}

#[derive(Default)]
struct Slot {
    socket: Option<OwnedFd>,
    is_watched: bool,
    stamp: u32,
    asks: Option<(Probe, SocketAddr)>,
}

/// The sockets of a scan.
pub(super) struct Sockets {
    epoll: OwnedFd,
    slots: Vec<Slot>,
    /// Places whose socket can ask: IPv4, IPv6.
    idle: [Vec<usize>; 2],
    /// Places without a socket.
    empty: Vec<usize>,
    ready: Vec<epoll::Event>,
}

impl Sockets {
    /// None yet.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new() -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)
            .map_err(|e| Error::local(format!("cannot wait for sockets: {e}")).source(e))?;
        Ok(Sockets {
            epoll,
            slots: Vec::new(),
            idle: [Vec::new(), Vec::new()],
            empty: Vec::new(),
            ready: Vec::with_capacity(EVENTS),
        })
    }

    /// Asks.
    pub fn send(&mut self, probe: Probe, to: SocketAddr) -> Sent {
        let at = match self.place(&to) {
            Ok(at) => at,
            Err(error) => return Sent::Short(error),
        };
        let slot = &mut self.slots[at];
        let Some(socket) = &slot.socket else {
            return Sent::Short(Errno::BADF);
        };
        match net::connect(socket, &to) {
            Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(Errno::CONNREFUSED) => {
                self.idle[family(&to)].push(at);
                return Sent::Answered(Answer::Closed);
            }
            said => {
                let is_self = said.is_ok() && meets_itself(socket, &to);
                self.close(at);
                return match said {
                    Ok(()) if is_self => Sent::Again,
                    Ok(()) => Sent::Answered(Answer::Open),
                    Err(error) => refused(error),
                };
            }
        }
        if !slot.is_watched {
            // Each change is told once: a socket that asks nothing is quiet.
            let flags = epoll::EventFlags::OUT | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(at as u64);
            if let Err(error) = epoll::add(&self.epoll, socket, data, flags) {
                self.close(at);
                return Sent::Short(error);
            }
            slot.is_watched = true;
        }
        slot.stamp = slot.stamp.wrapping_add(1);
        slot.asks = Some((probe, to));
        let stamp = slot.stamp;
        Sent::Waits { slot: at, stamp }
    }

    /// A place whose socket can ask that address.
    fn place(&mut self, to: &SocketAddr) -> Result<usize, Errno> {
        if let Some(at) = self.idle[family(to)].pop() {
            return Ok(at);
        }
        let kind = match to {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let made = net::socket_with(kind, SocketType::STREAM, flags, None);
        let socket = match made {
            Err(Errno::MFILE | Errno::NFILE) => {
                // One of the other family may give its descriptor.
                let Some(other) = self.idle[1 - family(to)].pop() else {
                    return Err(Errno::MFILE);
                };
                self.close(other);
                net::socket_with(kind, SocketType::STREAM, flags, None)?
            }
            made => made?,
        };
        // Closing says goodbye at once and leaves nothing behind.
        net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
        let at = self.empty.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        self.slots[at].socket = Some(socket);
        Ok(at)
    }

    /// Waits at most so long for answers; false when there may be more at once.
    pub fn wait(&mut self, most: Duration) -> bool {
        let timeout = Timespec {
            tv_sec: most.as_secs() as _,
            tv_nsec: most.subsec_nanos() as _,
        };
        self.ready.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.ready);
        // A signal looks like nothing having happened.
        let count = epoll::wait(&self.epoll, spare, Some(&timeout)).unwrap_or(0);
        count < EVENTS
    }

    /// The next answer that has come, and what became of the question.
    pub fn take(&mut self) -> Option<(Probe, Sent)> {
        while let Some(event) = self.ready.pop() {
            let data = event.data;
            let at = data.u64() as usize;
            let Some(slot) = self.slots.get_mut(at) else {
                continue;
            };
            let (Some((probe, to)), Some(socket)) = (slot.asks, &slot.socket) else {
                continue;
            };
            // Asked again, connect(2) tells what became of the first call.
            let said = net::connect(socket, &to);
            let sent = match said {
                // Old news of the question before.
                Err(Errno::ALREADY | Errno::INPROGRESS | Errno::INTR) => continue,
                Ok(()) | Err(Errno::ISCONN) if meets_itself(socket, &to) => Sent::Again,
                Ok(()) | Err(Errno::ISCONN) => Sent::Answered(Answer::Open),
                Err(error) => refused(error),
            };
            slot.asks = None;
            match said {
                Err(Errno::CONNREFUSED) => self.idle[family(&to)].push(at),
                _ => self.close(at),
            }
            return Some((probe, sent));
        }
        None
    }

    /// Whether that question still waits.
    pub fn waits(&self, slot: usize, stamp: u32) -> bool {
        let place = self.slots.get(slot);
        place.is_some_and(|slot| slot.stamp == stamp && slot.asks.is_some())
    }

    /// Gives a question up.
    pub fn give_up(&mut self, slot: usize) -> Option<Probe> {
        let (probe, _) = self.slots.get_mut(slot)?.asks.take()?;
        self.close(slot);
        Some(probe)
    }

    fn close(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        slot.socket = None;
        slot.is_watched = false;
        self.empty.push(at);
    }
}

fn family(address: &SocketAddr) -> usize {
    usize::from(address.is_ipv6())
}

/// What an error of connect(2) says of the port.
fn refused(error: Errno) -> Sent {
    Sent::Answered(match error {
        Errno::CONNREFUSED => Answer::Closed,
        // Let in, and thrown out before we looked.
        Errno::CONNRESET | Errno::PIPE => Answer::Open,
        Errno::NETUNREACH
        | Errno::AFNOSUPPORT
        | Errno::ADDRNOTAVAIL
        | Errno::INVAL
        | Errno::NETDOWN => return Sent::NoWay(error),
        Errno::NOBUFS | Errno::NOMEM | Errno::AGAIN | Errno::MFILE | Errno::NFILE => {
            return Sent::Short(error);
        }
        // A router, a firewall, this machine's own: EHOSTUNREACH, EACCES, EPERM, ETIMEDOUT.
        other => Answer::Barred(other),
    })
}

/// A connection to a free port of our own range can meet itself: the kernel chose that port as ours.
fn meets_itself(socket: &OwnedFd, to: &SocketAddr) -> bool {
    let own = net::getsockname(socket).ok();
    own.and_then(|own| SocketAddr::try_from(own).ok())
        .is_some_and(|own| own.port() == to.port() && own.ip() == to.ip())
}
