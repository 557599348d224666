//! Sleep until a descriptor or the clock has something for the tunnel's thread.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use std::os::fd::{AsFd as _, BorrowedFd};

use super::datagrams::Datagrams;
use super::flow::Flow;
use crate::ssh::Wake;

/// All that can end the sleep.
pub struct Sleepers<'a> {
    /// Whoever wants something of the thread.
    pub wake: &'a Wake,
    /// The gateway's socket, and whether something waits for room in it.
    pub link: (BorrowedFd<'a>, bool),
    /// Connections, each with what it waits for.
    pub flows: &'a mut [Flow],
    /// In the order of `flows`; `None`: nothing.
    pub interests: Vec<Option<PollFlags>>,
    /// UDP.
    pub datagrams: &'a mut [Datagrams],
}

/// Sleeps so long at the most, and tells those that have something.
pub fn sleep(sleepers: Sleepers<'_>, pause: Duration) {
    let Sleepers {
        wake,
        link: (link, is_stuck),
        flows,
        interests,
        datagrams,
    } = sleepers;
    let mut fds = Vec::with_capacity(flows.len() + datagrams.len() + 2);
    fds.push(PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN));
    let mut flags = PollFlags::IN;
    flags.set(PollFlags::OUT, is_stuck);
    fds.push(PollFd::from_borrowed_fd(link, flags));
    // Whose each descriptor is, in their order.
    let mut owners = Vec::with_capacity(flows.len() + datagrams.len());
    for (i, flow) in flows.iter().enumerate() {
        if let Some(Some(flags)) = interests.get(i) {
            fds.push(flow.poll_fd(*flags));
            owners.push(i);
        }
    }
    for (i, cast) in datagrams.iter().enumerate() {
        if let Some(fd) = cast.poll_fd() {
            fds.push(fd);
            owners.push(flows.len() + i);
        }
    }
    let timeout = Timespec {
        tv_sec: pause.as_secs() as _,
        tv_nsec: pause.subsec_nanos() as _,
    };
    if rustix::event::poll(&mut fds, Some(&timeout)).is_err() {
        return;
    }
    let found: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
    drop(fds);
    if !found[0].is_empty() {
        wake.clear();
    }
    for (owner, found) in owners.into_iter().zip(&found[2..]) {
        if found.is_empty() {
            continue;
        }
        let count = flows.len();
        match flows.get_mut(owner) {
            Some(flow) => flow.woken(*found),
            None => datagrams[owner - count].woken(),
        }
    }
}
