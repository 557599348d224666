//! The socket as libssh2 sees it on this thread: never full, never suddenly gone.
//!
//! libssh2 reads and writes through two hooks ([`crate::ssh::ffi`]) that end here. Three of its traps
//! vanish that way:
//! - A send that the kernel cut short must be repeated by the very same call before any other
//!   call may send. Here a send always succeeds; what the kernel did not take waits in `out`.
//! - When the peer hangs up, a read fails although data is still queued for a channel. Here the
//!   end is only noted; whoever has nothing left to read then asks [`ended`].
//! - A peer that never stops sending keeps libssh2 in its own loop. Here each call has fuel.
//!
//! The state belongs to the thread, because a thread owns one session and the hooks get no
//! usable pointer of their own. Imports nothing of the crate.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

/// Bytes that one libssh2 call may read before it has to come back.
const FUEL: usize = 256 << 10;
/// How much of what the peer said first is kept, to say what answered when it was not SSH.
const FIRST: usize = 256;

#[derive(Default)]
struct Wire {
    socket: Option<RawFd>,
    out: Vec<u8>,
    sent: usize,
    received: u64,
    fuel: usize,
    starved: bool,
    ended: Option<String>,
    hung_up: bool,
    first: Vec<u8>,
}

thread_local! {
    static WIRE: RefCell<Wire> = RefCell::default();
}

fn with<T>(f: impl FnOnce(&mut Wire) -> T) -> T {
    WIRE.with_borrow_mut(f)
}

/// Forgets everything: a new connection over `socket` begins on this thread.
pub fn reset(socket: BorrowedFd<'_>) {
    with(|w| {
        *w = Wire {
            socket: Some(socket.as_raw_fd()),
            ..Wire::default()
        }
    });
}

/// libssh2 uses the same hooks for the agent's socket, which is none of ours.
pub fn is_ours(fd: BorrowedFd<'_>) -> bool {
    with(|w| w.socket == Some(fd.as_raw_fd()))
}

/// Gives the next libssh2 call its fuel.
pub fn refuel() {
    with(|w| {
        w.fuel = FUEL;
        w.starved = false;
    });
}

/// True when the last call stopped for want of fuel: there is more to read at once.
pub fn starved() -> bool {
    with(|w| w.starved)
}

/// Bytes handed to libssh2 since [`reset`].
pub fn received() -> u64 {
    with(|w| w.received)
}

/// Bytes that wait for the kernel.
pub fn unsent() -> usize {
    with(|w| w.out.len() - w.sent)
}

/// How the connection ended, once it has.
pub fn ended() -> Option<String> {
    with(|w| w.ended.clone())
}

/// True once the connection has ended.
pub fn has_ended() -> bool {
    with(|w| w.ended.is_some())
}

/// The first bytes that the peer sent.
pub fn first_bytes() -> Vec<u8> {
    with(|w| w.first.clone())
}

/// Declares the connection dead.
pub fn end(reason: &str) {
    with(|w| {
        w.ended.get_or_insert_with(|| reason.to_owned());
    });
}

/// From now on libssh2 sees a closed socket, so that freeing channels and session waits for no
/// answer.
pub fn hang_up() {
    with(|w| w.hung_up = true);
}

/// Offers the kernel what waits.
pub fn flush(fd: BorrowedFd<'_>) {
    with(|w| w.flush(fd));
}

/// libssh2 wants to read.
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> Result<usize, Errno> {
    with(|w| w.recv(fd, buffer))
}

/// libssh2 wants to send. All of it is taken.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) {
    with(|w| {
        w.flush(fd);
        w.out.extend_from_slice(bytes);
        w.flush(fd);
    });
}

impl Wire {
    fn recv(&mut self, fd: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> Result<usize, Errno> {
        if self.hung_up {
            return Ok(0);
        }
        if self.ended.is_some() {
            return Err(Errno::AGAIN);
        }
        if self.fuel == 0 {
            self.starved = true;
            return Err(Errno::AGAIN);
        }
        match rustix::net::recv(fd, buffer, RecvFlags::DONTWAIT) {
            Ok(((_, _), 0)) => {
                self.ended = Some("the server closed the connection".to_owned());
                Err(Errno::AGAIN)
            }
            Ok(((filled, _), n)) => {
                let room = FIRST.saturating_sub(self.first.len()).min(n);
                self.first.extend_from_slice(&filled[..room]);
                self.received += n as u64;
                self.fuel = self.fuel.saturating_sub(n);
                Ok(n)
            }
            Err(Errno::AGAIN | Errno::INTR) => Err(Errno::AGAIN),
            Err(error) => {
                self.ended = Some(words(error));
                Err(Errno::AGAIN)
            }
        }
    }

    fn flush(&mut self, fd: BorrowedFd<'_>) {
        while self.sent < self.out.len() && self.ended.is_none() {
            match rustix::net::send(
                fd,
                &self.out[self.sent..],
                SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
            ) {
                Ok(n) => self.sent += n,
                Err(Errno::INTR) => {}
                // A broken pipe is left to `recv`: there may still be something to read.
                Err(Errno::AGAIN) => break,
                Err(_) => self.sent = self.out.len(),
            }
        }
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        } else if self.sent > 1 << 20 {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
    }
}

/// What an errno means to a person.
fn words(error: Errno) -> String {
    match error {
        Errno::CONNRESET => "the connection was reset".to_owned(),
        Errno::TIMEDOUT => "the connection timed out".to_owned(),
        Errno::HOSTUNREACH | Errno::NETUNREACH => "the network became unreachable".to_owned(),
        other => std::io::Error::from(other).to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    fn read(fd: BorrowedFd<'_>, size: usize) -> Result<usize, Errno> {
        recv(fd, &mut vec![MaybeUninit::uninit(); size])
    }

    #[test]
    fn a_full_socket_is_never_seen_and_nothing_is_lost() {
        let (a, mut b) = UnixStream::pair().unwrap();
        reset(a.as_fd());
        let sent: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
        for piece in sent.chunks(32_000) {
            send(a.as_fd(), piece);
        }
        assert!(unsent() > 0, "the kernel took everything");
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; 3_000_000];
            b.read_exact(&mut got).unwrap();
            got
        });
        while unsent() > 0 {
            flush(a.as_fd());
            std::thread::yield_now();
        }
        assert_eq!(reader.join().unwrap(), sent);
    }

    #[test]
    fn the_end_is_noted_and_not_shown_to_libssh2() {
        let (a, mut b) = UnixStream::pair().unwrap();
        reset(a.as_fd());
        refuel();
        b.write_all(b"SSH-2.0-x\r\n").unwrap();
        drop(b);
        assert_eq!(read(a.as_fd(), 4), Ok(4));
        assert_eq!(read(a.as_fd(), 100), Ok(7));
        assert!(!has_ended());
        assert_eq!(read(a.as_fd(), 100), Err(Errno::AGAIN));
        assert_eq!(ended().unwrap(), "the server closed the connection");
        assert_eq!(first_bytes(), b"SSH-2.0-x\r\n");
    }

    #[test]
    fn fuel_ends_a_flood() {
        let (a, mut b) = UnixStream::pair().unwrap();
        reset(a.as_fd());
        b.write_all(&[b'x'; 4096]).unwrap();
        assert_eq!(read(a.as_fd(), 10), Err(Errno::AGAIN));
        assert!(starved());
        refuel();
        assert!(!starved());
        assert_eq!(read(a.as_fd(), 4096), Ok(4096));
        assert_eq!(received(), 4096);
    }
}
