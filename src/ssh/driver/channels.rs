//! The channels of a session: opened one after another within what the server allows, kept for their
//! next use, closed in the background.

use std::any::Any;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::{Core, Fault};
use crate::ssh::ffi::{self, Channel, Opening};
use crate::ssh::net::wire;

/// How long a server may still count a channel that is closed: sshd waits for its command first.
const LINGERS: Duration = Duration::from_secs(5);
/// How often it is asked again meanwhile.
const AGAIN: Duration = Duration::from_millis(50);

/// The channels that have gone for good.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Freed {
    count: usize,
    last: Option<Instant>,
}

impl Freed {
    /// Whether the server may not know yet that the last one is gone.
    fn may_linger(self) -> bool {
        self.last.is_some_and(|last| last.elapsed() < LINGERS)
    }
}

impl Core {
    /// Opens a channel. One that the server refuses while others of ours are open (its
    /// `MaxSessions`), or may still count, waits for one of them to end.
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
            // Before it asks: one may go while the refusal is on its way.
            let freed = self.freed.get();
            let has_gone = || self.freed.get() != freed;
            let opened = self.open_one(opening).await;
            drop(door);
            match opened {
                Err(Fault::Ssh(error))
                    if may_wait
                        && is_refusal(&error)
                        && (self.channels.get() > 0 || self.freed.get().may_linger()) =>
                {
                    let may_linger = self.freed.get().may_linger();
                    let again = may_linger.then(|| Instant::now() + AGAIN);
                    poll_fn(|_| {
                        // What is merely kept gives its place, also what others keep meanwhile.
                        self.drop_spares();
                        match again {
                            _ if has_gone() || wire::has_ended() => Poll::Ready(()),
                            Some(again) => self.poll_alarm(again),
                            None => Poll::Pending,
                        }
                    })
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

    /// Frees the channels whose close the server has answered.
    pub(super) fn sweep(&self) {
        let waiting = self.closing.take();
        let before = waiting.len();
        let left: Vec<_> = waiting.into_iter().filter_map(Channel::free).collect();
        let freed = before - left.len();
        if freed > 0 {
            self.channels.set(self.channels.get() - freed);
            self.freed.set(Freed {
                count: self.freed.get().count + freed,
                last: Some(Instant::now()),
            });
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
