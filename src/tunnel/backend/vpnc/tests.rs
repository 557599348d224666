use proptest::prelude::*;

use super::*;
use crate::inventory::TunnelKind;
use crate::tunnel::backend::testing::{answer, at, failed, golden, keeps_secrets, shown};

fn profile(fields: &[(&str, &str)]) -> Tunnel {
    let mut profile = Tunnel::new("office", TunnelKind::CiscoIpsec, "vpn.example.org");
    profile.user = "bob".to_owned();
    profile.password = Secret::new(r##"p w"q'\#$x"##);
    for (key, value) in [("group", "sales team"), ("psk", r##"grp "#\ x"##)]
        .iter()
        .chain(fields)
    {
        profile.set(key, value).unwrap();
    }
    profile
}

#[test]
fn plans() {
    let plan = Vpnc.plan(&profile(&[]), &at(500)).unwrap();
    keeps_secrets(&plan, &["grp", "p w"]);
    golden("vpnc/plan", &shown(&plan));
    let more = [
        ("proposals", "3des-md5-modp1536"),
        ("esp_proposals", "aes128-sha1-modp2048"),
        ("mtu", "1300"),
        ("domain", "CORP"),
        ("keepalive", "3"),
    ];
    let config = config(&profile(&more), &at(500)).unwrap();
    golden("vpnc/config-more", config.reveal());
    assert!(script(&profile(&more)).starts_with("MTU=1300\n"));
}

#[test]
fn what_vpnc_cannot_do_is_refused_by_its_name() {
    let mut nameless = profile(&[]);
    nameless.user = String::new();
    let mut blank = profile(&[]);
    blank.password = Secret::new(" x");
    let mut lines = profile(&[]);
    lines.user = "a\nScript touch /x".to_owned();
    for (profile, at, field) in [
        (profile(&[("group", "")]), at(500), "group"),
        (profile(&[("psk", "")]), at(500), "psk"),
        (profile(&[("mode", "main")]), at(500), "mode"),
        (
            profile(&[("proposals", "aes256-sha256-ecp256")]),
            at(500),
            "proposals",
        ),
        (profile(&[]), at(4500), "server"),
        (nameless, at(500), "user"),
        (blank, at(500), "password"),
        (lines, at(500), "user"),
    ] {
        let error = Vpnc.plan(&profile, &at).unwrap_err();
        assert_eq!(error.kind().exit_code(), 2);
        assert!(
            error.message().contains(&format!("`{field}`")),
            "{field}: {error}"
        );
    }
}

#[test]
fn why_it_did_not_come_up() {
    // As vpnc 0.5.3 said it.
    for (text, reason) in [
        ("vpnc: authentication unsuccessful", "auth"),
        (
            "vpnc: hash comparison failed:  (ISAKMP_N_AUTHENTICATION_FAILED)(24)\ncheck group password!",
            "auth",
        ),
        (
            "vpnc: response was invalid [1]:  (ISAKMP_N_INVALID_EXCHANGE_TYPE)(7)",
            "auth",
        ),
        (
            "vpnc: response was invalid [1]:  (ISAKMP_N_NO_PROPOSAL_CHOSEN)(14)",
            "proposal",
        ),
        ("vpnc: no response from target", "gateway"),
    ] {
        let found = Vpnc.failure(&profile(&[]), &at(500), &failed(text));
        assert!(
            matches!(found, Some(State::Failed { reason: r, .. }) if r == reason),
            "{text}"
        );
    }
    assert_eq!(
        Vpnc.failure(&profile(&[]), &at(500), &failed("other")),
        None
    );
    assert_eq!(
        Vpnc.read(&profile(&[]), &at(500), &answer("gone\n\n")),
        State::Down
    );
    assert_eq!(
        Vpnc.read(&profile(&[]), &at(500), &answer("running\n\n")),
        State::Coming
    );
}

proptest! {
    #[test]
    fn no_value_adds_a_line(user in any::<String>(), password in any::<String>()) {
        let mut profile = profile(&[]);
        profile.user.clone_from(&user);
        profile.password = Secret::new(password.as_str());
        if let Ok(text) = config(&profile, &at(500)) {
            let lines: Vec<_> = text.reveal().split('\n').collect();
            prop_assert_eq!(lines.len(), 12);
            prop_assert_eq!(lines[3], format!("Xauth username {user}"));
            prop_assert_eq!(lines[4], format!("Xauth password {password}"));
        }
    }
}
