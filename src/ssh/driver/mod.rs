//! The executor of a session's thread: many small futures over one libssh2 session.
//!
//! Every libssh2 call goes through [`Core::call`], which turns "would block" into pending; the
//! loop that polls the futures is [`run`]. Owns the session and its socket; knows nothing of
//! commands or files.

mod channels;
mod turns;

use channels::Freed;
pub use channels::Lease;
pub use turns::run;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use futures::future::LocalBoxFuture;
use ssh2::Session;

use crate::ssh::bridge::Meter;
use crate::ssh::ffi::{self, Channel, Opening};
use crate::ssh::net::poll::{Interest, Watch};
use crate::ssh::net::wire;

/// Bytes waiting for the kernel beyond which nothing more is written to channels.
const HIGH_WATER: usize = 256 << 10;

/// Why a call on the session failed.
#[derive(Debug)]
pub enum Fault {
    /// libssh2 or the server refused.
    Ssh(ssh2::Error),
    /// The connection is gone; says how.
    Gone(String),
}

/// What a handle sends to its thread.
pub enum Command {
    /// Start this job.
    Run(Box<dyn FnOnce(Rc<Core>) -> LocalBoxFuture<'static, ()> + Send>),
    /// Say goodbye and end; the sender is dropped when done.
    Close(tokio::sync::oneshot::Sender<()>),
}

/// The session as jobs see it.
pub struct Core {
    session: Session,
    socket: Arc<OwnedFd>,
    /// Cleared, for the handle to see, as soon as the connection is known to be gone.
    alive: Arc<AtomicBool>,
    /// Counts what goes through connections of the server.
    pub meter: Arc<Meter>,
    /// The earliest moment that a pending timer of this round waits for.
    alarm: Cell<Option<Instant>>,
    /// A job stopped for fairness and wants another turn at once.
    again: Cell<bool>,
    /// Descriptors that pending jobs of this round wait for.
    watches: RefCell<Vec<Rc<Watch>>>,
    /// Somebody opens a channel: libssh2 does one after another.
    is_opening: Cell<bool>,
    /// What libssh2 is opening, even if nobody waits for it any more.
    begun: RefCell<Option<Opening>>,
    /// Channels that wait for the server's close message.
    closing: RefCell<Vec<Channel>>,
    /// Channels in use or closing.
    channels: Cell<usize>,
    /// Those that have gone for good.
    freed: Cell<Freed>,
    /// Jobs that other jobs left to be done.
    chores: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    /// What is on channels that are kept for their next use, each under its name.
    spares: RefCell<HashMap<String, Box<dyn Any>>>,
}

impl Core {
    /// Takes over an authenticated session.
    pub fn new(session: Session, socket: Arc<OwnedFd>, alive: Arc<AtomicBool>) -> Rc<Self> {
        Rc::new(Core {
            session,
            socket,
            alive,
            meter: Arc::default(),
            alarm: Cell::new(None),
            again: Cell::new(false),
            watches: RefCell::default(),
            is_opening: Cell::new(false),
            begun: RefCell::default(),
            closing: RefCell::default(),
            channels: Cell::new(0),
            freed: Cell::default(),
            chores: RefCell::default(),
            spares: RefCell::default(),
        })
    }

    /// Repeats a libssh2 call until it no longer would block.
    pub async fn call<T>(&self, mut f: impl FnMut() -> Result<T, ssh2::Error>) -> Result<T, Fault> {
        poll_fn(|_| self.attempt(&mut f)).await
    }

    /// One turn of [`Core::call`].
    pub fn attempt<T>(&self, f: impl FnOnce() -> Result<T, ssh2::Error>) -> Poll<Result<T, Fault>> {
        match f() {
            Ok(value) => Poll::Ready(Ok(value)),
            // What was queued before the end came is read first; only then is the peer gone.
            Err(error) => match wire::ended() {
                Some(how) => {
                    self.alive.store(false, Ordering::SeqCst);
                    Poll::Ready(Err(Fault::Gone(how)))
                }
                None if ffi::would_block(&error) => Poll::Pending,
                None => Poll::Ready(Err(Fault::Ssh(error))),
            },
        }
    }

    /// The loop comes back when that happens on the descriptor.
    pub fn watch(&self, watch: &Rc<Watch>, interest: Interest) {
        watch.set_interest(interest);
        self.watches.borrow_mut().push(watch.clone());
    }

    /// Ready from `until` on; before that, the loop comes back in time.
    pub fn poll_alarm(&self, until: Instant) -> Poll<()> {
        if Instant::now() >= until {
            return Poll::Ready(());
        }
        let earliest = self.alarm.get().map_or(until, |t| t.min(until));
        self.alarm.set(Some(earliest));
        Poll::Pending
    }

    /// Leaves something to be done after the job that asks for it.
    pub fn chore(&self, work: LocalBoxFuture<'static, ()>) {
        self.chores.borrow_mut().push(work);
        self.yield_turn();
    }

    /// Asks for another turn without waiting for the socket.
    pub fn yield_turn(&self) {
        self.again.set(true);
    }

    /// True while so much waits for the kernel that nothing more should be written.
    pub fn is_clogged(&self) -> bool {
        wire::unsent() > HIGH_WATER
    }
}
