//! Waiting: for the socket, for a wake-up from another thread, until a moment.
//!
//! Owns nothing but the wake descriptor. Imports nothing of the crate.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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

    fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
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
    let mut fds = vec![PollFd::from_borrowed_fd(wake.0.as_fd(), PollFlags::IN)];
    if let Some((fd, interest)) = socket {
        let mut flags = PollFlags::RDHUP;
        flags.set(PollFlags::IN, interest.read);
        flags.set(PollFlags::OUT, interest.write);
        fds.push(PollFd::from_borrowed_fd(fd, flags));
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
    let events = fds.get(1).map_or(PollFlags::empty(), PollFd::revents);
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
