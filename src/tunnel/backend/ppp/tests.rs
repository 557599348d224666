use proptest::prelude::*;

use super::*;
use crate::inventory::TunnelKind;
use crate::tunnel::backend::testing::at;

fn profile(user: &str, password: &str) -> Tunnel {
    let mut profile = Tunnel::new("office", TunnelKind::Pptp, "vpn.example.org");
    profile.user = user.to_owned();
    profile.password = Secret::new(password);
    profile
}

#[test]
fn an_options_file() {
    let mut of = profile(r#"CORP\dave "d""#, "p w");
    of.set("auth", "mschapv2").unwrap();
    let text = options(&of, &at(1723), &["noccp"]).unwrap();
    let lines: Vec<_> = text.reveal().lines().collect();
    for line in [
        "ifname mr00000001",
        "logfile \"/run/mroom/mr00000001/log\"",
        "mtu 1280",
        "nodefaultroute",
        "noccp",
        "refuse-pap",
        "refuse-mschap",
        r#"user "CORP\\dave \"d\"""#,
        "password \"p w\"",
    ] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert!(!lines.contains(&"refuse-mschap-v2"));
}

#[test]
fn what_it_cannot_hold_is_refused() {
    let long = "x".repeat(256);
    for (user, password, field) in [
        ("", "b", "user"),
        ("a", "", "password"),
        ("a\nup /x", "b", "user"),
        ("a", "b\rplugin x", "password"),
        ("a", long.as_str(), "password"),
    ] {
        let error = options(&profile(user, password), &at(1723), &[]).unwrap_err();
        assert!(error.message().contains(&format!("`{field}`")), "{error}");
    }
}

#[test]
fn logs() {
    // As pppd 2.4.9 said it.
    for (log, reason) in [
        ("CHAP authentication failed: E=691 R=1 C=0123 V=0\n", "auth"),
        (
            "MS-CHAP authentication failed: E=691 R=0\nCHAP authentication failed\n",
            "auth",
        ),
        ("PAP authentication failed\n", "auth"),
        ("MPPE required but peer negotiation failed\n", "proposal"),
        (
            "Couldn't open the /dev/ppp device: No such file or directory\n",
            "config",
        ),
    ] {
        let found = failure(log);
        assert!(
            matches!(found, Some(State::Failed { reason: r, .. }) if r == reason),
            "{log}"
        );
    }
    assert_eq!(
        failure("Connect: mr00000001 <--> /dev/pts/1\nCHAP authentication succeeded\n"),
        None
    );
}

proptest! {
    #[test]
    fn no_value_adds_an_option(user in any::<String>(), password in any::<String>()) {
        let plain = options(&profile("u", "p"), &at(1723), &[]).unwrap();
        if let Ok(text) = options(&profile(&user, &password), &at(1723), &[]) {
            let count = |text: &Secret| text.reveal().split(['\n', '\r', '\0']).count();
            prop_assert_eq!(count(&text), count(&plain));
        }
    }
}
