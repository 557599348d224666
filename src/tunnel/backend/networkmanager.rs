//! Connections that were made in NetworkManager, by their names there. They have their routes and mostly
//! their secrets from there; one that is active already stays so. Answers are those of nmcli 1.42.

use std::time::Duration;

use crate::error::Result;
use crate::inventory::{Tunnel, TunnelKind};
use crate::output::Output;
use crate::secret::Secret;

use super::Backend;
use super::value::{plain, service, shared_service};
use super::words::{self, Meaning};
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

/// What is asked of a connection.
const FIELDS: &str = "GENERAL.STATE,GENERAL.DEVICES,GENERAL.IP-IFACE,IP4.ADDRESS,IP6.ADDRESS";

/// Texts of nmcli, the reason, our words.
#[rustfmt::skip]
const FAULTS: &[Meaning] = &[
    (&["Secrets were required"], "auth", "NetworkManager has no password for the connection, and the profile's does not fit"),
    (&["No valid secrets"], "auth", "NetworkManager has no password for the connection, and the profile's does not fit"),
    (&["Invalid secrets"], "auth", "the gateway refused the user or the password"),
    (&["not given in 'passwd-file'"], "auth", "the connection wants a secret that is not the profile's password"),
    (&["attempt timed out"], "gateway", "the gateway does not answer"),
    (&["did not start in time"], "gateway", "the gateway does not answer"),
    (&["VPN service stopped"], "gateway", "NetworkManager's VPN service stopped: its journal tells why"),
    (&["VPN service failed"], "missing", "NetworkManager has no plugin for this type of VPN, or it failed"),
    (&["plugin was not installed"], "missing", "NetworkManager has no plugin for this type of VPN"),
    (&["Not authorized"], "rights", "this user may not control NetworkManager"),
    (&["unknown connection"], "config", "NetworkManager has no connection of that name"),
    (&["no such connection"], "config", "NetworkManager has no connection of that name"),
    (&["source connection"], "gateway", "this machine has no connection for the VPN to go over"),
    (&["NetworkManager is not running"], "missing", "NetworkManager does not run"),
    (&["create NMClient"], "missing", "NetworkManager does not run"),
];

/// The backend `networkmanager`.
pub struct NetworkManager;

impl Backend for NetworkManager {
    fn name(&self) -> &'static str {
        "networkmanager"
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        Needs {
            tools: vec![("nmcli", "network-manager")],
            modules: vec![],
            files: vec![(&["/run/NetworkManager"], "network-manager")],
            root: false,
        }
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let name = shared_service(profile, at)?;
        let wait = profile.number("timeout").unwrap_or(30);
        let up = [
            "nmcli",
            "--wait",
            &wait.to_string(),
            "connection",
            "up",
            "id",
            name,
            "passwd-file",
            "/dev/stdin",
        ];
        let up = Step::new(up)
            .stdin(secrets(profile)?)
            .as_self()
            .patience(Duration::from_secs(u64::from(wait) + 5));
        let down = ["nmcli", "connection", "down", "id", name];
        Ok(Plan {
            up: vec![up],
            status: show(name),
            down: vec![Step::new(down).as_self().may_fail()],
            routing: Routing::Service,
        })
    }

    fn read(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> State {
        if !answer.is_success() {
            return fault(answer).unwrap_or(State::Down);
        }
        let text = String::from_utf8_lossy(&answer.stdout);
        match value(&text, "GENERAL.STATE") {
            Some("activated") => State::Up(facts(&text)),
            Some("activating") => State::Coming,
            _ => State::Down,
        }
    }

    fn failure(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> Option<State> {
        fault(answer).or_else(|| {
            let said = String::from_utf8_lossy(&answer.stderr);
            let said = said.lines().find_map(|line| line.strip_prefix("Error: "))?;
            let message = format!("NetworkManager: {}", words::last_words(said)?);
            Some(State::failed("gateway", message))
        })
    }

    fn elsewhere(&self, profile: &Tunnel, _at: &At) -> Option<Step> {
        service(profile).ok().map(show)
    }

    fn is_elsewhere(&self, profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        match self.read(profile, at, answer) {
            State::Up(facts) => Some(facts),
            _ => None,
        }
    }
}

fn show(name: &str) -> Step {
    Step::new([
        "nmcli",
        "-t",
        "-f",
        FIELDS,
        "connection",
        "show",
        "id",
        name,
    ])
    .as_self()
}

/// The `passwd-file`: each line `SETTING.PROPERTY:SECRET`, where blanks around the secret are taken off and
/// `\` begins an escape. Every byte that is no letter or digit is written as one, in octal.
fn secrets(profile: &Tunnel) -> Result<Secret> {
    let password = profile.password.reveal();
    if password.is_empty() {
        return Ok(Secret::new(""));
    }
    let setting = match profile.kind {
        TunnelKind::WireGuard => "wireguard.private-key",
        _ => "vpn.secrets.password",
    };
    let escaped: String = plain(profile, "password", password)?
        .bytes()
        .map(octal)
        .collect();
    Ok(Secret::new(format!("{setting}:{escaped}\n")))
}

fn octal(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("\\{byte:03o}"),
    }
}

/// The value of a line `FIELD:VALUE` or `FIELD[1]:VALUE`. Of one connection nmcli prints values as they are.
fn value<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(name, _)| name.split('[').next() == Some(field))?;
    Some(found.1).filter(|value| !value.is_empty())
}

fn facts(text: &str) -> Facts {
    let address = value(text, "IP4.ADDRESS").or(value(text, "IP6.ADDRESS"));
    let interface = value(text, "GENERAL.IP-IFACE").or(value(text, "GENERAL.DEVICES"));
    Facts {
        address: address.and_then(|range| range.split('/').next()?.parse().ok()),
        interface: interface.map(str::to_owned),
        received: None,
        sent: None,
    }
}

fn fault(answer: &Output) -> Option<State> {
    words::meaning(FAULTS, &String::from_utf8_lossy(&answer.stderr))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{answer, at, failed, golden, keeps_secrets, profile, shown};
    use super::*;

    fn office() -> Tunnel {
        let mut of = profile(
            TunnelKind::Ikev2,
            &[("service", "Of:fice \"x\""), ("timeout", "60")],
        );
        of.password = Secret::new(r#" s3 "c\r:#ü"#);
        of
    }

    #[test]
    fn plans() {
        let plan = NetworkManager.plan(&office(), &at(500)).unwrap();
        golden("networkmanager.txt", &shown(&plan));
        keeps_secrets(&plan, &["s3"]);
        assert!(plan.up.iter().chain(&plan.down).all(|step| step.as_self));
        let mut of = profile(TunnelKind::WireGuard, &[]);
        of.password = Secret::new("");
        let plan = NetworkManager.plan(&of, &at(500)).unwrap();
        assert_eq!(plan.up[0].stdin.as_ref().unwrap().reveal(), "");
        assert!(plan.up[0].argv.contains(&"office".to_owned()));
    }

    #[test]
    fn names_and_passwords_that_do_not_fit() {
        for (name, password, field) in [
            ("-x", "p", "`service`"),
            ("a\nb", "p", "`service`"),
            ("x", "a\nvpn.secrets.other:b", "`password`"),
        ] {
            let mut of = profile(TunnelKind::Ikev2, &[]);
            (of.name, of.password) = (name.to_owned(), Secret::new(password));
            let error = NetworkManager.plan(&of, &at(500)).unwrap_err();
            assert!(error.message().contains(field), "{error}");
        }
    }

    #[test]
    fn answers() {
        let state = |text: &str| NetworkManager.read(&office(), &at(500), &answer(text));
        let up = "GENERAL.STATE:activated\nGENERAL.DEVICES:wlan0\nGENERAL.IP-IFACE:tun0\n\
                  IP4.ADDRESS[1]:10.9.9.2/24\nIP4.ADDRESS[2]:10.9.9.3/24\n";
        let State::Up(facts) = state(up) else {
            panic!("{:?}", state(up));
        };
        assert_eq!(facts.address, Some("10.9.9.2".parse().unwrap()));
        assert_eq!(facts.interface.as_deref(), Some("tun0"));
        assert!(
            NetworkManager
                .is_elsewhere(&office(), &at(500), &answer(up))
                .is_some()
        );
        assert_eq!(state("GENERAL.STATE:activating\n"), State::Coming);
        assert_eq!(state("GENERAL.STATE:deactivating\n"), State::Down);
        assert_eq!(state(""), State::Down);
        assert_eq!(
            NetworkManager.is_elsewhere(&office(), &at(500), &answer("")),
            None
        );
    }

    #[test]
    fn what_went_wrong() {
        for (said, expected) in [
            ("Error: unknown connection 'nosuch'.", "config"),
            ("Error: nosuch - no such connection profile.", "config"),
            (
                "Error: Connection activation failed: Could not find source connection.",
                "gateway",
            ),
            (
                "Error: Could not create NMClient object: Could not connect: Connection refused.",
                "missing",
            ),
            (
                "Error: Connection activation failed: No valid secrets",
                "auth",
            ),
            (
                "Error: Connection activation failed: something new",
                "gateway",
            ),
        ] {
            let state = NetworkManager.failure(&office(), &at(500), &failed(said));
            let Some(State::Failed { reason, message }) = state else {
                panic!("{said}");
            };
            assert_eq!(reason, expected, "{said}: {message}");
        }
        assert_eq!(
            NetworkManager.failure(&office(), &at(500), &failed("killed")),
            None
        );
    }

    proptest! {
        #[test]
        fn a_password_is_one_line_of_letters(password in any::<String>()) {
            let mut of = office();
            of.password = Secret::new(password.clone());
            if let Ok(text) = secrets(&of) {
                let text = text.reveal().to_owned();
                prop_assert_eq!(text.lines().count(), usize::from(!password.is_empty()));
                let value = text.trim_end().split_once(':').map_or("", |(_, value)| value);
                prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'\\'));
            }
        }

        #[test]
        fn no_answer_makes_it_panic(text in any::<String>()) {
            let _ = NetworkManager.read(&office(), &at(500), &answer(&text));
            let _ = NetworkManager.failure(&office(), &at(500), &failed(&text));
        }
    }
}
