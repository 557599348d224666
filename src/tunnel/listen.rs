//! Listeners on this machine whose clients are connected to what is behind a tunnel or a server.
//!
//! One thread accepts. Each client has a thread of its own until its connection is there, and no longer:
//! [`Dial::join`] moves the bytes from then on. Clients are local programs, and not trusted either.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags};

use super::Dial;
use super::socks;
use crate::error::{Error, Result};
use crate::events::{Events, Level};
use crate::inventory::endpoint;

/// Clients that may be without their connection at the same time; further ones wait to be accepted.
const CLIENTS: usize = 128;
/// Stack of a client's thread.
const STACK: usize = 256 << 10;

/// What clients are for.
pub enum Purpose {
    /// They say themselves where to, by SOCKS5.
    Socks,
    /// All are connected to this host and port.
    To(String, u16),
}

/// An address to listen on, as people write it: `PORT`, which is on loopback, or `ADDRESS:PORT`.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn address(text: &str) -> Result<SocketAddr> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| {
        Error::usage(format!("`{text}` is no address to listen on"))
            .hint("such as `1080`, `127.0.0.1:1080` or `[::1]:1080`; port 0 is any free one")
    })
}

/// Host and port as they are known behind the tunnel or server: `HOST:PORT`.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn destination(text: &str) -> Result<(String, u16)> {
    match endpoint(text, 0)? {
        (_, 0) => Err(Error::usage(format!("`{text}` names no port"))
            .hint("such as `127.0.0.1:5432` or `db.internal:5432`")),
        place => Ok(place),
    }
}

/// A listener. Dropped, it accepts nobody any more; connections that are there stay.
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    wake: UnixStream,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    dial: Arc<dyn Dial>,
    purpose: Purpose,
    name: String,
    events: Arc<dyn Events>,
    stopped: AtomicBool,
    /// Clients without their connection yet.
    waiting: AtomicUsize,
    joined: AtomicU64,
}

impl Listener {
    /// Begins to listen; `name` is for messages about clients that do not get their connection.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the address is taken or not ours.
    pub fn start(
        address: SocketAddr,
        purpose: Purpose,
        name: &str,
        dial: Arc<dyn Dial>,
        events: Arc<dyn Events>,
    ) -> Result<Self> {
        let failed = |e: std::io::Error| {
            Error::local(format!("cannot listen on {address}: {e}"))
                .hint("`--listen 127.0.0.1:0` takes any free port")
                .source(e)
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (wake, woken) = UnixStream::pair().map_err(failed)?;
        for end in [&wake, &woken] {
            end.set_nonblocking(true).map_err(failed)?;
        }
        let shared = Arc::new(Shared {
            dial,
            purpose,
            name: name.to_owned(),
            events,
            stopped: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            joined: AtomicU64::new(0),
        });
        let (owned, waker) = (shared.clone(), wake.try_clone().map_err(failed)?);
        let accepting = std::thread::Builder::new()
            .name("listener".to_owned())
            .stack_size(STACK)
            .spawn(move || accept(&listener, &owned, &waker, &woken))
            .map_err(failed)?;
        Ok(Listener {
            address,
            shared,
            wake,
            accepting: Some(accepting),
        })
    }

    /// How many clients have got their connection so far.
    pub fn joined(&self) -> u64 {
        self.shared.joined.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        ring(&self.wake);
        if let Some(accepting) = self.accepting.take() {
            // It waits for nobody; after it the address is free again.
            let _ = accepting.join();
        }
    }
}

/// Wakes the thread that accepts. A full pipe has woken it already.
fn ring(mut wake: &UnixStream) {
    let _ = wake.write(&[0]);
}

/// Accepts until it is stopped.
fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    waker: &UnixStream,
    mut woken: &UnixStream,
) {
    while !shared.stopped.load(Ordering::SeqCst) {
        let mut fds = vec![PollFd::from_borrowed_fd(woken.as_fd(), PollFlags::IN)];
        if shared.waiting.load(Ordering::SeqCst) < CLIENTS {
            fds.push(PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN));
        }
        if rustix::event::poll(&mut fds, None).is_err() {
            continue;
        }
        while matches!(woken.read(&mut [0; 64]), Ok(64)) {}
        let Ok((client, _)) = listener.accept() else {
            continue;
        };
        shared.waiting.fetch_add(1, Ordering::SeqCst);
        let (serving, bell) = (shared.clone(), waker.try_clone());
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.name("client".to_owned()).spawn(move || {
            serving.serve(client);
            serving.waiting.fetch_sub(1, Ordering::SeqCst);
            if let Ok(bell) = bell {
                ring(&bell);
            }
        });
        if thread.is_err() {
            // The client went with it.
            shared.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Shared {
    /// From a client's first byte to its connection.
    fn serve(&self, client: TcpStream) {
        let served = client
            .set_nonblocking(false)
            .map_err(|e| Error::local("the client is gone").source(e))
            .and_then(|()| self.connect(client));
        match served {
            Ok(()) => {
                self.joined.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                let message = format!("{}: {}", self.name, error.message());
                self.events.note(Level::Info, None, &message);
            }
        }
    }

    fn connect(&self, client: TcpStream) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| Error::local(format!("cannot start: {e}")).source(e))?;
        // Answers are small and come at once.
        let _ = client.set_nodelay(true);
        match &self.purpose {
            Purpose::To(host, port) => {
                let joined = self.dial.join(host, *port, client.into(), Vec::new());
                runtime.block_on(joined)
            }
            Purpose::Socks => {
                let place = socks::ask(&client)?;
                let failing = client.try_clone();
                let (host, port) = (place.host.as_str(), place.port);
                let joined = self.dial.join(host, port, client.into(), socks::granted());
                let joined = runtime.block_on(joined);
                if let (Err(error), Ok(mut client)) = (&joined, failing) {
                    let _ = client.write_all(&socks::refused(error));
                }
                joined.map_err(|e| e.context(format!("{host}:{port}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_and_destinations() {
        assert_eq!(address("1080").unwrap().to_string(), "127.0.0.1:1080");
        assert_eq!(address("0.0.0.0:1").unwrap().to_string(), "0.0.0.0:1");
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
        let db = ("db.internal".to_owned(), 5432);
        assert_eq!(destination("db.internal:5432").unwrap(), db);
        assert_eq!(destination("[::1]:5").unwrap(), ("::1".to_owned(), 5));
        for text in ["", "70000", "localhost:1", ":1", "1.2.3.4", "::1:1 ", "-1"] {
            assert_eq!(address(text).unwrap_err().kind().exit_code(), 2, "{text:?}");
        }
        for text in ["", "db", "db:0", "db:x", "d b:1", "::1", "-o:1", "a\nb:1"] {
            let error = destination(text).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer(text in any::<String>()) {
            let _ = (address(&text), destination(&text));
        }
    }
}
