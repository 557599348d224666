//! Logs and answers below `tests/golden/tunnels/openvpn` are those of OpenVPN 2.6.14.

use proptest::prelude::*;

use super::super::testing::{answer, at, failed, golden, keeps_secrets, profile, shown};
use super::*;
use crate::inventory::TunnelKind;
use crate::secret::Secret;

const CA: &str = "-----BEGIN CERTIFICATE-----\nMIIBca\n-----END CERTIFICATE-----\n";
const CERT: &str = "-----BEGIN CERTIFICATE-----\nMIIBcert\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIBkey\n-----END PRIVATE KEY-----\n";
const STATIC: &str =
    "-----BEGIN OpenVPN Static key V1-----\n00ff\n-----END OpenVPN Static key V1-----\n";

fn config_of(plan: &Plan) -> String {
    let mut inputs = plan.up.iter().filter_map(|step| step.stdin.as_ref());
    inputs.next_back().unwrap().reveal().to_owned()
}

#[test]
fn from_fields() {
    let mut of = profile(
        TunnelKind::OpenVpn,
        &[
            ("ca", CA),
            ("cert", CERT),
            ("key", KEY),
            ("tls_auth", STATIC),
            ("cipher", "AES-256-GCM,AES-256-CBC"),
            ("keepalive", "10"),
            ("mtu", "1400"),
            ("proto", "tcp"),
        ],
    );
    of.user = r#"anna "a\b" #1"#.to_owned();
    of.password = Secret::new(r#"--up 's3 "c\r#et$"#);
    let plan = OpenVpn.plan(&of, &at(1194)).unwrap();
    golden("openvpn-fields.txt", &shown(&plan));
    keeps_secrets(&plan, &["MIIBkey", "s3 \"c", "00ff"]);
}

#[test]
fn from_a_file() {
    let text = format!(
        "# office\nclient\ndev tun\nproto tcp\nremote vpn.example.com 443\nresolv-retry infinite\n\
         user nobody\nroute 10.0.0.0 255.0.0.0\nredirect-gateway def1\ndhcp-option DNS 10.0.0.1\n\
         verify-x509-name \"C=DE, CN=gate \\\\ way\" subject\nauth-user-pass\nverb 11\n\
         setenv opt block-outside-dns\nkey-direction 0\n<ca>\n{CA}</ca>\n<tls-auth>\n{STATIC}</tls-auth>\n"
    );
    let of = profile(TunnelKind::OpenVpn, &[("config", &text)]);
    let plan = OpenVpn.plan(&of, &at(1194)).unwrap();
    golden("openvpn-config.txt", &shown(&plan));
    keeps_secrets(&plan, &["s3cret"]);
}

#[test]
fn where_it_goes() {
    let file = |line: &str| format!("client\n{line}\n<ca>\n{CA}</ca>\n");
    for (server, config, fields, line) in [
        (
            "vpn.example.com",
            "verb 3",
            &[][..],
            "proto udp4\nremote 203.0.113.9 1194\n",
        ),
        (
            "vpn.example.com:1195",
            "port 99",
            &[],
            "proto udp4\nremote 203.0.113.9 1194\n",
        ),
        (
            "vpn.example.com",
            "port 99",
            &[],
            "proto udp4\nremote 203.0.113.9 99\n",
        ),
        (
            "vpn.example.com",
            "remote h 77 tcp",
            &[],
            "proto tcp4-client\nremote 203.0.113.9 77\n",
        ),
        (
            "vpn.example.com",
            "remote h 77 tcp",
            &[("proto", "udp")],
            "proto udp4\nremote 203.0.113.9 77\n",
        ),
    ] {
        let config = file(config);
        let mut of = profile(TunnelKind::OpenVpn, &[("config", &config)]);
        of.server = server.to_owned();
        for (key, value) in fields {
            of.set(key, value).unwrap();
        }
        let text = config_of(&OpenVpn.plan(&of, &at(1194)).unwrap());
        assert!(text.contains(line), "{server} {config}: {text}");
    }
    let of = profile(TunnelKind::OpenVpn, &[("ca", CA)]);
    let mut there = at(1194);
    there.gateway = "[2001:db8::9]:1194".parse().unwrap();
    let text = config_of(&OpenVpn.plan(&of, &there).unwrap());
    assert!(
        text.contains("proto udp6\nremote 2001:db8::9 1194\n"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_written_is_refused() {
    let ca = &[("ca", CA)][..];
    for (user, password, fields, field) in [
        ("anna\nup x", "p", ca, "`user`"),
        ("anna\0", "p", ca, "`user`"),
        ("anna", "p\nq", ca, "`password`"),
        ("anna", "p\r", ca, "`password`"),
        ("anna", "", ca, "`password`"),
        (
            "",
            "",
            &[("config", "client\nauth-user-pass\nverb 3")][..],
            "`user`",
        ),
        ("", "", &[("config", "client\ndev tap0\n")][..], "`config`"),
    ] {
        let mut of = profile(TunnelKind::OpenVpn, fields);
        (of.user, of.password) = (user.to_owned(), Secret::new(password));
        let error = OpenVpn.plan(&of, &at(1194)).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage, "{error}");
        assert!(error.message().contains(field), "{error}");
        assert!(
            error
                .hint_text()
                .unwrap()
                .starts_with("mroom tunnel set office ")
        );
    }
}

fn state(text: &str) -> State {
    OpenVpn.read(&profile(TunnelKind::OpenVpn, &[]), &at(1194), &answer(text))
}

fn reason(state: &State) -> &'static str {
    match state {
        State::Failed { reason, .. } => reason,
        _ => "",
    }
}

#[test]
fn up_and_lost_and_up_again() {
    let up = include_str!("../../../../tests/golden/tunnels/openvpn/up.answer");
    let State::Up(facts) = state(up) else {
        panic!("{:?}", state(up));
    };
    assert_eq!(facts.address, Some("10.9.8.10".parse().unwrap()));
    assert_eq!(facts.interface.as_deref(), Some("mr00000001"));
    assert_eq!((facts.received, facts.sent), (Some(48), Some(48)));

    let lost = format!(
        "{up}Inactivity timeout (--ping-restart), restarting\nSIGUSR1[soft,ping-restart] received, process restarting\n"
    );
    assert_eq!(state(&lost), State::Coming);
    let refused = format!("{lost}read UDPv4 [ECONNREFUSED]: Connection refused (fd=3,code=111)\n");
    assert_eq!(reason(&state(&refused)), "gateway");
    let again = format!("{refused}Initialization Sequence Completed\n");
    assert!(matches!(state(&again), State::Up(_)));
    let killed = up.replacen("running", "gone", 1);
    assert_eq!(reason(&state(&killed)), "dropped");
    assert_eq!(state("gone\n\n"), State::Down);
    assert_eq!(state("running\n\n"), State::Coming);
}

#[test]
fn what_went_wrong() {
    for (alive, log, expected) in [
        (
            "gone",
            include_str!("../../../../tests/golden/tunnels/openvpn/auth.log"),
            "auth",
        ),
        (
            "running",
            include_str!("../../../../tests/golden/tunnels/openvpn/ca.log"),
            "auth",
        ),
        (
            "running",
            include_str!("../../../../tests/golden/tunnels/openvpn/refused.log"),
            "gateway",
        ),
        (
            "gone",
            include_str!("../../../../tests/golden/tunnels/openvpn/cipher.log"),
            "proposal",
        ),
        ("gone", "something new\n", "config"),
    ] {
        let state = state(&format!("{alive}\n\n{log}"));
        assert_eq!(reason(&state), expected, "{log}");
    }
    let of = profile(TunnelKind::OpenVpn, &[]);
    let said = "Options error: Unrecognized option or missing or extra parameter(s) in c/config:27: bogus (2.6.14)\nUse --help for more information.";
    let Some(State::Failed { reason, message }) = OpenVpn.failure(&of, &at(1194), &failed(said))
    else {
        panic!("nothing read");
    };
    assert_eq!(reason, "config");
    assert!(message.contains("bogus"), "{message}");
    assert_eq!(OpenVpn.failure(&of, &at(1194), &failed("killed")), None);
}

#[test]
fn somebody_elses() {
    let of = profile(TunnelKind::OpenVpn, &[]);
    let links = r#"links [{"ifname":"lo","flags":["LOOPBACK","UP"],"addr_info":[]},{"ifname":"tun0","flags":["POINTOPOINT","UP"],"linkinfo":{"info_kind":"tun"},"addr_info":[{"family":"inet","local":"10.8.0.2","scope":"global"}],"stats64":{"rx":{"bytes":1},"tx":{"bytes":2}}}]"#;
    let route =
        |dev: &str| format!("route [{{\"dst\":\"10.77.0.5\",\"dev\":\"{dev}\",\"flags\":[]}}]");
    let seen = |text: String| OpenVpn.is_elsewhere(&of, &at(1194), &answer(&text));
    for host in ["203.0.113.9", "vpn.example.com"] {
        let facts = seen(format!(
            "word openvpn\nword {host}\n{}\n{links}",
            route("tun0")
        ))
        .unwrap();
        assert_eq!(facts.interface.as_deref(), Some("tun0"));
    }
    // Another gateway, another way, one of ours, no route at all.
    assert_eq!(
        seen(format!("word 203.0.113.8\n{}\n{links}", route("tun0"))),
        None
    );
    assert_eq!(
        seen(format!("word 203.0.113.9\n{}\n{links}", route("lo"))),
        None
    );
    assert_eq!(
        seen(format!(
            "word 203.0.113.9\n{}\n{}\n{links}",
            route("tun0"),
            route("lo")
        )),
        None
    );
    let ours = links.replace("tun0", "mr00000002");
    assert_eq!(
        seen(format!("word 203.0.113.9\n{}\n{ours}", route("mr00000002"))),
        None
    );
    assert_eq!(seen(format!("word 203.0.113.9\nroute \n{links}")), None);
    assert_eq!(seen(String::new()), None);
}

/// Options that begin a line of a configuration, outside of its blocks.
fn options(text: &str) -> Vec<String> {
    let mut options = Vec::new();
    let mut inside = None;
    for line in text.lines() {
        match &inside {
            Some(end) if line == end => inside = None,
            Some(_) => {}
            None if line.starts_with('<') => inside = Some(line.replacen('<', "</", 1)),
            None => options.extend(line.split(' ').next().map(str::to_owned)),
        }
    }
    options
}

proptest! {
    /// Whatever a profile holds, no option comes into the configuration by it.
    #[test]
    fn values_add_no_option(
        user in "[ -~\n\r\0]{1,12}", password in "[ -~\n\"\\\\#]{1,12}",
        ca in "(up /bin/x\n|</ca>\n|<ca>\n|[ -~]{0,9}\n){0,4}",
    ) {
        let mut of = profile(TunnelKind::OpenVpn, &[("ca", CA)]);
        of.user = user;
        of.password = Secret::new(password);
        let _ = of.set("ca", &format!("{CA}{ca}"));
        let usual = options(&config_of(
            &OpenVpn.plan(&profile(TunnelKind::OpenVpn, &[("ca", CA)]), &at(1194)).unwrap(),
        ));
        if let Ok(plan) = OpenVpn.plan(&of, &at(1194)) {
            prop_assert_eq!(options(&config_of(&plan)), usual);
            let login = plan.up[0].stdin.as_ref().unwrap().reveal();
            prop_assert_eq!(login.lines().count(), 2);
        }
    }

    #[test]
    fn no_answer_makes_it_panic(text in any::<String>(), log in "[ -~\n]{0,200}") {
        let _ = state(&text);
        let _ = state(&format!("running\n[]\n{log}"));
        let of = profile(TunnelKind::OpenVpn, &[]);
        let _ = OpenVpn.is_elsewhere(&of, &at(1194), &answer(&text));
    }
}
