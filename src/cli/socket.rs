//! `mroom __socket`: the helper that connects inside a tunnel's network namespace and passes the socket
//! out. `mroom` starts it there by itself; it reads no settings and no other words.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use crate::tunnel::inside::{HELPER, help};

/// The exit code for words that are none of ours.
const WRONG: u8 = 2;

/// Does the helper's work when that is what the line asks for; gives the exit code.
pub fn asked(words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<String> = words
        .skip(1)
        .map(|w| w.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [HELPER, rest @ ..] = &words[..] else {
        return None;
    };
    let [address, port, milliseconds] = rest else {
        return Some(ExitCode::from(WRONG));
    };
    let (Ok(address), Ok(port), Ok(patience)) =
        (address.parse(), port.parse(), milliseconds.parse())
    else {
        return Some(ExitCode::from(WRONG));
    };
    let patience = Duration::from_millis(patience).max(Duration::from_millis(1));
    Some(ExitCode::from(help(
        std::io::stdin(),
        address,
        port,
        patience,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_are_not_its_business() {
        let asked = |line: &str| asked(line.split(' ').map(OsString::from));
        assert!(asked("mroom ls").is_none());
        assert!(asked("mroom").is_none());
        assert!(asked("mroom ls __socket 127.0.0.1 1 1").is_none());
        for bad in [
            "mroom __socket",
            "mroom __socket x 1 1",
            "mroom __socket 127.0.0.1 65536 1",
            "mroom __socket 127.0.0.1 1 -1",
        ] {
            assert!(asked(bad).is_some(), "{bad}");
        }
    }
}
