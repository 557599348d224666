//! The thread that has a tunnel while this process holds it: brings it up, looks at it, brings it up again
//! when it was lost, takes it down.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Keeper, Line, Names};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::tunnel::Way;
use crate::tunnel::plan::State;

/// The longest pause between two tries to bring a tunnel up again.
const LONGEST: Duration = Duration::from_secs(30);
/// So much more time on the wall than in the process is a machine that slept.
const SLEPT: Duration = Duration::from_secs(30);
/// A look that found it down is made again after so long.
const AGAIN: Duration = Duration::from_secs(1);
/// So many looks may find it on its way up again, as a daemon that has lost its gateway tries by itself: what goes
/// through it may live on then.
const COMING: u32 = 10;
/// The clocks are compared so often.
const TICK: Duration = Duration::from_secs(2);

/// A tunnel that came up.
#[derive(Clone)]
pub struct Up {
    /// How to get through it.
    pub way: Way,
    /// Names behind it.
    pub names: Names,
}

/// What the thread is told.
pub enum Order {
    /// More is to be reached.
    Extend(Vec<(String, u16)>, oneshot::Sender<Result<Up>>),
    /// It stays when this process is done.
    Keep(oneshot::Sender<Result<()>>),
    /// This process is done with it.
    Release(oneshot::Sender<()>),
}

/// Starts the thread. `up` hears of the first attempt; when that fails, the thread ends.
///
/// # Errors
/// [`crate::error::Kind::Local`] without threads.
pub fn start(
    keeper: Keeper,
    ends: Vec<(String, u16)>,
    (what, keep): (String, bool),
    up: oneshot::Sender<Result<Up>>,
) -> Result<Sender<Order>> {
    let (orders, ordered) = channel();
    let live = move || match keeper.acquire(&ends, &what, keep) {
        Ok((line, hold)) => {
            let mut watch = Watch {
                keeper,
                line,
                ends,
                misses: 0,
                is_lost: false,
            };
            // Nobody may wait any more: orders tell what is wanted, or that nobody is there.
            let _ = up.send(Ok(watch.up()));
            let released = watch.live(&ordered);
            watch.keeper.release(hold);
            if let Some(released) = released {
                let _ = released.send(());
            }
        }
        Err(e) => {
            let _ = up.send(Err(e));
        }
    };
    std::thread::Builder::new()
        .name("tunnel".to_owned())
        .spawn(live)
        .map_err(|e| Error::local(format!("cannot start a thread: {e}")).source(e))?;
    Ok(orders)
}

struct Watch {
    keeper: Keeper,
    line: Line,
    /// All that is to be reached.
    ends: Vec<(String, u16)>,
    /// Looks in a row that did not find it up.
    misses: u32,
    /// It was up, and has not come up again.
    is_lost: bool,
}

/// How a look went.
enum Look {
    Up,
    Missed,
    Lost,
    /// Somebody took it down on purpose.
    Gone,
}

impl Watch {
    /// Until it is released; gives who waits for that.
    fn live(&mut self, orders: &Receiver<Order>) -> Option<oneshot::Sender<()>> {
        let look = self.keeper.tools.look;
        let (mut next, mut pause) = (Some(Instant::now() + look), Duration::ZERO);
        loop {
            let clocks = (Instant::now(), (self.keeper.tools.wall)());
            let wait = next.map_or(TICK, |at| at.saturating_duration_since(clocks.0).min(TICK));
            match orders.recv_timeout(wait) {
                Ok(Order::Extend(ends, answer)) => {
                    let _ = answer.send(self.extend(ends));
                }
                Ok(Order::Keep(answer)) => {
                    let _ = answer.send(self.keep());
                }
                Ok(Order::Release(answer)) => return Some(answer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let wall = (self.keeper.tools.wall)().duration_since(clocks.1);
            if slept(clocks.0.elapsed(), wall.unwrap_or_default()) {
                next = next.map(|_| Instant::now());
            }
            if next.is_none_or(|at| Instant::now() < at) || self.keeper.is_stopped() {
                continue;
            }
            let after = match self.look() {
                Look::Up => Some(look),
                Look::Missed => Some(AGAIN.min(look)),
                Look::Lost => {
                    pause = (pause * 2).clamp(Duration::from_secs(1), LONGEST);
                    Some(pause)
                }
                Look::Gone => None,
            };
            if !self.is_lost {
                pause = Duration::ZERO;
            }
            next = after.map(|after| Instant::now() + after);
        }
    }

    fn look(&mut self) -> Look {
        self.misses += 1;
        if !self.is_lost {
            match self.keeper.state(&self.line.record, &*self.line.backend) {
                State::Up(facts) => {
                    self.line.facts = facts;
                    self.misses = 0;
                    return Look::Up;
                }
                State::Coming if self.misses < COMING => return Look::Missed,
                // One look may go wrong on a busy machine.
                _ if self.misses < 2 => return Look::Missed,
                _ => {}
            }
        }
        let renewed = self.renew();
        if self.keeper.is_stopped() {
            return Look::Lost;
        }
        match renewed {
            Ok(true) => {
                (self.is_lost, self.misses) = (false, 0);
                self.keeper.note(Level::Notice, "is up again");
                Look::Up
            }
            Ok(false) => {
                self.keeper
                    .note(Level::Warning, "was taken down by somebody else");
                Look::Gone
            }
            Err(e) => {
                self.keeper
                    .tools
                    .events
                    .note(Level::Info, None, e.message());
                Look::Lost
            }
        }
    }

    /// Brings it up again; false when somebody else has taken it down.
    fn renew(&mut self) -> Result<bool> {
        let keeper = &self.keeper;
        let lock = keeper.lock()?;
        let record = keeper.folder.record();
        // A person may have changed that meanwhile.
        let keep = record.as_ref().map(|r| r.keep);
        match record {
            None if !self.is_lost => return Ok(false),
            None => {}
            Some(record) => {
                if record != self.line.record
                    && let Some(line) = keeper.adopt(&record)?
                {
                    self.line = keeper.extend(line, &self.ends)?;
                    return Ok(true);
                }
                if !self.is_lost {
                    keeper.note(Level::Warning, "was lost: it is brought up again");
                }
                self.is_lost = true;
                keeper.take_away(&record, &lock);
            }
        }
        let keep = keep.unwrap_or(self.line.record.keep);
        self.line = keeper.begin(&self.ends, keep, &lock)?;
        Ok(true)
    }

    fn extend(&mut self, ends: Vec<(String, u16)>) -> Result<Up> {
        let lock = self.keeper.lock()?;
        // Another process may have added to it, or brought it up again.
        if let Some(record) = self.keeper.folder.record() {
            self.line.record = record;
        }
        let line = Line {
            record: self.line.record.clone(),
            facts: self.line.facts.clone(),
            names: self.line.names.clone(),
            backend: self.line.backend.clone(),
        };
        self.line = self.keeper.extend(line, &ends)?;
        self.keeper.folder.write(&self.line.record, &lock)?;
        self.ends.extend(ends);
        Ok(self.up())
    }

    fn keep(&mut self) -> Result<()> {
        let lock = self.keeper.lock()?;
        if let Some(record) = self.keeper.folder.record() {
            self.line.record = record;
        }
        self.line.record.keep = true;
        self.keeper.folder.write(&self.line.record, &lock)
    }

    fn up(&self) -> Up {
        Up {
            way: self.keeper.way(&self.line),
            names: self.line.names.clone(),
        }
    }
}

/// Whether the machine slept while `process` passed here and `wall` on the wall.
fn slept(process: Duration, wall: Duration) -> bool {
    wall.saturating_sub(process) > SLEPT
}
