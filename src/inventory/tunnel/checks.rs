//! What the values of a profile's fields may be. Pure; no message shows a value.

use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;

use super::endpoint::endpoint;
use crate::error::{Error, Result};
use crate::inventory::check;

/// Longest value that is no file, in bytes.
const LONGEST: usize = 4096;

fn wrong(what: impl Into<String>) -> Error {
    Error::usage(what)
}

/// A text on one line.
pub(super) fn plain(text: &str) -> Result<()> {
    match text.chars().find(|c| check::is_unseen(*c)) {
        Some(c) => Err(wrong(format!("holds {}", check::shown_char(c)))),
        None if text.len() > LONGEST => Err(wrong(format!("is longer than {LONGEST} bytes"))),
        None => Ok(()),
    }
}

/// A text on one line that no program takes for an option.
pub(super) fn word(text: &str) -> Result<()> {
    plain(text)?;
    match text.starts_with('-') {
        true => Err(wrong("may not begin with `-`")),
        false => Ok(()),
    }
}

/// Words of small and big letters, digits, `-`, `_`, `+` and `!`, between commas or colons.
pub(super) fn algorithms(text: &str) -> Result<()> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_+!".contains(c);
    let words = || text.split([',', ':']).map(|word| word.trim_matches(' '));
    match words().all(|w| !w.is_empty() && !w.starts_with('-') && w.chars().all(is_good)) {
        true => plain(text),
        false => Err(wrong(
            "must be names of algorithms such as aes256-sha256-modp2048",
        )),
    }
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<()> {
    one_of(text, &["true", "false"])
}

pub(super) fn one_of(text: &str, words: &[&str]) -> Result<()> {
    match words.contains(&text) {
        true => Ok(()),
        false => Err(wrong(format!("must be one of {}", words.join(", ")))),
    }
}

/// A whole number within limits.
pub(super) fn number(text: &str, least: u32, most: u32) -> Result<()> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>().ok().filter(|_| is_plain) {
        Some(n) if (least..=most).contains(&n) => Ok(()),
        _ => Err(wrong(format!("must be a number from {least} to {most}"))),
    }
}

fn each(text: &str, what: &str, is_good: impl Fn(&str) -> bool) -> Result<()> {
    match text.split(',').all(|word| is_good(word.trim())) {
        true => Ok(()),
        false => Err(wrong(format!("must be {what}, separated by commas"))),
    }
}

/// The range that a text means: a lone address is one of its length.
fn range(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

/// Addresses or ranges that are to go through a tunnel.
pub(super) fn routes(text: &str) -> Result<()> {
    each(text, "ranges such as 10.20.0.0/16", |w| range(w).is_some())?;
    match text
        .split(',')
        .filter_map(|w| range(w.trim()))
        .find(|r| r.prefix_len() == 0)
    {
        Some(_) => Err(
            wrong("may not be everything: this machine would lose its own way out").hint(
                "name the ranges behind the tunnel; the servers' own addresses need not be named",
            ),
        ),
        None => Ok(()),
    }
}

/// Ranges of any size.
pub(super) fn ranges(text: &str) -> Result<()> {
    each(text, "ranges such as 10.20.0.0/16", |w| range(w).is_some())
}

/// Addresses, with or without the length of their network.
pub(super) fn addresses(text: &str) -> Result<()> {
    each(text, "addresses such as 10.9.0.2/32", |w| {
        range(w).is_some()
    })
}

/// Addresses of name servers.
pub(super) fn servers(text: &str) -> Result<()> {
    each(text, "addresses such as 10.20.0.53", |w| {
        w.parse::<IpAddr>().is_ok()
    })
}

/// `HOST:PORT`.
pub(super) fn probe(text: &str) -> Result<()> {
    match endpoint(text, 0) {
        Ok((_, port)) if port != 0 => Ok(()),
        _ => Err(wrong("must be HOST:PORT, such as 10.20.0.5:22")),
    }
}

/// WireGuard's form of a key: 32 bytes in base64.
pub(super) fn wireguard_key(text: &str) -> Result<()> {
    match BASE64_STANDARD.decode(text) {
        Ok(bytes) if bytes.len() == 32 => Ok(()),
        _ => Err(wrong("must be a key as `wg genkey` and `wg pubkey` give")),
    }
}

/// PEM with something of this sort in it.
pub(super) fn pem(text: &str, what: &str) -> Result<()> {
    text_file(text)?;
    let is_one = |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with("-----");
    match text.lines().any(|line| is_one(line) && line.contains(what)) {
        true => Ok(()),
        false => Err(wrong(format!("holds no {what} in PEM"))),
    }
}

/// The text of a file.
pub(super) fn text_file(text: &str) -> Result<()> {
    let is_bad = |c: &char| check::is_unseen(*c) && !matches!(c, '\n' | '\r' | '\t' | '\u{feff}');
    match text.chars().find(is_bad) {
        Some(c) => Err(wrong(format!("holds {}", check::shown_char(c)))),
        None => Ok(()),
    }
}
