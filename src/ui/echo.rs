//! [`Echo`]: a terminal whose echo is off while a secret is typed, and how it was before.

use std::os::fd::OwnedFd;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Owned by [`super::Screen`]; [`super::Ask`] fills it for the time of a question.
#[derive(Default)]
pub(super) struct Echo {
    /// The terminal, and its settings from before the question.
    before: Option<(OwnedFd, Termios)>,
    /// Its settings during the question, while the program is suspended.
    during: Option<Termios>,
}

impl Echo {
    /// The echo of that terminal is about to be turned off, or is on again.
    pub(super) fn keep(&mut self, terminal: Option<(OwnedFd, Termios)>) {
        self.before = terminal;
        self.during = None;
    }

    /// Gives the terminal back for a while.
    pub(super) fn suspend(&mut self) {
        if let Some((terminal, before)) = &self.before {
            self.during = tcgetattr(terminal).ok();
            let _ = tcsetattr(terminal, OptionalActions::Now, before);
        }
    }

    /// The question goes on.
    pub(super) fn resume(&mut self) {
        if let (Some((terminal, _)), Some(during)) = (&self.before, self.during.take()) {
            let _ = tcsetattr(terminal, OptionalActions::Now, &during);
        }
    }

    /// Gives the terminal back for good.
    pub(super) fn restore(&mut self) {
        if let Some((terminal, before)) = self.before.take() {
            let _ = tcsetattr(terminal, OptionalActions::Now, &before);
        }
    }
}
