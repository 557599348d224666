//! pppd, for the backends that have it make the interface: its options file, and what its log says. Pure.

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::secret::Secret;
use crate::tunnel::plan::{At, State};

use super::value;
use super::words::{self, Meaning};

/// For every tunnel: no routes, no IPv6 (its coming up would be taken for the whole), no proof asked of
/// the server, an answer expected every quarter of a minute. After the system's own options, so that
/// these count.
const OPTIONS: &str = "noauth\nnodefaultroute\nnoipv6\nnoipdefault\nipcp-accept-local\nipcp-accept-remote\n\
    noproxyarp\nnodeflate\nnobsdcomp\nnovj\nnovjccomp\nhide-password\nnopersist\nmaxfail 1\n";

/// The ways to prove a password, by the words of `auth`, with the option that refuses each.
const PROOFS: &[(&str, &str)] = &[
    ("mschapv2", "refuse-mschap-v2"),
    ("mschap", "refuse-mschap"),
    ("chap", "refuse-chap"),
    ("pap", "refuse-pap"),
];

/// Packets that fit through IPsec and PPP on any path, in bytes.
const MTU: u32 = 1280;

/// The options file of one tunnel: its interface has the tunnel's label, its log is `log` in the
/// tunnel's folder. `more` are whole lines of options.
///
/// # Errors
/// [`crate::error::Kind::Usage`] without user or password, and for what the file cannot carry.
pub fn options(profile: &Tunnel, at: &At, more: &[&str]) -> Result<Secret> {
    let log = value::quoted(
        profile,
        "name",
        &at.folder.join("log").display().to_string(),
    )?;
    let mtu = profile.number("mtu").unwrap_or(MTU);
    let pause = profile.number("keepalive").unwrap_or(15);
    let mut text = format!(
        "{OPTIONS}ifname {}\nlogfile {log}\nmtu {mtu}\nmru {mtu}\n\
         lcp-echo-interval {pause}\nlcp-echo-failure 4\nrefuse-eap\n",
        at.label
    );
    if let Some(auth) = profile.text("auth") {
        let others = PROOFS.iter().filter(|(word, _)| *word != auth);
        text.extend(others.map(|(_, refuse)| format!("{refuse}\n")));
    }
    text.extend(more.iter().map(|line| format!("{line}\n")));
    for (key, value) in [
        ("user", profile.user.as_str()),
        ("password", profile.password.reveal()),
    ] {
        value::needed(profile, key, value)?;
        if value.len() > value::PPP_LONGEST {
            let why = format!(
                "is longer than {} bytes, which pppd cuts off",
                value::PPP_LONGEST
            );
            return Err(value::refused(profile, key, &why));
        }
        text.push_str(&format!("{key} {}\n", value::quoted(profile, key, value)?));
    }
    Ok(Secret::new(text))
}

/// Texts of pppd 2.4.9 and 2.5, and what they mean. The first that is found counts.
#[rustfmt::skip]
const FAILURES: &[Meaning] = &[
    (&["CHAP authentication failed", "PAP authentication failed", "authentication failed: E=691"],
        "auth", "its server refuses the user name or the password"),
    (&["peer refused to authenticate", "No auth is possible", "refused to authenticate ourselves"],
        "auth", "its server asks for another proof of the password (see `auth`)"),
    (&["MPPE required", "MPPE disabled"], "proposal", "its server does not encrypt (see `mppe`)"),
    (&["lacks kernel support for PPP", "Couldn't open the /dev/ppp device", "/dev/ppp"], "config", "this machine's kernel has no PPP"),
    (&["Could not determine local IP address", "IPCP: timeout", "Could not determine remote IP address"],
        "config", "its server has no address for us"),
    (&["LCP: timeout sending Config-Requests"], "gateway", "its server does not answer to PPP"),
];

/// Why an interface did not come up, by the end of the log; `None` while nothing is known.
pub fn failure(log: &str) -> Option<State> {
    words::meaning(FAILURES, log)
}

#[cfg(test)]
mod tests;
