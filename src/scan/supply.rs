//! What this machine has for a scan: how many questions may be open at once, how many a second, and
//! what happens when descriptors, memory or ports run out. Pure.

use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::pace::Rate;
use crate::error::{Error, Result};

/// What is waited when this machine is short of something.
const PAUSE: Duration = Duration::from_millis(20);
/// So many such pauses without any answer in between, and there is no use in waiting.
const PATIENCE: u32 = 250;
/// After so many answers there is room for one more question again.
const REGROWTH: u32 = 64;

/// What there is for now.
#[derive(Debug)]
pub(super) struct Supply {
    /// Questions that may be open at once, for now and at most.
    room: usize,
    most: usize,
    rate: Option<Rate>,
    /// When questions may be asked again.
    not_before: Option<Instant>,
    /// Pauses since the last answer, and answers since the room was made smaller or larger.
    pauses: u32,
    answers: u32,
}

impl Supply {
    /// At most `most` questions open at once and `rate` a second.
    pub fn new(most: usize, rate: Option<u32>, now: Instant) -> Self {
        Supply {
            room: most.max(1),
            most: most.max(1),
            rate: rate.map(|rate| Rate::new(rate, now)),
            not_before: None,
            pauses: 0,
            answers: 0,
        }
    }

    /// Whether one more question may be open.
    pub fn has_room(&self, in_flight: usize) -> bool {
        in_flight < self.room
    }

    /// Until when nothing may be asked, if that is so at `now`.
    pub fn pause(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|then| now < *then)
    }

    /// Takes the right to ask once; without it there is a pause.
    pub fn take(&mut self, now: Instant) -> bool {
        match self.rate.as_mut().map(|rate| rate.take(now)) {
            Some(Err(then)) => {
                self.not_before = Some(then);
                false
            }
            _ => true,
        }
    }

    /// A question was asked and came to its end: what there is does.
    pub fn suffices(&mut self) {
        self.pauses = 0;
        self.answers += 1;
        if self.answers >= REGROWTH {
            self.answers = 0;
            self.room = (self.room + 1).min(self.most);
        }
    }

    /// A question could not be asked for want of something: fewer are open from now on, and there
    /// is a pause.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when pauses have been of no use for seconds.
    pub fn is_short(&mut self, in_flight: usize, why: Errno, now: Instant) -> Result<()> {
        self.pauses += 1;
        if self.pauses > PATIENCE {
            let error = Error::local(format!("this machine cannot make connections: {why}"));
            return Err(error
                .hint("raise `ulimit -n`, or scan with a smaller `--concurrency`")
                .source(why));
        }
        self.room = (in_flight * 3 / 4).max(1);
        self.answers = 0;
        self.not_before = Some(now + PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_shrinks_and_grows_again() {
        let now = Instant::now();
        let mut supply = Supply::new(100, None, now);
        assert!(supply.has_room(99) && !supply.has_room(100) && supply.take(now));
        supply.is_short(40, Errno::MFILE, now).unwrap();
        assert!(supply.has_room(29) && !supply.has_room(30));
        assert_eq!(supply.pause(now), Some(now + PAUSE));
        assert_eq!(supply.pause(now + PAUSE), None);
        (0..REGROWTH).for_each(|_| supply.suffices());
        assert!(supply.has_room(30) && !supply.has_room(31));
        (0..100 * REGROWTH).for_each(|_| supply.suffices());
        assert!(
            supply.has_room(99) && !supply.has_room(100),
            "never more than at first"
        );
        supply.is_short(0, Errno::MFILE, now).unwrap();
        assert!(supply.has_room(0), "one question may always be asked");
    }

    #[test]
    fn waiting_comes_to_an_end() {
        let now = Instant::now();
        let mut supply = Supply::new(100, None, now);
        for _ in 0..PATIENCE {
            supply.is_short(0, Errno::MFILE, now).unwrap();
        }
        supply.suffices();
        for _ in 0..PATIENCE {
            supply.is_short(0, Errno::MFILE, now).unwrap();
        }
        let error = supply.is_short(0, Errno::MFILE, now).unwrap_err();
        assert!(
            error.hint_text().is_some_and(|h| h.contains("ulimit -n")),
            "{error}"
        );
    }

    #[test]
    fn without_the_right_to_ask_there_is_a_pause() {
        let now = Instant::now();
        let mut supply = Supply::new(100, Some(10), now);
        assert!(supply.take(now) && !supply.take(now));
        let then = supply.pause(now).unwrap();
        assert!(supply.pause(then).is_none() && supply.take(then));
    }
}
