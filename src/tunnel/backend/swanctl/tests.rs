use super::*;
use crate::secret::Secret;
use crate::tunnel::backend::testing::{answer, at, failed, golden, keeps_secrets, shown};

const UP: &str = include_str!("../../../../tests/golden/tunnels/swanctl/sas-ikev2.txt");
const REFUSED: &str = include_str!("../../../../tests/golden/tunnels/swanctl/eap-password.txt");

fn profile(kind: TunnelKind, fields: &[(&str, &str)]) -> Tunnel {
    let mut profile = Tunnel::new("office", kind, "vpn.example.org");
    profile.user = "alice".to_owned();
    profile.password = Secret::new("hidden-password");
    for (key, value) in fields {
        profile.set(key, value).unwrap();
    }
    profile
}

/// A plan without the texts of its files, which have golden files of their own.
fn steps(plan: &Plan) -> String {
    let text = shown(plan);
    let lines = text.lines().filter(|line| !line.starts_with("    "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn plans() {
    let ikev2 = profile(TunnelKind::Ikev2, &[]);
    let plan = Swanctl.plan(&ikev2, &at(500)).unwrap();
    keeps_secrets(&plan, &["hidden-password"]);
    golden("swanctl/plan-ikev2", &steps(&plan));

    let fields = [("psk", "hidden-psk"), ("group", "staff"), ("timeout", "60")];
    let cisco = profile(TunnelKind::CiscoIpsec, &fields);
    let mut two = at(500);
    two.ranges.push("10.77.1.0/24".parse().unwrap());
    let plan = Swanctl.plan(&cisco, &two).unwrap();
    keeps_secrets(&plan, &["hidden-password", "hidden-psk"]);
    golden("swanctl/plan-cisco", &steps(&plan));
    assert!(
        plan.up
            .iter()
            .any(|step| step.patience == Duration::from_secs(65))
    );
}

#[test]
fn how_it_is() {
    let ikev2 = profile(TunnelKind::Ikev2, &[]);
    let read = |text: &str| Swanctl.read(&ikev2, &at(500), &answer(text));
    let State::Up(facts) = read(UP) else {
        panic!("not up");
    };
    assert_eq!(facts.address, "10.99.0.1".parse().ok());
    assert_eq!(read(&UP.replace("INSTALLED", "CREATED")), State::Coming);
    assert_eq!(read(&UP.replace("mr00000001", "mr00000002")), State::Down);
    assert_eq!(read("list-sas reply {\n}\n"), State::Down);
    assert_eq!(read(""), State::Down);

    // IKEv1: a child for each range, and all of them are needed.
    let cisco = profile(TunnelKind::CiscoIpsec, &[("psk", "x")]);
    let mut two = at(500);
    two.ranges.push("10.77.1.0/24".parse().unwrap());
    assert_eq!(Swanctl.read(&cisco, &two, &answer(UP)), State::Coming);
}

#[test]
fn why_it_is_not() {
    let ikev2 = profile(TunnelKind::Ikev2, &[]);
    let mut said = failed("initiate failed: establishing CHILD_SA 'mr00000001' failed");
    assert_eq!(Swanctl.failure(&ikev2, &at(500), &said), None);
    said.stdout = REFUSED.as_bytes().to_vec();
    let Some(State::Failed { reason, message }) = Swanctl.failure(&ikev2, &at(500), &said) else {
        panic!("nothing is said");
    };
    assert_eq!(reason, "auth");
    assert!(message.contains("password"), "{message}");
}

#[test]
fn somebody_elses_is_found_only_when_it_goes_where_ours_would() {
    let ikev2 = profile(TunnelKind::Ikev2, &[]);
    let mut at = at(500);
    at.gateway = "192.0.2.1:500".parse().unwrap();
    at.ranges = vec!["10.77.0.1/32".parse().unwrap()];
    assert!(Swanctl.elsewhere(&ikev2, &at).is_some());
    let found = |at: &At, text: &str| Swanctl.is_elsewhere(&ikev2, at, &answer(text));
    let theirs = UP.replace("mr00000001", "office");
    assert_eq!(
        found(&at, &theirs).unwrap().address,
        "10.99.0.1".parse().ok()
    );
    assert_eq!(
        found(
            &at,
            &theirs.replace("remote-host = 192.0.2.1", "remote-host = 192.0.2.9")
        ),
        None
    );
    assert_eq!(
        found(&at, &theirs.replace("10.77.0.1/32", "10.78.0.0/16")),
        None
    );
    assert_eq!(
        found(&at, &theirs.replace("10.77.0.1/32", "10.77.0.1/32[tcp/80]")),
        None
    );
    // It carries what comes from a network of theirs, not from this machine.
    assert_eq!(
        found(&at, &theirs.replace("10.99.0.1/32", "172.16.0.0/24")),
        None
    );
    assert_eq!(found(&at, ""), None);
    at.namespace = Some("mr00000001".to_owned());
    assert!(Swanctl.elsewhere(&ikev2, &at).is_none());
}

#[test]
fn needs_by_type() {
    let plugins = |profile: &Tunnel| Swanctl.needs(profile).files.len();
    assert_eq!(plugins(&profile(TunnelKind::Ikev2, &[])), 2);
    assert_eq!(plugins(&profile(TunnelKind::Ikev2, &[("auth", "psk")])), 0);
    assert_eq!(plugins(&profile(TunnelKind::CiscoIpsec, &[])), 1);
    let needs = Swanctl.needs(&profile(TunnelKind::CiscoIpsec, &[]));
    assert!(needs.files[0].0[0].ends_with("/libstrongswan-xauth-generic.so"));
    assert!(needs.root && needs.tools.contains(&("swanctl", "strongswan-swanctl")));
}
