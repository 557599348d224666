//! The person's terminal as a server wants to know it: its size, type and modes.

use std::io::{IsTerminal as _, stdin};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex};

use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios,
    tcgetattr, tcgetwinsize, tcsetattr,
};

use super::Screen;
use crate::error::{Error, Result};
use crate::ssh::Pty;

/// The type of a terminal that does not tell its own.
const DUMB: &str = "dumb";
/// The size of a terminal when there is none here.
const USUAL: (u16, u16) = (80, 24);
/// Opcodes of RFC 4254, section 8, with what they mean here.
const CHARACTERS: &[(u8, SpecialCodeIndex)] = &[
    (1, SpecialCodeIndex::VINTR),
    (2, SpecialCodeIndex::VQUIT),
    (3, SpecialCodeIndex::VERASE),
    (4, SpecialCodeIndex::VKILL),
    (5, SpecialCodeIndex::VEOF),
    (6, SpecialCodeIndex::VEOL),
    (7, SpecialCodeIndex::VEOL2),
    (8, SpecialCodeIndex::VSTART),
    (9, SpecialCodeIndex::VSTOP),
    (10, SpecialCodeIndex::VSUSP),
    (12, SpecialCodeIndex::VREPRINT),
    (13, SpecialCodeIndex::VWERASE),
    (14, SpecialCodeIndex::VLNEXT),
    (18, SpecialCodeIndex::VDISCARD),
];
const INPUT: &[(u8, InputModes)] = &[
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (41, InputModes::IMAXBEL),
];
const LOCAL: &[(u8, LocalModes)] = &[
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
];
const OUTPUT: &[(u8, OutputModes)] = &[
    (70, OutputModes::OPOST),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];
const CONTROL: &[(u8, ControlModes)] = &[
    (90, ControlModes::CS7),
    (91, ControlModes::CS8),
    (92, ControlModes::PARENB),
    (93, ControlModes::PARODD),
];
/// Speeds, and the end.
const ISPEED: u8 = 128;
const OSPEED: u8 = 129;
const END: u8 = 0;

/// Whether the person types to us, not a file or pipe.
pub fn is_typed() -> bool {
    stdin().is_terminal()
}

/// Columns and rows of the terminal behind standard input; nothing when there is none.
pub fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdin()).ok()?;
    Some((size.ws_col, size.ws_row))
}

/// A terminal for the server that is like the one here.
pub fn pty() -> Pty {
    Pty {
        term: std::env::var("TERM").unwrap_or_else(|_| DUMB.to_owned()),
        size: size().unwrap_or(USUAL),
        modes: tcgetattr(stdin()).map_or_else(|_| vec![END], |modes| encoded(&modes)),
    }
}

fn encoded(modes: &Termios) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |opcode: u8, value: u32| {
        bytes.push(opcode);
        bytes.extend_from_slice(&value.to_be_bytes());
    };
    put(ISPEED, modes.input_speed());
    put(OSPEED, modes.output_speed());
    for (opcode, index) in CHARACTERS {
        // `_POSIX_VDISABLE` is 0 on Linux and 255 there.
        let value = match modes.special_codes[*index] {
            0 => 255,
            value => u32::from(value),
        };
        put(*opcode, value);
    }
    for (opcode, flag) in INPUT {
        put(*opcode, modes.input_modes.contains(*flag).into());
    }
    for (opcode, flag) in LOCAL {
        put(*opcode, modes.local_modes.contains(*flag).into());
    }
    for (opcode, flag) in OUTPUT {
        put(*opcode, modes.output_modes.contains(*flag).into());
    }
    for (opcode, flag) in CONTROL {
        put(*opcode, modes.control_modes.contains(*flag).into());
    }
    bytes.push(END);
    bytes
}

/// The terminal behind standard input in raw mode: every key goes to whoever reads. The [`Screen`]
/// gives it back when it is restored or suspended.
pub struct Raw {
    screen: Arc<Screen>,
    terminal: OwnedFd,
    modes: Termios,
    is_taken: Mutex<bool>,
}

impl Raw {
    /// Takes the terminal.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when it cannot be had.
    pub fn enter(screen: &Arc<Screen>) -> Result<Self> {
        let failed =
            |e: std::io::Error| Error::local(format!("cannot use the terminal: {e}")).source(e);
        let terminal = stdin().as_fd().try_clone_to_owned().map_err(failed)?;
        let before = tcgetattr(&terminal).map_err(|e| failed(e.into()))?;
        let kept = terminal.try_clone().map_err(failed)?;
        screen.keep_terminal(Some((kept, before.clone())));
        let mut modes = before;
        modes.make_raw();
        // One byte is enough to go on.
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        let raw = Raw {
            screen: screen.clone(),
            terminal,
            modes,
            is_taken: Mutex::new(true),
        };
        raw.again();
        Ok(raw)
    }

    /// Takes it once more: a shell has had it since the program was stopped.
    pub fn again(&self) {
        let is_taken = self.is_taken.lock().unwrap_or_else(|e| e.into_inner());
        if *is_taken {
            // A terminal that is gone is noticed where it is read.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.modes);
        }
    }

    /// Gives it back.
    pub fn leave(&self) {
        *self.is_taken.lock().unwrap_or_else(|e| e.into_inner()) = false;
        self.screen.give_terminal_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_end_with_their_end_and_come_in_fives() {
        let open = || {
            std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/ptmx")
        };
        let Ok(terminal) = open() else {
            println!("skipped: no /dev/ptmx");
            return;
        };
        let modes = encoded(&tcgetattr(&terminal).unwrap());
        assert_eq!(modes.len() % 5, 1);
        assert_eq!(modes.last(), Some(&END));
        // Ctrl-C, and a terminal that echoes, as every new one does.
        assert!(modes.chunks(5).any(|c| c == [1, 0, 0, 0, 3]), "{modes:?}");
        assert!(modes.chunks(5).any(|c| c == [53, 0, 0, 0, 1]), "{modes:?}");
    }
}
