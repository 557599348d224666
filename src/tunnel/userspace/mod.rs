//! A WireGuard of our own: no root, no kernel module, no program.
//!
//! One thread for each tunnel ([`engine`]) has a UDP socket to the gateway ([`link`]), WireGuard's protocol
//! ([`device`]), a TCP/IP stack ([`stack`]), and a descriptor for each connection ([`flow`], and [`datagrams`] for
//! UDP), whose other end is used like a socket to the server; it sleeps in [`wait`]. Routes and interfaces of this machine stay as they are. [`settings`]
//! reads the profile, [`health`] watches over the gateway, [`icmp`] hears why a server cannot be reached.
//! Knows nothing of who holds tunnels; imports nothing of `fleet` or right of it.

mod datagrams;
mod device;
mod engine;
mod flow;
mod health;
mod icmp;
mod link;
mod opening;
mod settings;
mod stack;
mod wait;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::sync::oneshot;

use self::device::Device;
use self::engine::{Command, Connect, Engine, Shared};
use self::health::Health;
use self::link::Link;
use self::opening::closed;
use self::settings::Settings;
use super::plan::Facts;
use super::{Dial, Way, dns, random};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::inventory::Tunnel;
use crate::ssh::{Reply, Wake};

/// Stack of a tunnel's thread.
const STACK: usize = 512 << 10;

/// A tunnel that is up. It goes down when it is dropped; who has time for goodbyes calls
/// [`Dial::close`].
pub struct Userspace(Handle);

/// What each connection needs of it. The thread ends with the last.
#[derive(Clone)]
struct Handle(Arc<Inner>);

struct Inner {
    // Dropped before `_wake`, which then makes the thread see that.
    commands: mpsc::Sender<Command>,
    wake: Arc<Wake>,
    _wake: WakeOnDrop,
    shared: Arc<Shared>,
    settings: Arc<Settings>,
}

/// Makes the thread look around.
struct WakeOnDrop(Arc<Wake>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// Brings a WireGuard tunnel up inside of this process: the answer comes after the first handshake with
/// `gateway`, which is the profile's server, resolved. Dropping the future gives it up.
///
/// # Errors
/// [`Kind::Usage`] for a profile that lacks something. [`Kind::Tunnel`] when the gateway does not answer
/// within the profile's `timeout` (reason `gateway`), or not with our keys (`auth`). [`Kind::Local`] when
/// there are no descriptors or threads left.
pub async fn open(
    profile: &Tunnel,
    gateway: SocketAddr,
    events: Arc<dyn Events>,
) -> Result<Arc<Userspace>> {
    start(Settings::of(profile)?, gateway, events).await
}

async fn start(
    settings: Settings,
    gateway: SocketAddr,
    events: Arc<dyn Events>,
) -> Result<Arc<Userspace>> {
    let settings = Arc::new(settings);
    let name = settings.name.clone();
    let fail = |what: &str, e: std::io::Error| {
        let message = format!("the tunnel `{name}`: cannot {what}: {e}");
        Error::local(message).source(e)
    };
    let link = Link::new(gateway, settings.port).map_err(|e| {
        let shown = settings.gateway_shown(gateway);
        let message =
            format!("the tunnel `{name}` does not come up: no way to the gateway {shown}: {e}");
        Error::new(Kind::Tunnel, message)
            .reason("gateway")
            .source(e)
    })?;
    let wake = Arc::new(Wake::new().map_err(|e| fail("make a descriptor", e))?);
    let (commands, inbox) = mpsc::channel();
    let (first, is_up) = oneshot::channel();
    let shared = Arc::new(Shared::default());
    let health = Health::new(settings.clone(), events, first);
    let device = Device::new(&settings, link);
    let engine = (settings.clone(), wake.clone(), shared.clone());
    std::thread::Builder::new()
        .name(format!("tunnel {name}"))
        .stack_size(STACK)
        .spawn(move || {
            let (settings, wake, shared) = engine;
            Engine::new(settings, device, health, inbox, wake, shared).run();
        })
        .map_err(|e| fail("start a thread", e))?;
    let inner = Inner {
        commands,
        _wake: WakeOnDrop(wake.clone()),
        wake,
        shared,
        settings,
    };
    let tunnel = Arc::new(Userspace(Handle(Arc::new(inner))));
    is_up.await.unwrap_or_else(|_| Err(closed(&name)))?;
    Ok(tunnel)
}

impl Userspace {
    /// UDP between `near`, which keeps packets apart, and `to`.
    pub fn cast(&self, to: SocketAddr, near: OwnedFd) {
        self.0.send(Command::Datagrams { to, near });
    }

    /// How long ago the gateway last answered a handshake. With traffic that is never more than about
    /// three minutes.
    pub fn last_handshake(&self) -> Option<Duration> {
        let shaken = self.0.0.shared.shaken.lock().ok()?;
        shaken.map(|at| at.elapsed())
    }
}

impl Dial for Userspace {
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        self.0.dial(host, port)
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        self.0.join(host, port, socket, hello)
    }

    fn datagrams(&self, to: SocketAddr) -> Option<Reply<OwnedFd>> {
        self.0.datagrams(to)
    }

    fn facts(&self) -> Facts {
        let Inner {
            shared, settings, ..
        } = &*self.0.0;
        Facts {
            address: settings.addresses.first().map(|own| own.addr()),
            interface: None,
            received: Some(shared.received.load(Ordering::Relaxed)),
            sent: Some(shared.sent.load(Ordering::Relaxed)),
        }
    }

    /// What does not end by itself within a moment is reset.
    fn close(&self) -> Reply<()> {
        let handle = self.0.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            handle.send(Command::Close(answer));
            // A thread that is gone already has closed it.
            answered.await.unwrap_or(Ok(()))
        })
    }
}

impl Dial for Handle {
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        let (handle, host) = (self.clone(), host.to_owned());
        Box::pin(async move {
            let (near, far) = pair(SocketType::STREAM)?;
            handle.reach(&host, port, near, Vec::new()).await?;
            Ok(far)
        })
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        let (handle, host) = (self.clone(), host.to_owned());
        Box::pin(async move { handle.reach(&host, port, socket, hello).await })
    }

    fn datagrams(&self, to: SocketAddr) -> Option<Reply<OwnedFd>> {
        // Keeps packets apart as UDP does, and ends when the other side is closed.
        let made = pair(SocketType::SEQPACKET);
        let reply = made.map(|(near, far)| {
            self.send(Command::Datagrams { to, near });
            far
        });
        Some(Box::pin(std::future::ready(reply)))
    }
}

impl Handle {
    /// Connects `near` to the first address of `host` that answers.
    async fn reach(&self, host: &str, port: u16, near: OwnedFd, hello: Vec<u8>) -> Result<()> {
        let mut last = None;
        for address in self.addresses(host).await? {
            let near = near.try_clone().map_err(no_descriptor)?;
            let (answer, answered) = oneshot::channel();
            // Also when the caller goes: then the attempt is of no use.
            let _caller = WakeOnDrop(self.0.wake.clone());
            self.send(Command::Connect(Connect {
                to: SocketAddr::new(address, port),
                near,
                hello: hello.clone(),
                answer,
            }));
            match answered.await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => last = Some(error),
                Err(_) => return Err(closed(&self.0.settings.name)),
            }
        }
        Err(last.unwrap_or_else(|| {
            let name = &self.0.settings.name;
            let message =
                format!("the tunnel `{name}` can carry nothing to any address of `{host}`");
            Error::new(Kind::Tunnel, message).reason("routes")
        }))
    }

    /// The addresses of a host as it is known behind the tunnel; without servers to ask there, as it is
    /// known here. Of several only those that the tunnel can carry something to.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(host).parse() {
            return Ok(vec![address]);
        }
        let settings = &self.0.settings;
        let found = match settings.dns.is_empty() {
            true => {
                let found = dns::resolve_here(host, 0, settings.timeout)
                    .await
                    .map_err(|e| {
                        let name = crate::quote::typed(&settings.name);
                        e.hint(format!(
                            "known behind the tunnel only? mroom tunnel set {name} dns=ADDRESS"
                        ))
                    })?;
                found.into_iter().map(|place| place.ip()).collect()
            }
            false => {
                let way = Way::Dial(Arc::new(self.clone()));
                dns::resolve(&way, &settings.dns, host, settings.timeout).await?
            }
        };
        let (can, cannot): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|ip| settings.refusal(*ip).is_none());
        match can.is_empty() {
            // What is refused says why.
            true => Ok(cannot),
            false => Ok(can),
        }
    }

    fn send(&self, command: Command) {
        // A thread that is gone drops it, which is the answer.
        let _ = self.0.commands.send(command);
        self.0.wake.wake();
    }
}

/// Two sockets that are joined.
pub(super) fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let pair = rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None);
    pair.map_err(|e| no_descriptor(e.into()))
}

fn no_descriptor(error: std::io::Error) -> Error {
    Error::local(format!("cannot make a descriptor: {error}"))
        .hint("use fewer forks, or raise `ulimit -n`")
        .source(error)
}

#[cfg(test)]
mod tests;
