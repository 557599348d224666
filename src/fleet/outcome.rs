//! [`Outcome`]: how one server's part of a run ended, and the sums over them.

use std::collections::HashMap;
use std::time::Duration;

use crate::error::{Error, Kind};

/// The seven ways in which a server's part can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Done, nothing changed (or a plain command ended with 0).
    Ok,
    /// Done, and the server is now different.
    Changed,
    /// A command, copy, stage or script failed.
    Failed,
    /// No connection, or refused before anything ran.
    Unreachable,
    /// Nothing was done here: only looked at, or never begun because too many others failed.
    Skipped,
    /// Stopped by Ctrl-C.
    Cancelled,
    /// Nobody knows: the connection was lost after the command began, or check mode cannot tell.
    Unknown,
}

impl Status {
    /// All, in the order in which the final line counts them.
    pub const ALL: [Status; 7] = [
        Status::Ok,
        Status::Changed,
        Status::Failed,
        Status::Unreachable,
        Status::Skipped,
        Status::Cancelled,
        Status::Unknown,
    ];

    /// The word in output, `--json` and Lua.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Changed => "changed",
            Status::Failed => "failed",
            Status::Unreachable => "unreachable",
            Status::Skipped => "skipped",
            Status::Cancelled => "cancelled",
            Status::Unknown => "unknown",
        }
    }

    /// What an error makes of its server.
    pub fn of(error: &Error) -> Status {
        match error.kind() {
            Kind::Connect | Kind::Auth | Kind::Tunnel | Kind::HostKey | Kind::Locked => {
                Status::Unreachable
            }
            Kind::Lost | Kind::Unpredicted => Status::Unknown,
            Kind::Cancelled => Status::Cancelled,
            _ => Status::Failed,
        }
    }

    /// True for what the failure policy (`--max-fail`) counts.
    pub fn is_failure(self) -> bool {
        matches!(self, Status::Failed | Status::Unreachable | Status::Unknown)
    }
}

/// How one server's part of a run ended.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The server's id.
    pub server: String,
    /// How it ended.
    pub status: Status,
    /// What the work gave, when it ended by itself.
    pub value: Option<T>,
    /// Why it did not end well.
    pub error: Option<Error>,
    /// From the moment work on this server began.
    pub duration: Duration,
}

impl<T> Outcome<T> {
    /// True for what was wanted of a server and was not begun, or not ended: no failure of its own.
    pub fn is_left(&self) -> bool {
        let is_skipped = self.status == Status::Skipped && self.error.is_some();
        is_skipped || self.status == Status::Cancelled
    }

    /// What counts when a server ended in several ways.
    fn weight(&self) -> u8 {
        match self.status {
            _ if self.is_left() => 3,
            Status::Ok => 0,
            Status::Skipped => 1,
            Status::Changed => 2,
            Status::Cancelled => 3,
            Status::Unknown => 4,
            Status::Failed => 5,
            Status::Unreachable => 6,
        }
    }
}

/// Of several outcomes of the same servers the worst, each server once, in the order in which they
/// came up.
#[derive(Debug, Default)]
pub struct Worst {
    each: Vec<Outcome<()>>,
    places: HashMap<String, usize>,
}

impl Worst {
    /// Takes notice of one more.
    pub fn add<T>(&mut self, outcome: &Outcome<T>) {
        let bare = || Outcome {
            server: outcome.server.clone(),
            status: outcome.status,
            value: None,
            error: outcome.error.clone(),
            duration: outcome.duration,
        };
        match self.places.get(&outcome.server).copied() {
            Some(at) if outcome.weight() > self.each[at].weight() => {
                self.each[at] = bare();
            }
            Some(_) => {}
            None => {
                self.places.insert(outcome.server.clone(), self.each.len());
                self.each.push(bare());
            }
        }
    }

    /// What is known of each server.
    pub fn into_vec(self) -> Vec<Outcome<()>> {
        self.each
    }
}

/// The sums of a run: how many servers ended in which status, and the exit code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    counts: [usize; 7],
    refused: bool,
    interrupted: bool,
}

impl Counts {
    /// Counts one more.
    pub fn add<T>(&mut self, outcome: &Outcome<T>) {
        if let Some(i) = Status::ALL.iter().position(|s| *s == outcome.status) {
            self.counts[i] += 1;
        }
        if let Some(error) = &outcome.error {
            self.refused |= matches!(error.kind(), Kind::HostKey | Kind::Locked);
        }
    }

    /// Counts a whole run.
    pub fn of<T>(outcomes: &[Outcome<T>]) -> Self {
        let mut counts = Counts::default();
        outcomes.iter().for_each(|o| counts.add(o));
        counts
    }

    /// The run was ended by Ctrl-C.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// How many ended in `status`.
    pub fn get(&self, status: Status) -> usize {
        Status::ALL
            .iter()
            .position(|s| *s == status)
            .map_or(0, |i| self.counts[i])
    }

    /// 130 > 5 > 4 > 3 > 0.
    pub fn exit_code(&self) -> u8 {
        if self.interrupted {
            130
        } else if self.refused {
            5
        } else if self.get(Status::Unreachable) > 0 {
            4
        } else if self.get(Status::Failed) + self.get(Status::Unknown) > 0 {
            3
        } else {
            0
        }
    }
}

impl std::fmt::Display for Counts {
    /// `ok 99  changed 0  failed 0  unreachable 1  skipped 0  cancelled 0  unknown 0`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, status) in Status::ALL.iter().enumerate() {
            let gap = if i == 0 { "" } else { "  " };
            write!(f, "{gap}{} {}", status.as_str(), self.counts[i])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: Status, error: Option<Error>) -> Outcome<()> {
        Outcome {
            server: "a".into(),
            status,
            value: None,
            error,
            duration: Duration::ZERO,
        }
    }

    #[test]
    fn the_last_line_and_the_exit_code() {
        let mut counts = Counts::of(&[outcome(Status::Ok, None)]);
        assert_eq!(
            counts.to_string(),
            "ok 1  changed 0  failed 0  unreachable 0  skipped 0  cancelled 0  unknown 0"
        );
        assert_eq!(counts.exit_code(), 0);
        counts.add(&outcome(Status::Unknown, None));
        assert_eq!(counts.exit_code(), 3);
        counts.add(&outcome(Status::Unreachable, None));
        assert_eq!(counts.exit_code(), 4);
        let refused = Error::new(Kind::HostKey, "changed");
        assert_eq!(Status::of(&refused), Status::Unreachable);
        counts.add(&outcome(Status::Unreachable, Some(refused)));
        assert_eq!(counts.exit_code(), 5);
        counts.interrupt();
        assert_eq!(counts.exit_code(), 130);
    }
}
