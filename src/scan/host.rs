//! One host on its way through a scan: what is to be asked, what was answered. Pure: who sends and
//! waits is [`super::engine`].
//!
//! A port that stays silent is asked a second time, at the end or, now and then, in between, which
//! is how losses are noticed. A host from which nothing at all has come is asked a second time for
//! a few ports only.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::pace::Pace;

/// Of so many first questions one is followed by a second one to a silent port.
const BETWEEN: usize = 50;
/// Silent ports that are asked a second time while nothing has come from the host.
const SAMPLE: usize = 64;

/// What a port says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Somebody listens.
    Open,
    /// Nobody does; the host itself says so.
    Closed,
    /// Something on the way says that it does not let through.
    Barred(Errno),
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probe {
    pub host: usize,
    pub port: u16,
    pub is_second: bool,
    pub sent: Instant,
}

/// A question that waits for its answer: the socket's place, and its number there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub slot: usize,
    pub stamp: u32,
    pub sent: Instant,
    pub is_second: bool,
}

/// The state of one host.
#[derive(Debug)]
pub(super) struct Host {
    /// The address that is asked, its port aside, and those that could be instead.
    pub address: SocketAddr,
    others: Vec<SocketAddr>,
    /// All ports, in the order in which they are asked.
    order: Arc<[u16]>,
    next: usize,
    /// Silent once.
    late: Vec<u16>,
    seconds: usize,
    sent: usize,
    pub pace: Pace,
    /// Questions without an answer yet, the oldest first; answered ones may be among them.
    pub waiting: VecDeque<Waiting>,
    pub in_flight: usize,
    /// Whether it stands in the queue of those that may be asked.
    pub is_queued: bool,
    answers: usize,
    /// Sorted only at the end.
    pub open: Vec<u16>,
    pub closed: usize,
    /// Silent twice, or barred.
    pub filtered: Vec<u16>,
    /// What stood in the way, if anything said so.
    pub barred: Option<Errno>,
    /// There is no way to it at all.
    pub no_way: Option<Errno>,
    pub began: Option<Instant>,
    pub took: Duration,
}

impl Host {
    /// `addresses` must not be empty; the first that can be sent to is asked.
    pub fn new(
        address: SocketAddr,
        others: Vec<SocketAddr>,
        order: Arc<[u16]>,
        (most, longest): (usize, Duration),
    ) -> Self {
        Host {
            address,
            others: others.into_iter().rev().collect(),
            order,
            next: 0,
            late: Vec::new(),
            seconds: 0,
            sent: 0,
            pace: Pace::new(most, longest),
            waiting: VecDeque::new(),
            in_flight: 0,
            is_queued: false,
            answers: 0,
            open: Vec::new(),
            closed: 0,
            filtered: Vec::new(),
            barred: None,
            no_way: None,
            began: None,
            took: Duration::ZERO,
        }
    }

    /// All ports of the scan.
    pub fn total(&self) -> usize {
        self.order.len()
    }

    /// Ports of which all is known.
    pub fn done(&self) -> usize {
        self.open.len() + self.closed + self.filtered.len()
    }

    /// Whether the host itself has answered.
    pub fn is_alive(&self) -> bool {
        self.answers > 0
    }

    /// The next question, if one may be asked now: the port, and whether it is its second.
    pub fn question(&mut self) -> Option<(u16, bool)> {
        if self.no_way.is_some() || self.in_flight >= self.pace.window() {
            return None;
        }
        let is_first = self.next < self.order.len();
        let look = self.is_alive() && self.sent.is_multiple_of(BETWEEN);
        if (!is_first || look)
            && (self.is_alive() || self.seconds < SAMPLE)
            && let Some(port) = self.late.pop()
        {
            self.seconds += 1;
            self.sent += 1;
            return Some((port, true));
        }
        let port = *self.order.get(self.next)?;
        self.next += 1;
        self.sent += 1;
        Some((port, false))
    }

    /// A question that could not be asked after all.
    pub fn put_back(&mut self, port: u16, is_second: bool) {
        if is_second {
            self.seconds -= 1;
            self.late.push(port);
        } else {
            // The questions are asked in order and one at a time.
            self.next -= 1;
        }
    }

    /// The question has gone out.
    pub fn asked(&mut self, waiting: Waiting) {
        self.in_flight += 1;
        self.waiting.push_back(waiting);
    }

    /// How long the answer to such a question is waited for.
    pub fn timeout(&self, is_second: bool) -> Duration {
        let once = self.pace.timeout();
        if is_second { once * 2 } else { once }
    }

    /// A question was answered at `now`.
    pub fn answered(&mut self, probe: &Probe, answer: Answer, now: Instant) {
        match answer {
            Answer::Open => self.open.push(probe.port),
            Answer::Closed => self.closed += 1,
            Answer::Barred(why) => {
                self.barred = Some(why);
                self.filtered.push(probe.port);
                return;
            }
        }
        self.answers += 1;
        self.pace
            .answered(now.saturating_duration_since(probe.sent));
        // The window is for what is slow to answer, not for what got lost long ago.
        if probe.is_second {
            self.pace.lost(now);
        }
    }

    /// A question was not answered in time.
    pub fn silent(&mut self, probe: &Probe) {
        match probe.is_second {
            true => self.filtered.push(probe.port),
            false => {
                self.late.push(probe.port);
                self.pace.silent();
            }
        }
    }

    /// Nothing can be sent to this address: the next one is asked instead, from the beginning; true
    /// when there is one.
    pub fn elsewhere(&mut self, why: Errno) -> bool {
        match self.others.pop() {
            Some(address) if self.done() == 0 => {
                self.address = address;
                true
            }
            _ => {
                self.no_way = Some(why);
                false
            }
        }
    }

    /// Whether nothing is left to ask or to wait for. What was silent once only is given up then.
    pub fn ends(&mut self) -> bool {
        let has_asked = self.next == self.order.len()
            && (self.late.is_empty() || (!self.is_alive() && self.seconds >= SAMPLE));
        let is_over = self.in_flight == 0 && (has_asked || self.no_way.is_some());
        if is_over && self.no_way.is_none() {
            self.filtered.append(&mut self.late);
        }
        is_over
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
