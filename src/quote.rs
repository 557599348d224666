//! Shell quoting. The only place in the crate that makes shell text out of values.
//!
//! The quoted form is understood by every POSIX shell: single quotes, with each single quote
//! written as `'\''`. A value without special characters is left bare, so that commands stay
//! readable in logs. Imports nothing of the crate but [`crate::error`].

use crate::error::{Error, Result};

/// Quotes one word for a POSIX shell.
///
/// # Errors
/// A NUL byte cannot be passed to a command: [`crate::error::Kind::Usage`].
pub fn word(value: &str) -> Result<String> {
    if value.contains('\0') {
        return Err(Error::usage("a command argument holds a NUL byte"));
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    // A leading `=` is expanded by zsh, and a leading `-` is only an option's business.
    if !value.is_empty() && !value.starts_with('=') && value.chars().all(bare) {
        return Ok(value.to_owned());
    }
    Ok(format!("'{}'", value.replace('\'', r"'\''")))
}

/// A word as a person types it into a shell, for hints.
pub fn typed(value: &str) -> String {
    word(value).unwrap_or_else(|_| "NAME".to_owned())
}

/// Quotes each word and joins them with single spaces.
///
/// # Errors
/// As [`word`], and an empty list is no command.
pub fn words<S: AsRef<str>>(values: &[S]) -> Result<String> {
    if values.is_empty() {
        return Err(Error::usage("an empty list is no command"));
    }
    let quoted: Result<Vec<_>> = values.iter().map(|v| word(v.as_ref())).collect();
    Ok(quoted?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (value, quoted) in [
            ("plain", "plain"),
            ("a b", "'a b'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("~root", "'~root'"),
            ("=ls", "'=ls'"),
            ("new\nline", "'new\nline'"),
            ("ünï", "'ünï'"),
            ("--opt=1", "--opt=1"),
        ] {
            assert_eq!(word(value).unwrap(), quoted, "{value:?}");
        }
        assert!(word("a\0b").is_err());
        assert_eq!(
            (typed("it's"), typed("a\0b")),
            (r"'it'\''s'".into(), "NAME".into())
        );
        assert!(words::<&str>(&[]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// A real shell gives back exactly what was quoted.
        #[test]
        fn sh_gives_it_back(values in proptest::collection::vec("[^\0]{0,12}", 1..6)) {
            let line = format!("for a in {}; do printf '%s\\001' \"$a\"; done", words(&values).unwrap());
            let out = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
            let back: Vec<_> = String::from_utf8(out.stdout).unwrap()
                .split_terminator('\u{1}').map(str::to_owned).collect();
            prop_assume!(!values.iter().any(|v| v.contains('\u{1}')));
            prop_assert_eq!(back, values);
        }
    }
}
