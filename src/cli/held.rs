//! `mroom __tunnel NAME`: the process that has a userspace tunnel for all others. `mroom` starts it by
//! itself, with a socket as standard input by which it hears what it is for; it reads no settings, and its
//! one word is for people who look at processes.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use crate::tunnel::held::{HELPER, serve};

/// The exit code for a standard input that is none.
const WRONG: u8 = 2;

/// Is that process when that is what the line asks for; gives the exit code.
pub fn asked(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let word = words.nth(1)?;
    if word != HELPER {
        return None;
    }
    let socket = std::io::stdin().as_fd().try_clone_to_owned();
    Some(ExitCode::from(socket.map_or(WRONG, serve::run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_are_not_its_business() {
        for line in [
            "mroom",
            "mroom ls",
            "mroom ls __tunnel lab",
            "mroom __tunnel2",
        ] {
            assert!(
                asked(line.split(' ').map(OsString::from)).is_none(),
                "{line}"
            );
        }
    }
}
