//! Profiles of tunnels that are refused: by hand, in list files, in JSON; no secret is shown for it.

use crate::support::home::{Done, Home};

/// Nothing that the command printed holds one of the secrets.
#[track_caller]
fn silent(done: &Done) {
    for secret in ["hunter2", "psk-secret"] {
        let shown = format!("{}{}", done.stdout, done.stderr);
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn what_is_refused() {
    let home = Home::new();
    home.ok(&["tunnel", "add", "office", "IKEv2", "gw"]);
    home.write("evil.conf", "[Interface]\nPostUp = /bin/sh -c hunter2\n");
    home.write("evil.ovpn", "client\n--up \"/bin/sh -c hunter2\"\n");
    home.write("big", vec![b'x'; 300 << 10]);
    for (words, message) in [
        (
            "tunnel add office IKEv2 gw",
            "there is a tunnel profile `office` already",
        ),
        ("tunnel add a@b=c IKEv2 gw", "id `a@b=c` may not hold `=`"),
        (
            "tunnel add -- -x IKEv2 gw",
            "id `-x` may not begin with `-`",
        ),
        ("tunnel add x--y IKEv2 gw", "may not hold two dashes"),
        ("tunnel add x wireguad gw", "did you mean `WireGuard`?"),
        ("tunnel add x SSTP gw", "tunnels of type SSTP are not made"),
        ("tunnel add x dae gw", "tunnels of type DAE are not made"),
        (
            "tunnel add x IPVanish gw",
            "tunnels of type IPVANISH are not made",
        ),
        ("tunnel add x IKEv2", "no server"),
        (
            "tunnel add x IKEv2 gw:0",
            "the tunnel's server: the port must be",
        ),
        (
            "tunnel add x IKEv2 gw mppe=off",
            "`mppe` is a field of PPTP tunnels",
        ),
        (
            "tunnel add x WireGuard config=evil.conf",
            "line 2: `postup` runs a command as root",
        ),
        (
            "tunnel add x OpenVPN config=evil.ovpn",
            "line 2: `up` makes OpenVPN run a program",
        ),
        ("tunnel add x OpenVPN config=big", "is larger than 256 KiB"),
        ("tunnel add x OpenVPN config=none", "`none`: No such file"),
        (
            "tunnel set office psk=hunter2",
            "`psk` is a secret, which is not typed on the command",
        ),
        (
            "tunnel set office password=hunter2",
            "a password is not set on the command line",
        ),
        (
            "tunnel set office type=SSH",
            "the type of a profile does not change",
        ),
        (
            "tunnel set office routes=0.0.0.0/0",
            "`routes`: may not be everything",
        ),
        (
            "tunnel set office routs=10.0.0.0/8",
            "did you mean `routes`?",
        ),
        ("tunnel set office mtu", "`mtu` needs a value"),
        ("tunnel set office psk=@none", "`psk=@none`: No such file"),
        ("tunnel set office", "nothing to set"),
        ("tunnel set offic mtu=1400", "did you mean `office`?"),
        ("tunnel show nobody", "there is no tunnel profile `nobody`"),
        ("tunnel rm nobody", "there is no tunnel profile `nobody`"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let done = home.run(&words).ended(2);
        assert!(done.stderr.contains(message), "{words:?}: {done:?}");
        silent(&done);
    }
    let done = home.run(&["tunnel", "set", "office", "psk"]).ended(5);
    assert!(
        done.stderr
            .contains("no terminal to ask for the pre-shared key\n  hint: `psk=@FILE`"),
        "{done:?}"
    );
    // Names with spaces, quotes and line breaks.
    for name in ["a b", "a\nb", "a\tb", "", "a\u{1b}[31m", "all", "x,y"] {
        let done = home.run(&["tunnel", "add", name, "IKEv2", "gw"]).ended(2);
        assert!(!done.stderr.contains('\u{1b}'), "{done:?}");
    }
    assert_eq!(home.ok(&["tunnel", "ls", "--json"]).lines().count(), 1);
}

#[test]
fn bad_lines_name_file_and_line() {
    let home = Home::new();
    for (line, message) in [
        (
            "#o--IKEv2--gw--me--pw--mppe=off",
            "servers.txt:1: `mppe` is a field of PPTP tunnels",
        ),
        (
            "#o--IKEv2--gw--me--pw--mtu=hunter2",
            "servers.txt:1: `mtu`: must be a number",
        ),
        (
            "#o--IKEv2--gw--me--hunter2--ca=none",
            "servers.txt:1: `ca`: ",
        ),
        (
            "#o--WireGuard--gw--me--hunter2",
            "servers.txt:1: the tunnel's password",
        ),
    ] {
        home.write(
            "servers.txt",
            format!("{line}\nweb--10.0.0.1--root--pw--22\n"),
        );
        let done = home.run(&["import", "servers.txt"]).ended(2);
        assert!(done.stderr.contains(message), "{line}: {done:?}");
        silent(&done);
        assert_eq!(home.ok(&["ls", "--json"]), "");
    }
    let line = r#"{"tunnel_profile":{"name":"o","type":"IKEv2","server":"gw","fields":{"foo":"hunter2"}}}"#;
    home.write("all.jsonl", line);
    let done = home.run(&["import", "all.jsonl"]).ended(2);
    assert!(
        done.stderr
            .contains("all.jsonl:1: IKEv2 tunnels have no field `foo`"),
        "{done:?}"
    );
    silent(&done);
    // A type that is not made is kept for whoever moves on to another, and told of.
    home.write(
        "servers.txt",
        "#o--SSTP--gw--me--pw\nweb--10.0.0.1--root--pw--22\n",
    );
    let done = home.run(&["import", "servers.txt"]).ended(0);
    assert!(
        done.stderr
            .contains("the tunnel `o` will not be made: SSTP is PPP in TLS"),
        "{done:?}"
    );
}
