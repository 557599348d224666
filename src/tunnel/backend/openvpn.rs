//! OpenVPN: the program `openvpn`, one process for each tunnel, with a configuration of ours.

mod config;

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;
use crate::secret::Secret;

use super::look::{Look, end, look};
use super::value::{lacking, needed, plain};
use super::words::{self, Meaning, ended};
use super::{Backend, processes};
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

/// What the log says when the tunnel is there.
const DONE: &str = "Initialization Sequence Completed";

/// What the log says when it begins anew.
const AGAIN: [&str; 3] = ["SIGUSR1[", "SIGHUP[", "Restart pause"];

/// What ends an attempt for good: a text of OpenVPN (2.4 to 2.6), the reason, our words.
#[rustfmt::skip]
const FAULTS: &[Meaning] = &[
    (&["channel cipher negotiation failed"], "proposal", "no cipher that both sides allow"),
    (&["AUTH_FAILED,CRV1"], "auth", "the gateway asks for a one-time code, which a profile does not hold"),
    (&["AUTH_FAILED"], "auth", "the gateway refused the user or the password"),
    (&["auth-failure"], "auth", "the gateway refused the user or the password"),
    (&["VERIFY ERROR"], "auth", "the gateway's certificate does not come from the profile's `ca`, or is not valid now"),
    (&["VERIFY KU ERROR"], "auth", "the gateway's certificate is not one for a server"),
    (&["VERIFY EKU ERROR"], "auth", "the gateway's certificate is not one for a server"),
    (&["VERIFY X509NAME ERROR"], "auth", "the gateway's certificate has another name"),
    (&["alert unknown ca"], "auth", "the gateway does not know who signed our certificate"),
    (&["alert certificate"], "auth", "the gateway refused our certificate"),
    (&["alert bad certificate"], "auth", "the gateway refused our certificate"),
    (&["peer did not return a certificate"], "auth", "the gateway asks for a certificate: the profile has no `cert` and `key`"),
    (&["failed to negotiate cipher"], "proposal", "no cipher that both sides allow"),
    (&["no shared cipher"], "proposal", "no cipher that both sides allow"),
    (&["alert handshake failure"], "proposal", "no cipher that both sides allow"),
    (&["unsupported protocol"], "proposal", "no version of TLS that both sides allow"),
    (&["Connection refused"], "gateway", "the gateway refused: nothing listens on that port"),
    (&["No route to host"], "gateway", "there is no way to the gateway"),
    (&["Network is unreachable"], "gateway", "there is no way to the gateway"),
    (&["Cannot open TUN/TAP dev"], "missing", "this machine has no /dev/net/tun"),
    (&["Cannot ioctl TUNSETIFF"], "rights", "openvpn may not make an interface: it is not root, or the name is taken"),
    (&["Cannot load"], "config", "openvpn cannot read a key or certificate of the profile"),
    (&["private key does not match"], "config", "the profile's `key` is not that of its `cert`"),
    (&["Private key does not match"], "config", "the profile's `key` is not that of its `cert`"),
    (&["Options error"], "config", "openvpn does not take the configuration"),
];

/// The backend `openvpn`.
pub struct OpenVpn;

impl Backend for OpenVpn {
    fn name(&self) -> &'static str {
        "openvpn"
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        Needs {
            tools: vec![("openvpn", "openvpn"), ("ip", "iproute2")],
            modules: vec![],
            files: vec![(&["/dev/net/tun"], "")],
            root: true,
        }
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let file = |name: &str| at.folder.join(name).display().to_string();
        let asks = config::Given::read(profile)?;
        let mut up = Vec::new();
        if asks.login || !profile.user.is_empty() {
            let user = needed(profile, "user", &profile.user)?;
            let password = profile.password.reveal();
            if password.is_empty() {
                return Err(lacking(profile, "password"));
            }
            let password = plain(profile, "password", password)?;
            let login = Secret::new(format!("{user}\n{password}\n"));
            up.push(Step::file(file("login"), login));
        }
        let text = config::text(profile, at, &asks, !up.is_empty())?;
        up.push(Step::file(file("config"), Secret::new(text)));
        up.push(Step::new(["openvpn", "--config", &file("config")]));
        Ok(Plan {
            up,
            status: look(at, "openvpn"),
            down: vec![end(at, "openvpn")],
            routing: Routing::Interface(at.label.clone()),
        })
    }

    fn read(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> State {
        let look = Look::read(answer);
        let after = |text: &str| look.log.rfind(text);
        let done = after(DONE);
        let again = AGAIN.iter().filter_map(|text| after(text)).max();
        // What went wrong before it was up, or before it began anew, is that attempt's to show again.
        let since = &look.log[done.unwrap_or(0)..];
        if !look.running {
            return match fault(since) {
                Some(state) => state,
                None if look.log.is_empty() => State::Down,
                None if done.is_some() => ended("openvpn", "dropped", since),
                None => ended("openvpn", "config", since),
            };
        }
        match (look.facts, done, again) {
            (Some(facts), Some(done), again) if again < Some(done) => State::Up(facts),
            // A log of days, whose end tells of neither: nothing has happened since.
            (Some(facts), None, None) if look.log.len() > 10_000 => State::Up(facts),
            _ => fault(since).unwrap_or(State::Coming),
        }
    }

    fn failure(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> Option<State> {
        let said = words::said(answer);
        let state = fault(&said)?;
        let State::Failed { reason, message } = state else {
            return None;
        };
        // Options errors name the option; the file's own text is not in them.
        let line = said.lines().find(|line| line.contains("Options error"));
        let message = match line {
            Some(line) => format!("{message}: {}", words::last_words(line).unwrap_or_default()),
            None => message,
        };
        Some(State::failed(reason, message))
    }

    fn elsewhere(&self, _profile: &Tunnel, at: &At) -> Option<Step> {
        Some(processes::ask("openvpn", at))
    }

    fn is_elsewhere(&self, profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        processes::carries(profile, at, answer, &["tun", "ovpn-dco"])
    }
}

/// The first fault that the log tells of.
fn fault(log: &str) -> Option<State> {
    log.lines().find_map(|line| words::meaning(FAULTS, line))
}

#[cfg(test)]
mod tests;
