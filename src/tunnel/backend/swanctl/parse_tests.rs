use proptest::prelude::*;

use super::*;

/// What programs really said, between strongSwan 5.9.8 and itself.
macro_rules! said {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/golden/tunnels/swanctl/",
            $name,
            ".txt"
        ))
    };
}

#[test]
fn connections_that_are_up() {
    let found = sas(said!("sas-ikev2"));
    assert_eq!(found.len(), 1);
    let sa = &found[0];
    assert_eq!(
        (sa.name.as_str(), sa.state.as_str()),
        ("mr00000001", "ESTABLISHED")
    );
    assert_eq!(sa.remote_host, "192.0.2.1".parse().ok());
    assert_eq!(sa.carrying().count(), 1);
    assert_eq!(sa.children[0].name, "mr00000001");
    let facts = sa.facts();
    assert_eq!(facts.address, "10.99.0.1".parse().ok());
    assert_eq!((facts.received, facts.sent), (Some(0), Some(0)));
    assert!(sa.covers(&["10.77.0.1/32".parse().unwrap()]));
    assert!(!sa.covers(&[
        "10.77.0.1/32".parse().unwrap(),
        "10.77.0.2/32".parse().unwrap()
    ]));
    assert!(!sa.covers(&["10.77.0.0/24".parse().unwrap()]));
    assert!(!sa.covers(&[]));
    assert_eq!(sas(said!("sas-ikev1"))[0].carrying().count(), 1);
}

#[test]
fn a_connection_without_children_and_several() {
    let text = said!("sas-ikev2")
        .replace("INSTALLED", "INSTALLING")
        .replace("bytes-in = 0", "bytes-in = 18446744073709551615");
    let twice = format!("{text}{}", text.replace("mr00000001", "other"));
    let found = sas(&twice);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].carrying().count(), 0);
    assert_eq!(found[0].facts().received, Some(u64::MAX));
    assert!(!found[0].covers(&["10.77.0.1/32".parse().unwrap()]));
    assert!(sas("").is_empty());
    // An identity is the other side's to choose: it stays one line of text.
    let odd = said!("sas-ikev2").replace(
        "remote-id = vpn.lab",
        "remote-id = x state = INSTALLED { child-sas {",
    );
    assert_eq!(sas(&odd)[0].facts(), sas(said!("sas-ikev2"))[0].facts());
}

#[test]
fn why_it_did_not_come_up() {
    for (text, reason, words) in [
        (said!("eap-password"), "auth", "user name or the password"),
        (said!("xa-password"), "auth", "user name or the password"),
        (said!("xm-password"), "auth", "user name or the password"),
        (said!("eap-ca"), "auth", "certificate"),
        (said!("eap-identity"), "auth", "refuses us"),
        (said!("psk-password"), "auth", "refuses us"),
        (said!("xa-psk"), "auth", "pre-shared key"),
        (said!("xm-psk"), "auth", "pre-shared key"),
        (said!("ike-proposal"), "proposal", "algorithms"),
        (said!("xm-proposal"), "proposal", "algorithms"),
        (said!("xm-esp"), "proposal", "algorithms"),
        (said!("eap-ranges"), "config", "routes"),
        (said!("xm-ranges"), "config", "routes"),
        (said!("dead-host"), "gateway", "does not answer"),
    ] {
        let Some(State::Failed {
            reason: found,
            message,
        }) = failure(text)
        else {
            panic!("{text}");
        };
        assert_eq!(found, reason, "{text}");
        assert!(message.contains(words), "{message}: {text}");
    }
    assert_eq!(failure(said!("psk-good")), None);
    assert_eq!(failure(""), None);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(text in any::<String>(), lines in "([a-z-]{1,12}( = [a-z0-9./]{0,9}| \\{| = \\[)?\n|\\}\n|\\]\n|list-sa event \\{\n){0,30}") {
        for text in [&text, &lines] {
            for sa in sas(text) {
                let _ = (sa.facts(), sa.covers(&["10.0.0.0/8".parse().unwrap()]));
            }
            let _ = failure(text);
        }
    }
}
