//! A user's side of the socket to a tunnel's process: asks, and a thread that hears the answers.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::SendFlags;
use tokio::sync::oneshot;

use super::wire::{hear, say};
use super::words::{Ask, Tell};
use crate::error::{Error, Result};
use crate::events::{Events, Level};
use crate::tunnel::fault;

/// Stack of the thread.
const STACK: usize = 128 << 10;

/// One user's link to the process. Dropped, the process has one user less.
pub struct Link {
    name: String,
    stream: UnixStream,
    waiting: Arc<Mutex<Waiting>>,
    next: AtomicU64,
}

/// What the answers are for.
#[derive(Default)]
struct Waiting {
    connections: HashMap<u64, oneshot::Sender<Result<()>>>,
    /// Why there will be no more; `None` while there may be.
    over: Option<Over>,
}

/// How a link has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// We have ended it.
    Left,
    /// The process is gone.
    Lost,
    /// Somebody has asked for its end.
    Ended,
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// On a stream whose other side has said that the tunnel is up. `child` is the process, when it is
    /// ours to bury.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] without threads or descriptors.
    pub fn new(
        name: &str,
        stream: UnixStream,
        child: Option<Child>,
        events: Arc<dyn Events>,
    ) -> Result<Link> {
        let failed = |e: std::io::Error| {
            Error::local(format!("the tunnel `{name}`: no thread is left: {e}")).source(e)
        };
        let waiting: Arc<Mutex<Waiting>> = Arc::default();
        let ear = Ear {
            name: name.to_owned(),
            stream: stream.try_clone().map_err(failed)?,
            waiting: waiting.clone(),
            events,
        };
        let work = move || {
            ear.listen();
            if let Some(mut child) = child {
                let _ = child.wait();
            }
        };
        let thread = std::thread::Builder::new().name("tunnel".to_owned());
        thread.stack_size(STACK).spawn(work).map_err(failed)?;
        Ok(Link {
            name: name.to_owned(),
            stream,
            waiting,
            next: AtomicU64::new(0),
        })
    }

    /// How it has ended, when it has.
    pub fn over(&self) -> Option<Over> {
        locked(&self.waiting).over
    }

    /// Has `near` connected to `host`, as it is known behind the tunnel.
    ///
    /// # Errors
    /// What the tunnel says, and the end of its process.
    pub async fn reach(
        self: Arc<Self>,
        host: String,
        port: u16,
        near: OwnedFd,
        hello: Vec<u8>,
    ) -> Result<()> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = locked(&self.waiting);
            if waiting.over.is_some() {
                return Err(self.lost());
            }
            waiting.connections.insert(id, answer);
        }
        let waiter = Waiter {
            link: self.clone(),
            id,
        };
        let ask = Ask::Reach {
            id,
            host,
            port,
            hello,
        };
        self.ask(&ask, Some(&near))?;
        // The only other end is the process's: when that is gone, so is the connection.
        drop(near);
        let went = answered.await.unwrap_or_else(|_| Err(self.lost()));
        drop(waiter);
        went
    }

    /// UDP between `near` and `to`.
    ///
    /// # Errors
    /// The end of the process.
    pub fn cast(&self, to: SocketAddr, near: &OwnedFd) -> Result<()> {
        self.ask(&Ask::Datagrams(to), Some(near))
    }

    fn ask(&self, ask: &Ask, with: Option<&OwnedFd>) -> Result<()> {
        // One after the other: a message is one whole.
        let waiting = locked(&self.waiting);
        let said = say(&self.stream, ask, with, SendFlags::empty());
        drop(waiting);
        said.map_err(|e| self.lost().source(e))
    }

    fn lost(&self) -> Error {
        match self.over() {
            Some(Over::Ended) => ended(&self.name),
            _ => fault(&self.name, "dropped", "was lost: its process has ended"),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        locked(&self.waiting).over.get_or_insert(Over::Left);
        // The thread has it, too.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Somebody took it down on purpose.
pub fn ended(name: &str) -> Error {
    let word = crate::quote::typed(name);
    fault(name, "dropped", "was taken down by somebody else")
        .hint(format!("`mroom tunnel up {word}` brings it up again"))
}

/// Waits for a connection, or has given it up.
struct Waiter {
    link: Arc<Link>,
    id: u64,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let is_given_up = locked(&self.link.waiting)
            .connections
            .remove(&self.id)
            .is_some();
        if is_given_up {
            let _ = self.link.ask(&Ask::Drop(self.id), None);
        }
    }
}

/// What the thread has.
struct Ear {
    name: String,
    stream: UnixStream,
    waiting: Arc<Mutex<Waiting>>,
    events: Arc<dyn Events>,
}

impl Ear {
    fn listen(&self) {
        while let Ok(Some((tell, _))) = hear::<Tell>(&self.stream) {
            match tell {
                Tell::Done(id, went) => {
                    let answer = locked(&self.waiting).connections.remove(&id);
                    if let Some(answer) = answer {
                        let _ = answer.send(went.map_or(Ok(()), |fault| Err(fault.error())));
                    }
                }
                Tell::Note(level, text) => self.events.note(level.into(), None, &text),
                Tell::Ended => {
                    locked(&self.waiting).over.get_or_insert(Over::Ended);
                }
                Tell::Up | Tell::Failed(_) | Tell::Other(_) | Tell::Facts { .. } => {}
            }
        }
        let mut waiting = locked(&self.waiting);
        let over = *waiting.over.get_or_insert(Over::Lost);
        let left = std::mem::take(&mut waiting.connections);
        drop(waiting);
        // Who waits is told by that, and by nothing before it.
        drop(left);
        let what = match over {
            Over::Left => return,
            Over::Lost => "was lost: its process has ended",
            Over::Ended => "was taken down by somebody else",
        };
        let text = format!("the tunnel `{}` {what}", self.name);
        self.events.note(Level::Warning, None, &text);
    }
}
