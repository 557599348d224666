//! Through a server to another one: a `direct-tcpip` channel with a descriptor at its end.
//!
//! libssh2 speaks over descriptors only, so the next session gets one end of a socket pair; the
//! hop's thread moves bytes between the other end and the channel. Ends when either side does; for
//! programs that connect through a listener each direction ends by itself.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::future::poll_fn;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType};

use super::connect::words;
use super::driver::{Core, Fault, Lease};
use super::exec::within;
use super::ffi::Opening;
use super::hostkey::name_of;
use super::net::poll::{Interest, Watch};
use crate::error::{Error, Kind, Result};

/// Bytes moved at once: the largest SSH packet twice.
const CHUNK: usize = 64 << 10;
/// Turns of moving bytes before other jobs of the session get theirs.
const TURNS: usize = 16;

/// Has the server `hop`, whose session this is, connect to `host` (a name as the hop knows it).
///
/// # Errors
/// [`Kind::Connect`] when the hop refuses or cannot, [`Kind::Timeout`] when it says nothing for so
/// long: then no other channel can be opened on this session until it does.
async fn opened(
    core: &Rc<Core>,
    hop: String,
    (host, port): (String, u16),
    patience: Duration,
) -> Result<Lease> {
    let place = name_of(&host, port);
    if host.contains('\0') {
        return Err(Error::usage("a host's name cannot hold a NUL byte"));
    }
    let opening = Opening::Direct { host, port };
    let opened = within(core, Some(Instant::now() + patience), core.open(&opening)).await;
    let connect = |message: String| Error::new(Kind::Connect, message);
    match opened {
        Some(Ok(lease)) => Ok(lease),
        Some(Err(Fault::Gone(how))) => {
            Err(connect(format!("the connection to `{hop}` is gone: {how}")))
        }
        Some(Err(Fault::Ssh(error))) => {
            let why = words(&error).replace("channel open failure", "");
            let why = why.trim().trim_matches(['(', ')']);
            let hint = match why {
                "connect failed" => "is the server up, and can the jump host reach it?",
                "administratively prohibited" => {
                    "does the jump host allow it (AllowTcpForwarding, PermitOpen)?"
                }
                _ => "does the jump host allow it, and has it room for another connection?",
            };
            let message = format!("`{hop}` does not connect to {place}: {why}");
            Err(connect(message).hint(hint).source(error))
        }
        None => {
            let seconds = patience.as_secs_f32();
            let message = format!("`{hop}` got no answer from {place} for {seconds} s");
            Err(Error::new(Kind::Timeout, message)
                .hint("is the server up, and does a firewall drop the packets?"))
        }
    }
}

/// A socket whose other end is a connection that the server `hop` makes.
///
/// # Errors
/// As [`opened`].
pub async fn dial(
    core: Rc<Core>,
    hop: String,
    host: String,
    port: u16,
    patience: Duration,
) -> Result<OwnedFd> {
    let lease = opened(&core, hop, (host, port), patience).await?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let pair = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let (near, far) = pair.map_err(|e| {
        Error::local(format!("cannot make a descriptor: {e}"))
            .hint("use fewer forks, or raise `ulimit -n`")
            .source(e)
    })?;
    bridge(&core, lease, near);
    Ok(far)
}

/// Connects as [`dial`] does, then moves bytes between there and `socket`, to which `hello` is written
/// first, until both sides have ended.
///
/// # Errors
/// As [`opened`].
pub async fn join(
    core: Rc<Core>,
    hop: String,
    place: (String, u16),
    patience: Duration,
    (socket, hello): (OwnedFd, Vec<u8>),
) -> Result<()> {
    let lease = opened(&core, hop, place, patience).await?;
    let down = Bytes {
        begin: 0,
        end: hello.len(),
        buffer: hello,
    };
    move_bytes(&core, lease, socket, down, Some(Ends::default()));
    Ok(())
}

/// Moves bytes between the channel and a stream socket until either ends.
pub fn bridge(core: &Rc<Core>, lease: Lease, socket: OwnedFd) {
    move_bytes(core, lease, socket, Bytes::new(), None);
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
                Poll::Ready(Ok(n)) if n > 0 => down.fill(n),
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
                up.begin += n;
                Ok(n > 0)
            }
            Poll::Ready(Err(_)) => Err(Ended),
            Poll::Pending => Ok(false),
        }
    }
}
