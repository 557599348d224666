//! VPN services of macOS by its own `scutil --nc`, for machines without vpnutil. Passwords stay in the
//! Keychain: scutil takes them on its command line only, which we do not do. There was no Mac to try it on:
//! the formats are those of published transcripts, macOS 10.13 to 15.

use serde_json::{Map, Value};

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;

use super::Backend;
use super::value::{service, shared_service};
use super::vpnutil::{meaning, unknown};
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

/// The state of a service, then all services. `$1` is the name.
const LOOK: &str = r#"scutil --nc status "$1"; echo; scutil --nc list"#;

/// Why PPP ended, as pppd's exit code says it: the other side refused the login.
const REFUSED: u64 = 19;

/// How deep what scutil prints may be nested.
const DEEPEST: usize = 16;

/// The backend `scutil`.
pub struct ScUtil;

impl Backend for ScUtil {
    fn name(&self) -> &'static str {
        "scutil"
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        Needs {
            tools: vec![("scutil", "macOS")],
            ..Needs::default()
        }
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let name = shared_service(profile, at)?;
        let step = |verb| Step::new(["scutil", "--nc", verb, name]).as_self();
        Ok(Plan {
            up: vec![step("start")],
            status: look(name),
            down: vec![step("stop").may_fail()],
            routing: Routing::Service,
        })
    }

    fn read(&self, profile: &Tunnel, _at: &At, answer: &Output) -> State {
        let text = String::from_utf8_lossy(&answer.stdout);
        let state = text.lines().next().unwrap_or("").trim();
        if state == "No service" {
            let name = service(profile).unwrap_or_default();
            return unknown(name, services(&text));
        }
        let more = dictionary(&text);
        if state == "Disconnected" && more["PPP"]["LastCause"] == REFUSED {
            let message = "the gateway refused the user or the password of the Keychain";
            return State::failed("auth", message);
        }
        meaning(state, || facts(&more))
    }

    fn elsewhere(&self, profile: &Tunnel, _at: &At) -> Option<Step> {
        service(profile).ok().map(look)
    }

    fn is_elsewhere(&self, profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        match self.read(profile, at, answer) {
            State::Up(facts) => Some(facts),
            _ => None,
        }
    }
}

fn look(name: &str) -> Step {
    Step::new(["sh", "-c", LOOK, "sh", name]).as_self()
}

/// The names of `scutil --nc list`: `* (Disconnected)   UUID PPP --> L2TP   "NAME"   [PPP:L2TP]`.
fn services(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.trim_start_matches(['*', ' ']);
        rest.strip_prefix('(')?;
        let (_, named) = rest.split_once('"')?;
        named.rsplit_once('"').map(|(name, _)| name)
    })
}

fn facts(more: &Value) -> Facts {
    let of = &more["IPv4"];
    let address = of["Addresses"]["0"].as_str();
    Facts {
        address: address.and_then(|address| address.parse().ok()),
        interface: of["InterfaceName"].as_str().map(str::to_owned),
        received: None,
        sent: None,
    }
}

/// What scutil prints below `Extended Status <dictionary> {`: lines `KEY : VALUE`, with dictionaries and
/// arrays in one another. An array becomes an object with its numbers as keys.
fn dictionary(text: &str) -> Value {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("Extended Status <dictionary>"));
    match lines.next() {
        Some(_) => inside(&mut lines, 0),
        None => Value::Null,
    }
}

fn inside<'a>(lines: &mut impl Iterator<Item = &'a str>, depth: usize) -> Value {
    let mut map = Map::new();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line == "}" {
            break;
        }
        let Some((key, value)) = line.split_once(" : ") else {
            continue;
        };
        let nested = value.ends_with('{')
            && (value.starts_with("<dictionary>") || value.starts_with("<array>"));
        let value = match (nested, value.parse::<u64>()) {
            (true, _) if depth < DEEPEST => inside(lines, depth + 1),
            (true, _) => break,
            (false, Ok(number)) => number.into(),
            (false, Err(_)) => value.into(),
        };
        map.insert(key.to_owned(), value);
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{answer, at, golden, keeps_secrets, profile, shown};
    use super::*;
    use crate::inventory::TunnelKind;

    const LIST: &str = r#"
Available network connection services in the current set (*=enabled):
* (Disconnected)   F866AE22-4EC1-4524-8769-86A290A0C582 VPN (com.wireguard.macos) "home wg"       [VPN:com.wireguard.macos]
* (Connected)      940C2D07-8CF4-492C-A7DE-DD50C337149F PPP --> L2TP       "office"                         [PPP:L2TP]
  (Disconnected)   11111111-2222-3333-4444-555555555555 IPSec "a "quoted" one"                              [IPSec]
"#;

    const UP: &str = "Connected
Extended Status <dictionary> {
  IPv4 : <dictionary> {
    Addresses : <array> {
      0 : 10.77.1.4
    }
    DestAddresses : <array> {
      0 : 203.0.113.9
    }
    ExcludedRoutes : <array> {
      0 : <dictionary> {
        DestinationAddress : 10.0.0.0
        InterfaceName : en0
      }
    }
    InterfaceName : ppp0
    Router : 203.0.113.9
  }
  PPP : <dictionary> {
    ConnectTime : 213787
    Status : 8
  }
  Status : 2
}
";

    fn state(text: &str) -> State {
        let of = profile(TunnelKind::L2tpIpsec, &[]);
        ScUtil.read(&of, &at(500), &answer(&format!("{text}{LIST}")))
    }

    #[test]
    fn plans() {
        let of = profile(TunnelKind::L2tpIpsec, &[("service", "Of \"fice\" $2")]);
        let plan = ScUtil.plan(&of, &at(500)).unwrap();
        golden("scutil.txt", &shown(&plan));
        keeps_secrets(&plan, &["s3cret"]);
        let mut of = profile(TunnelKind::L2tpIpsec, &[]);
        of.name = "--nc".to_owned();
        assert!(ScUtil.plan(&of, &at(500)).is_err());
    }

    #[test]
    fn states() {
        let State::Up(facts) = state(UP) else {
            panic!("{:?}", state(UP));
        };
        assert_eq!(facts.address, Some("10.77.1.4".parse().unwrap()));
        assert_eq!(facts.interface.as_deref(), Some("ppp0"));
        let of = profile(TunnelKind::L2tpIpsec, &[]);
        assert_eq!(ScUtil.is_elsewhere(&of, &at(500), &answer(UP)), Some(facts));

        let down = |cause: u32| {
            format!(
                "Disconnected\nExtended Status <dictionary> {{\n  PPP : <dictionary> {{\n    \
                 DeviceLastCause : 0\n    LastCause : {cause}\n    Status : 0\n  }}\n  Status : 0\n}}\n"
            )
        };
        assert_eq!(state(&down(5)), State::Down);
        assert!(matches!(
            state(&down(19)),
            State::Failed { reason: "auth", .. }
        ));
        assert_eq!(state("Connecting\n"), State::Coming);
        assert_eq!(state("Disconnecting\n"), State::Down);
        assert_eq!(state(""), State::Down);
        let State::Failed { reason, message } = state("No service\n") else {
            panic!("a service");
        };
        assert_eq!(reason, "config");
        assert!(
            message.ends_with("it has: home wg, office, a \"quoted\" one"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in any::<String>(), lines in "( {0,3}[a-z]{0,2}( : )?(<dictionary> \\{|<array> \\{|\\}|9)?\n){0,60}") {
            let _ = state(&text);
            let _ = state(&format!("Connected\nExtended Status <dictionary> {{\n{lines}"));
        }
    }
}
