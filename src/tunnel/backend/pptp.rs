//! PPTP by pppd, whose line is the program `pptp`. Old and weak (MS-CHAPv2 with a 128-bit RC4): what
//! needs it needs it, and everybody else is better off with any other type.

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;

use super::look::{Look, look};
use super::value::refused;
use super::words::{self, Meaning, ended};
use super::{Backend, ppp, processes};
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

/// The port of the control connection; the program knows no other.
const PORT: u16 = 1723;

/// Starts pppd apart from us, with a pid file of ours: its own has a folder that namespaces share.
/// `$1` is the tunnel's folder.
const START: &str = r#"setsid pppd file "$1/options" nodetach </dev/null >>"$1/log" 2>&1 &
echo $! >"$1/pid""#;

/// Ends pppd with all of its session, by force after five seconds: the program `pptp` outlives a pppd that
/// gave up. `$1` is the tunnel's folder.
const END: &str = r#"pid=$(cat "$1/pid" 2>/dev/null) || exit 0
left() {
    found=
    for process in /proc/[0-9]*; do
        { read -r stat <"$process/stat"; } 2>/dev/null || continue
        case $stat in *' (pppd) '* | *' (pptp) '*) ;; *) continue ;; esac
        set -- ${stat##*) }
        [ "$4" != "$pid" ] || found="$found ${process#/proc/}"
    done
    [ -n "$found" ]
}
left || exit 0
kill $found 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do left || exit 0; sleep 0.25; done
kill -9 $found 2>/dev/null; exit 0"#;

/// Texts of pptp 1.10 on the log, the reason, our words.
#[rustfmt::skip]
const FAULTS: &[Meaning] = &[
    (&["Connection refused"], "gateway", "the gateway refused: nothing listens on that port"),
    (&["No route to host", "Network is unreachable"], "gateway", "there is no way to the gateway"),
    (&["Connection timed out"], "gateway", "the gateway does not answer"),
];

/// What pppd says once it is up.
const ADDRESSED: &str = "local  IP address";

/// The backend `pptp`.
pub struct Pptp;

impl Backend for Pptp {
    fn name(&self) -> &'static str {
        "pptp"
    }

    fn needs(&self, profile: &Tunnel) -> Needs {
        let mut modules = vec!["ppp_generic", "ppp_async"];
        if encrypts(profile) {
            modules.push("ppp_mppe");
        }
        Needs {
            tools: vec![("pppd", "ppp"), ("pptp", "pptp-linux"), ("ip", "iproute2")],
            modules,
            files: vec![],
            root: true,
        }
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        if at.gateway.port() != PORT {
            let why = "has another port than 1723, which the program pptp does not know";
            return Err(refused(profile, "server", why));
        }
        if at.gateway.is_ipv6() {
            return Err(refused(
                profile,
                "server",
                "is reached by IPv6 only, which PPTP does not know",
            ));
        }
        // A shell reads this line: nothing but an address goes in.
        let pty = format!(
            "pty \"pptp {} --nolaunchpppd --nohostroute\"",
            at.gateway.ip()
        );
        let mut more = vec![&pty[..]];
        match encrypts(profile) {
            true => more.push("require-mppe-128"),
            false => more.push("nomppe"),
        }
        if profile.text("auth").is_none() {
            // The one whose keys encrypt, and that tells nobody the password.
            more.extend(["refuse-pap", "refuse-chap", "refuse-mschap"]);
        }
        let folder = at.folder.display().to_string();
        let options = ppp::options(profile, at, &more)?;
        Ok(Plan {
            up: vec![
                Step::file(format!("{folder}/options"), options),
                Step::new(["sh", "-c", START, "sh", &folder]),
            ],
            status: look(at, "pppd"),
            down: vec![Step::new(["sh", "-c", END, "sh", &folder]).may_fail()],
            routing: Routing::Interface(at.label.clone()),
        })
    }

    fn read(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> State {
        let look = Look::read(answer);
        match (look.running, look.facts) {
            (true, Some(facts)) => State::Up(facts),
            (true, None) => fault(&look.log).unwrap_or(State::Coming),
            (false, _) if look.log.is_empty() => State::Down,
            // What ends a tunnel that was up is told in the words that also tell of one that never was.
            (false, _) if look.log.contains(ADDRESSED) => ended("pppd", "dropped", &look.log),
            (false, _) => fault(&look.log).unwrap_or_else(|| ended("pppd", "gateway", &look.log)),
        }
    }

    fn elsewhere(&self, _profile: &Tunnel, at: &At) -> Option<Step> {
        Some(processes::ask("pptp", at))
    }

    fn is_elsewhere(&self, profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        processes::carries(profile, at, answer, &["ppp"])
    }
}

fn encrypts(profile: &Tunnel) -> bool {
    profile.text("mppe") != Some("off")
}

fn fault(log: &str) -> Option<State> {
    ppp::failure(log).or_else(|| words::meaning(FAULTS, log))
}

#[cfg(test)]
mod tests;
