//! A shell or command over streams: bytes both ways as they come, and the size of the terminal.
//!
//! Nothing is kept: what one side does not take is not asked of the other, so memory stays bounded
//! however much goes through.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use futures::future::poll_fn;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::bridge::bridge;
use super::driver::{Core, Fault, Lease};
use super::exec::lost;
use super::ffi::{Channel, Opening};
use super::net::poll::{Interest, Watch};
use super::transport::{Attach, Pty};
use crate::error::{Error, Kind, Result};
use crate::output::Output;

/// Bytes moved at once: the largest SSH packet twice.
const CHUNK: usize = 64 << 10;
/// Turns of moving bytes before other jobs of the session get theirs.
const TURNS: usize = 16;

/// Runs `request` to its end.
///
/// # Errors
/// [`Kind::Lost`] when the connection breaks or nobody says how it ended, [`Kind::Connect`] when it
/// was gone before, [`Kind::Exit`] when the server refuses.
pub async fn attach(core: Rc<Core>, request: Attach) -> Result<Output> {
    let begun = Instant::now();
    let Attach {
        command,
        is_shell: _,
        pty,
        agent,
        env,
        stdin,
        stdout,
        stderr,
        sizes,
    } = request;
    if command.as_ref().is_some_and(|c| c.contains('\0')) {
        return Err(Error::usage("a command cannot hold a NUL byte"));
    }
    let lease = match start(
        &core,
        command.as_deref(),
        pty.as_ref(),
        &env,
        agent.is_some(),
    )
    .await
    {
        Ok(lease) => lease,
        Err(fault) => return Err(lost(fault, false)),
    };
    let watch = |fd| Rc::new(Watch::new(fd));
    let mut pump = Pump {
        lease,
        up: Way::new(watch(stdin)),
        down: [Way::new(watch(stdout)), Way::new(watch(stderr))],
        eof_sent: false,
        sizes: watch(sizes),
        size: None,
        agent,
    };
    let ended = poll_fn(|_| pump.turn(&core)).await;
    let channel = pump.lease.channel();
    let output = Output {
        code: channel.and_then(Channel::exit_code),
        signal: channel.and_then(Channel::exit_signal),
        duration: begun.elapsed(),
        ..Output::default()
    };
    match ended {
        Ok(End::Remote) if output.code.is_some() || output.signal.is_some() => {
            pump.lease.set_running(false);
            Ok(output)
        }
        Ok(End::Remote) => {
            let message = "the server closed the channel without saying how the command ended";
            Err(Error::new(Kind::Lost, message))
        }
        Ok(End::Local) => Err(Error::new(Kind::Cancelled, "nobody reads any more")),
        Err(fault) => Err(lost(fault, true)),
    }
}

/// A channel on which the shell or command runs.
async fn start(
    core: &Rc<Core>,
    command: Option<&str>,
    pty: Option<&Pty>,
    env: &[(String, String)],
    agent: bool,
) -> Result<Lease, Fault> {
    let mut lease = core.open(&Opening::Session).await?;
    if let Some(channel) = lease.channel() {
        if agent {
            core.accept_agent();
            match core.call(|| channel.request_agent()).await {
                // Refused: whoever needs the agent there will say so.
                Ok(()) | Err(Fault::Ssh(_)) => {}
                Err(gone) => return Err(gone),
            }
        }
        for (name, value) in env {
            match core.call(|| channel.set_env(name, value)).await {
                // Refused: the command does without.
                Ok(()) | Err(Fault::Ssh(_)) => {}
                Err(gone) => return Err(gone),
            }
        }
        if let Some(pty) = pty {
            core.call(|| channel.request_pty(&pty.term, &pty.modes, pty.size))
                .await?;
        }
        match command {
            Some(command) => core.call(|| channel.start("exec", command)).await?,
            None => core.call(|| channel.start_shell()).await?,
        }
    }
    lease.set_running(true);
    Ok(lease)
}

/// Who ended it.
enum End {
    /// The command, and everything that it printed is delivered.
    Remote,
    /// Whoever read its output.
    Local,
}

/// One direction: a local descriptor, and a piece on its way.
struct Way {
    /// `None` once that side has ended.
    watch: Option<Rc<Watch>>,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Way {
    fn new(watch: Rc<Watch>) -> Self {
        Way {
            watch: Some(watch),
            buffer: vec![0; CHUNK],
            begin: 0,
            end: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.begin == self.end
    }
}

struct Pump {
    lease: Lease,
    /// From the descriptor to the command.
    up: Way,
    /// From the command: standard output and standard error.
    down: [Way; 2],
    eof_sent: bool,
    sizes: Rc<Watch>,
    /// A size of which the server has not been told.
    size: Option<(u16, u16)>,
    /// The socket of the agent, when the server may use it.
    agent: Option<PathBuf>,
}

impl Pump {
    fn turn(&mut self, core: &Rc<Core>) -> Poll<Result<End, Fault>> {
        let Some(channel) = self.lease.channel() else {
            return Poll::Ready(Ok(End::Remote));
        };
        for _ in 0..TURNS {
            let (mut moved, mut gone) = (false, None);
            for (number, way) in self.down.iter_mut().enumerate() {
                match move_down(core, channel, number as i32, way) {
                    Ok(some) => moved |= some,
                    Err(fault) => gone = Some(fault),
                }
            }
            // Without its reader the command has nobody to work for.
            if self.down[0].watch.is_none() {
                return Poll::Ready(Ok(End::Local));
            }
            moved |= move_up(core, channel, &mut self.up, &mut self.eof_sent);
            tell_size(core, channel, &self.sizes, &mut self.size);
            if let Some(path) = &self.agent {
                lend_agent(core, path);
            }
            if moved {
                continue;
            }
            let delivered = self.down.iter().all(|w| w.is_empty() || w.watch.is_none());
            if delivered && channel.eof() {
                // However the close ends, what is known by then is all that will be.
                let known = channel.exit_code().is_some() || channel.exit_signal().is_some();
                if known || core.attempt(|| channel.wait_closed()).is_ready() {
                    return Poll::Ready(Ok(End::Remote));
                }
            }
            if let Some(fault) = gone.filter(|_| delivered) {
                return Poll::Ready(Err(fault));
            }
            self.watch(core);
            return Poll::Pending;
        }
        core.yield_turn();
        Poll::Pending
    }

    /// Comes back when a descriptor has something, or room for what waits. One whose end is known
    /// must not be watched: it would be ready for ever.
    fn watch(&self, core: &Rc<Core>) {
        let (reads, writes) = (true, false);
        for way in self.down.iter().filter(|way| !way.is_empty()) {
            if let Some(watch) = &way.watch {
                core.watch(watch, interest(writes));
            }
        }
        if let Some(watch) = self.up.watch.as_ref().filter(|_| self.up.is_empty()) {
            core.watch(watch, interest(reads));
        }
        core.watch(&self.sizes, interest(reads));
    }
}

/// To read, or else to write.
fn interest(read: bool) -> Interest {
    Interest { read, write: !read }
}

/// From the command to its reader; true when something moved.
fn move_down(core: &Core, channel: &Channel, number: i32, way: &mut Way) -> Result<bool, Fault> {
    if way.is_empty() {
        match core.attempt(|| channel.read(number, &mut way.buffer)) {
            Poll::Ready(Ok(n)) if n > 0 => (way.begin, way.end) = (0, n),
            Poll::Ready(Err(fault)) => return Err(fault),
            _ => return Ok(false),
        }
    }
    let Some(watch) = &way.watch else {
        // Nobody wants it.
        way.begin = way.end;
        return Ok(true);
    };
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    match rustix::net::send(watch.fd(), &way.buffer[way.begin..way.end], flags) {
        Ok(n) => {
            way.begin += n;
            Ok(true)
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(_) => {
            way.watch = None;
            Ok(false)
        }
    }
}

/// From the descriptor to the command; true when something moved.
fn move_up(core: &Core, channel: &Channel, way: &mut Way, eof_sent: &mut bool) -> bool {
    if *eof_sent {
        return false;
    }
    if let Some(watch) = way.watch.as_ref().filter(|_| way.is_empty()) {
        if !watch.is_ready() {
            return false;
        }
        match rustix::net::recv(watch.fd(), &mut way.buffer[..], RecvFlags::DONTWAIT) {
            Ok((_, 0)) => way.watch = None,
            Ok((_, n)) => (way.begin, way.end) = (0, n),
            Err(Errno::AGAIN | Errno::INTR) => {
                watch.set_used_up();
                return false;
            }
            Err(_) => way.watch = None,
        }
    }
    if way.is_empty() {
        *eof_sent = core.attempt(|| channel.send_eof()).is_ready();
        return false;
    }
    if core.is_clogged() {
        return false;
    }
    match core.attempt(|| channel.write(&way.buffer[way.begin..way.end])) {
        Poll::Ready(Ok(n)) => {
            way.begin += n;
            n > 0
        }
        // The command reads no more; it may still print.
        Poll::Ready(Err(_)) => {
            *eof_sent = true;
            way.watch = None;
            false
        }
        Poll::Pending => false,
    }
}

/// Connects what the server has opened to the agent. One that is gone closes the channel.
fn lend_agent(core: &Rc<Core>, path: &Path) {
    for lease in core.agent_channels() {
        if let Ok(socket) = UnixStream::connect(path) {
            bridge(core, lease, socket.into());
        }
    }
}

/// Tells the server the latest size.
fn tell_size(core: &Core, channel: &Channel, sizes: &Watch, size: &mut Option<(u16, u16)>) {
    while sizes.is_ready() {
        let mut bytes = [0; 4];
        match rustix::net::recv(sizes.fd(), &mut bytes, RecvFlags::DONTWAIT) {
            Ok((_, 4)) => {
                let [a, b, c, d] = bytes;
                *size = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
            }
            _ => sizes.set_used_up(),
        }
    }
    if let Some(latest) = *size
        && core.attempt(|| channel.resize_pty(latest)).is_ready()
    {
        *size = None;
    }
}
