//! `exec --script`: a local script that a server reads from standard input, so that no file is
//! left there.

use std::io::Read as _;

use crate::config::expand_tilde;
use crate::error::{Error, Result};
use crate::quote;

/// Largest script, bytes.
const LARGEST: u64 = 64 << 20;

/// Shells that read a script from standard input with `-s` and give it arguments.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ksh", "zsh"];

/// The command that reads the script in `file` (`-` is our own standard input) with `args`, and
/// the script.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a file that cannot be read or is empty.
pub fn load(file: &str, args: &[String]) -> Result<(String, Vec<u8>)> {
    let mut script = Vec::new();
    let read = match file {
        "-" => std::io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_end(&mut script),
        path => std::fs::File::open(expand_tilde(path))
            .and_then(|f| f.take(LARGEST + 1).read_to_end(&mut script)),
    };
    read.map_err(|e| Error::usage(format!("cannot read the script `{file}`: {e}")).source(e))?;
    if script.len() as u64 > LARGEST {
        return Err(Error::usage(format!(
            "the script `{file}` is larger than 64 MiB"
        )));
    }
    if script.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::usage(format!("the script `{file}` is empty")));
    }
    Ok((command(&script, args)?, script))
}

/// The interpreter that the script's first line names (a POSIX shell without one), told to read
/// standard input.
fn command(script: &[u8], args: &[String]) -> Result<String> {
    let first = script.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(first.strip_prefix(b"#!").unwrap_or(b"sh"));
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        words.push("sh".to_owned());
    }
    let is_env = words[0].ends_with("/env");
    let mut named = words
        .iter()
        .skip(usize::from(is_env))
        .filter(|w| !w.starts_with('-'));
    let name = named
        .next()
        .and_then(|w| w.rsplit('/').next())
        .unwrap_or_default();
    let from_stdin = if SHELLS.contains(&name) {
        ["-s", "--"].as_slice()
    } else {
        &["-"]
    };
    words.extend(from_stdin.iter().map(|w| (*w).to_owned()));
    words.extend_from_slice(args);
    quote::words(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_interpreter() {
        let args = ["a b".to_owned()];
        for (script, line) in [
            ("echo hi", "sh -s -- 'a b'"),
            ("#!/bin/bash -e\necho", "/bin/bash -e -s -- 'a b'"),
            (
                "#!/usr/bin/env python3\nprint()",
                "/usr/bin/env python3 - 'a b'",
            ),
            ("#!/usr/bin/env bash\r\n", "/usr/bin/env bash -s -- 'a b'"),
            (
                "#!/usr/bin/env -S bash -e\n",
                "/usr/bin/env -S bash -e -s -- 'a b'",
            ),
            ("#!\n", "sh -s -- 'a b'"),
            ("#!/bin/sh;reboot\n", "'/bin/sh;reboot' - 'a b'"),
        ] {
            assert_eq!(
                command(script.as_bytes(), &args).unwrap(),
                line,
                "{script:?}"
            );
        }
        assert!(command(b"#!/bin/a\0b\n", &args).is_err());
    }

    #[test]
    fn bad_files() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        for (file, part) in [
            (empty.to_str().unwrap(), "is empty"),
            (dir.path().to_str().unwrap(), "cannot read"),
            (
                "/nowhere/at/all",
                "cannot read the script `/nowhere/at/all`",
            ),
        ] {
            let error = load(file, &[]).unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
    }
}
