//! What the values of flags look like: times, sizes, shares, permission bits.
//!
//! Each function is a value parser: its error is a sentence that names the text.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::fleet::Batch;
use crate::journal::Kind;

/// A number of seconds, decimals allowed.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a number of seconds from 0.001 to 86400");
    let number: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.001..=86_400.0).contains(&number) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(number))
}

/// `key=value`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not NAME=VALUE")),
    }
}

/// `10` or `25%`, at least one.
pub fn batch(text: &str) -> Result<Batch, String> {
    let wrong = || format!("`{text}` is neither a number from 1 nor a share from 1% to 100%");
    match amount(text).ok_or_else(wrong)? {
        Batch::Count(0) | Batch::Percent(0) => Err(wrong()),
        batch => Ok(batch),
    }
}

/// `0`, `10` or `25%`.
pub fn tolerance(text: &str) -> Result<Batch, String> {
    amount(text).ok_or_else(|| format!("`{text}` is neither a number nor a share from 0% to 100%"))
}

fn amount(text: &str) -> Option<Batch> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if digits.len() == text.len() {
        return text.parse().ok().map(Batch::Count);
    }
    digits
        .parse()
        .ok()
        .filter(|p| *p <= 100)
        .map(Batch::Percent)
}

/// A number of bytes, with an optional binary suffix.
pub fn bytes(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of bytes such as 4096, 64K, 64M or 1G");
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        _ => (text, 0),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// Permission bits as `chmod` takes them in octal, without setuid and the like.
pub fn mode(text: &str) -> Result<u32, String> {
    let is_octal =
        (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    match u32::from_str_radix(text, 8) {
        Ok(mode) if is_octal && mode <= 0o777 => Ok(mode),
        _ => Err(format!(
            "`{text}` is not a mode from 000 to 0777 such as 0644"
        )),
    }
}

/// The sorts of entries in the command log.
pub fn kind() -> impl TypedValueParser<Value = Kind> {
    let words = PossibleValuesParser::new(Kind::ALL.map(Kind::as_str));
    words.try_map(|word| {
        let known = |kind: &Kind| kind.as_str() == word;
        Kind::ALL.into_iter().find(known).ok_or("no such kind")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values() {
        for text in ["", "0", "-1", "x", "1e9", "NaN", "inf", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in [
            "",
            "0",
            "0%",
            "101%",
            "-1",
            "1.5",
            "+1",
            "%",
            "10 %",
            "99999999999999999999",
        ] {
            assert!(batch(text).is_err(), "{text}");
        }
        assert_eq!(batch("25%"), Ok(Batch::Percent(25)));
        assert_eq!(batch("3"), Ok(Batch::Count(3)));
        assert_eq!(tolerance("0"), Ok(Batch::Count(0)));
    }

    #[test]
    fn sizes() {
        for (text, size) in [("0", 0), ("4096", 4096), ("64K", 65536), ("1g", 1 << 30)] {
            assert_eq!(bytes(text), Ok(size));
        }
        for text in [
            "",
            "K",
            "-1",
            "1.5M",
            "+1",
            "1T",
            "99999999999999999999",
            "99999999999G",
            "é",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modes() {
        for (text, mode) in [("644", 0o644), ("0755", 0o755), ("000", 0)] {
            assert_eq!(super::mode(text), Ok(mode));
        }
        for text in [
            "", "7", "64", "0888", "+644", "-644", "4755", "00644", "u+x", "é",
        ] {
            assert!(super::mode(text).is_err(), "{text}");
        }
    }
}
