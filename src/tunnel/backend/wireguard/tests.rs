use proptest::prelude::*;

use super::super::testing::{answer, at, failed, golden, keeps_secrets, profile, shown};
use super::*;
use crate::error::Kind;
use crate::inventory::TunnelKind;

const PRIVATE: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const PUBLIC: &str = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const PSK: &str = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";

const KERNEL: WireGuard = WireGuard { by_daemon: false };
const DAEMON: WireGuard = WireGuard { by_daemon: true };

fn office(fields: &[(&str, &str)]) -> Tunnel {
    let mut of = profile(
        TunnelKind::WireGuard,
        &[("public_key", PUBLIC), ("address", "10.9.0.2/24")],
    );
    of.user = String::new();
    of.password = Secret::new(PRIVATE);
    for (key, value) in fields {
        of.set(key, value).unwrap();
    }
    of
}

#[test]
fn plans() {
    let of = office(&[
        ("psk", PSK),
        ("address", "10.9.0.2/24, fd00:9::2"),
        ("allowed", "10.9.0.0/24,10.77.0.0/16, fd00::/16"),
        ("listen_port", "51999"),
        ("keepalive", "10"),
        ("mtu", "1380"),
    ]);
    let plan = KERNEL.plan(&of, &at(51820)).unwrap();
    golden("wg-full.txt", &shown(&plan));
    keeps_secrets(&plan, &[PRIVATE, PSK]);
    let plan = DAEMON.plan(&office(&[]), &at(51820)).unwrap();
    golden("wireguard-go.txt", &shown(&plan));
    keeps_secrets(&plan, &[PRIVATE]);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let broken = format!("{}\n", &PRIVATE[..43]);
    for password in [
        "",
        "short",
        &broken,
        &format!("{PRIVATE}="),
        &PRIVATE.replace('=', "#"),
    ] {
        let mut of = office(&[]);
        of.password = Secret::new(password);
        let error = KERNEL.plan(&of, &at(51820)).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.message().contains("`password`"), "{error}");
        assert!(
            password.is_empty() || !error.to_string().contains(password),
            "{error}"
        );
    }
    let mut of = office(&[]);
    of.set("address", "").unwrap();
    let error = KERNEL.plan(&of, &at(51820)).unwrap_err();
    assert!(error.message().contains("`address`"), "{error}");
    of.set("address", "10.9.0.2").unwrap();
    of.set("public_key", "").unwrap();
    let error = KERNEL.plan(&of, &at(51820)).unwrap_err();
    assert!(error.message().contains("`public_key`"), "{error}");
}

fn views(interface: &str, handshake: u64) -> String {
    format!(
        "latest-handshakes\t{interface}\t{PUBLIC}\t{handshake}\n\
         transfer\t{interface}\t{PUBLIC}\t4242\t96\n\
         allowed-ips\t{interface}\t{PUBLIC}\t10.77.0.0/16 fd00::/16\n"
    )
}

#[test]
fn a_handshake_makes_it_up() {
    let state = |of: &Tunnel, text: &str| KERNEL.read(of, &at(51820), &answer(text));
    let of = office(&[]);
    let ours = |handshake| {
        format!(
            "1000\n{}{}",
            views("wg9", 999),
            views("mr00000001", handshake)
        )
    };
    for handshake in [820, 1000, 1001] {
        let State::Up(facts) = state(&of, &ours(handshake)) else {
            panic!("{handshake}");
        };
        assert_eq!(facts.address, Some("10.9.0.2".parse().unwrap()));
        assert_eq!(facts.interface.as_deref(), Some("mr00000001"));
        assert_eq!((facts.received, facts.sent), (Some(4242), Some(96)));
    }
    for handshake in [0, 819] {
        assert_eq!(state(&of, &ours(handshake)), State::Coming, "{handshake}");
    }
    let silent = office(&[("keepalive", "0")]);
    assert!(matches!(state(&silent, &ours(0)), State::Up(_)));
    assert_eq!(state(&silent, "1000\n"), State::Down);
    assert_eq!(state(&of, ""), State::Down);
    assert_eq!(
        state(&of, &format!("1000\n{}", views("wg9", 999))),
        State::Down
    );
}

#[test]
fn somebody_elses() {
    let seen = |of: &Tunnel, text: &str| KERNEL.is_elsewhere(of, &at(51820), &answer(text));
    let of = office(&[]);
    let facts = seen(&of, &format!("1000\n{}", views("wg0", 990))).unwrap();
    assert_eq!(facts.interface.as_deref(), Some("wg0"));
    assert_eq!(facts.received, Some(4242));
    // One of ours, one without a handshake of late, another peer, other ranges.
    assert_eq!(
        seen(&of, &format!("1000\n{}", views("mr12345678", 990))),
        None
    );
    assert_eq!(seen(&of, &format!("1000\n{}", views("wg0", 100))), None);
    assert_eq!(
        seen(
            &office(&[("public_key", PSK)]),
            &format!("1000\n{}", views("wg0", 990))
        ),
        None
    );
    let narrow = views("wg0", 990).replace("10.77.0.0/16", "10.77.0.0/30");
    assert_eq!(seen(&of, &format!("1000\n{narrow}")), None);
}

#[test]
fn what_went_wrong() {
    for (said, expected) in [
        ("Error: Unknown device type.", Some("missing")),
        ("RTNETLINK answers: Operation not permitted", Some("rights")),
        ("Configuration parsing error", Some("config")),
        ("killed", None),
    ] {
        let state = KERNEL.failure(&office(&[]), &at(51820), &failed(said));
        let reason = state.map(|state| match state {
            State::Failed { reason, .. } => reason,
            other => panic!("{other:?}"),
        });
        assert_eq!(reason, expected, "{said}");
    }
}

proptest! {
    #[test]
    fn no_value_adds_a_line(key in "[A-Za-z0-9+/=\n \\[\\]]{40,46}") {
        let mut of = office(&[]);
        of.password = Secret::new(key);
        if let Ok(config) = config(&of, &at(51820)) {
            prop_assert_eq!(config.reveal().lines().count(), 7);
        }
    }

    #[test]
    fn no_answer_makes_it_panic(text in any::<String>(), views in "[a-z0-9\t\n/. -]{0,120}") {
        for text in [text, format!("1\n{views}")] {
            let _ = KERNEL.read(&office(&[]), &at(51820), &answer(&text));
            let _ = KERNEL.is_elsewhere(&office(&[]), &at(51820), &answer(&text));
        }
    }
}
