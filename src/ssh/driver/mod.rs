//! The executor of a session's thread: many small futures over one libssh2 session.
//!
//! Every libssh2 call goes through [`Core::call`], which turns "would block" into pending; the
//! loop that polls the futures is [`run`]. Owns the session and its socket; knows nothing of
//! commands or files.

mod turns;

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

    /// Opens a channel. One that the server refuses while others of ours are open (its
    /// `MaxSessions`) waits for one of them to end.
    pub async fn open(self: &Rc<Self>, opening: &Opening) -> Result<Lease, Fault> {
        let may_wait = *opening == Opening::Session;
        loop {
            let door = self.door().await;
            let left = self.begun.borrow().clone().filter(|left| left != opening);
            if let Some(left) = left {
                // Whoever wanted that has gone; a refusal of it is nobody's business.
                match self.open_one(&left).await {
                    Ok(lease) => drop(lease),
                    Err(Fault::Ssh(_)) => {}
                    Err(gone) => return Err(gone),
                }
            }
            let opened = self.open_one(opening).await;
            drop(door);
            match opened {
                Err(Fault::Ssh(error))
                    if may_wait && is_refusal(&error) && self.channels.get() > 0 =>
                {
                    let others = self.channels.get();
                    // What is merely kept gives its place.
                    self.drop_spares();
                    poll_fn(
                        |_| match self.channels.get() < others || wire::has_ended() {
                            true => Poll::Ready(()),
                            false => Poll::Pending,
                        },
                    )
                    .await;
                }
                done => return done,
            }
        }
    }

    /// Waits for the right to open a channel.
    async fn door(self: &Rc<Self>) -> Door {
        poll_fn(|_| match self.is_opening.get() && !wire::has_ended() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        self.is_opening.set(true);
        Door(self.clone())
    }

    async fn open_one(self: &Rc<Self>, opening: &Opening) -> Result<Lease, Fault> {
        self.begun.replace(Some(opening.clone()));
        let opened = self.call(|| Channel::open(&self.session, opening)).await;
        self.begun.take();
        let channel = opened?;
        self.channels.set(self.channels.get() + 1);
        Ok(Lease {
            channel: Some(channel),
            core: self.clone(),
            running: false,
        })
    }

    /// Lets the server open channels to the agent.
    pub fn accept_agent(&self) {
        ffi::agent::accept(&self.session);
    }

    /// The channels to the agent that it has opened since this was last asked.
    pub fn agent_channels(self: &Rc<Self>) -> Vec<Lease> {
        let opened = ffi::agent::take(&self.session).into_iter();
        let lease = |channel| {
            self.channels.set(self.channels.get() + 1);
            Lease {
                channel: Some(channel),
                core: self.clone(),
                running: false,
            }
        };
        opened.map(lease).collect()
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

    /// Keeps something on a channel for its next use, instead of what had that name before.
    pub fn set_spare(&self, name: &str, spare: Box<dyn Any>) {
        let before = self.spares.borrow_mut().insert(name.to_owned(), spare);
        drop(before);
    }

    /// What was kept under that name, if it still is.
    pub fn take_spare<T: 'static>(&self, name: &str) -> Option<T> {
        let spare = self.spares.borrow_mut().remove(name)?;
        spare.downcast().ok().map(|spare| *spare)
    }

    /// Gives up all that is kept.
    pub fn drop_spares(&self) {
        let spares = self.spares.take();
        drop(spares);
    }

    /// Asks for another turn without waiting for the socket.
    pub fn yield_turn(&self) {
        self.again.set(true);
    }

    /// True while so much waits for the kernel that nothing more should be written.
    pub fn is_clogged(&self) -> bool {
        wire::unsent() > HIGH_WATER
    }

    fn sweep(&self) {
        let waiting = self.closing.take();
        let before = waiting.len();
        let left: Vec<_> = waiting.into_iter().filter_map(Channel::free).collect();
        let freed = before - left.len();
        if freed > 0 {
            self.channels.set(self.channels.get() - freed);
            self.yield_turn();
        }
        self.closing.borrow_mut().extend(left);
    }
}

fn is_refusal(error: &ssh2::Error) -> bool {
    error.code() == ssh2::ErrorCode::Session(libssh2_sys::LIBSSH2_ERROR_CHANNEL_FAILURE)
}

/// The right to open a channel.
struct Door(Rc<Core>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.is_opening.set(false);
        self.0.yield_turn();
    }
}

/// A channel in use. When dropped it is closed in the background; a command that still runs on
/// it is told to end first.
pub struct Lease {
    channel: Option<Channel>,
    core: Rc<Core>,
    running: bool,
}

impl Lease {
    /// The channel.
    pub fn channel(&self) -> Option<&Channel> {
        self.channel.as_ref()
    }

    /// Says whether a command runs on it that must be told to end.
    pub fn set_running(&mut self, running: bool) {
        self.running = running;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(channel) = self.channel.take() {
            if self.running {
                // Servers may ignore it; closing the channel then hangs up on the command.
                let _ = channel.signal("TERM");
            }
            self.core.closing.borrow_mut().push(channel);
            self.core.yield_turn();
        }
    }
}
