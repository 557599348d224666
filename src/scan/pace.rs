//! How fast one host may be asked, and how long its answers are waited for. Pure.
//!
//! The time-out follows the round trips as TCP's own does (RFC 6298). The window of questions that
//! are open at once grows with what happens and is halved when something was lost: a second try
//! that is answered where the first was not. Silence alone is no loss: a firewall that drops
//! packets is silent, too.

use std::time::{Duration, Instant};

/// No answer is given up sooner: other machines have other things to do.
const SHORTEST: Duration = Duration::from_millis(100);
/// Questions open at once in the beginning.
const FIRST: f64 = 128.0;
/// Questions that may always be open.
const LEAST: f64 = 4.0;
/// What a question without an answer adds to the window: it grows by half in each round.
const SILENCE: f64 = 0.5;

/// The pace of one host.
#[derive(Debug)]
pub(super) struct Pace {
    round_trip: Option<f64>,
    variation: f64,
    window: f64,
    /// From here on the window grows slowly.
    threshold: f64,
    most: f64,
    longest: Duration,
    cut: Option<Instant>,
}

impl Pace {
    /// At most so many questions open, and so long for an answer as long as nothing is known.
    pub fn new(most: usize, longest: Duration) -> Self {
        let most = (most as f64).max(1.0);
        Pace {
            round_trip: None,
            variation: 0.0,
            window: FIRST.min(most),
            threshold: most,
            most,
            longest,
            cut: None,
        }
    }

    /// How long an answer is waited for.
    pub fn timeout(&self) -> Duration {
        let Some(round_trip) = self.round_trip else {
            return self.longest;
        };
        let wanted = Duration::from_secs_f64(round_trip + 4.0 * self.variation);
        wanted.max(SHORTEST).min(self.longest)
    }

    /// Questions that may be open at once.
    pub fn window(&self) -> usize {
        self.window as usize
    }

    /// The round trip as far as it is known.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(Duration::from_secs_f64)
    }

    /// There was an answer after that time.
    pub fn answered(&mut self, after: Duration) {
        let after = after.as_secs_f64();
        match self.round_trip {
            None => {
                self.round_trip = Some(after);
                self.variation = after / 2.0;
            }
            Some(known) => {
                self.variation += ((known - after).abs() - self.variation) / 4.0;
                self.round_trip = Some(known + (after - known) / 8.0);
            }
        }
        let more = if self.window < self.threshold {
            1.0
        } else {
            1.0 / self.window
        };
        self.window = (self.window + more).min(self.most);
    }

    /// There was no answer in time.
    pub fn silent(&mut self) {
        let more = if self.window < self.threshold {
            SILENCE
        } else {
            SILENCE / self.window
        };
        self.window = (self.window + more).min(self.most);
    }

    /// A question or its answer got lost; once in a round that counts.
    pub fn lost(&mut self, now: Instant) {
        let round = self.timeout();
        if self.cut.is_some_and(|cut| now < cut + round) {
            return;
        }
        self.cut = Some(now);
        self.window = (self.window / 2.0).max(LEAST.min(self.most));
        self.threshold = self.window;
    }
}

/// At most so many questions a second, to all hosts together.
#[derive(Debug)]
pub(super) struct Rate {
    gap: Duration,
    next: Instant,
}

impl Rate {
    /// What has been missed is made up for no longer than this.
    const DEBT: Duration = Duration::from_millis(50);

    /// `rate` a second from now on.
    pub fn new(rate: u32, now: Instant) -> Self {
        Rate {
            gap: Duration::from_secs(1) / rate.max(1),
            next: now,
        }
    }

    /// Takes the right to ask once; without it says when there will be one.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if now < self.next {
            return Err(self.next);
        }
        let oldest = now.checked_sub(Self::DEBT).unwrap_or(now);
        self.next = self.next.max(oldest) + self.gap;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_time_out_follows_the_round_trips() {
        let mut pace = Pace::new(1000, SECOND);
        assert_eq!(pace.timeout(), SECOND);
        pace.answered(Duration::from_millis(80));
        assert_eq!(pace.timeout(), Duration::from_millis(240));
        for _ in 0..100 {
            pace.answered(Duration::from_millis(80));
        }
        assert!(pace.timeout() < Duration::from_millis(110));
        for _ in 0..100 {
            pace.answered(Duration::from_micros(10));
        }
        assert_eq!(pace.timeout(), SHORTEST);
        pace.answered(Duration::from_secs(50));
        assert_eq!(pace.timeout(), SECOND);
    }

    #[test]
    fn the_window_grows_and_is_halved() {
        let mut pace = Pace::new(400, SECOND);
        assert_eq!(pace.window(), 128);
        (0..128).for_each(|_| pace.silent());
        assert_eq!(pace.window(), 192);
        (0..1000).for_each(|_| pace.answered(SHORTEST));
        assert_eq!(pace.window(), 400);
        let now = Instant::now();
        pace.lost(now);
        pace.lost(now);
        assert_eq!(pace.window(), 200, "once a round");
        (0..200).for_each(|_| pace.answered(SHORTEST));
        assert_eq!(pace.window(), 200, "slowly after a loss");
        for round in 1..20 {
            pace.lost(now + SECOND * round);
        }
        assert_eq!(pace.window(), 4);
        assert_eq!(Pace::new(1, SECOND).window(), 1);
    }

    #[test]
    fn a_rate_is_kept() {
        let begun = Instant::now();
        let mut rate = Rate::new(100, begun);
        let mut now = begun;
        for _ in 0..100 {
            while let Err(next) = rate.take(now) {
                now = next;
            }
        }
        assert_eq!(now - begun, Duration::from_millis(990));
        let late = now + SECOND * 10;
        let at_once = (0..100).take_while(|_| rate.take(late).is_ok()).count();
        assert!(
            at_once <= 6,
            "what was missed is not made up for: {at_once}"
        );
    }
}
