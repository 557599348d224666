//! Waiting: for the socket, for a wake-up from another thread, until a moment.
//!
//! Owns nothing but the wake descriptor. Imports nothing of the crate.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};

/// Wakes a session's thread out of [`wait`]. One descriptor; any thread may call it.
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    /// A new one; fails when the process has no descriptors left.
    pub fn new() -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Wake(rustix::event::eventfd(0, flags)?))
    }

    /// Ends the current or the next [`wait`].
    pub fn wake(&self) {
        // Fails only when the counter is full, and then the thread wakes anyway.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// To be called when its descriptor became readable.
    pub fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

impl AsFd for Wake {
    /// Readable once it was called: for a wait of one's own.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What to wait for on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Something to read.
    pub read: bool,
    /// Room to write.
    pub write: bool,
}

impl Interest {
    fn flags(self) -> PollFlags {
        let mut flags = PollFlags::RDHUP;
        flags.set(PollFlags::IN, self.read);
        flags.set(PollFlags::OUT, self.write);
        flags
    }
}

/// A descriptor beside the session's own, and whether it is worth a try.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
    interest: Cell<Interest>,
    ready: Cell<bool>,
}

impl Watch {
    /// Worth a try until [`Watch::set_used_up`].
    pub fn new(fd: OwnedFd) -> Self {
        let interest = Interest {
            read: true,
            write: false,
        };
        Watch {
            fd,
            interest: Cell::new(interest),
            ready: Cell::new(true),
        }
    }

    /// The descriptor.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What the next wait is for.
    pub fn set_interest(&self, interest: Interest) {
        self.interest.set(interest);
    }

    /// Whether something may have happened on it since it was used up.
    pub fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// There is nothing more to read for now.
    pub fn set_used_up(&self) {
        self.ready.set(false);
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The socket can be used, or the peer is gone.
    pub socket: bool,
    /// The peer hung up or the socket failed.
    pub hung_up: bool,
    /// Somebody called [`Wake::wake`].
    pub woken: bool,
}

/// Waits until something of `interest` happens on `socket`, `wake` is called, or `until` comes.
/// Being interrupted by a signal looks like nothing having happened.
pub fn wait(
    socket: Option<(BorrowedFd<'_>, Interest)>,
    wake: &Wake,
    until: Option<Instant>,
) -> Ready {
    wait_also(socket, wake, &[], until)
}

/// [`wait`], also for what happens on `others`, which hear of it.
pub fn wait_also(
    socket: Option<(BorrowedFd<'_>, Interest)>,
    wake: &Wake,
    others: &[Rc<Watch>],
    until: Option<Instant>,
) -> Ready {
    let mut fds = vec![PollFd::from_borrowed_fd(wake.0.as_fd(), PollFlags::IN)];
    if let Some((fd, interest)) = socket {
        fds.push(PollFd::from_borrowed_fd(fd, interest.flags()));
    }
    let own = fds.len();
    for other in others {
        let interest = other.interest.get();
        let mut flags = interest.flags();
        // One that has sent all it will is ready for ever: that is for who reads.
        flags.set(PollFlags::RDHUP, interest.read);
        fds.push(PollFd::from_borrowed_fd(other.fd(), flags));
    }
    let timeout = until.map(|t| timespec(t.saturating_duration_since(Instant::now())));
    if rustix::event::poll(&mut fds, timeout.as_ref()).is_err() {
        return Ready {
            socket: false,
            hung_up: false,
            woken: false,
        };
    }
    let woken = !fds[0].revents().is_empty();
    if woken {
        wake.clear();
    }
    for (fd, other) in fds[own..].iter().zip(others) {
        if !fd.revents().is_empty() {
            other.ready.set(true);
        }
    }
    let socket = fds[..own].get(1);
    let events = socket.map_or(PollFlags::empty(), PollFd::revents);
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    Ready {
        socket: !events.is_empty(),
        hung_up: events.intersects(gone),
        woken,
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().min(i32::MAX as u64) as _,
        tv_nsec: duration.subsec_nanos() as _,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_by_time_and_by_wake() {
        let wake = std::sync::Arc::new(Wake::new().unwrap());
        let start = Instant::now();
        let ready = wait(None, &wake, Some(start + Duration::from_millis(30)));
        assert!(!ready.woken && start.elapsed() >= Duration::from_millis(30));
        let other = wake.clone();
        let thread = std::thread::spawn(move || other.wake());
        assert!(wait(None, &wake, Some(start + Duration::from_secs(20))).woken);
        thread.join().unwrap();
        assert!(
            !wait(None, &wake, Some(Instant::now())).woken,
            "the wake was not cleared"
        );
    }
}
