//! wg-quick's configuration file (wg-quick(8), wg(8)) as fields of a profile. Pure.
//!
//! It may hold commands that wg-quick runs as root; nothing of them is taken over, they are refused
//! by name. What it says of routing tables and marks of its own does not concern us.

use crate::error::{Error, Result};
use crate::secret::Secret;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The peer's `Endpoint`.
    pub server: Option<String>,
    /// `PrivateKey`.
    pub private_key: Option<Secret>,
    /// The rest, by the keys of a profile.
    pub fields: Vec<(&'static str, Secret)>,
}

/// What a key of the file is for us.
enum Use {
    Field(&'static str),
    /// Several lines are one list.
    List(&'static str),
    Dns,
    Server,
    PrivateKey,
    Nothing,
}

fn of_interface(key: &str) -> Option<Use> {
    Some(match key {
        "privatekey" => Use::PrivateKey,
        "address" => Use::List("address"),
        "dns" => Use::Dns,
        "mtu" => Use::Field("mtu"),
        "listenport" => Use::Field("listen_port"),
        "table" | "fwmark" | "saveconfig" => Use::Nothing,
        _ => return None,
    })
}

fn of_peer(key: &str) -> Option<Use> {
    Some(match key {
        "publickey" => Use::Field("public_key"),
        "presharedkey" => Use::Field("psk"),
        "allowedips" => Use::List("allowed"),
        "endpoint" => Use::Server,
        "persistentkeepalive" => Use::Field("keepalive"),
        _ => return None,
    })
}

/// Reads a file.
///
/// # Errors
/// [`crate::error::Kind::Usage`] with the line's number: a command to run, an unknown section or key, a
/// second peer. No value is shown.
pub(super) fn read(text: &str) -> Result<Found> {
    let mut found = Found::default();
    let mut section = None;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        let at = |e: Error| e.context(format!("line {number}"));
        match line.to_ascii_lowercase().as_str() {
            "" => {}
            "[interface]" => section = Some(of_interface as fn(&str) -> Option<Use>),
            "[peer]" if found.fields.iter().any(|(key, _)| *key == "public_key") => {
                let error = Error::usage("a second peer: a profile goes to one");
                return Err(at(
                    error.hint("make a profile of each peer, in a file of its own")
                ));
            }
            "[peer]" => section = Some(of_peer as fn(&str) -> Option<Use>),
            other if other.starts_with('[') => {
                return Err(at(Error::usage("no section of a WireGuard configuration")));
            }
            _ => {
                let section = section
                    .ok_or_else(|| at(Error::usage("stands before `[Interface]` and `[Peer]`")))?;
                found.take(section, line).map_err(at)?;
            }
        }
    }
    match found.private_key.is_none() && found.fields.is_empty() {
        true => Err(Error::usage("is no WireGuard configuration")),
        false => Ok(found),
    }
}

impl Found {
    fn take(&mut self, section: fn(&str) -> Option<Use>, line: &str) -> Result<()> {
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| Error::usage("is not `Key = Value`"))?;
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        if matches!(&key[..], "preup" | "postup" | "predown" | "postdown") {
            let error = Error::usage(format!(
                "`{key}` runs a command as root, which a profile may not"
            ));
            return Err(error.hint("take the line out; routes and name servers are seen to"));
        }
        let meant = section(&key).ok_or_else(|| {
            let known = key.len() <= 24 && key.bytes().all(|b| b.is_ascii_alphanumeric());
            let shown = if known { key.as_str() } else { "…" };
            Error::usage(format!("`{shown}` is no key of this section"))
        })?;
        match meant {
            Use::Nothing => {}
            Use::Server => self.server = Some(value.to_owned()),
            Use::PrivateKey => self.private_key = Some(Secret::new(value)),
            Use::Field("keepalive") if value == "off" => self.put("keepalive", "0"),
            Use::Field(field) => self.put(field, value),
            Use::List(field) => self.append(field, value),
            Use::Dns => {
                // Search domains stand among the addresses; we ask for whole names only.
                let is_address = |w: &&str| w.parse::<std::net::IpAddr>().is_ok();
                let words = value.split(',').map(str::trim).filter(is_address);
                self.append("dns", &words.collect::<Vec<_>>().join(","));
            }
        }
        Ok(())
    }

    fn put(&mut self, key: &'static str, value: &str) {
        self.fields.retain(|(k, _)| *k != key);
        self.fields.push((key, Secret::new(value)));
    }

    fn append(&mut self, key: &'static str, value: &str) {
        let before = self.fields.iter().find(|(k, _)| *k == key);
        let parts = before.map(|(_, v)| v.reveal()).into_iter().chain([value]);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        self.put(key, &parts.join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

    #[test]
    fn a_file_becomes_fields() {
        let text = format!(
            "\u{feff}# office\r\n[Interface]\r\nPrivateKey = {KEY}\nAddress=10.9.0.2/32\n\
             Address = fd00::2/128 # ours\nDNS = 10.20.0.53, corp.example\nMTU = 1380\nTable = off\n\
             \n[peer]\nPublicKey={KEY}\nPresharedKey = {KEY}\nAllowedIPs = 10.20.0.0/16, fd00::/64\n\
             AllowedIPs = 10.30.0.0/16\nEndpoint = [2001:db8::1]:51820\nPersistentKeepalive = off\n"
        );
        let found = read(&text).unwrap();
        assert_eq!(found.server.as_deref(), Some("[2001:db8::1]:51820"));
        assert_eq!(found.private_key.unwrap().reveal(), KEY);
        let fields: Vec<String> = found
            .fields
            .iter()
            .map(|(key, value)| format!("{key}={}", value.reveal()))
            .collect();
        assert_eq!(
            fields,
            [
                "address=10.9.0.2/32,fd00::2/128",
                "dns=10.20.0.53",
                "mtu=1380",
                &format!("public_key={KEY}"),
                &format!("psk={KEY}"),
                "allowed=10.20.0.0/16, fd00::/64,10.30.0.0/16",
                "keepalive=0",
            ]
        );
    }

    #[test]
    fn bad_files() {
        for (text, message) in [
            ("", "is no WireGuard configuration"),
            ("[Interface]\n[Peer]\n", "is no WireGuard configuration"),
            (
                "hunter2",
                "line 1: stands before `[Interface]` and `[Peer]`",
            ),
            (
                "\n[Wg]\n",
                "line 2: no section of a WireGuard configuration",
            ),
            ("[Interface]\nhunter2\n", "line 2: is not `Key = Value`"),
            (
                "[Interface]\nFoo = hunter2",
                "line 2: `foo` is no key of this section",
            ),
            (
                "[Interface]\nhun ter2=1",
                "line 2: `…` is no key of this section",
            ),
            (
                "[Interface]\nPublicKey = hunter2",
                "line 2: `publickey` is no key of this section",
            ),
            (
                "[Interface]\n  PoStUp=iptables -F # hunter2",
                "line 2: `postup` runs a command as root, which a profile may not",
            ),
            (
                "[Peer]\npredown = hunter2",
                "line 2: `predown` runs a command as root, which a profile may not",
            ),
            (
                "[Peer]\nPublicKey=hunter2\n[Peer]\nPublicKey=b",
                "line 3: a second peer: a profile goes to one",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.message(), message, "{text:?}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = read(&text);
        }

        /// However it is spelled and wherever it stands, no command is taken over.
        #[test]
        fn commands_never_pass(
            section in "\\[(Interface|PEER|peer)\\]", word in "(Pre|Post|pRE|POST)(Up|Down|UP|down)",
            blank in "[ \t]{0,3}", command in "[ -~]{0,20}",
        ) {
            let text = format!("{section}\n{blank}{word}{blank}={command}\n");
            prop_assert!(read(&text).is_err());
        }
    }
}
