use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::daemon;
use super::*;
use crate::tunnel::backend::testing::{at, golden};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
/// All that quoting is about.
const NASTY: &str = r##"p w"q'\#$x { } = , ; %any ${x} include /etc/passwd"##;

fn profile(kind: TunnelKind, user: &str, password: &str, fields: &[(&str, &str)]) -> Tunnel {
    let mut profile = Tunnel::new("office", kind, "vpn.example.org");
    profile.user = user.to_owned();
    profile.password = Secret::new(password);
    for (key, value) in fields {
        profile.set(key, value).unwrap();
    }
    profile
}

/// Reads settings as strongSwan does, but strictly: the values by their path.
fn read(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut path: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" {").filter(|name| !name.contains('"')) {
            path.push(name);
        } else if line == "}" {
            path.pop().unwrap();
        } else {
            let (key, value) = line.split_once(" = ").unwrap();
            assert!(
                key.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{line}"
            );
            let key = format!("{}.{key}", path.join("."));
            assert_eq!(found.insert(key, unquote(value)), None, "{line}");
        }
    }
    assert!(path.is_empty());
    found
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        assert!(
            !value.contains(['"', '\\', '{', '}', '#', ' ', ';']),
            "{value}"
        );
        return value.to_owned();
    };
    let (mut text, mut chars) = (String::new(), inner.chars());
    loop {
        match chars.next().unwrap() {
            '"' => break,
            '\\' => text.push(chars.next().filter(|c| ['"', '\\'].contains(c)).unwrap()),
            c => text.push(c),
        }
    }
    assert_eq!(chars.next(), None, "{value}");
    text
}

#[test]
fn the_files_of_each_type() {
    let eap = profile(
        TunnelKind::Ikev2,
        "alice",
        NASTY,
        &[("ca", PEM), ("remote_id", "vpn.lab")],
    );
    let psk = profile(
        TunnelKind::Ikev2,
        "",
        "",
        &[("psk", NASTY), ("id", "me@lab"), ("auth", "psk")],
    );
    let cert = [
        ("cert", PEM),
        ("key", KEY),
        ("auth", "pubkey"),
        ("proposals", "aes256-sha256-ecp256, default"),
    ];
    let pubkey = profile(TunnelKind::Ikev2, "", "", &cert);
    let group = [("psk", NASTY), ("group", "sales team"), ("domain", "CORP")];
    let aggressive = profile(TunnelKind::CiscoIpsec, "bob", NASTY, &group);
    let main = profile(
        TunnelKind::CiscoIpsec,
        "bob",
        "x",
        &[("psk", "y"), ("keepalive", "60")],
    );
    let l2tp = profile(TunnelKind::L2tpIpsec, "carol", NASTY, &[("psk", NASTY)]);
    let mut two = at(500);
    two.ranges.push("fd00:77::/64".parse().unwrap());
    let files = [
        ("ikev2-eap", eap, at(500)),
        ("ikev2-psk", psk, at(4711)),
        ("ikev2-pubkey", pubkey, two.clone()),
        ("cisco-aggressive", aggressive, two),
        ("cisco-main", main, at(500)),
        ("l2tp", l2tp, at(500)),
    ];
    for (name, profile, at) in files {
        let text = connection(&profile, &at).unwrap();
        golden(&format!("swanctl/{name}.conf"), text.reveal());
        read(text.reveal());
    }
    golden("swanctl/strongswan.conf", &daemon::settings("mr00000001"));
}

#[test]
fn what_is_missing_or_cannot_be_written_is_refused_by_its_name() {
    let ikev2 = |user, password, fields| profile(TunnelKind::Ikev2, user, password, fields);
    let cisco = |user, password, fields| profile(TunnelKind::CiscoIpsec, user, password, fields);
    for (profile, field) in [
        (ikev2("", "", &[]), "user"),
        (ikev2("a", "", &[]), "password"),
        (ikev2("a\nb", "c", &[]), "user"),
        (ikev2("a", "b\nauth = psk", &[]), "password"),
        (ikev2("a", "b\0", &[]), "password"),
        (ikev2("", "", &[("auth", "psk")]), "psk"),
        (ikev2("", "", &[("auth", "pubkey")]), "cert"),
        (ikev2("", "", &[("auth", "pubkey"), ("cert", PEM)]), "key"),
        (cisco("a", "b", &[]), "psk"),
        (cisco("", "b", &[("psk", "p")]), "user"),
        (cisco("a\r", "b", &[("psk", "p")]), "user"),
        (profile(TunnelKind::L2tpIpsec, "a", "b", &[]), "psk"),
    ] {
        let error = connection(&profile, &at(500)).unwrap_err();
        assert_eq!(error.kind().exit_code(), 2);
        assert!(
            error.message().contains(&format!("`{field}`")),
            "{field}: {error}"
        );
        assert!(
            error
                .hint_text()
                .unwrap()
                .contains("mroom tunnel set office"),
            "{error}"
        );
    }
}

#[test]
fn each_of_several_authorities_is_a_file() {
    let both = format!("some words\n{PEM}\n\n{PEM}\n");
    let of = profile(TunnelKind::Ikev2, "a", "b", &[("ca", &both)]);
    let files = authorities(&of);
    assert_eq!(files.len(), 2);
    assert!(
        files
            .iter()
            .all(|(_, one)| one.matches("BEGIN").count() == 1),
        "{files:?}"
    );
    let text = connection(&of, &at(500)).unwrap();
    let settings = read(text.reveal());
    assert_eq!(
        settings["connections.mr00000001.remote.cacerts"],
        "ca-0.pem,ca-1.pem"
    );
    assert!(!trusts_system(&of));
    assert!(trusts_system(&profile(TunnelKind::Ikev2, "a", "b", &[])));
    assert!(!trusts_system(&profile(
        TunnelKind::Ikev2,
        "",
        "",
        &[("psk", "x")]
    )));
}

#[test]
fn a_table_of_its_own_for_each_label() {
    let table = |label: &str| -> u32 {
        let text = daemon::settings(label);
        let line = text
            .lines()
            .find(|line| line.contains("routing_table ="))
            .unwrap();
        line.split(" = ").nth(1).unwrap().parse().unwrap()
    };
    let all = [
        "mr00000001",
        "mrffffffff",
        "mr12345678",
        "",
        "mr",
        "nothing",
    ]
    .map(table);
    assert!(all.iter().all(|table| *table > 255));
    assert_ne!(all[0], all[1]);
    assert_ne!(all[1], all[2]);
}

proptest! {
    #[test]
    fn no_value_is_ever_more_than_a_value(
        user in any::<String>(), password in any::<String>(), psk in any::<String>(), group in any::<String>(),
    ) {
        let mut profile = profile(TunnelKind::CiscoIpsec, &user, &password, &[]);
        // What the profile itself refuses is not ours to write.
        let (psk, group) = (psk.trim_matches([' ', '\t']), group.trim_matches([' ', '\t']));
        prop_assume!(!psk.is_empty() && profile.set("psk", psk).is_ok());
        prop_assume!(!group.is_empty() && profile.set("group", group).is_ok());
        if let Ok(text) = connection(&profile, &at(500)) {
            let settings = read(text.reveal());
            prop_assert_eq!(settings.len(), 17);
            let of = |key: &str| settings[&format!("connections.mr00000001.{key}")].clone();
            prop_assert_eq!(of("local-1.id"), format!("keyid:{group}"));
            prop_assert_eq!(of("local-2.xauth_id"), format!("keyid:{user}"));
            prop_assert_eq!(settings["secrets.ike-psk.secret"].as_str(), psk);
            prop_assert_eq!(settings["secrets.xauth-user.secret"].as_str(), password.as_str());
        }
    }
}
