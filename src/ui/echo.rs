//! [`Echo`]: a terminal whose settings are changed for a while, and how it was before: without echo
//! while a secret is typed, raw while the keys are for a server.

use std::os::fd::OwnedFd;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Owned by [`super::Screen`]; [`super::Ask`] and [`super::tty`] fill it.
#[derive(Default)]
pub(super) struct Echo {
    /// The terminal, and its settings from before.
    before: Option<(OwnedFd, Termios)>,
    /// Its changed settings, while the program is suspended.
    during: Option<Termios>,
}

impl Echo {
    /// The settings of that terminal are about to be changed, or are as before again.
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

    /// Changes it again.
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
