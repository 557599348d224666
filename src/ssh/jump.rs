//! Through a server to another one: a `direct-tcpip` channel with a descriptor at its end.
//!
//! libssh2 speaks over descriptors only, so the next session gets one end of a socket pair; the
//! hop's thread moves bytes between the other end and the channel. Ends when either side does.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::future::poll_fn;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::connect::words;
use super::driver::{Core, Fault, Lease};
use super::exec::within;
use super::ffi::{Channel, Opening};
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
pub async fn dial(
    core: Rc<Core>,
    hop: String,
    host: String,
    port: u16,
    patience: Duration,
) -> Result<OwnedFd> {
    let place = name_of(&host, port);
    if host.contains('\0') {
        return Err(Error::usage("a host's name cannot hold a NUL byte"));
    }
    let opening = Opening::Direct { host, port };
    let opened = within(&core, Some(Instant::now() + patience), core.open(&opening)).await;
    let connect = |message: String| Error::new(Kind::Connect, message);
    let lease = match opened {
        Some(Ok(lease)) => lease,
        Some(Err(Fault::Gone(how))) => {
            return Err(connect(format!("the connection to `{hop}` is gone: {how}")));
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
            return Err(connect(message).hint(hint).source(error));
        }
        None => {
            let seconds = patience.as_secs_f32();
            let message = format!("`{hop}` got no answer from {place} for {seconds} s");
            return Err(Error::new(Kind::Timeout, message)
                .hint("is the server up, and does a firewall drop the packets?"));
        }
    };
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

/// Moves bytes between the channel and a stream socket until either ends.
pub fn bridge(core: &Rc<Core>, lease: Lease, socket: OwnedFd) {
    let mut pump = Pump {
        lease,
        watch: Rc::new(Watch::new(socket)),
        down: Bytes::new(),
        up: Bytes::new(),
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
}

/// One side has ended.
struct Ended;

impl Pump {
    fn turn(&mut self, core: &Rc<Core>) -> Poll<()> {
        let Some(channel) = self.lease.channel() else {
            return Poll::Ready(());
        };
        let (watch, down, up) = (&self.watch, &mut self.down, &mut self.up);
        for _ in 0..TURNS {
            let moved = move_down(core, channel, watch, down)
                .and_then(|moved| Ok(move_up(core, channel, watch, up)? || moved));
            match moved {
                Ok(true) => {}
                Ok(false) => {
                    core.watch(
                        watch,
                        Interest {
                            read: up.is_empty(),
                            write: !down.is_empty(),
                        },
                    );
                    return Poll::Pending;
                }
                Err(Ended) => return Poll::Ready(()),
            }
        }
        core.yield_turn();
        Poll::Pending
    }
}

fn move_down(
    core: &Core,
    channel: &Channel,
    watch: &Watch,
    down: &mut Bytes,
) -> Result<bool, Ended> {
    if down.is_empty() {
        match core.attempt(|| channel.read(0, &mut down.buffer)) {
            Poll::Ready(Ok(n)) if n > 0 => down.fill(n),
            Poll::Ready(Err(_)) => return Err(Ended),
            _ if channel.eof() => return Err(Ended),
            _ => return Ok(false),
        }
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    match rustix::net::send(watch.fd(), down.rest(), flags) {
        Ok(n) => {
            down.begin += n;
            Ok(true)
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(_) => Err(Ended),
    }
}

fn move_up(core: &Core, channel: &Channel, watch: &Watch, up: &mut Bytes) -> Result<bool, Ended> {
    if up.is_empty() {
        if !watch.is_ready() {
            return Ok(false);
        }
        match rustix::net::recv(watch.fd(), &mut up.buffer[..], RecvFlags::DONTWAIT) {
            // The session over it is done; half-open connections are not for SSH.
            Ok((_, 0)) => return Err(Ended),
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
