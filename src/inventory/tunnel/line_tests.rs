use proptest::prelude::*;

use super::*;
use crate::inventory::listfile::{parse, write_tunnel};

/// The tunnel of a file's line 1 as `user <password> key=value…`, or the error.
fn read_line(line: &str) -> std::result::Result<String, String> {
    let mut file = parse(line.as_bytes());
    if let Some((number, e)) = file.errors.pop() {
        assert_eq!(number, 1);
        return Err(e.to_string());
    }
    let tunnel = file.tunnel.ok_or("nothing")?;
    let mut text = format!("{} <{}>", tunnel.user, tunnel.password.reveal());
    for (field, value) in tunnel.fields() {
        text.push_str(&format!(" {}={}", field.key, value.reveal()));
    }
    Ok(text)
}

#[test]
fn fields_stand_behind_the_password() {
    for (line, read) in [
        ("#o--IKEv2--gw--me--pw", "me <pw>"),
        ("#o--IKEv2--gw--me", "me <>"),
        (
            "#o--IKEv2--gw--me--pw--psk=s3--routes=10.0.0.0/8",
            "me <pw> routes=10.0.0.0/8 psk=s3",
        ),
        ("#o--IKEv2--gw--me--a--b--mtu=1400", "me <a--b> mtu=1400"),
        (
            "# o -- IKEv2 -- gw -- me -- p w -- psk = s 3 ",
            "me <p w> psk=s 3",
        ),
        // The first behind the user is the password, whatever it looks like.
        ("#o--IKEv2--gw--me--psk=s3", "me <psk=s3>"),
        ("#o--IKEv2--gw--me----psk=s3", "me <> psk=s3"),
        (
            "#o--IKEv2--gw--me--x=y--z--mtu=1400",
            "me <x=y--z> mtu=1400",
        ),
        (
            "#o----L2TP/IPsec----gw----me----a--b----psk=c--d",
            "me <a--b> psk=c--d",
        ),
        ("#o——ikv2——gw——me——a--b——psk=c--d", "me <a--b> psk=c--d"),
        (
            "#o--SSH--gw:2222--me----key=~/.ssh/gate",
            "me <> key=~/.ssh/gate",
        ),
        ("#o--SSH--[::1]:22--me--", "me <>"),
        ("#o--IKEv2--gw--me--pw--ca=ca.pem", "me <pw> ca=ca.pem"),
        (
            "#o--OpenVPN-- --me--pw--config=o.ovpn",
            "me <pw> config=o.ovpn",
        ),
    ] {
        let found = read_line(line).unwrap_or_else(|e| e);
        assert_eq!(found, read, "{line:?}");
    }
}

#[test]
fn bad_lines() {
    for (line, message) in [
        (
            "#o--IKEv2--gw--me--pw--psk=hun--ter2",
            "the value of `psk`, or what stands after it",
        ),
        (
            "#o--IKEv2--gw--me--pw--pks=hunter2",
            "IKEv2 tunnels have no such field; was `psk` meant?",
        ),
        (
            "#o--IKEv2--gw--me--pw--mppe=off",
            "`mppe` is a field of PPTP tunnels, not of IKEv2",
        ),
        (
            "#o--IKEv2--gw--me--pw--mtu=hunter2",
            "`mtu`: must be a number",
        ),
        (
            "#o--IKEv2--gw--me--pw--mtu=1400--mtu=1500",
            "`mtu` is there twice",
        ),
        (
            "#o--IKEv2--gw--me--pw--id=-x",
            "`id`: may not begin with `-`",
        ),
        (
            "#o p--IKEv2--gw--me--pw",
            "the tunnel's name: id `o p` holds a space",
        ),
        (
            "#@o--IKEv2--gw--me--pw",
            "the tunnel's name: id `@o` may not begin with `@`",
        ),
        (
            "#o--IKEv2--g w--me--pw",
            "the tunnel's server: the host holds a space",
        ),
        (
            "#o--IKEv2--gw:0--me--pw",
            "the tunnel's server: the port must be",
        ),
        (
            "#o--IKEv2---oProxy--me--pw",
            "the tunnel's server: the host may not begin with `-`",
        ),
        (
            "#o----IKEv2----gw-------me----pw",
            "the tunnel's user may not begin with `-`",
        ),
        (
            "#o--WireGuard--gw--me--hunter2",
            "the tunnel's password (its private key)",
        ),
        ("#o--IKEv2----me--pw", "the tunnel's server: no host"),
    ] {
        let error = read_line(line).unwrap_err();
        assert!(error.starts_with(message), "{line:?}: {error}");
        assert!(
            !error.contains("hunter") && !error.contains("ter2"),
            "{error}"
        );
    }
    // Recognised, kept, and told of.
    for word in ["SSTP", "dae", "IPVanish"] {
        let file = parse(format!("#o--{word}--gw--me--pw\n").as_bytes());
        assert!(file.tunnel.is_some() && file.errors.is_empty());
        assert!(
            file.notes[0].1.contains("will not be made"),
            "{:?}",
            file.notes
        );
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let tunnel = |password: &str| {
        let mut tunnel = Tunnel::new("o", TunnelKind::Ikev2, "gw");
        tunnel.user = "me".to_owned();
        tunnel.password = Secret::new(password);
        tunnel
    };
    let with = |key: &str, value: &str| {
        let mut tunnel = tunnel("pw");
        tunnel.set(key, value).unwrap();
        tunnel
    };
    let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    for (tunnel, line) in [
        (tunnel("pw"), Some("#o--IKEv2--gw--me--pw")),
        (tunnel("psk=x"), Some("#o--IKEv2--gw--me--psk=x")),
        (
            tunnel("a--psk=x"),
            Some("#o----IKEv2----gw----me----a--psk=x"),
        ),
        (
            tunnel("a--pks=x"),
            Some("#o----IKEv2----gw----me----a--pks=x"),
        ),
        (
            with("psk", "a--b"),
            Some("#o----IKEv2----gw----me----pw----psk=a--b"),
        ),
        (with("mtu", "1400"), Some("#o--IKEv2--gw--me--pw--mtu=1400")),
        (tunnel(" pw"), None),
        (with("ca", pem), None),
    ] {
        assert_eq!(write_tunnel(&tunnel).as_deref(), line);
    }
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>()) {
        parse(format!("#{text}").as_bytes());
    }

    #[test]
    fn likely_lines_never_panic(text in "(o|--|----|——|IKEv2|ssh|gw|psk=|mtu=1400|pks|=| ){0,14}") {
        parse(format!("#{text}").as_bytes());
    }

    #[test]
    fn what_is_written_reads_back(
        name in "[a-z][a-z0-9._-]{0,6}", server in "[a-z0-9.:-]{1,9}", user in "[!-~—]{0,6}",
        password in "([!-~—=]{0,5}(--|——)?(psk=|mtu=)?){0,3}", psk in proptest::option::of("[!-~]{1,9}(--)?x"),
        id in proptest::option::of("[a-z@.=-]{1,9}"),
    ) {
        let mut tunnel = Tunnel::new(name, TunnelKind::Ikev2, server);
        tunnel.user = user;
        tunnel.password = Secret::new(password);
        if let Some(psk) = psk {
            tunnel.set("psk", &psk).unwrap();
        }
        if let Some(id) = id {
            let _ = tunnel.set("id", &id);
        }
        if let Some(line) = write_tunnel(&tunnel) {
            let file = parse(format!("{line}\r\nweb--h--u--pw").as_bytes());
            prop_assert!(file.errors.is_empty());
            prop_assert_eq!(file.tunnel.unwrap(), tunnel);
        }
    }
}
