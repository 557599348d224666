//! Where a tunnel goes, as people write it: `host`, `host:port`, `[address]:port`. Pure.

use crate::error::{Error, Result};
use crate::inventory::check;

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`; a lone IPv6 address needs no brackets.
///
/// # Errors
/// [`crate::error::Kind::Usage`]. The text is not shown: in a list line it may be a piece of a password.
pub fn endpoint(text: &str, default_port: u16) -> Result<(String, u16)> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, "")) => (host, None),
        Some((host, rest)) => {
            let port = rest.strip_prefix(':');
            let wrong = || Error::usage("after the brackets stands more than `:PORT`");
            (host, Some(port.ok_or_else(wrong)?))
        }
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    if bracketed.is_some() && host.parse::<std::net::Ipv6Addr>().is_err() && !host.contains('%') {
        return Err(Error::usage("the brackets hold no IPv6 address"));
    }
    check::host(host)?;
    let port = match port {
        None => default_port,
        Some(port) if port.trim() != port || port.is_empty() => {
            return Err(Error::usage("no port after the colon"));
        }
        Some(digits) => check::port(digits)?,
    };
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("gw.example", "gw.example", 500),
            ("gw.example:4500", "gw.example", 4500),
            ("203.0.113.1:1", "203.0.113.1", 1),
            ("2001:db8::1", "2001:db8::1", 500),
            ("[2001:db8::1]", "2001:db8::1", 500),
            ("[2001:db8::1]:51820", "2001:db8::1", 51820),
            ("[fe80::1%eth0]:51820", "fe80::1%eth0", 51820),
        ] {
            assert_eq!(endpoint(text, 500).unwrap(), (host.to_owned(), port));
        }
        for text in [
            "",
            ":22",
            "gw:",
            "gw:0",
            "gw:65536",
            "gw:x",
            "gw:+1",
            "gw: 22",
            "-oProxyCommand=x",
            "[::1",
            "[::1]22",
            "[::1]:",
            "[::1]:x",
            "[gw]:22",
            "[]:22",
            "g w",
            "gw/x",
            "me@gw",
            "gw\n",
            "a;b",
        ] {
            let error = endpoint(text, 500).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = endpoint(&text, 1);
        }

        #[test]
        fn what_is_written_is_read(host in "[a-z0-9][a-z0-9.-]{0,9}", port in 1u16..) {
            prop_assert_eq!(endpoint(&format!("{host}:{port}"), 1).unwrap(), (host.clone(), port));
            prop_assert_eq!(endpoint(&host, port).unwrap(), (host, port));
        }
    }
}
