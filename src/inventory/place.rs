//! Where a server is, as people write it: `[USER@]HOST[:PORT]`. Pure but for the one who runs this.

use crate::error::{Error, Result};

/// Splits `[USER@]HOST[:PORT]`; without a user it is the one who runs this.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn place(text: &str) -> Result<(String, &str, Option<&str>)> {
    let wrong = || {
        Error::usage(format!("`{text}` is not `[USER@]HOST[:PORT]`"))
            .hint("such as `admin@203.0.113.9:22` or `admin@[2001:db8::9]:22`")
    };
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (user.to_owned(), rest),
        None => (local_user()?, text),
    };
    let bracketed = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, "")) => (host, None),
        Some((host, port)) => match port.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None => return Err(wrong()),
        },
        // More than one colon: an IPv6 address without a port.
        None => match rest.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    };
    match host.is_empty() || user.is_empty() || port == Some("") {
        true => Err(wrong()),
        false => Ok((user, host, port)),
    }
}

/// The login name of the one who runs this.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when the environment does not tell.
pub fn local_user() -> Result<String> {
    let name = ["LOGNAME", "USER"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    name.filter(|n| !n.is_empty())
        .ok_or_else(|| Error::usage("no user: write `user@host`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(user in "[a-z@]{1,8}", host in "[a-z0-9.-]{1,12}", port in 1u16..) {
            for (text, expected) in [
                (format!("{user}@{host}"), None),
                (format!("{user}@{host}:{port}"), Some(port.to_string())),
                (format!("{user}@[{host}]:{port}"), Some(port.to_string())),
            ] {
                let (read, at, number) = place(&text).unwrap();
                prop_assert_eq!((read, at), (user.clone(), host.as_str()), "{}", text);
                prop_assert_eq!(number, expected.as_deref());
            }
        }

        #[test]
        fn any_text_is_a_place_or_an_error(text in "[a@:\\[\\]0-9é ]{0,12}") {
            if let Ok((user, host, port)) = place(&text) {
                prop_assert!(!user.is_empty() && !host.is_empty() && port != Some(""));
            }
        }
    }

    #[test]
    fn places() {
        for (text, user, host, port) in [
            ("root@10.0.0.1", "root", "10.0.0.1", None),
            ("root@web:2222", "root", "web", Some("2222")),
            ("root@[::1]:22", "root", "::1", Some("22")),
            ("root@[fe80::1]", "root", "fe80::1", None),
            ("root@fe80::1", "root", "fe80::1", None),
            ("a@b@host", "a@b", "host", None),
        ] {
            assert_eq!(
                place(text).unwrap(),
                (user.to_owned(), host, port),
                "{text}"
            );
        }
        for text in [
            "",
            "@",
            "root@",
            "@host",
            "root@:22",
            "root@host:",
            "root@[::1]22",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
