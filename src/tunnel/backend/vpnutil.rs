//! VPN services of macOS by `vpnutil`, which knows those of every type, IKEv2 too. Passwords stay in the
//! Keychain. There was no Mac to try it on: the formats are those that vpnutil's published source prints, JSON
//! for `list` today, lines `NAME STATE` in its first releases.

use serde_json::Value;

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;

use super::Backend;
use super::value::{service, shared_service};
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

/// The backend `vpnutil`.
pub struct VpnUtil;

impl Backend for VpnUtil {
    fn name(&self) -> &'static str {
        "vpnutil"
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        Needs {
            tools: vec![("vpnutil", "timac/vpnstatus/vpnutil")],
            ..Needs::default()
        }
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let name = shared_service(profile, at)?;
        let step = |verb| Step::new(["vpnutil", verb, name]).as_self();
        Ok(Plan {
            up: vec![step("start")],
            status: list(),
            down: vec![step("stop").may_fail()],
            routing: Routing::Service,
        })
    }

    fn read(&self, profile: &Tunnel, _at: &At, answer: &Output) -> State {
        let text = String::from_utf8_lossy(&answer.stdout);
        let services = services(&text);
        let name = service(profile).unwrap_or_default();
        match services.iter().find(|(known, _)| known == name) {
            Some((_, state)) => meaning(state, Facts::default),
            None => unknown(name, services.iter().map(|(name, _)| &name[..])),
        }
    }

    fn elsewhere(&self, _profile: &Tunnel, _at: &At) -> Option<Step> {
        Some(list())
    }

    fn is_elsewhere(&self, profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        match self.read(profile, at, answer) {
            State::Up(facts) => Some(facts),
            _ => None,
        }
    }
}

/// `vpnutil status NAME` says less: a name that is not there ends well and says nothing.
fn list() -> Step {
    Step::new(["vpnutil", "list"]).as_self()
}

/// Names and states, of either format.
fn services(text: &str) -> Vec<(String, String)> {
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        let all = json["VPNs"].as_array().into_iter().flatten();
        let both = all.filter_map(|vpn| Some((vpn["name"].as_str()?, vpn["status"].as_str()?)));
        return both
            .map(|(name, state)| (name.to_owned(), state.to_owned()))
            .collect();
    }
    let lines = text
        .lines()
        .filter_map(|line| line.trim_end().rsplit_once(' '));
    lines
        .map(|(name, state)| (name.to_owned(), state.to_owned()))
        .collect()
}

/// What a state of macOS means (`SCNetworkConnectionStatus`).
pub fn meaning(state: &str, facts: impl FnOnce() -> Facts) -> State {
    match state {
        "Connected" => State::Up(facts()),
        "Connecting" => State::Coming,
        "Invalid" => State::failed("config", "macOS calls the service invalid"),
        _ => State::Down,
    }
}

/// A service that is not there.
pub fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> State {
    let known: Vec<&str> = known.take(20).collect();
    let message = match known.is_empty() {
        true => format!("macOS has no VPN service `{name}`, and no other"),
        false => format!(
            "macOS has no VPN service `{name}`; it has: {}",
            known.join(", ")
        ),
    };
    State::failed("config", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{answer, at, golden, keeps_secrets, profile, shown};
    use super::*;
    use crate::inventory::TunnelKind;

    const JSON: &str = r#"{
  "VPNs" : [
    { "name" : "office", "status" : "Connected" },
    { "name" : "Of \"fice\" 2", "status" : "Disconnected" },
    { "name" : "third", "status" : "Connecting" }
  ]
}
"#;
    const LINES: &str = "office Connected\nOf \"fice\" 2 Disconnected\nthird Connecting\n";

    fn state(service: &str, text: &str) -> State {
        let of = profile(TunnelKind::Ikev2, &[("service", service)]);
        VpnUtil.read(&of, &at(500), &answer(text))
    }

    #[test]
    fn plans() {
        let of = profile(TunnelKind::Ikev2, &[("service", "Of \"fice\" 2")]);
        let plan = VpnUtil.plan(&of, &at(500)).unwrap();
        golden("vpnutil.txt", &shown(&plan));
        keeps_secrets(&plan, &["s3cret"]);
        let mut of = profile(TunnelKind::Ikev2, &[]);
        of.name = "-x".to_owned();
        assert!(VpnUtil.plan(&of, &at(500)).is_err());
    }

    #[test]
    fn both_formats() {
        for text in [JSON, LINES] {
            assert!(matches!(state("office", text), State::Up(_)));
            assert_eq!(state("Of \"fice\" 2", text), State::Down);
            assert_eq!(state("third", text), State::Coming);
            let State::Failed { reason, message } = state("fourth", text) else {
                panic!("{text}");
            };
            assert_eq!(reason, "config");
            assert!(
                message.contains("`fourth`; it has: office, Of \"fice\" 2, third"),
                "{message}"
            );
            let of = profile(TunnelKind::Ikev2, &[("service", "third")]);
            assert_eq!(VpnUtil.is_elsewhere(&of, &at(500), &answer(text)), None);
        }
        assert!(matches!(state("office", "{}\n"), State::Failed { .. }));
        assert!(matches!(
            state("office", "office Invalid\n"),
            State::Failed { .. }
        ));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in any::<String>(), json in "[\\[\\]{}\":, a-zA-Z]{0,60}") {
            for text in [text, json.clone(), format!("{{\"VPNs\":{json}}}")] {
                let _ = state("office", &text);
            }
        }
    }
}
