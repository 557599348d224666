//! The loop of a session's thread: every job gets its turn, then the thread sleeps in poll(2).
//!
//! All jobs are polled again as long as any of them took bytes off the wire: one job's call may
//! have read what another waits for. Keepalives and the goodbye are sent from here.

use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;

use super::{Command, Core};
use crate::ssh::net::poll::{Interest, Wake, wait_also};
use crate::ssh::net::tcp::quick_ack;
use crate::ssh::net::wire;

/// Unanswered keepalives after which the peer is taken for dead (OpenSSH's default count).
const SILENT_KEEPALIVES: u32 = 3;
/// How long a goodbye may take to leave the machine.
const GOODBYE: Duration = Duration::from_millis(200);

/// Runs jobs until the handles are gone, the session is closed, or the connection ends.
pub fn run(core: &Rc<Core>, commands: &Receiver<Command>, wake: &Wake, keepalive: u32) {
    let mut jobs: Vec<LocalBoxFuture<'static, ()>> = Vec::new();
    let mut heard = Heard::now();
    core.session.set_keepalive(true, keepalive);
    let farewell = loop {
        match commands.try_recv() {
            Ok(Command::Run(start)) => {
                if jobs.is_empty() {
                    heard = Heard::now();
                }
                jobs.push(start(core.clone()));
                continue;
            }
            Ok(Command::Close(done)) => break Some(done),
            Err(TryRecvError::Disconnected) if jobs.is_empty() => break None,
            Err(_) => {}
        }
        if turn(core, &mut jobs) {
            continue;
        }
        if wire::has_ended() {
            // All jobs have had their turn since, and nothing more will come for them.
            break None;
        }
        let next_keepalive = core.keepalive(keepalive, !jobs.is_empty(), &mut heard);
        if wire::has_ended() {
            continue;
        }
        core.sleep(wake, next_keepalive, jobs.is_empty());
    };
    core.alive.store(false, Ordering::SeqCst);
    // Channels go before their session, and nothing waits for a dead peer.
    jobs.clear();
    core.chores.take();
    core.drop_spares();
    core.goodbye();
    drop(farewell);
}

/// Polls every job once; true when another turn may bring more.
fn turn(core: &Core, jobs: &mut Vec<LocalBoxFuture<'static, ()>>) -> bool {
    let before = (wire::received(), wire::has_ended(), jobs.len());
    let mut starved = false;
    core.alarm.set(None);
    core.again.set(false);
    core.watches.borrow_mut().clear();
    let mut context = Context::from_waker(Waker::noop());
    jobs.retain_mut(|job| {
        wire::refuel();
        let pending = job.as_mut().poll(&mut context).is_pending();
        starved |= wire::starved();
        pending
    });
    jobs.append(&mut core.chores.borrow_mut());
    wire::refuel();
    core.sweep();
    wire::flush(core.socket.as_fd());
    starved |= wire::starved();
    starved || core.again.get() || before != (wire::received(), wire::has_ended(), jobs.len())
}

/// When the peer was last heard of.
struct Heard {
    bytes: u64,
    at: Instant,
}

impl Heard {
    fn now() -> Self {
        Heard {
            bytes: wire::received(),
            at: Instant::now(),
        }
    }
}

impl Core {
    /// Sends a keepalive when one is due, notices a silent peer; gives the time of the next.
    fn keepalive(&self, every: u32, busy: bool, heard: &mut Heard) -> Option<Instant> {
        if every == 0 {
            return None;
        }
        if heard.bytes != wire::received() || !busy {
            // Nobody reads while there are no jobs, so silence means nothing then.
            *heard = Heard::now();
        }
        let patience = Duration::from_secs(u64::from(every) * u64::from(SILENT_KEEPALIVES + 1));
        if heard.at.elapsed() >= patience {
            wire::end(&format!(
                "no answer from the server for {} s",
                patience.as_secs()
            ));
            return None;
        }
        let next = self.session.keepalive_send().unwrap_or(every).max(1);
        let next = Instant::now() + Duration::from_secs(u64::from(next));
        Some(next.min(heard.at + patience))
    }

    fn sleep(&self, wake: &Wake, keepalive: Option<Instant>, idle: bool) {
        let until = match (self.alarm.get(), keepalive) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let socket = self.socket.as_fd();
        quick_ack(&self.socket);
        // Without jobs nobody would read: what comes may wait, only the end matters.
        let closing = !self.closing.borrow().is_empty();
        let interest = Interest {
            read: !idle || closing,
            write: wire::unsent() > 0,
        };
        let others = self.watches.borrow();
        let ready = wait_also(Some((socket, interest)), wake, &others, until);
        if ready.hung_up && !interest.read {
            wire::end("the server closed the connection");
        }
    }

    /// Says goodbye as far as the socket takes it, then makes libssh2 see a closed socket.
    fn goodbye(&self) {
        if !wire::has_ended() {
            let _ = self.session.disconnect(None, "done", None);
            let until = Instant::now() + GOODBYE;
            while wire::unsent() > 0 && Instant::now() < until {
                wire::flush(self.socket.as_fd());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        wire::hang_up();
        self.closing.take();
    }
}
