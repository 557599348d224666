use super::*;
use proptest::prelude::*;

const WG: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

#[test]
fn fields_of_every_type_are_sound() {
    for field in FIELDS {
        assert!(
            !field.kinds.is_empty() && !field.help.is_empty(),
            "{}",
            field.key
        );
        for kind in field.kinds {
            let same = fields::of(*kind).filter(|f| f.key == field.key).count();
            assert_eq!(same, 1, "{} of {}", field.key, kind.as_str());
        }
        let mut tunnel = Tunnel::new("a", field.kinds[0], "h");
        let result = tunnel.set(field.key, field.example);
        assert!(result.is_ok(), "{}: {:?}", field.key, result);
    }
}

#[test]
fn what_is_set_is_read() {
    let mut tunnel = Tunnel::new("office", TunnelKind::Ikev2, "vpn.example:4500");
    tunnel.set("routes", " 10.20.0.0/16, 10.30.0.1 ").unwrap();
    tunnel.set("psk", "s3cret").unwrap();
    tunnel.set("isolate", "true").unwrap();
    tunnel.set("mtu", "1400").unwrap();
    assert_eq!(tunnel.list("routes"), ["10.20.0.0/16", "10.30.0.1"]);
    assert_eq!(tunnel.field("psk").unwrap().reveal(), "s3cret");
    assert_eq!(tunnel.text("psk"), None);
    assert!(tunnel.flag("isolate") && !tunnel.flag("mtu"));
    assert_eq!(tunnel.number("mtu"), Some(1400));
    assert_eq!(tunnel.endpoint(500).unwrap(), ("vpn.example".into(), 4500));
    tunnel.set("mtu", "").unwrap();
    assert_eq!(tunnel.number("mtu"), None);
    assert!(!format!("{tunnel:?}").contains("s3cret"));
}

#[test]
fn bad_values() {
    let pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
    use TunnelKind::{CiscoIpsec, Ikev2, OpenVpn, Pptp, Ssh, WireGuard};
    for (kind, key, value, message) in [
        (Ikev2, "foo", "x", "IKEv2 tunnels have no field `foo`"),
        (
            WireGuard,
            "private_key",
            "x",
            "WireGuard tunnels have no field `private_key`",
        ),
        (
            Ikev2,
            "a\u{1b}b",
            "x",
            r"IKEv2 tunnels have no field `a\u{1b}b`",
        ),
        (
            Ssh,
            "mppe",
            "off",
            "`mppe` is a field of PPTP tunnels, not of SSH",
        ),
        (Ikev2, "routes", "10.0.0.0/33", "`routes`: must be ranges"),
        (Ikev2, "routes", "hunter2", "`routes`: must be ranges"),
        (Ikev2, "routes", "10.0.0.0/8,", "`routes`: must be ranges"),
        (
            Ikev2,
            "routes",
            "0.0.0.0/0",
            "`routes`: may not be everything",
        ),
        (
            Ikev2,
            "routes",
            "10.0.0.0/8,::/0",
            "`routes`: may not be everything",
        ),
        (Ikev2, "dns", "ns.example", "`dns`: must be addresses"),
        (Ikev2, "probe", "10.0.0.1", "`probe`: must be HOST:PORT"),
        (Ikev2, "probe", "-x:22", "`probe`: must be HOST:PORT"),
        (
            Ikev2,
            "isolate",
            "yes",
            "`isolate`: must be one of true, false",
        ),
        (Ikev2, "needs", "a b", "`needs`: id `a b` holds a space"),
        (
            Ikev2,
            "timeout",
            "0",
            "`timeout`: must be a number from 1 to 3600",
        ),
        (Ikev2, "timeout", "+5", "`timeout`: must be a number"),
        (
            Ikev2,
            "mtu",
            "99999999999999999999",
            "`mtu`: must be a number",
        ),
        (Ikev2, "psk", "a\nb", "`psk`: holds the character U+000A"),
        (Ikev2, "psk", "a\0", "`psk`: holds the character U+0000"),
        (Ikev2, "id", "-x", "`id`: may not begin with `-`"),
        (
            Ikev2,
            "id",
            "a\u{202e}b",
            "`id`: holds the character U+202E",
        ),
        (Ikev2, "auth", "magic", "`auth`: must be one of"),
        (
            Ikev2,
            "proposals",
            "aes; reboot",
            "`proposals`: must be names",
        ),
        (Ikev2, "proposals", "-x", "`proposals`: must be names"),
        (Ikev2, "proposals", "a\nb", "`proposals`: must be names"),
        (
            Ikev2,
            "ca",
            "hunter2\n",
            "`ca`: holds no CERTIFICATE in PEM",
        ),
        (Ikev2, "key", pem, "`key`: holds no PRIVATE KEY in PEM"),
        (Ikev2, "ca", "a\0\n", "`ca`: holds the character U+0000"),
        (
            CiscoIpsec,
            "mode",
            "quick",
            "`mode`: must be one of aggressive, main",
        ),
        (Pptp, "mppe", "maybe", "`mppe`: must be one of require, off"),
        (OpenVpn, "proto", "sctp", "`proto`: must be one of"),
        (OpenVpn, "cipher", "AES\" x", "`cipher`: must be names"),
        (
            WireGuard,
            "public_key",
            "hunter2",
            "`public_key`: must be a key",
        ),
        (WireGuard, "address", "gw", "`address`: must be addresses"),
        (
            WireGuard,
            "listen_port",
            "0",
            "`listen_port`: must be a number",
        ),
        (
            Ssh,
            "key",
            "-oProxyCommand=x",
            "`key`: may not begin with `-`",
        ),
    ] {
        let mut tunnel = Tunnel::new("office", kind, "h");
        let error = tunnel.set(key, value).unwrap_err();
        assert!(
            error.message().starts_with(message),
            "{key}={value:?}: {error}"
        );
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.kind().exit_code(), 2);
        assert!(tunnel.field(key).is_none());
    }
}

#[test]
fn bad_profiles() {
    let good = || {
        let mut tunnel = Tunnel::new("office", TunnelKind::WireGuard, "gw");
        tunnel.password = Secret::new(WG);
        tunnel
    };
    good().check().unwrap();
    type Break = fn(&mut Tunnel);
    let cases: &[(Break, &str)] = &[
        (
            |t| t.name = "a b".into(),
            "the tunnel's name: id `a b` holds a space",
        ),
        (
            |t| t.name = "a\nb".into(),
            r"the tunnel's name: id `a\nb` holds the character U+000A",
        ),
        (
            |t| t.name = "-x".into(),
            "the tunnel's name: id `-x` may not begin with `-`",
        ),
        (
            |t| t.name = "a--b".into(),
            "the tunnel's name: id `a--b` may not hold two dashes",
        ),
        (|t| t.name.clear(), "the tunnel's name: no id"),
        (|t| t.server.clear(), "the tunnel's server: no host"),
        (
            |t| t.server = "gw:0".into(),
            "the tunnel's server: the port must be",
        ),
        (
            |t| t.user = "-x".into(),
            "the tunnel's user may not begin with `-`",
        ),
        (
            |t| t.user = "a\nb".into(),
            "the tunnel's user: holds the character U+000A",
        ),
        (
            |t| t.password = Secret::new("hunter2"),
            "the tunnel's password (its private key)",
        ),
        (
            |t| {
                t.kind = TunnelKind::Pptp;
                t.password = Secret::new("hunter2\nplugin x");
            },
            "the tunnel's password: holds the character U+000A",
        ),
        (
            |t| {
                t.kind = TunnelKind::Ikev2;
                t.password = Secret::new("");
                t.set("ca", "/etc/ca.pem").unwrap();
            },
            "`ca`: the file was not read",
        ),
    ];
    for (spoil, message) in cases {
        let mut tunnel = good();
        spoil(&mut tunnel);
        let error = tunnel.check().unwrap_err();
        assert!(error.message().starts_with(message), "{message}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn files_are_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    write("ca.pem", pem);
    write("empty", " \n");
    write("big", &"x".repeat(300 << 10));
    std::fs::write(dir.path().join("bytes"), [0xff, 0xfe]).unwrap();
    write("office.ovpn", "client\nremote gw.example 443\nca ca.pem\n");
    write("bad.ovpn", "client\nup /bin/sh\n");
    let wg = format!(
        "[Interface]\nPrivateKey={WG}\nAddress=10.9.0.2/32\n[Peer]\nPublicKey={WG}\nEndpoint=gw:1\n"
    );
    write("wg0.conf", &wg);
    write("bad.conf", &wg.replace("10.9.0.2/32", "hunter2"));
    let of = |kind, key: &str, file: &str| {
        let mut tunnel = Tunnel::new("office", kind, "");
        tunnel.set(key, file).unwrap();
        tunnel.absorb(Some(dir.path())).map(|()| tunnel)
    };
    let tunnel = of(TunnelKind::Ikev2, "ca", "ca.pem").unwrap();
    assert_eq!(tunnel.text("ca").unwrap(), format!("{pem}\n"));
    let tunnel = of(TunnelKind::OpenVpn, "config", "office.ovpn").unwrap();
    assert_eq!(tunnel.server, "gw.example:443");
    assert!(
        tunnel
            .field("config")
            .unwrap()
            .reveal()
            .contains("<ca>\n-----BEGIN")
    );
    tunnel.check().unwrap();
    let tunnel = of(TunnelKind::WireGuard, "config", "wg0.conf").unwrap();
    assert_eq!(
        (tunnel.server.as_str(), tunnel.password.reveal()),
        ("gw:1", WG)
    );
    assert!(tunnel.field("config").is_none());
    assert_eq!(tunnel.list("address"), ["10.9.0.2/32"]);
    tunnel.check().unwrap();
    for (kind, key, file, message) in [
        (TunnelKind::Ikev2, "ca", "none", "No such file"),
        (TunnelKind::Ikev2, "ca", ".", "is no file"),
        (TunnelKind::Ikev2, "ca", "empty", "is empty"),
        (TunnelKind::Ikev2, "ca", "big", "is larger than 256 KiB"),
        (TunnelKind::Ikev2, "ca", "bytes", "is no text"),
        (
            TunnelKind::Ikev2,
            "key",
            "ca.pem",
            "holds no PRIVATE KEY in PEM",
        ),
        (
            TunnelKind::OpenVpn,
            "config",
            "bad.ovpn",
            "`config`: line 2: `up` makes OpenVPN run",
        ),
        (
            TunnelKind::WireGuard,
            "config",
            "bad.conf",
            "`config`: `address`: must be addresses",
        ),
    ] {
        let error = of(kind, key, file).unwrap_err();
        assert!(error.message().contains(message), "{file}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn what_a_type_cannot_do_without() {
    for kind in TunnelKind::usable() {
        let mut tunnel = Tunnel::new("a", kind, "h");
        let lacking = tunnel.lacks();
        assert_eq!(
            lacking.is_empty(),
            kind == TunnelKind::Ssh,
            "{}",
            kind.as_str()
        );
        if kind != TunnelKind::Ssh {
            tunnel.set("service", "Office").unwrap();
            assert!(tunnel.lacks().is_empty());
        }
    }
    for (kind, user, set, lacking) in [
        (TunnelKind::Ikev2, "", &["psk"][..], &[][..]),
        (TunnelKind::Ikev2, "ann", &["psk"], &["password"]),
        (TunnelKind::Ikev2, "", &["cert"], &["key"]),
        (
            TunnelKind::CiscoIpsec,
            "ann",
            &["cert"],
            &["password", "key"],
        ),
        (TunnelKind::L2tpIpsec, "ann", &[], &["password", "psk"]),
    ] {
        let mut tunnel = Tunnel::new("a", kind, "h");
        tunnel.user = user.to_owned();
        for key in set {
            let field = fields::find(kind, key).unwrap();
            tunnel.fields.insert(field.key, Secret::new("x"));
        }
        assert_eq!(tunnel.lacks(), lacking, "{} {set:?}", kind.as_str());
    }
    for kind in [TunnelKind::Sstp, TunnelKind::Dae, TunnelKind::IpVanish] {
        let error = kind.check_usable().unwrap_err();
        assert_eq!(error.kind().exit_code(), 2);
        assert!(error.hint_text().is_some() && error.message().contains(kind.as_str()));
    }
}

proptest! {
    /// Whatever is set, a value that is kept is on one line, or the content of a file.
    #[test]
    fn hostile_values_never_pass(
        at in 0..FIELDS.len(), text in any::<String>(), bad in "[\n\r\0\u{1b}]", rest in "[ -~]{0,9}",
    ) {
        let field = FIELDS[at];
        let mut tunnel = Tunnel::new("a", field.kinds[0], "h");
        let _ = tunnel.set(field.key, &text);
        let _ = tunnel.check();
        if !field.is_file {
            let mut tunnel = Tunnel::new("a", field.kinds[0], "h");
            let value = format!("x{rest}{bad}{rest}x");
            prop_assert!(tunnel.set(field.key, &value).is_err());
        }
    }
}
