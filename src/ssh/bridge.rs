//! Bytes between a channel and a descriptor: what a server's connection to somewhere brings and takes. Ends
//! when either side does; for programs that connect through a listener each direction ends by itself.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use futures::future::poll_fn;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown};

use super::driver::{Core, Lease};
use super::net::poll::{Interest, Watch};

/// Bytes moved at once: the largest SSH packet twice.
const CHUNK: usize = 64 << 10;
/// Turns of moving bytes before other jobs of the session get theirs.
const TURNS: usize = 16;

/// How much went through the connections that a server makes for us.
#[derive(Debug, Default)]
pub struct Meter {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Meter {
    /// Bytes that came and bytes that went.
    pub fn read(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.received), read(&self.sent))
    }

    fn received(&self, n: usize) {
        self.received.fetch_add(n as u64, Ordering::Relaxed);
    }

    fn sent(&self, n: usize) {
        self.sent.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// Moves bytes between the channel and a stream socket until either ends.
pub fn bridge(core: &Rc<Core>, lease: Lease, socket: OwnedFd) {
    move_bytes(core, lease, socket, Bytes::new(), None);
}

/// The same until both have ended; `hello` is written to the socket first.
pub fn carry(core: &Rc<Core>, lease: Lease, socket: OwnedFd, hello: Vec<u8>) {
    let down = Bytes {
        begin: 0,
        end: hello.len(),
        buffer: hello,
    };
    move_bytes(core, lease, socket, down, Some(Ends::default()));
}

fn move_bytes(core: &Rc<Core>, lease: Lease, socket: OwnedFd, down: Bytes, ends: Option<Ends>) {
    let mut pump = Pump {
        lease,
        watch: Rc::new(Watch::new(socket)),
        down,
        up: Bytes::new(),
        ends,
    };
    let mover = core.clone();
    core.chore(Box::pin(async move {
        poll_fn(|_| pump.turn(&mover)).await;
    }));
}

/// A piece on its way.
struct Bytes {
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Bytes {
    fn new() -> Self {
        Bytes {
            buffer: vec![0; CHUNK],
            begin: 0,
            end: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    fn fill(&mut self, n: usize) {
        (self.begin, self.end) = (0, n);
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.begin..self.end]
    }
}

/// Both directions of one channel.
struct Pump {
    lease: Lease,
    watch: Rc<Watch>,
    /// From the channel to the descriptor.
    down: Bytes,
    /// From the descriptor to the channel.
    up: Bytes,
    /// Each direction ends by itself; without it, either ends both.
    ends: Option<Ends>,
}

/// How far the directions have come to their ends.
#[derive(Default)]
struct Ends {
    /// The descriptor has no more to read.
    up_read: bool,
    /// The channel was told so.
    up: bool,
    /// The descriptor was told that the channel has no more.
    down: bool,
}

/// One side has ended, and with it everything.
struct Ended;

impl Pump {
    fn turn(&mut self, core: &Rc<Core>) -> Poll<()> {
        for _ in 0..TURNS {
            let moved = self
                .move_down(core)
                .and_then(|moved| Ok(self.move_up(core)? || moved));
            match moved {
                Ok(true) => {}
                Ok(false) if self.is_over(core) => return Poll::Ready(()),
                Ok(false) => {
                    let read_up = self.ends.as_ref().is_none_or(|ends| !ends.up_read);
                    let interest = Interest {
                        read: self.up.is_empty() && read_up,
                        write: !self.down.is_empty(),
                    };
                    // One whose end is known would be ready for ever.
                    if read_up || interest.write {
                        core.watch(&self.watch, interest);
                    }
                    return Poll::Pending;
                }
                Err(Ended) => return Poll::Ready(()),
            }
        }
        core.yield_turn();
        Poll::Pending
    }

    /// Both directions have ended, or the server has closed the channel.
    fn is_over(&self, core: &Core) -> bool {
        let (Some(ends), Some(channel)) = (&self.ends, self.lease.channel()) else {
            return false;
        };
        ends.down && (ends.up || core.attempt(|| channel.wait_closed()).is_ready())
    }

    fn move_down(&mut self, core: &Core) -> Result<bool, Ended> {
        let channel = self.lease.channel().ok_or(Ended)?;
        let down = &mut self.down;
        if self.ends.as_ref().is_some_and(|ends| ends.down) {
            return Ok(false);
        }
        if down.is_empty() {
            // What a greeting was in is too small.
            down.buffer.resize(CHUNK, 0);
            match core.attempt(|| channel.read(0, &mut down.buffer)) {
                Poll::Ready(Ok(n)) if n > 0 => {
                    core.meter.received(n);
                    down.fill(n);
                }
                Poll::Ready(Err(_)) => return Err(Ended),
                _ if !channel.eof() => return Ok(false),
                _ => {
                    let ends = self.ends.as_mut().ok_or(Ended)?;
                    ends.down = true;
                    let shut = rustix::net::shutdown(self.watch.fd(), Shutdown::Write);
                    return shut.map(|()| true).map_err(|_| Ended);
                }
            }
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match rustix::net::send(self.watch.fd(), down.rest(), flags) {
            Ok(n) => {
                down.begin += n;
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(_) => Err(Ended),
        }
    }

    fn move_up(&mut self, core: &Core) -> Result<bool, Ended> {
        let channel = self.lease.channel().ok_or(Ended)?;
        let (watch, up) = (&self.watch, &mut self.up);
        if let Some(ends) = self
            .ends
            .as_mut()
            .filter(|ends| ends.up_read && up.is_empty())
        {
            if !ends.up {
                ends.up = match core.attempt(|| channel.send_eof()) {
                    Poll::Ready(Ok(())) => true,
                    Poll::Ready(Err(_)) => return Err(Ended),
                    Poll::Pending => false,
                };
            }
            return Ok(false);
        }
        if up.is_empty() {
            if !watch.is_ready() {
                return Ok(false);
            }
            match rustix::net::recv(watch.fd(), &mut up.buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => {
                    // A session over it is done then; half-open connections are not for SSH.
                    self.ends.as_mut().ok_or(Ended)?.up_read = true;
                    return Ok(true);
                }
                Ok((_, n)) => up.fill(n),
                Err(Errno::AGAIN | Errno::INTR) => {
                    watch.set_used_up();
                    return Ok(false);
                }
                Err(_) => return Err(Ended),
            }
        }
        if core.is_clogged() {
            return Ok(false);
        }
        match core.attempt(|| channel.write(up.rest())) {
            Poll::Ready(Ok(n)) => {
                core.meter.sent(n);
                up.begin += n;
                Ok(n > 0)
            }
            Poll::Ready(Err(_)) => Err(Ended),
            Poll::Pending => Ok(false),
        }
    }
}
