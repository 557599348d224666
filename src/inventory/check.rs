//! What a server's fields may hold. Pure; the only place for these rules.
//!
//! They keep out what a list file, a pattern, an output line or another program's command line
//! would read as something else.

use crate::error::{Error, Result};

/// Longest id, user, tag or metadata key, in characters (the original's `char(100)`).
const LONGEST_NAME: usize = 100;
/// Longest host name in DNS, RFC 1035 §2.3.4.
const LONGEST_HOST: usize = 255;

/// Checks a server's id.
///
/// # Errors
/// [`crate::error::Kind::Usage`], saying what is wrong with it.
pub fn id(text: &str) -> Result<()> {
    name("id", text)?;
    let wrong = if text == "all" {
        Some("means every server".to_owned())
    } else if let Some(c) = text.chars().next().filter(|c| "-@!&#~".contains(*c)) {
        Some(format!("may not begin with `{c}`"))
    } else if let Some(c) = text.chars().find(|c| ",=*?[]".contains(*c)) {
        Some(format!(
            "may not hold `{c}`, which has a meaning in patterns"
        ))
    } else if text.contains("--") || text.contains("——") {
        Some("may not hold two dashes in a row: they separate the fields of a list file".to_owned())
    } else {
        None
    };
    match wrong {
        Some(wrong) => Err(Error::usage(format!("id `{text}` {wrong}"))),
        None => Ok(()),
    }
}

/// Checks a host name or address. The error does not show it: a list line with a wrong separator
/// may have its password there.
///
/// # Errors
/// As [`id`].
pub fn host(text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::usage("no host"));
    }
    let allowed = |c: char| c.is_alphanumeric() || "-._:%".contains(c);
    let wrong = if text.len() > LONGEST_HOST {
        format!("is longer than {LONGEST_HOST} bytes")
    } else if text.starts_with('-') {
        "may not begin with `-`".to_owned()
    } else if text.starts_with('[') {
        return Err(
            Error::usage("the host has brackets").hint("write an IPv6 address without brackets")
        );
    } else if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        format!("holds {}", shown_char(c))
    } else {
        return Ok(());
    };
    Err(Error::usage(format!("the host {wrong}")))
}

/// Checks a login name.
///
/// # Errors
/// As [`id`].
pub fn user(text: &str) -> Result<()> {
    name("user", text)?;
    match text.starts_with('-') {
        true => Err(Error::usage(format!(
            "user `{text}` may not begin with `-`"
        ))),
        false => Ok(()),
    }
}

/// Checks a tag, without its `@`.
///
/// # Errors
/// As [`id`].
pub fn tag(text: &str) -> Result<()> {
    name("tag", text)?;
    match text.chars().find(|c| ",=*?[]@!&/~".contains(*c)) {
        Some(c) => Err(Error::usage(format!("tag `{text}` may not hold `{c}`"))),
        None if text.starts_with(['-', '.']) => Err(Error::usage(format!(
            "tag `{text}` may not begin with `-` or `.`"
        ))),
        None => Ok(()),
    }
}

/// Checks a metadata key.
///
/// # Errors
/// As [`id`].
pub fn key(text: &str) -> Result<()> {
    name("key", text)
}

/// The TCP port that a text gives; blank is 22, as in ssh. The error does not show the text,
/// because in a list line it may be a piece of a password.
///
/// # Errors
/// As [`id`].
pub fn port(text: &str) -> Result<u16> {
    match text.trim() {
        "" => Ok(22),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits
            .parse()
            .ok()
            .filter(|p| *p != 0)
            .ok_or_else(|| Error::usage("the port must be from 1 to 65535")),
        _ => Err(Error::usage("the port is not a number")),
    }
}

fn name(what: &str, text: &str) -> Result<()> {
    let wrong = if text.is_empty() {
        return Err(Error::usage(format!("no {what}")));
    } else if text.chars().count() > LONGEST_NAME {
        format!("is longer than {LONGEST_NAME} characters")
    } else if let Some(c) = text.chars().find(|c| c.is_whitespace() || is_unseen(*c)) {
        format!("holds {}", shown_char(c))
    } else {
        return Ok(());
    };
    Err(Error::usage(match what {
        "user" => format!("the user {wrong}"),
        what => format!("{what} {} {wrong}", shown(text)),
    }))
}

/// Control characters, and those that show nothing or turn the direction of writing.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", short.escape_debug())
}

pub(super) fn shown_char(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_whitespace() || is_unseen(c) => {
            format!("the character U+{:04X}", u32::from(c))
        }
        c => format!("`{c}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ids() {
        for text in [
            "web-01",
            "a",
            "10.0.0.1",
            "db_1.lan",
            "服务器1",
            "a—b",
            "x:y",
            "retired",
            &"a".repeat(100),
        ] {
            id(text).unwrap();
        }
    }

    #[test]
    fn bad_ids() {
        let long = "a".repeat(101);
        for (text, message) in [
            ("", "no id"),
            ("all", "id `all` means every server"),
            ("a b", "id `a b` holds a space"),
            ("a\tb", r"id `a\tb` holds the character U+0009"),
            ("a\0", r"id `a\0` holds the character U+0000"),
            (
                "a\u{1b}[31m",
                r"id `a\u{1b}[31m` holds the character U+001B",
            ),
            ("a\u{202e}b", r"id `a\u{202e}b` holds the character U+202E"),
            ("a\u{a0}b", r"id `a\u{a0}b` holds the character U+00A0"),
            ("-x", "id `-x` may not begin with `-`"),
            ("@x", "id `@x` may not begin with `@`"),
            ("!x", "id `!x` may not begin with `!`"),
            ("&x", "id `&x` may not begin with `&`"),
            ("#x", "id `#x` may not begin with `#`"),
            (
                "a*",
                "id `a*` may not hold `*`, which has a meaning in patterns",
            ),
            (
                "a,b",
                "id `a,b` may not hold `,`, which has a meaning in patterns",
            ),
            (
                "a=b",
                "id `a=b` may not hold `=`, which has a meaning in patterns",
            ),
            (
                "a--b",
                "id `a--b` may not hold two dashes in a row: they separate the fields of a list file",
            ),
            (
                "a——b",
                "id `a——b` may not hold two dashes in a row: they separate the fields of a list file",
            ),
            (
                &long,
                "id `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` is longer than 100 characters",
            ),
        ] {
            let error = id(text).unwrap_err();
            assert_eq!(error.message(), message, "{text:?}");
            assert_eq!(error.kind().exit_code(), 2);
        }
    }

    #[test]
    fn hosts_users_tags_and_ports() {
        for text in [
            "h",
            "10.0.0.1",
            "fe80::1%eth0",
            "a_b.example",
            "bücher.example",
        ] {
            host(text).unwrap();
        }
        for text in [
            "",
            "-oProxyCommand=x",
            "a b",
            "a/b",
            "u@h",
            "[::1]",
            "a;b",
            &"a".repeat(256),
        ] {
            assert!(host(text).is_err(), "{text:?}");
        }
        for text in ["root", "EXAMPLE\\ann", "ann@example.org"] {
            user(text).unwrap();
        }
        for text in ["", "-l", "a b", "a\n"] {
            assert!(user(text).is_err(), "{text:?}");
        }
        for text in ["", "a b", "@a", "a/b", "./a", "-a", "a,b", "!a"] {
            assert!(tag(text).is_err(), "{text:?}");
        }
        for (text, result) in [
            ("", Some(22)),
            (" ", Some(22)),
            ("1", Some(1)),
            ("65535", Some(65535)),
            ("0022", Some(22)),
            ("0", None),
            ("65536", None),
            ("22x", None),
            ("-22", None),
            ("+22", None),
            ("2 2", None),
            ("２２", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(port(text).ok(), result, "{text:?}");
        }
    }
}
