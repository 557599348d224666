//! PPTP by pppd, whose line is the program `pptp`. Old and weak (MS-CHAPv2 with a 128-bit RC4): what
//! needs it needs it, and everybody else is better off with any other type.

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;

use super::look::{Look, end, look};
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
            down: vec![end(at, "pppd")],
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
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{answer, at, golden, keeps_secrets, profile, shown};
    use super::*;
    use crate::inventory::TunnelKind;
    use crate::secret::Secret;

    fn office(fields: &[(&str, &str)]) -> Tunnel {
        let mut of = profile(TunnelKind::Pptp, fields);
        of.user = r#"CORP\anna "a" #1"#.to_owned();
        of.password = Secret::new(r#"s3 "c\r#et$ pty x"#);
        of
    }

    #[test]
    fn plans() {
        let plan = Pptp.plan(&office(&[]), &at(1723)).unwrap();
        golden("pptp.txt", &shown(&plan));
        keeps_secrets(&plan, &["s3 \"c"]);
        let of = office(&[
            ("mppe", "off"),
            ("auth", "chap"),
            ("mtu", "1400"),
            ("keepalive", "5"),
        ]);
        let plan = Pptp.plan(&of, &at(1723)).unwrap();
        golden("pptp-plain.txt", &shown(&plan));
        assert_eq!(Pptp.needs(&of).modules, ["ppp_generic", "ppp_async"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let long = "x".repeat(256);
        for (user, password, port, field) in [
            ("anna\npty x", "p", 1723, "`user`"),
            ("", "p", 1723, "`user`"),
            ("anna", "", 1723, "`password`"),
            ("anna", "p\0", 1723, "`password`"),
            ("anna", &long, 1723, "`password`"),
            ("anna", "p", 1724, "`server`"),
        ] {
            let mut of = profile(TunnelKind::Pptp, &[]);
            (of.user, of.password) = (user.to_owned(), Secret::new(password));
            let error = Pptp.plan(&of, &at(port)).unwrap_err();
            assert!(error.message().contains(field), "{error}");
        }
        let mut there = at(1723);
        there.gateway = "[2001:db8::1]:1723".parse().unwrap();
        assert!(Pptp.plan(&office(&[]), &there).is_err());
    }

    #[test]
    fn answers() {
        let state = |text: &str| Pptp.read(&office(&[]), &at(1723), &answer(text));
        let reason = |text: &str| match state(text) {
            State::Failed { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        let link = r#"[{"ifname":"mr00000001","flags":["POINTOPOINT","UP","LOWER_UP"],"addr_info":[{"family":"inet","local":"10.7.0.2","address":"10.7.0.1","prefixlen":32,"scope":"global"}]}]"#;
        assert!(matches!(
            state(&format!("running\n{link}\nlocal  IP address 10.7.0.2\n")),
            State::Up(_)
        ));
        assert_eq!(state("running\n\nUsing interface ppp0\n"), State::Coming);
        assert_eq!(state("gone\n\n"), State::Down);
        // The texts are those of pppd 2.4.9 and pptp 1.10.
        let begun = "Renamed interface ppp0 to mr00000001\nUsing interface mr00000001\n\
                     Connect: mr00000001 <--> /dev/pts/0\n";
        for (log, expected) in [
            (
                "MS-CHAP authentication failed: Access denied\nCHAP authentication failed\nConnection terminated.\n",
                "auth",
            ),
            (
                "anon warn[open_inetsock:pptp_callmgr.c:352]: connect: No route to host\nanon fatal[callmgr_main:pptp_callmgr.c:134]: Could not open control connection to 203.0.113.9\nModem hangup\n",
                "gateway",
            ),
            (
                "anon warn[open_inetsock:pptp_callmgr.c:352]: connect: Connection refused\nModem hangup\nConnection terminated.\n",
                "gateway",
            ),
            ("LCP: timeout sending Config-Requests\n", "gateway"),
            ("Modem hangup\n", "gateway"),
            (
                "CHAP authentication succeeded\nMPPE 128-bit stateless compression enabled\nlocal  IP address 10.99.5.10\nremote IP address 10.99.5.1\nModem hangup\nMPPE disabled\nConnection terminated.\n",
                "dropped",
            ),
        ] {
            assert_eq!(reason(&format!("gone\n\n{begun}{log}")), expected, "{log}");
        }
    }

    proptest! {
        /// Whatever user and password hold, the options stay the same lines.
        #[test]
        fn values_add_no_option(user in "[ -~\n\r\"\\\\#]{1,20}", password in any::<String>()) {
            let usual = Pptp.plan(&office(&[]), &at(1723)).unwrap();
            let mut of = office(&[]);
            (of.user, of.password) = (user, Secret::new(password));
            if let Ok(plan) = Pptp.plan(&of, &at(1723)) {
                let names = |plan: &Plan| -> Vec<String> {
                    let text = plan.up[0].stdin.as_ref().unwrap().reveal();
                    let first = |line: &str| line.split(' ').next().unwrap_or("").to_owned();
                    text.lines().map(first).collect()
                };
                prop_assert_eq!(names(&plan), names(&usual));
            }
        }

        #[test]
        fn no_answer_makes_it_panic(text in any::<String>()) {
            let _ = Pptp.read(&office(&[]), &at(1723), &answer(&text));
        }
    }
}
