//! Cisco's IPsec by vpnc: aggressive mode with a group, in one program that needs nothing of the kernel but a
//! TUN device. The second choice: its algorithms are old. Its file takes the rest of a line as it is,
//! so a value that a line cannot carry is refused. Pure.

use std::time::Duration;

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;
use crate::secret::Secret;
use crate::tunnel::plan::{At, Needs, Plan, Routing, State, Step};

use super::words::{self, Meaning};
use super::{Backend, look, value};

/// The port of IKE, the only one that vpnc knows.
const PORT: u16 = 500;
/// How long it may take unless the profile says another, in seconds.
const TIMEOUT: u32 = 30;

/// Gives the interface its address and nothing else: vpnc's own script would take the default route and the
/// name servers. What it reads are names and addresses that vpnc itself has written.
const SCRIPT: &str = r#"[ "$reason" = connect ] || exit 0
ip link set dev "$TUNDEV" up mtu "${MTU:-${INTERNAL_IP4_MTU:-1390}}"
ip address add "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
"#;

/// What vpnc calls the groups of Diffie and Hellman.
const GROUPS: &[(&str, &str)] = &[
    ("modp768", "dh1"),
    ("modp1024", "dh2"),
    ("modp1536", "dh5"),
    ("modp2048", "dh14"),
    ("modp3072", "dh15"),
    ("modp4096", "dh16"),
    ("modp6144", "dh17"),
    ("modp8192", "dh18"),
];

/// Cisco's IPsec by vpnc.
pub struct Vpnc;

impl Backend for Vpnc {
    fn name(&self) -> &'static str {
        "vpnc"
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        Needs {
            tools: vec![("vpnc", "vpnc"), ("ip", "iproute2")],
            files: vec![(&["/dev/net/tun"], "")],
            root: true,
            ..Needs::default()
        }
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let file = |name: &str| at.folder.join(name).display().to_string();
        let patience = Duration::from_secs(profile.number("timeout").unwrap_or(TIMEOUT).into());
        Ok(Plan {
            up: vec![
                look::end(at, "vpnc"),
                Step::file(file("script"), Secret::new(script(profile))),
                Step::file(file("vpnc.conf"), config(profile, at)?),
                // With the whole path: a bare name would be looked for in /etc/vpnc.
                Step::new(["vpnc", &file("vpnc.conf")]).patience(patience),
            ],
            status: look::look(at, "vpnc"),
            down: vec![look::end(at, "vpnc")],
            routing: Routing::Interface(at.label.clone()),
        })
    }

    fn read(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> State {
        let look = look::Look::read(answer);
        match (look.running, look.facts) {
            (false, _) => State::Down,
            (true, None) => State::Coming,
            (true, Some(facts)) => State::Up(facts),
        }
    }

    fn failure(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> Option<State> {
        words::meaning(FAILURES, &words::said(answer))
    }
}

/// What vpnc says when it does not come up, and what that means. The first that is found counts.
#[rustfmt::skip]
const FAILURES: &[Meaning] = &[
    (&["authentication unsuccessful"], "auth", "its server refuses the user name or the password"),
    (&["hash comparison failed", "check group password"], "auth", "its server has another pre-shared key"),
    (&["NO_PROPOSAL_CHOSEN", "BAD_PROPOSAL"], "proposal", "its server accepts none of the algorithms (see `proposals` and `esp_proposals`)"),
    (&["no response from target", "receiving packet: "], "gateway", "its server does not answer"),
    (&["response was invalid", "quick mode response rejected"], "auth", "its server refuses us: the group or the pre-shared key"),
    (&["can't open tun device", "tun/tap", "can't initialise tunnel interface"], "config", "this machine makes no TUN device"),
];

fn script(profile: &Tunnel) -> String {
    let mtu = profile.number("mtu").map(|mtu| format!("MTU={mtu}\n"));
    format!("{}{SCRIPT}", mtu.unwrap_or_default())
}

/// A value for the rest of a line. vpnc drops blanks at its ends.
fn line<'a>(profile: &Tunnel, field: &str, value: &'a str) -> Result<&'a str> {
    let value = value::needed(profile, field, value)?;
    match value.trim() == value {
        true => Ok(value),
        false => Err(value::refused(
            profile,
            field,
            "begins or ends with a blank, which vpnc drops",
        )),
    }
}

fn config(profile: &Tunnel, at: &At) -> Result<Secret> {
    if profile.text("mode") == Some("main") {
        return Err(value::refused(
            profile,
            "mode",
            "is `main`, which vpnc does not know",
        ));
    }
    if at.gateway.is_ipv6() || at.gateway.port() != PORT {
        let why = format!("is not an IPv4 address with port {PORT}, the only ones that vpnc knows");
        return Err(value::refused(profile, "server", &why));
    }
    let psk = profile.field("psk").map_or("", |psk| psk.reveal());
    let gateway = at.gateway.ip().to_string();
    let path = |name: &str| at.folder.join(name).display().to_string();
    let idle = match profile.number("keepalive") {
        None => 15,
        Some(0) => 0,
        // Less is refused.
        Some(seconds) => seconds.max(10),
    };
    let mut lines = vec![
        ("IPSec gateway", gateway),
        (
            "IPSec ID",
            line(profile, "group", profile.text("group").unwrap_or_default())?.to_owned(),
        ),
        ("IPSec secret", line(profile, "psk", psk)?.to_owned()),
        (
            "Xauth username",
            line(profile, "user", &profile.user)?.to_owned(),
        ),
        (
            "Xauth password",
            line(profile, "password", profile.password.reveal())?.to_owned(),
        ),
        // Another IPsec may have the usual one.
        ("Local Port", "0".to_owned()),
        ("Interface name", at.label.clone()),
        ("Script", format!("sh {}", path("script"))),
        ("Pidfile", path("pid")),
        ("DPD idle timeout (our side)", idle.to_string()),
    ];
    if let Some(domain) = profile.text("domain") {
        lines.push(("Domain", line(profile, "domain", domain)?.to_owned()));
    }
    let mut flags = vec!["Noninteractive"];
    for (field, option) in [
        ("proposals", "IKE DH Group"),
        ("esp_proposals", "Perfect Forward Secrecy"),
    ] {
        let words: Vec<_> = profile
            .list(field)
            .into_iter()
            .flat_map(|p| p.split('-'))
            .collect();
        if let Some(modp) = words.iter().find(|word| !word.is_empty() && is_group(word)) {
            let known = GROUPS.iter().find(|(name, _)| name == modp);
            let why = "has a group that vpnc does not know (modp768 to modp8192 are)";
            let (_, group) = known.ok_or_else(|| value::refused(profile, field, why))?;
            lines.push((option, (*group).to_owned()));
        }
        if words.iter().any(|word| ["des", "3des"].contains(word)) {
            flags.push("Enable weak encryption");
        }
        if words.contains(&"md5") {
            flags.push("Enable weak authentication");
        }
    }
    let mut text: String = lines
        .iter()
        .map(|(key, value)| format!("{key} {value}\n"))
        .collect();
    flags.dedup();
    text.extend(flags.iter().map(|flag| format!("{flag}\n")));
    Ok(Secret::new(text))
}

/// Whether a word of a proposal names a group of Diffie and Hellman.
fn is_group(word: &str) -> bool {
    ["modp", "ecp", "curve"]
        .iter()
        .any(|kind| word.starts_with(kind))
}

#[cfg(test)]
mod tests;
