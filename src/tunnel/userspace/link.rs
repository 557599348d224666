//! The UDP socket to the gateway. Made anew when this machine's network or the gateway's address has
//! changed. Owns the socket, knows nothing of what goes through it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::net::sockopt;

/// What the kernel may keep for us while we are busy, bytes; it gives as much of it as it allows.
const ROOM: usize = 4 << 20;

/// Connected to one address, so that the kernel drops what others send, and says when nobody listens there.
#[derive(Debug)]
pub struct Link {
    socket: UdpSocket,
    gateway: SocketAddr,
    port: u16,
    /// The gateway's machine said that nobody listens on that port.
    pub is_refused: bool,
    /// The network does not take what we send: there may be another one by now.
    pub is_broken: bool,
    /// A packet was too large for the way to the gateway.
    pub is_narrow: bool,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// On its way, or lost, which is for the protocol to find out.
    Gone,
    /// There is no room for it now.
    Full,
}

impl Link {
    /// To `gateway`, from `port` or, when that is 0, from any.
    ///
    /// # Errors
    /// What the system says: no such network, the port is taken, no descriptors.
    pub fn new(gateway: SocketAddr, port: u16) -> io::Result<Self> {
        Ok(Link {
            socket: connected(gateway, port)?,
            gateway,
            port,
            is_refused: false,
            is_broken: false,
            is_narrow: false,
        })
    }

    /// Where it goes.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// For waiting.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// A new socket, which has the address that this machine has by now. The old one stays when there is
    /// no way to the gateway at the moment.
    pub fn renew(&mut self, gateway: SocketAddr) {
        if self.port != 0 {
            // Two sockets cannot have one port: the old one gives it up first.
            if let Ok(other) = connected(gateway, 0) {
                self.socket = other;
            }
        }
        if let Ok(socket) = connected(gateway, self.port) {
            self.socket = socket;
            self.gateway = gateway;
            self.is_broken = false;
        }
    }

    /// Sends without waiting.
    pub fn send(&mut self, datagram: &[u8]) -> Sent {
        match self.socket.send(datagram) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Sent::Full,
            Err(e) => self.note(&e),
        }
        Sent::Gone
    }

    /// The next datagram that has come.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        // An error of an earlier datagram is told once; what comes after it is there all the same.
        for _ in 0..4 {
            match self.socket.recv(buffer) {
                Ok(n) => return Some(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return None,
                Err(e) => self.note(&e),
            }
        }
        None
    }

    fn note(&mut self, error: &io::Error) {
        use rustix::io::Errno;
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::CONNREFUSED) => self.is_refused = true,
            Some(Errno::MSGSIZE) => self.is_narrow = true,
            Some(Errno::INTR | Errno::NOBUFS) => {}
            _ => self.is_broken = true,
        }
    }
}

fn connected(gateway: SocketAddr, port: u16) -> io::Result<UdpSocket> {
    let any = match gateway {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, port))?;
    socket.set_nonblocking(true)?;
    socket.connect(gateway)?;
    let _ = sockopt::set_socket_recv_buffer_size(&socket, ROOM);
    let _ = sockopt::set_socket_send_buffer_size(&socket, ROOM);
    may_fragment(&socket, gateway);
    Ok(socket)
}

/// A way that is narrower than usual cuts our datagrams in pieces rather than losing them, as the
/// kernel's own WireGuard has it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn may_fragment(socket: &UdpSocket, gateway: SocketAddr) {
    use sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
    let _ = match gateway {
        SocketAddr::V4(_) => sockopt::set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::DONT),
        SocketAddr::V6(_) => sockopt::set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::DONT),
    };
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn may_fragment(_socket: &UdpSocket, _gateway: SocketAddr) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn until(mut ready: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !ready() {
            assert!(begun.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn tells_when_nobody_listens_and_moves_to_another_gateway() {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = peer.local_addr().unwrap();
        drop(peer);
        let mut link = Link::new(address, 0).unwrap();
        let mut buffer = [0; 64];
        until(|| {
            link.send(b"anybody?");
            link.receive(&mut buffer);
            link.is_refused
        });
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        link.renew(peer.local_addr().unwrap());
        assert_eq!(link.gateway(), peer.local_addr().unwrap());
        assert_eq!(link.send(b"hello"), Sent::Gone);
        let (n, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"hello");
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        stranger.send_to(b"stranger", from).unwrap();
        peer.send_to(b"friend", from).unwrap();
        let mut got = None;
        until(|| {
            got = link.receive(&mut buffer);
            got.is_some()
        });
        assert_eq!(&buffer[..6], b"friend", "only the gateway is listened to");
    }
}
