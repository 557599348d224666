//! One connection behind the tunnel: bytes between its TCP socket and a descriptor of this process.
//! Owns the descriptor. Nothing here waits.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};

use super::opening::Opening;

/// How long a server may still talk to a program that has gone.
const LINGER: Duration = Duration::from_secs(10);
/// So many bytes are acknowledged at once, since a server may wait for that with its next words (RFC 896), as
/// sshd does until somebody has logged in; then two packets at a time, or after [`LAZY`].
const EAGER: usize = 64 << 10;
/// How long an acknowledgement may wait for another.
const LAZY: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);
/// Long enough for the last ACK to have gone.
const AFTERMATH: Duration = Duration::from_millis(100);

/// One connection.
pub struct Flow {
    /// Its socket in the stack.
    pub handle: SocketHandle,
    /// Its other end.
    pub to: SocketAddr,
    /// Who waits for it, until it is there.
    pub opening: Option<Opening>,
    near: OwnedFd,
    /// To be written to the descriptor before all else.
    hello: Vec<u8>,
    /// What is still to be acknowledged at once.
    eager: usize,
    /// The descriptor may have something for us; may take something from us.
    is_readable: bool,
    is_writable: bool,
    /// The program has sent all it will.
    has_ended: bool,
    /// The program knows that the server has sent all it will.
    is_shut: bool,
    /// The program is gone; the server may talk on until then.
    linger: Option<Instant>,
    /// When both sides had ended.
    over: Option<Instant>,
}

/// What an attempt to read or write came to.
enum Step {
    Moved,
    Dry,
    Ended,
}

impl Flow {
    /// One that begins.
    pub fn new(
        handle: SocketHandle,
        to: SocketAddr,
        near: OwnedFd,
        hello: Vec<u8>,
        opening: Opening,
    ) -> Self {
        Flow {
            handle,
            to,
            opening: Some(opening),
            near,
            hello,
            eager: EAGER,
            is_readable: true,
            is_writable: true,
            has_ended: false,
            is_shut: false,
            linger: None,
            over: None,
        }
    }

    /// Moves what can be moved.
    pub fn pump(&mut self, socket: &mut Socket<'_>) {
        while self.is_readable && !self.has_ended && socket.can_send() {
            self.take_in(socket);
        }
        while self.is_writable && !self.hello.is_empty() {
            let sent = write(&self.near, &self.hello);
            self.hello.drain(..sent.as_ref().map_or(0, |n| *n));
            self.after_write(sent.map(|_| ()), socket);
        }
        while self.is_writable && self.hello.is_empty() && socket.can_recv() {
            self.hand_out(socket);
        }
        let has_all = self.hello.is_empty() && !socket.can_recv();
        if has_all && !self.is_shut && !socket.may_recv() && socket.state() != State::SynSent {
            let _ = rustix::net::shutdown(&self.near, Shutdown::Write);
            self.is_shut = true;
        }
    }

    fn take_in(&mut self, socket: &mut Socket<'_>) {
        let near = &self.near;
        let step =
            socket.send(
                |room| match rustix::net::recv(near, &mut *room, RecvFlags::DONTWAIT) {
                    Ok((_, 0)) => (0, Step::Ended),
                    Ok((_, n)) => (n.min(room.len()), Step::Moved),
                    Err(Errno::AGAIN) => (0, Step::Dry),
                    Err(Errno::INTR) => (0, Step::Moved),
                    Err(_) => (0, Step::Ended),
                },
            );
        match step {
            Ok(Step::Moved) => {}
            Ok(Step::Dry) => self.is_readable = false,
            Ok(Step::Ended) | Err(_) => {
                self.has_ended = true;
                socket.close();
            }
        }
    }

    fn hand_out(&mut self, socket: &mut Socket<'_>) {
        let (near, eager) = (&self.near, &mut self.eager);
        let sent = socket.recv(|bytes| match write(near, bytes) {
            Ok(n) => {
                *eager = eager.saturating_sub(n);
                (n, Ok(()))
            }
            Err(error) => (0, Err(error)),
        });
        match sent {
            Ok(sent) => self.after_write(sent, socket),
            Err(_) => self.is_writable = false,
        }
        if self.eager == 0 && socket.ack_delay().is_none() {
            socket.set_ack_delay(Some(LAZY));
        }
    }

    /// A program that does not listen any more is told to the server as a kernel would: by a reset.
    fn after_write(&mut self, sent: Result<(), Errno>, socket: &mut Socket<'_>) {
        match sent {
            Ok(()) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => self.is_writable = false,
            Err(_) => {
                self.is_writable = false;
                self.has_ended = true;
                self.is_shut = true;
                self.hello.clear();
                socket.abort();
            }
        }
    }

    /// What of the descriptor is worth waiting for; `None`: nothing. Without that a program that is
    /// gone would end every wait at once.
    pub fn interest(&self, socket: &Socket<'_>) -> Option<PollFlags> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, !self.is_readable && !self.has_ended);
        let has_some = socket.can_recv() || !self.hello.is_empty();
        flags.set(
            PollFlags::OUT,
            !self.is_writable && has_some && !self.is_shut,
        );
        let until_gone = self.has_ended && self.linger.is_none() && self.over.is_none();
        (!flags.is_empty() || until_gone).then_some(flags)
    }

    /// The descriptor, to wait for.
    pub fn poll_fd(&self, flags: PollFlags) -> PollFd<'_> {
        PollFd::from_borrowed_fd(self.near.as_fd(), flags)
    }

    /// What the wait has found.
    pub fn woken(&mut self, found: PollFlags) {
        let is_gone = found.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        self.is_readable |= is_gone || found.contains(PollFlags::IN);
        self.is_writable |= is_gone || found.contains(PollFlags::OUT);
        if is_gone && self.has_ended && self.linger.is_none() {
            self.linger = Some(Instant::now() + LINGER);
        }
    }

    /// True when there is nothing more to do for it, and its socket can go.
    pub fn is_over(&mut self, socket: &mut Socket<'_>) -> bool {
        let has_unread = socket.can_recv() && !self.is_shut;
        match socket.state() {
            State::Closed => !has_unread,
            State::TimeWait if !has_unread => {
                let since = *self.over.get_or_insert_with(Instant::now);
                since.elapsed() >= AFTERMATH
            }
            _ => {
                if self.linger.is_some_and(|until| Instant::now() >= until) {
                    socket.abort();
                }
                false
            }
        }
    }

    /// True when all that the program sent has arrived, and its end too.
    pub fn is_flushed(&self, socket: &Socket<'_>) -> bool {
        let ended = [State::FinWait2, State::TimeWait, State::Closed];
        self.has_ended && ended.contains(&socket.state())
    }
}

fn write(near: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(near, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
}
