//! The backends for IPsec against a real gateway: their plans, run as they are, bring a tunnel up that
//! carries packets, and take it down without a trace; and what they say when it does not come up.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use machineroom::inventory::{Tunnel, TunnelKind};
use machineroom::output::Output;
use machineroom::secret::Secret;
use machineroom::tunnel::backend::{Backend, choose};
use machineroom::tunnel::plan::{At, Facts, Plan, State, Step};

use crate::support::ipsec::{Ipsec, NASTY};
use crate::support::sshd::has;

/// A tunnel that a test makes on the client.
struct Made<'a> {
    lab: &'a Ipsec,
    backend: Arc<dyn Backend>,
    profile: Tunnel,
    at: At,
    plan: Plan,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        self.down();
    }
}

impl<'a> Made<'a> {
    fn new(lab: &'a Ipsec, backend: &str, label: &str, profile: Tunnel) -> Made<'a> {
        let at = At {
            folder: lab.folder.path().join(label),
            label: label.to_owned(),
            namespace: None,
            gateway: "192.0.2.1:500".parse().unwrap(),
            ranges: vec!["10.77.0.1/32".parse().unwrap()],
        };
        let backend = choose::named(backend).unwrap();
        let plan = backend.plan(&profile, &at).unwrap();
        Made {
            lab,
            backend,
            profile,
            at,
            plan,
        }
    }

    fn step(&self, step: &Step) -> Output {
        let mut command = self.lab.on_client(&step.argv[0]);
        command.args(&step.argv[1..]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if let Some(text) = &step.stdin {
            stdin.write_all(text.reveal().as_bytes()).unwrap();
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Output {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
            ..Output::default()
        }
    }

    /// Brings it up; why not, in the backend's words.
    fn up(&self) -> Result<(), (&'static str, String)> {
        for step in &self.plan.up {
            let output = self.step(step);
            if !output.is_success() && !step.may_fail {
                return match self.backend.failure(&self.profile, &self.at, &output) {
                    Some(State::Failed { reason, message }) => Err((reason, message)),
                    other => panic!("{:?}: {output:?}: {other:?}", step.argv),
                };
            }
        }
        Ok(())
    }

    fn state(&self) -> State {
        let answer = self.step(&self.plan.status);
        self.backend.read(&self.profile, &self.at, &answer)
    }

    /// Up, and packets come and go: nobody listens there, and that answer comes from behind it.
    fn carries(&self) -> Facts {
        let before = match self.state() {
            State::Up(facts) => facts,
            other => panic!("{other:?}"),
        };
        let interface = before.interface.as_deref();
        if let Some(interface) = interface {
            self.lab
                .client(&["ip", "route", "add", "10.77.0.1/32", "dev", interface])
                .ended(0);
        }
        let done = self
            .lab
            .client(&["bash", "-c", "exec 3<>/dev/tcp/10.77.0.1/9"]);
        assert!(done.stderr.contains("refused"), "{done:?}");
        match self.state() {
            State::Up(facts) => {
                assert!(
                    facts.received > before.received && facts.sent > before.sent,
                    "{facts:?}"
                );
                facts
            }
            other => panic!("{other:?}"),
        }
    }

    fn down(&self) {
        for step in &self.plan.down {
            self.step(step);
        }
    }
}

/// What a tunnel could leave on the client.
fn traces(lab: &Ipsec) -> String {
    let shell = "ip -o link | cut -d ' ' -f 2; ip -o -4 address; ip rule; ip -6 rule; ip -4 route show table all; \
        ip xfrm policy; ip xfrm state; \
        for pid in $(ip netns pids $(ip netns identify)); do echo process $(cat /proc/$pid/comm); done";
    let done = lab.client(&["sh", "-c", shell]);
    // Those that look, and what a pid had that is gone by now.
    let looking = ["process sh", "process ip", "process cat", "process"];
    let lines = done
        .stdout
        .lines()
        .filter(|line| !looking.contains(&line.trim()));
    lines.map(|line| format!("{line}\n")).collect()
}

fn profile(kind: TunnelKind, user: &str, password: &str, fields: &[(&str, &str)]) -> Tunnel {
    let mut profile = Tunnel::new("office", kind, "vpn.lab");
    profile.user = user.to_owned();
    profile.password = Secret::new(password);
    for (key, value) in fields {
        profile.set(key, value).unwrap();
    }
    profile
}

fn eap(lab: &Ipsec, password: &str, more: &[(&str, &str)]) -> Tunnel {
    let ca = lab.text("ca.pem");
    let fields = [&[("ca", ca.as_str())], more].concat();
    profile(TunnelKind::Ikev2, "alice", password, &fields)
}

fn aggressive(user: &str, password: &str, psk: &str) -> Tunnel {
    let fields = [("psk", psk), ("group", "sales team")];
    profile(TunnelKind::CiscoIpsec, user, password, &fields)
}

#[test]
fn each_type_comes_up_carries_packets_and_leaves_no_trace() {
    let Some(lab) = Ipsec::start() else { return };
    let (ca, cert, key) = (lab.text("ca.pem"), lab.text("me.pem"), lab.text("me.key"));
    let before = traces(&lab);
    let psk = [
        ("psk", NASTY),
        ("auth", "psk"),
        ("id", "me@psk.lab"),
        ("remote_id", "psk.lab"),
    ];
    let certificate = [
        ("auth", "pubkey"),
        ("ca", ca.as_str()),
        ("cert", cert.as_str()),
        ("key", key.as_str()),
        ("id", "alice.lab"),
    ];
    for (name, profile) in [
        ("eap", eap(&lab, NASTY, &[])),
        ("psk", profile(TunnelKind::Ikev2, "", "", &psk)),
        (
            "certificate",
            profile(TunnelKind::Ikev2, "", "", &certificate),
        ),
        ("aggressive", aggressive("bob", NASTY, NASTY)),
        (
            "main",
            profile(TunnelKind::CiscoIpsec, "bob", NASTY, &[("psk", NASTY)]),
        ),
    ] {
        let made = Made::new(&lab, "swanctl", "mr00000001", profile);
        assert_eq!(made.state(), State::Down, "{name}");
        made.up()
            .unwrap_or_else(|(reason, message)| panic!("{name}: {reason}: {message}"));
        let facts = made.carries();
        assert!(
            facts.address.unwrap().to_string().starts_with("10.99.0."),
            "{name}: {facts:?}"
        );
        made.down();
        assert_eq!(made.state(), State::Down, "{name}");
        assert_eq!(traces(&lab), before, "{name}");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_word() {
    let Some(lab) = Ipsec::start() else { return };
    let main = [("psk", NASTY), ("proposals", "3des-md5-modp1024")];
    for (profile, reason, words) in [
        (eap(&lab, "wrong", &[]), "auth", "password"),
        (
            eap(&lab, NASTY, &[("remote_id", "other.lab")]),
            "auth",
            "remote_id",
        ),
        (
            profile(
                TunnelKind::Ikev2,
                "alice",
                NASTY,
                &[("remote_id", "vpn.lab")],
            ),
            "auth",
            "certificate",
        ),
        (
            eap(&lab, NASTY, &[("proposals", "3des-md5-modp1024")]),
            "proposal",
            "proposals",
        ),
        (aggressive("bob", "wrong", NASTY), "auth", "password"),
        (aggressive("bob", NASTY, "wrong"), "auth", "pre-shared key"),
        (
            profile(TunnelKind::CiscoIpsec, "bob", NASTY, &main),
            "proposal",
            "proposals",
        ),
    ] {
        let made = Made::new(&lab, "swanctl", "mr00000001", profile);
        let Err((found, message)) = made.up() else {
            panic!("up, not `{reason}`: {words}")
        };
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn several_at_once_and_each_again_after_its_daemon_was_killed() {
    let Some(lab) = Ipsec::start() else { return };
    let first = Made::new(&lab, "swanctl", "mr00000001", eap(&lab, NASTY, &[]));
    let second = Made::new(
        &lab,
        "swanctl",
        "mr00000002",
        aggressive("bob", NASTY, NASTY),
    );
    first.up().unwrap();
    second.up().unwrap();
    assert!(matches!(second.state(), State::Up(_)));
    // The end of one is not the end of the other.
    second.down();
    first.carries();

    let pid = std::fs::read_to_string(first.at.folder.join("charon.pid")).unwrap();
    lab.client(&["kill", "-9", pid.trim()]).ended(0);
    while first.state() != State::Down {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Over what the killed one left behind.
    first.up().unwrap();
    first.carries();
}

#[test]
fn vpnc_brings_up_ciscos_with_a_group() {
    let Some(lab) = Ipsec::start() else { return };
    if !has("/usr/sbin/vpnc") {
        return;
    }
    let before = traces(&lab);
    let made = Made::new(&lab, "vpnc", "mr00000001", aggressive("bob", NASTY, NASTY));
    made.up().unwrap();
    assert_eq!(made.carries().interface.as_deref(), Some("mr00000001"));
    made.down();
    assert_eq!(made.state(), State::Down);
    assert_eq!(traces(&lab), before);

    for (profile, words) in [
        (aggressive("bob", "wrong", NASTY), "password"),
        (aggressive("bob", NASTY, "wrong"), "pre-shared key"),
    ] {
        let (reason, message) = Made::new(&lab, "vpnc", "mr00000001", profile)
            .up()
            .unwrap_err();
        assert_eq!(reason, "auth", "{message}");
        assert!(message.contains(words), "{message}");
    }
}
