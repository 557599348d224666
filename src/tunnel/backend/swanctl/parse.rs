//! What swanctl says: the tunnels that are up, and why one did not come up. Pure; all of it is the
//! gateway's to fill with nonsense.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::tunnel::backend::words::{self, Meaning};
use crate::tunnel::plan::{Facts, State};

/// One IKE connection of `swanctl --list-sas --pretty`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sa {
    pub name: String,
    pub state: String,
    pub local_host: Option<IpAddr>,
    pub remote_host: Option<IpAddr>,
    /// The addresses that the gateway gave us.
    pub addresses: Vec<IpAddr>,
    pub children: Vec<Child>,
}

/// What goes through it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Child {
    pub name: String,
    pub state: String,
    pub received: u64,
    pub sent: u64,
    pub local: Vec<IpNet>,
    pub remote: Vec<IpNet>,
}

impl Sa {
    /// The children that carry packets; one that is being replaced counts, its successor may not be
    /// there yet.
    pub fn carrying(&self) -> impl Iterator<Item = &Child> {
        let is_carrying =
            |child: &&Child| matches!(child.state.as_str(), "INSTALLED" | "REKEYING" | "REKEYED");
        self.children.iter().filter(is_carrying)
    }

    /// What is known of it.
    pub fn facts(&self) -> Facts {
        let sum = |of: fn(&Child) -> u64| self.children.iter().map(of).fold(0, u64::saturating_add);
        Facts {
            address: self.addresses.first().copied().or(self.local_host),
            interface: None,
            received: Some(sum(|child| child.received)),
            sent: Some(sum(|child| child.sent)),
        }
    }

    /// Whether packets of this machine to all of the ranges go through it.
    pub fn covers(&self, ranges: &[IpNet]) -> bool {
        let has_our_side = |child: &&Child| {
            let ours = self.addresses.iter().chain(&self.local_host);
            let within = |address: &IpAddr| child.local.iter().any(|net| net.contains(address));
            ours.clone().any(within)
        };
        let remote = || {
            self.carrying()
                .filter(has_our_side)
                .flat_map(|child| &child.remote)
        };
        !ranges.is_empty()
            && ranges
                .iter()
                .all(|range| remote().any(|net| net.contains(range)))
    }
}

/// Reads `swanctl --list-sas --pretty`: sections in braces, lists in brackets, one word or value a line.
pub(super) fn sas(text: &str) -> Vec<Sa> {
    let mut found: Vec<Sa> = Vec::new();
    let mut path: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        // A value may look like anything: it is the other side's.
        let opens = match line.split_once(" = ") {
            Some((key, "[")) => Some(key),
            Some(_) => None,
            None => line.strip_suffix(" {"),
        };
        if let Some(name) = opens {
            path.push(name);
            open(&mut found, &path);
        } else if matches!(line, "}" | "]") {
            path.pop();
        } else if let Some(sa) = found.last_mut() {
            note(sa, path.get(2..).unwrap_or_default(), line);
        }
    }
    found
}

/// Begins a connection, or a child of the last.
fn open(found: &mut Vec<Sa>, path: &[&str]) {
    match path {
        ["list-sa event", name] => found.push(Sa {
            name: (*name).to_owned(),
            ..Sa::default()
        }),
        ["list-sa event", _, "child-sas", _] => {
            if let Some(sa) = found.last_mut() {
                sa.children.push(Child::default());
            }
        }
        _ => {}
    }
}

/// Takes one line of a connection; `path` is where in it.
fn note(sa: &mut Sa, path: &[&str], line: &str) {
    let (key, value) = line.split_once(" = ").unwrap_or((line, ""));
    match (path, key) {
        ([], "state") => value.clone_into(&mut sa.state),
        ([], "local-host") => sa.local_host = value.parse().ok(),
        ([], "remote-host") => sa.remote_host = value.parse().ok(),
        (["local-vips"], address) => sa.addresses.extend(address.parse::<IpAddr>()),
        (["child-sas", _, rest @ ..], _) => {
            let Some(child) = sa.children.last_mut() else {
                return;
            };
            match (rest, key) {
                ([], "name") => value.clone_into(&mut child.name),
                ([], "state") => value.clone_into(&mut child.state),
                ([], "bytes-in") => child.received = value.parse().unwrap_or(0),
                ([], "bytes-out") => child.sent = value.parse().unwrap_or(0),
                (["local-ts"], range) => child.local.extend(selector(range)),
                (["remote-ts"], range) => child.remote.extend(selector(range)),
                _ => {}
            }
        }
        _ => {}
    }
}

/// A traffic selector, when it is a whole range: `10.0.0.0/24`, but not `10.0.0.1/32[tcp/22]`.
fn selector(text: &str) -> Option<IpNet> {
    text.parse().ok()
}

/// Texts of the daemon (its messages of level 1), what they mean, and which field of the profile it is about.
/// The first that is found counts: what is more certain stands above.
#[rustfmt::skip]
const FAILURES: &[Meaning] = &[
    (&["EAP_MSCHAPV2 method failed", "EAP method EAP_MSCHAPV2 failed", "EAP-MS-CHAPv2 failed", "EAP_MD5 method failed", "EAP_GTC method failed", "received EAP_FAILURE"],
        "auth", "its server refuses the user name or the password"),
    (&["(myself) failed"], "auth", "its server refuses the user name or the password"),
    (&["EAP_TLS method failed"], "auth", "its server refuses the certificate"),
    (&["no trusted", "constraint check failed", "signature validation failed", "no issuer certificate found", "subject certificate invalid"],
        "auth", "its server does not prove by a certificate that it is the one of `remote_id` and `ca`"),
    (&["MAC mismatched", "calculated HASH does not match", "could not decrypt payloads", "invalid HASH_V1 payload"],
        "auth", "its server has another pre-shared key"),
    (&["no shared key found", "no private key found"], "config", "it has no key for this server"),
    (&["NO_PROPOSAL_CHOSEN", "no acceptable proposal found", "no proposal found"],
        "proposal", "its server accepts none of the algorithms (see `proposals` and `esp_proposals`)"),
    (&["TS_UNACCEPTABLE", "INVALID_ID_INFORMATION", "no acceptable traffic selectors found"],
        "config", "its server lets nobody through to what is asked for (see `routes`)"),
    (&["AUTHENTICATION_FAILED"], "auth", "its server refuses us: the pre-shared key, the certificate, `id`, `group` or `remote_id`"),
    (&["INTERNAL_ADDRESS_FAILURE", "FAILED_CP_REQUIRED"], "config", "its server has no address for us"),
    (&["method failed, no plugin", "loading EAP_", "no XAuth method found", "EAP_NAK"], "config", "its server asks for another `auth`, or the daemon lacks the plugin for it"),
    (&["unable to install IPsec policies", "unable to install inbound and outbound", "unable to add SAD entry", "unable to allocate SPI"],
        "config", "this machine's kernel refuses the tunnel"),
    (&["giving up after", "peer not responding", "not established after", "unable to resolve", "Network is unreachable", "no socket implementation"],
        "gateway", "its server does not answer"),
];

/// Why a tunnel did not come up, from the daemon's own words.
pub(super) fn failure(text: &str) -> Option<State> {
    words::meaning(FAILURES, text)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
