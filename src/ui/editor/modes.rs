//! [`Modes`]: how the terminal is set while a REPL uses it.

use std::os::fd::{AsFd as _, OwnedFd};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal behind standard input, on which a Ctrl-C that stops a call shows no `^C`: that
/// would tear what is drawn below the text. It is given back as it was when this goes.
pub(super) struct Modes {
    terminal: OwnedFd,
    before: Termios,
}

impl Modes {
    /// Sets the terminal; `None` when there is none.
    pub(super) fn set() -> Option<Self> {
        let input = std::io::stdin();
        let before = tcgetattr(&input).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        let terminal = input.as_fd().try_clone_to_owned().ok()?;
        tcsetattr(&terminal, OptionalActions::Now, &quiet).ok()?;
        Some(Modes { terminal, before })
    }

    /// The terminal as it was, to be put back should the program have to end.
    pub(super) fn before(&self) -> Option<(OwnedFd, Termios)> {
        Some((self.terminal.try_clone().ok()?, self.before.clone()))
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
