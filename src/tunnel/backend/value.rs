//! Values of profiles on their way into the files of other programs: each format has one function here,
//! and what a format cannot carry is refused by the name of the field. Imports no other backend.

use crate::error::{Error, Result};
use crate::inventory::Tunnel;
use crate::quote::typed;
use crate::tunnel::plan::At;

/// The longest name or password that pppd keeps (its `MAXNAMELEN` and `MAXSECRETLEN` are 256).
pub const PPP_LONGEST: usize = 255;

/// The error for a field that a program's file cannot carry. `why` completes "its field `x` …".
pub fn refused(profile: &Tunnel, field: &str, why: &str) -> Error {
    let name = &profile.name;
    let hint = match field {
        "password" => format!("mroom tunnel set {} --ask-password", typed(name)),
        _ => format!("mroom tunnel set {} {field}=…", typed(name)),
    };
    Error::usage(format!("the tunnel `{name}`: its field `{field}` {why}")).hint(hint)
}

/// The error for a field that a profile lacks.
pub fn lacking(profile: &Tunnel, field: &str) -> Error {
    refused(profile, field, "is empty, and this backend needs it")
}

/// A value for a format of one line without any quoting: it may hold whatever is no control character.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a line break, NUL or another control character.
pub fn plain<'a>(profile: &Tunnel, field: &str, value: &'a str) -> Result<&'a str> {
    if value.chars().any(char::is_control) {
        let why = "holds a line break or another control character";
        return Err(refused(profile, field, why));
    }
    Ok(value)
}

/// As [`plain`], and not empty.
///
/// # Errors
/// [`crate::error::Kind::Usage`] as well when it is empty.
pub fn needed<'a>(profile: &Tunnel, field: &str, value: &'a str) -> Result<&'a str> {
    if value.is_empty() {
        return Err(lacking(profile, field));
    }
    plain(profile, field, value)
}

/// A value between double quotes, as the files of swanctl, pppd and OpenVPN have it: `\` and `"` get a
/// backslash, everything else stands for itself.
///
/// # Errors
/// As [`plain`].
pub fn quoted(profile: &Tunnel, field: &str, value: &str) -> Result<String> {
    let value = plain(profile, field, value)?;
    Ok(format!(
        "\"{}\"",
        value.replace('\\', r"\\").replace('"', "\\\"")
    ))
}

/// A name of an algorithm, a protocol or the like, which no quoting is for.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for anything but letters, digits and `-_.:`, or for a leading `-`.
pub fn word<'a>(profile: &Tunnel, field: &str, value: &'a str) -> Result<&'a str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if value.is_empty() || value.starts_with('-') || !value.chars().all(fits) {
        let why = "is not one word of letters, digits and `-_.:`";
        return Err(refused(profile, field, why));
    }
    Ok(value)
}

/// A text of several lines (a certificate, a key) for an inline block of a file: with one line break at
/// its end.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when it is empty, holds control characters, or a line that begins
/// with `<`, which could end the block.
pub fn block(profile: &Tunnel, field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(lacking(profile, field));
    }
    let mut lines = String::new();
    for line in text.lines() {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(refused(profile, field, "holds control characters"));
        }
        if line.trim_start().starts_with('<') {
            return Err(refused(profile, field, "holds a line that begins with `<`"));
        }
        lines.push_str(line);
        lines.push('\n');
    }
    Ok(lines)
}

/// What the connection is called in the system's own settings: the field `service`, else the profile's name.
///
/// # Errors
/// As [`plain`], and for a leading `-`, which a program could take for an option.
pub fn service(profile: &Tunnel) -> Result<&str> {
    let name = profile.text("service").unwrap_or(&profile.name);
    if name.starts_with('-') {
        return Err(refused(profile, "service", "begins with `-`"));
    }
    plain(profile, "service", name)
}

/// As [`service`], for a plan: what the system itself makes is in nobody's namespace.
///
/// # Errors
/// Also [`crate::error::Kind::Usage`] when the tunnel is to be isolated.
pub fn shared_service<'a>(profile: &'a Tunnel, at: &At) -> Result<&'a str> {
    match at.namespace {
        Some(_) => Err(refused(
            profile,
            "isolate",
            "is nothing that a connection of the system's own can have",
        )),
        None => service(profile),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::profile;
    use super::*;
    use crate::inventory::TunnelKind;

    /// Reads back what [`quoted`] wrote, as the programs do.
    fn unquoted(text: &str) -> Option<String> {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        let mut back = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => return None,
                '\\' => back.push(chars.next()?),
                _ => back.push(c),
            }
        }
        Some(back)
    }

    #[test]
    fn quoting() {
        let of = profile(TunnelKind::Pptp, &[]);
        for (value, text) in [
            ("plain", r#""plain""#),
            ("", r#""""#),
            ("a b#c", r#""a b#c""#),
            (r#"q"q"#, r#""q\"q""#),
            (r"b\n", r#""b\\n""#),
            ("--up", r#""--up""#),
            ("${HOME} $x `id`", r#""${HOME} $x `id`""#),
        ] {
            assert_eq!(quoted(&of, "user", value).unwrap(), text, "{value:?}");
        }
        for value in ["a\nup x", "a\r", "a\0", "a\x1b[2J", "a\u{85}b"] {
            let error = quoted(&of, "password", value).unwrap_err();
            assert!(error.message().contains("`password`"), "{error}");
            assert!(!error.message().contains(value), "{error}");
            assert!(error.hint_text().unwrap().contains("--ask-password"));
        }
    }

    #[test]
    fn services_are_not_isolated() {
        let of = profile(TunnelKind::Ikev2, &[("service", "Office VPN")]);
        let mut there = super::super::testing::at(500);
        assert_eq!(shared_service(&of, &there).unwrap(), "Office VPN");
        there.namespace = Some("mr00000001".to_owned());
        let error = shared_service(&of, &there).unwrap_err();
        assert!(error.message().contains("`isolate`"), "{error}");
        assert_eq!(error.hint_text(), Some("mroom tunnel set office isolate=…"));
    }

    #[test]
    fn words_and_blocks() {
        let of = profile(TunnelKind::OpenVpn, &[]);
        for bad in ["", "-x", "a b", "a\nb", "a\"", "ü", "a;b"] {
            assert!(word(&of, "cipher", bad).is_err(), "{bad:?}");
        }
        assert_eq!(word(&of, "cipher", "AES-256-GCM").unwrap(), "AES-256-GCM");
        for bad in ["", " \n ", "a\n</ca>\nup x", "a\n </ca>", "a\0b", "<ca>"] {
            assert!(block(&of, "ca", bad).is_err(), "{bad:?}");
        }
        assert_eq!(block(&of, "ca", "a\r\nb").unwrap(), "a\nb\n");
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_reads_back_as_one_line(value in any::<String>()) {
            let of = profile(TunnelKind::Pptp, &[]);
            if let Ok(text) = quoted(&of, "user", &value) {
                prop_assert!(!text.contains('\n') && !text.contains('\0'));
                prop_assert_eq!(unquoted(&text), Some(value));
            }
        }

        #[test]
        fn a_block_never_ends_early(text in "[ -~\n\r<>/]{0,80}") {
            let of = profile(TunnelKind::OpenVpn, &[]);
            if let Ok(block) = block(&of, "ca", &text) {
                let ends = |line: &str| line.trim_start().starts_with('<');
                prop_assert!(!block.lines().any(ends), "{}", block);
            }
        }
    }
}
