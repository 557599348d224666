//! What the doctor tells of a tunnel: what its profile lacks, what could make it here, what would be run.

use serde_json::Value;

use crate::support::home::{Done, Home};

/// A made-up key.
const WG: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

/// A home with a wireguard and an openvpn profile, and a server behind each.
fn home() -> Home {
    let home = Home::new();
    home.write("wg0.conf", format!(
        "[Interface]\nPrivateKey = {WG}\nAddress = 10.9.0.2/32\n[Peer]\nPublicKey = {WG}\nEndpoint = 203.0.113.1:51820\n"
    ));
    home.ok(&["tunnel", "add", "lab", "WireGuard", "config=wg0.conf"]);
    home.write(
        "o.ovpn",
        "client\ndev tun\nremote 203.0.113.2 1194\n<ca>\nhunter2\n</ca>\n",
    );
    home.ok(&[
        "tunnel",
        "add",
        "vpn",
        "OpenVPN",
        "config=o.ovpn",
        "routes=10.30.0.0/16",
    ]);
    home.ok(&["add", "db", "root@10.20.0.5", "tunnel=lab"]);
    home
}

/// The rows of a report: check, status, detail, hint.
fn rows(done: &Done) -> Vec<[String; 4]> {
    for secret in [WG, "hunter2"] {
        assert!(!format!("{done:?}").contains(secret), "{done:?}");
    }
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        ["check", "status", "detail", "hint"]
            .map(|key| row[key].as_str().unwrap_or_default().to_owned())
    };
    done.stdout.lines().map(row).collect()
}

#[test]
fn a_tunnel_is_looked_at_without_being_made() {
    let home = home();
    // Nothing that a usual machine has not: the built-in one.
    home.ok(&["tunnel", "set", "lab", "backend=userspace"]);
    let done = home.run(&["doctor", "tunnel", "lab", "--json"]).ended(0);
    let seen = rows(&done);
    let checks: Vec<&str> = seen.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        checks,
        ["tunnel", "server", "backend", "commands"],
        "{done:?}"
    );
    assert!(seen.iter().all(|row| row[1] == "ok"), "{done:?}");
    assert!(
        seen[0][2].contains("WireGuard to 203.0.113.1:51820"),
        "{done:?}"
    );
    assert!(
        seen[2][2].contains("userspace: has all that it needs, and is taken"),
        "{done:?}"
    );
    // Every candidate is told, and the commands of the one that is taken; with their secrets out.
    let done = home.run(&["doctor", "tunnel", "vpn", "--json"]);
    let seen = rows(&done);
    let backend = seen.iter().find(|row| row[0] == "backend").unwrap();
    assert!(backend[2].starts_with("openvpn: "), "{done:?}");
    match backend[1].as_str() {
        "ok" => done_with(&done, 0),
        "warn" => assert!(backend[3].contains("sudo will ask"), "{done:?}"),
        _ => {
            done_with(&done, 1);
            assert!(!backend[3].is_empty(), "{done:?}");
        }
    }
    let through = seen.iter().find(|row| row[0] == "through it").unwrap();
    assert!(through[2].starts_with("10.30.0.0/16;"), "{done:?}");
    let run: Vec<&str> = { seen.iter() }
        .filter(|row| row[0] == "would run")
        .map(|row| row[2].as_str())
        .collect();
    assert!(run.iter().any(|line| line.contains("openvpn")), "{run:?}");
    assert!(
        run.iter().any(|line| line.contains("bytes, not shown)")),
        "{run:?}"
    );
    assert!(!home.data("tunnels").exists(), "nothing is made");
}

#[track_caller]
fn done_with(done: &Done, code: i32) {
    assert_eq!(done.code, code, "{done:?}");
}

#[test]
fn what_is_wrong_with_a_profile_is_told() {
    let home = home();
    home.ok(&["tunnel", "add", "gate", "PPTP", "203.0.113.3"]);
    let done = home.run(&["doctor", "tunnel", "gate", "--json"]);
    let seen = rows(&done);
    assert_eq!(seen[0][1], "warn");
    assert!(seen[0][2].contains("it lacks user, password"), "{done:?}");
    assert!(seen[0][3].contains("mroom tunnel set gate"), "{done:?}");
    home.ok(&["tunnel", "set", "gate", "backend=scutil"]);
    if cfg!(target_os = "linux") {
        let done = home.run(&["doctor", "tunnel", "gate", "--json"]).ended(2);
        let seen = rows(&done);
        let last = seen.last().unwrap();
        assert!(
            last[2].contains("its backend `scutil` does not make PPTP tunnels"),
            "{done:?}"
        );
    }
    home.ok(&[
        "tunnel",
        "set",
        "gate",
        "server=nowhere.invalid",
        "backend=",
    ]);
    let done = home.run(&["doctor", "tunnel", "gate"]);
    assert!(
        done.stdout
            .contains("fail  server      `nowhere.invalid` does not resolve"),
        "{done:?}"
    );
    home.ok(&["tunnel", "set", "gate", "needs=none"]);
    let done = home.run(&["doctor", "tunnel", "gate"]);
    assert_ne!(done.code, 0, "{done:?}");
    assert!(
        done.stdout
            .contains("needs the tunnel `none`, and there is no such profile"),
        "{done:?}"
    );
    for (words, message) in [
        (
            "doctor tunnel nobody",
            "there is no tunnel profile `nobody`",
        ),
        (
            "doctor db gate",
            "`mroom doctor` looks at one server at a time",
        ),
    ] {
        let done = home.run(&words.split(' ').collect::<Vec<_>>()).ended(2);
        assert!(done.stderr.contains(message), "{done:?}");
    }
    let done = Home::new().run(&["doctor", "tunnel", "x"]).ended(2);
    assert!(
        done.stderr.contains("there is no tunnel profile `x`"),
        "{done:?}"
    );
}

#[test]
fn a_server_behind_a_tunnel_begins_with_it() {
    let home = home();
    home.ok(&["set", "db", "tunnel=gone"]);
    let done = home.run(&["doctor", "db", "--json", "-T", "5"]);
    let seen = rows(&done);
    assert_eq!(
        (seen[0][0].as_str(), seen[0][1].as_str()),
        ("tunnel", "fail"),
        "{done:?}"
    );
    assert!(
        seen[0][2].contains("there is no tunnel profile `gone`"),
        "{done:?}"
    );
    home.ok(&["tunnel", "add", "gone", "SSH", "127.0.0.1:1"]);
    let done = home.run(&["doctor", "db", "--json", "-T", "5"]);
    let seen = rows(&done);
    assert!(
        seen[0][2].contains("`gone`: SSH to 127.0.0.1:1"),
        "{done:?}"
    );
    assert_ne!(done.code, 0, "{done:?}");
}
