use super::*;
use crate::inventory::TunnelKind;
use crate::tunnel::backend::testing::{answer, at, failed, golden, keeps_secrets, shown};

fn profile() -> Tunnel {
    let mut profile = Tunnel::new("office", TunnelKind::L2tpIpsec, "vpn.example.org");
    profile.user = "carol".to_owned();
    profile.password = Secret::new("hidden-password");
    profile.set("psk", "hidden-psk").unwrap();
    profile
}

#[test]
fn plans() {
    let plan = L2tp.plan(&profile(), &at(500)).unwrap();
    keeps_secrets(&plan, &["hidden-password", "hidden-psk"]);
    // The daemon's files have golden files of their own.
    let text = shown(&plan);
    let at_xl2tpd = text.find("/options").unwrap();
    let before = text[..at_xl2tpd].rfind('$').unwrap();
    golden("l2tp/plan", &text[before..]);
    assert!(
        text[..before].contains("--initiate --child mr00000001"),
        "{text}"
    );
}

#[test]
fn how_it_is() {
    let read = |text: &str| L2tp.read(&profile(), &at(500), &answer(text));
    let up = r#"[{"ifname":"mr00000001","flags":["POINTOPOINT","UP"],"addr_info":[{"family":"inet","local":"10.55.0.10","scope":"global"}]}]"#;
    let State::Up(facts) = read(&format!("running\n{up}\nlog\n")) else {
        panic!("not up");
    };
    assert_eq!(facts.interface.as_deref(), Some("mr00000001"));
    assert_eq!(read("running\n\n"), State::Coming);
    assert_eq!(read("gone\n\n"), State::Down);
    for (log, reason) in [
        (
            "MS-CHAP authentication failed: E=691 Authentication failure\nCHAP authentication failed\n",
            "auth",
        ),
        (
            "xl2tpd[7]: Maximum retries exceeded for tunnel 5.  Closing.\n",
            "gateway",
        ),
        ("LCP: timeout sending Config-Requests\n", "gateway"),
    ] {
        let found = read(&format!("running\n\n{log}"));
        assert!(
            matches!(found, State::Failed { reason: r, .. } if r == reason),
            "{log}"
        );
    }
    let taken = failed("UDP port 1701 is taken by another L2TP program\n");
    let found = L2tp.failure(&profile(), &at(500), &taken);
    assert!(matches!(
        found,
        Some(State::Failed {
            reason: "conflict",
            ..
        })
    ));
}
