use proptest::prelude::*;

use super::*;
use crate::inventory::TunnelKind;

/// `id host user password port key` of the only line, or the error.
fn one(line: &str) -> std::result::Result<String, String> {
    let mut file = parse(line.as_bytes());
    if let Some((number, e)) = file.errors.pop() {
        assert_eq!(number, 1, "{line}");
        return Err(e.to_string());
    }
    let (_, e) = file.entries.pop().ok_or("nothing")?;
    let key = e.key.as_deref().unwrap_or("-");
    Ok(format!(
        "{} {} {} <{}> {} {key}",
        e.id,
        e.host,
        e.user,
        e.password.reveal(),
        e.port
    ))
}

#[test]
fn every_variant() {
    for (line, read) in [
        ("web--10.0.0.1--root--pw--22", "web 10.0.0.1 root <pw> 22 -"),
        (
            "web--10.0.0.1--root--pw--2222",
            "web 10.0.0.1 root <pw> 2222 -",
        ),
        (
            "web---10.0.0.1---root---pw---22",
            "web 10.0.0.1 root <pw> 22 -",
        ),
        (
            "web----10.0.0.1----root----pw----22",
            "web 10.0.0.1 root <pw> 22 -",
        ),
        ("web——10.0.0.1——root——pw——22", "web 10.0.0.1 root <pw> 22 -"),
        (
            "web————10.0.0.1————root————pw————22",
            "web 10.0.0.1 root <pw> 22 -",
        ),
        (
            "web———10.0.0.1———root———pw———22",
            "web 10.0.0.1 root <pw> 22 -",
        ),
        ("web-01--h-1--ro-ot--p-w--22", "web-01 h-1 ro-ot <p-w> 22 -"),
        ("w—1--h--u--p—w--22", "w—1 h u <p—w> 22 -"),
        // Four fields: the password, whatever it looks like.
        ("web--h--u--pw", "web h u <pw> 22 -"),
        ("web--h--u--2222", "web h u <2222> 22 -"),
        ("web--h--u--/etc/passwd", "web h u </etc/passwd> 22 -"),
        ("web--h--u--~", "web h u <~> 22 -"),
        ("web--h--u--", "web h u <> 22 -"),
        // Five and more, from the right.
        ("web--h--u--pw--", "web h u <pw> 22 -"),
        ("web--h--u--pw--22--/k", "web h u <pw> 22 /k"),
        ("web--h--u--pw--22--~/.ssh/k", "web h u <pw> 22 ~/.ssh/k"),
        ("web--h--u--pw--22--./k", "web h u <pw> 22 ./k"),
        ("web--h--u--pw----/k", "web h u <pw> 22 /k"),
        ("web--h--u--22--/k", "web h u <> 22 /k"),
        (
            "kansas--203.0.113.100--admin------22--/k",
            "kansas 203.0.113.100 admin <> 22 /k",
        ),
        (
            "prod--192.168.1.100--ubuntu------/k",
            "prod 192.168.1.100 ubuntu <> 22 /k",
        ),
        ("web--h--u----22", "web h u <> 22 -"),
        ("web--h--u------22", "web h u <> 22 -"),
        ("web--h--u-- -- --22", "web h u <> 22 -"),
        // The password may hold the separator when the port is written.
        ("web--h--u--a--b--22", "web h u <a--b> 22 -"),
        ("web--h--u--a--b--c--22--/k", "web h u <a--b--c> 22 /k"),
        ("web--h--u--a--b----/k", "web h u <a--b> 22 /k"),
        ("web--h--u---pw--22", "web h u <-pw> 22 -"),
        ("web--h--u--pw---22", "web h u <pw-> 22 -"),
        ("web——h——u——a--b——22", "web h u <a--b> 22 -"),
        ("web----h----u----a--b", "web h u <a--b> 22 -"),
        ("web--h--u--22--22", "web h u <22> 22 -"),
        ("web--h--u--p#w d--22", "web h u <p#w d> 22 -"),
        // Spaces, tabs, CRLF, a byte order mark.
        (
            "  web -- h -- u -- p w -- 22 -- /a b \t",
            "web h u <p w> 22 /a b",
        ),
        ("web\t--\th--u--pw--22\r\n", "web h u <pw> 22 -"),
        ("\u{feff}web--h--u--pw--22", "web h u <pw> 22 -"),
        ("\n\n", "nothing"),
        ("web--::1--u--pw--22", "web ::1 u <pw> 22 -"),
    ] {
        let found = one(line).unwrap_or_else(|e| e);
        assert_eq!(found, read, "{line:?}");
    }
}

#[test]
fn bad_lines() {
    let long = format!("web--h--u--{}", "x".repeat(1 << 20));
    for (line, message) in [
        ("web", "no separator: two or more dashes"),
        ("web-h-u-pw", "no separator: two or more dashes"),
        ("web--h", "too few fields between the separators `--`"),
        ("web--h--u", "`web` has no password field"),
        ("--h--u--pw--22", "no id"),
        ("  --h--u--pw--22", "no id"),
        (
            "web----u--pw--22",
            "too few fields between the separators `----`",
        ),
        ("web-- --u--pw--22", "no host"),
        ("web--h-- --pw--22", "no user"),
        ("we b--h--u--pw--22", "id `we b` holds a space"),
        ("@web--h--u--pw--22", "id `@web` may not begin with `@`"),
        ("web--h h--u--pw--22", "the host holds a space"),
        ("web--h/x--u--pw--22", "the host holds `/`"),
        ("web--[::1]--u--pw--22", "the host has brackets"),
        ("web--h--u u--pw--22", "the user holds a space"),
        ("web--h--u--pw--0", "the port must be from 1 to 65535"),
        ("web--h--u--pw--65536", "the port must be from 1 to 65535"),
        ("web--h--u--pw--22x", "the port is not a number"),
        ("web--h--u--hunter2--hunter3", "the port is not a number"),
        ("web--h--u--hunter2--/k", "the port is not a number"),
        ("web--h--u--p\0w--22", "the line holds the character U+0000"),
        (
            "web--h--u--p\u{1b}[0m--22",
            "the line holds the character U+001B",
        ),
        (
            "web--h--u--pw--22\rdb--h--u--pw",
            "the line holds the character U+000D",
        ),
        (
            "#x--WireGuard--h--u--hunter2",
            "the tunnel's password (its private key): must be a key as `wg genkey` and `wg pubkey` give",
        ),
        (&long, "the line is 1048587 bytes long; 65536 are allowed"),
        (
            "#x y--SSH--h--u--pw",
            "the tunnel's name: id `x y` holds a space",
        ),
    ] {
        let error = one(line).unwrap_err();
        let short: String = line.chars().take(60).collect();
        assert_eq!(error, message, "{short:?}");
        assert!(!error.contains("hunter"), "{error}");
    }
    let file = parse(b"web--h--u--p\xffw\nok--h--u--pw\n");
    assert_eq!(
        file.errors[0].1.message(),
        "byte 13 of the line is not valid UTF-8"
    );
    assert_eq!(file.entries.len(), 1);
}

#[test]
fn line_1_may_declare_a_tunnel() {
    for (word, kind) in [
        ("L2TP/IPSEC", TunnelKind::L2tpIpsec),
        ("cisco/ipsec", TunnelKind::CiscoIpsec),
        ("IKEv2", TunnelKind::Ikev2),
        ("ikv2", TunnelKind::Ikev2),
        ("ssh", TunnelKind::Ssh),
        ("PPTP", TunnelKind::Pptp),
        ("openvpn", TunnelKind::OpenVpn),
        ("SSTP", TunnelKind::Sstp),
        ("DAE", TunnelKind::Dae),
        ("ipvanish", TunnelKind::IpVanish),
    ] {
        let line = format!("\u{feff}# office --{word}-- gw.example --me--s3--cret\nweb--h--u--pw");
        let file = parse(line.as_bytes());
        let tunnel = file.tunnel.unwrap();
        assert_eq!(
            (tunnel.kind, tunnel.name.as_str()),
            (kind, "office"),
            "{word}"
        );
        assert_eq!(
            (tunnel.server.as_str(), tunnel.user.as_str()),
            ("gw.example", "me")
        );
        assert_eq!(tunnel.password.reveal(), "s3--cret");
        let notes = usize::from(kind.refusal().is_some());
        assert_eq!((file.entries.len(), file.notes.len()), (1, notes));
    }
    for (text, notes) in [
        ("# a comment", 0),
        ("# a comment -- with dashes -- and more -- of -- them", 0),
        ("#web-01--10.0.0.1--root--pw--22", 0),
        ("#office--wireguar--gw--me--pw", 1),
        ("#office--SSH--gw", 1),
        ("web--h--u--pw\n#office--SSH--gw--me--pw", 1),
        ("\n#office--SSH--gw--me--pw", 1),
        ("web--h--u--pw\n#db--h--u--pw", 0),
    ] {
        let file = parse(text.as_bytes());
        assert!(file.tunnel.is_none() && file.errors.is_empty(), "{text}");
        assert_eq!(file.notes.len(), notes, "{text}: {:?}", file.notes);
    }
}

#[test]
fn export_writes_the_port_and_refuses_what_does_not_come_back() {
    let entry = |password: &str, key: Option<&str>| Entry {
        id: "web".into(),
        host: "h".into(),
        user: "u".into(),
        password: Secret::new(password),
        port: 22,
        key: key.map(str::to_owned),
    };
    for (password, key, line) in [
        ("pw", None, Some("web--h--u--pw--22")),
        ("", None, Some("web--h--u----22")),
        ("", Some("/k"), Some("web--h--u----22--/k")),
        ("a--b", Some("~/k"), Some("web--h--u--a--b--22--~/k")),
        (
            "pw",
            Some("/my--key"),
            Some("web----h----u----pw----22----/my--key"),
        ),
        ("--", None, Some("web----h----u----------22")),
        (" pw", None, None),
        ("a\nb", None, None),
        ("pw", Some("key"), None),
    ] {
        let written = write_entry(&entry(password, key));
        assert_eq!(written.as_deref(), line, "{password:?} {key:?}");
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes);
    }

    #[test]
    fn likely_bytes_never_panic(text in "[ab/~.#0-9 \t\r\n—-]{0,60}") {
        parse(text.as_bytes());
    }

    #[test]
    fn what_is_written_reads_back(
        id in "[a-z][a-z0-9—._-]{0,8}", host in "[a-z0-9.:-]{1,9}", user in "[a-z—-]{1,6}",
        password in "[ -~—ü]{0,12}", port in 1u16.., key in proptest::option::of("[/~.][ -~—]{0,9}"),
    ) {
        let password = Secret::new(password);
        let entry = Entry { id, host, user, password, port, key };
        if let Some(line) = write_entry(&entry) {
            let file = parse(format!("{line}\r\n").as_bytes());
            prop_assert!(file.errors.is_empty() && file.notes.is_empty());
            prop_assert_eq!(&file.entries[0].1, &entry);
        }
    }

    /// Ordinary servers are never refused.
    #[test]
    fn ordinary_servers_are_written(
        id in "[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4}){0,2}", host in "[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,2}",
        user in "[a-z]{1,8}", password in "([!-,.-~]([ -,.-~]{0,8}[!-,.-~])?)?", port in 1u16..,
        key in proptest::option::of("[/~.][a-z/._]{0,9}"),
    ) {
        let password = Secret::new(password);
        let entry = Entry { id, host, user, password, port, key };
        prop_assert!(write_entry(&entry).is_some(), "{:?}", entry);
    }
}
