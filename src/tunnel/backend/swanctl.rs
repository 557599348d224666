//! IKEv2, and Cisco's IPsec (IKEv1 with XAuth), by strongSwan. Each tunnel has an IPsec daemon of its own
//! ([`daemon`]), so that the system's strongSwan is neither needed nor changed; `swanctl` gives it
//! its one connection ([`config`]) and tells how it is ([`parse`]). Pure, as all backends are.

mod config;
pub(super) mod daemon;
mod parse;
mod settings;

use std::time::Duration;

use crate::error::Result;
use crate::inventory::{Tunnel, TunnelKind};
use crate::output::Output;
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

use super::Backend;

/// The port of IKE.
const OUTER_PORT: u16 = 500;
/// How long a tunnel may take unless its profile says another, in seconds.
const TIMEOUT: u32 = 30;

/// IPsec by strongSwan.
pub struct Swanctl;

impl Backend for Swanctl {
    fn name(&self) -> &'static str {
        "swanctl"
    }

    fn needs(&self, profile: &Tunnel) -> Needs {
        let mut needs = daemon::needs();
        match profile.kind {
            TunnelKind::CiscoIpsec => needs.files.push(daemon::plugin!(
                "xauth-generic",
                "libcharon-extauth-plugins"
            )),
            _ if profile
                .text("auth")
                .is_none_or(|auth| auth == "eap-mschapv2")
                && !profile.user.is_empty() =>
            {
                needs
                    .files
                    .push(daemon::plugin!("eap-mschapv2", "libcharon-extauth-plugins"));
                needs
                    .files
                    .push(daemon::plugin!("eap-identity", "libcharon-extra-plugins"));
            }
            _ => {}
        }
        needs
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let mut up = daemon::up(profile, at)?;
        up.extend(daemon::initiate(profile, at));
        Ok(Plan {
            up,
            status: daemon::sas(at),
            down: vec![daemon::stop(at)],
            routing: Routing::Own,
        })
    }

    fn read(&self, profile: &Tunnel, at: &At, answer: &Output) -> State {
        let wanted = config::children(profile, at).len();
        let text = String::from_utf8_lossy(&answer.stdout);
        let mut found = parse::sas(&text);
        found.retain(|sa| sa.name == at.label);
        // While one follows another there are two.
        match found.iter().find(|sa| sa.carrying().count() >= wanted) {
            Some(sa) => State::Up(sa.facts()),
            None if found.is_empty() => State::Down,
            None => State::Coming,
        }
    }

    fn failure(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> Option<State> {
        daemon::failure(answer)
    }

    fn elsewhere(&self, _profile: &Tunnel, at: &At) -> Option<Step> {
        // Whatever the system has up is not up in a namespace of ours.
        let ask = Step::new(["swanctl", "--list-sas", "--pretty"]);
        at.namespace.is_none().then(|| ask.may_fail())
    }

    fn is_elsewhere(&self, _profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        let text = String::from_utf8_lossy(&answer.stdout);
        let same =
            |sa: &parse::Sa| sa.remote_host == Some(at.gateway.ip()) && sa.covers(&at.ranges);
        Some(parse::sas(&text).iter().find(|sa| same(sa))?.facts())
    }
}

/// How long the whole may take.
pub(super) fn patience(profile: &Tunnel) -> Duration {
    Duration::from_secs(profile.number("timeout").unwrap_or(TIMEOUT).into())
}

#[cfg(test)]
mod tests;
