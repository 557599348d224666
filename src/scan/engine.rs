//! The loop of a scan: one thread, non-blocking sockets, all hosts in turn.
//!
//! Hosts take turns, one question each, so that a slow one holds up nobody. How many questions are
//! open at once is bounded by what this machine has ([`super::supply`]) and by each host's own
//! [`super::pace`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::host::{Answer, Host, Probe, Waiting};
use super::sockets::{Sent, Sockets};
use super::supply::Supply;
use crate::error::Result;

/// Hosts that are asked at the same time; the others wait.
const ACTIVE: usize = 256;
/// Questions asked before answers are looked for.
const BURST: usize = 256;
/// How long nothing may happen before somebody is asked whether to go on.
const TICK: Duration = Duration::from_millis(50);
/// How often progress is told.
const NEWS: Duration = Duration::from_millis(250);
/// What those who watch hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// So many ports of that host (its place in the plan) are known, of so many.
    Progress {
        /// The host's place.
        host: usize,
        /// Ports known.
        done: usize,
        /// Ports asked for.
        total: usize,
    },
    /// That host is done.
    Done {
        /// The host's place.
        host: usize,
    },
}

pub(super) struct Engine<'a> {
    hosts: Vec<Host>,
    sockets: Sockets,
    /// Those that may have something to ask.
    queue: VecDeque<usize>,
    /// Those that have begun and not ended.
    live: Vec<usize>,
    begun: usize,
    in_flight: usize,
    supply: Supply,
    told: Instant,
    stop: &'a dyn Fn() -> bool,
    news: &'a mut dyn FnMut(News),
}

impl<'a> Engine<'a> {
    /// At most `most` questions open at once and `rate` a second.
    ///
    /// # Errors
    /// As [`Sockets::new`].
    pub fn new(
        hosts: Vec<Host>,
        (most, rate): (usize, Option<u32>),
        stop: &'a dyn Fn() -> bool,
        news: &'a mut dyn FnMut(News),
    ) -> Result<Self> {
        let now = Instant::now();
        Ok(Engine {
            hosts,
            sockets: Sockets::new()?,
            queue: VecDeque::new(),
            live: Vec::new(),
            begun: 0,
            in_flight: 0,
            supply: Supply::new(most, rate, now),
            told: now,
            stop,
            news,
        })
    }

    /// Scans until all is known, or until told to stop; the hosts as they are then.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when this machine lacks what it takes, for good.
    pub fn run(mut self) -> Result<Vec<Host>> {
        loop {
            self.begin();
            if self.live.is_empty() || (self.stop)() {
                break;
            }
            self.ask()?;
            let before = Instant::now();
            let mut patience = self.patience(before);
            // All that has come is heard before anything is given up.
            loop {
                let is_all = self.sockets.wait(patience);
                self.hear();
                if is_all {
                    break;
                }
                patience = Duration::ZERO;
            }
            self.give_up(before);
            self.end();
            if self.told.elapsed() > NEWS {
                self.told = Instant::now();
                self.tell();
            }
        }
        Ok(self.hosts)
    }

    /// Lets hosts begin as long as there is a place.
    fn begin(&mut self) {
        while self.live.len() < ACTIVE && self.begun < self.hosts.len() {
            let at = self.begun;
            self.begun += 1;
            self.hosts[at].began = Some(Instant::now());
            self.live.push(at);
            self.enqueue(at);
        }
    }

    fn enqueue(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        if !host.is_queued {
            host.is_queued = true;
            self.queue.push_back(at);
        }
    }

    /// Asks what may be asked now, one question of each host in turn.
    fn ask(&mut self) -> Result<()> {
        let mut now = Instant::now();
        if self.supply.pause(now).is_some() {
            return Ok(());
        }
        for _ in 0..BURST {
            if !self.supply.has_room(self.in_flight) {
                return Ok(());
            }
            let Some(at) = self.queue.pop_front() else {
                return Ok(());
            };
            let host = &mut self.hosts[at];
            host.is_queued = false;
            let Some((port, is_second)) = host.question() else {
                continue;
            };
            if !self.supply.take(now) {
                host.put_back(port, is_second);
                self.enqueue(at);
                return Ok(());
            }
            let probe = Probe {
                host: at,
                port,
                is_second,
                sent: now,
            };
            let mut to = host.address;
            to.set_port(port);
            let sent = self.sockets.send(probe, to);
            now = Instant::now();
            if let Sent::Waits { slot, stamp } = sent {
                self.in_flight += 1;
                self.hosts[at].asked(Waiting {
                    slot,
                    stamp,
                    sent: probe.sent,
                    is_second,
                });
            } else if self.settle(&probe, sent, now)? {
                return Ok(());
            }
            self.enqueue(at);
        }
        Ok(())
    }

    /// Takes in what became of a question; true when this machine needs a pause.
    fn settle(&mut self, probe: &Probe, sent: Sent, now: Instant) -> Result<bool> {
        let host = &mut self.hosts[probe.host];
        match sent {
            Sent::Answered(answer) => {
                host.answered(probe, answer, now);
                self.supply.suffices();
            }
            Sent::NoWay(Errno::ADDRNOTAVAIL) if host.done() > 0 => {
                return self.shortage(probe, Errno::ADDRNOTAVAIL, now);
            }
            Sent::NoWay(why) if host.done() > 0 => {
                host.answered(probe, Answer::Barred(why), now);
            }
            Sent::NoWay(why) => {
                host.put_back(probe.port, probe.is_second);
                host.elsewhere(why);
            }
            Sent::Again => host.put_back(probe.port, probe.is_second),
            Sent::Short(why) => return self.shortage(probe, why, now),
            Sent::Waits { .. } => {}
        }
        Ok(false)
    }

    /// This machine has no descriptors, memory or ports left: asks less, and later.
    fn shortage(&mut self, probe: &Probe, why: Errno, now: Instant) -> Result<bool> {
        self.hosts[probe.host].put_back(probe.port, probe.is_second);
        self.enqueue(probe.host);
        self.supply.is_short(self.in_flight, why, now)?;
        Ok(true)
    }

    /// Takes in what was answered.
    fn hear(&mut self) {
        while let Some((probe, sent)) = self.sockets.take() {
            self.in_flight -= 1;
            self.hosts[probe.host].in_flight -= 1;
            let now = Instant::now();
            // An open question has left this machine already: it lacks nothing.
            let sent = match sent {
                Sent::Short(why) | Sent::NoWay(why) => Sent::Answered(Answer::Barred(why)),
                // In the order of the questions it is no longer the last: it is asked at the end.
                Sent::Again => {
                    self.hosts[probe.host].silent(&probe);
                    self.enqueue(probe.host);
                    continue;
                }
                sent => sent,
            };
            let _ = self.settle(&probe, sent, now);
            self.enqueue(probe.host);
        }
    }

    /// How long to wait for answers: until the next question is given up, or may be asked.
    fn patience(&self, now: Instant) -> Duration {
        let can_ask = self.supply.has_room(self.in_flight) && !self.queue.is_empty();
        let mut until = now + TICK;
        match self.supply.pause(now) {
            Some(then) => until = until.min(then),
            None if can_ask => return Duration::ZERO,
            None => {}
        }
        for at in &self.live {
            let host = &self.hosts[*at];
            if let Some(first) = host.waiting.front() {
                until = until.min(first.sent + host.timeout(first.is_second));
            }
        }
        until.saturating_duration_since(now)
    }

    /// Gives up the questions whose time was over at `now`.
    fn give_up(&mut self, now: Instant) {
        for i in 0..self.live.len() {
            let at = self.live[i];
            let mut any = false;
            let host = &mut self.hosts[at];
            while let Some(first) = host.waiting.front().copied() {
                let waits = self.sockets.waits(first.slot, first.stamp);
                if waits && now < first.sent + host.timeout(first.is_second) {
                    break;
                }
                host.waiting.pop_front();
                let probe = waits.then(|| self.sockets.give_up(first.slot)).flatten();
                if let Some(probe) = probe {
                    host.silent(&probe);
                    host.in_flight -= 1;
                    self.in_flight -= 1;
                    self.supply.suffices();
                    any = true;
                }
            }
            if any {
                self.enqueue(at);
            }
        }
    }

    /// Lets hosts go that are done.
    fn end(&mut self) {
        let (hosts, news) = (&mut self.hosts, &mut self.news);
        self.live.retain(|at| {
            let host = &mut hosts[*at];
            let is_over = host.ends();
            if is_over {
                host.took = host.began.map(|began| began.elapsed()).unwrap_or_default();
                host.waiting = VecDeque::new();
                (news)(News::Done { host: *at });
            }
            !is_over
        });
    }

    fn tell(&mut self) {
        for at in &self.live {
            let host = &self.hosts[*at];
            (self.news)(News::Progress {
                host: *at,
                done: host.done(),
                total: host.total(),
            });
        }
    }
}
