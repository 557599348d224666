//! UDP behind the tunnel: packets between one socket of the stack and a descriptor, for what has to ask
//! little and often, such as names. Owns the descriptor. Nothing here waits.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp::Socket;
use smoltcp::wire::IpEndpoint;

/// The headers of IPv6 and UDP.
const HEADERS: usize = 48;

/// UDP to one place.
pub struct Datagrams {
    /// Its socket in the stack.
    pub handle: SocketHandle,
    to: IpEndpoint,
    near: OwnedFd,
    /// The largest that fits into a packet; larger ones are lost, as on a network that does not cut them.
    room: usize,
    is_readable: bool,
    has_ended: bool,
}

impl Datagrams {
    /// To `to`, in packets of at most `mtu` bytes.
    pub fn new(handle: SocketHandle, to: SocketAddr, near: OwnedFd, mtu: usize) -> Self {
        Datagrams {
            handle,
            to: to.into(),
            near,
            room: mtu - HEADERS,
            is_readable: true,
            has_ended: false,
        }
    }

    /// Moves what can be moved.
    pub fn pump(&mut self, socket: &mut Socket<'_>) {
        let mut buffer = [0; 9000];
        while self.is_readable && !self.has_ended && socket.can_send() {
            match rustix::net::recv(&self.near, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => self.has_ended = true,
                Ok((n, _)) if n <= self.room => {
                    // Full: lost.
                    let _ = socket.send_slice(&buffer[..n], self.to);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.is_readable = false,
                Err(_) => self.has_ended = true,
            }
        }
        while let Ok((bytes, from)) = socket.recv() {
            // One that nobody takes in time is lost; a stranger's is none.
            if from.endpoint == self.to {
                let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                let _ = rustix::net::send(&self.near, bytes, flags);
            }
        }
    }

    /// To wait for; `None`: it may have something already.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        let waits = !self.is_readable && !self.has_ended;
        waits.then(|| PollFd::from_borrowed_fd(self.near.as_fd(), PollFlags::IN))
    }

    /// The wait has found something.
    pub fn woken(&mut self) {
        self.is_readable = true;
    }

    /// Nobody uses it any more.
    pub fn is_over(&self) -> bool {
        self.has_ended
    }
}
