//! Profiles of tunnels: from list files and by hand, kept, shown, exported, removed; what is refused.

use serde_json::Value;

use crate::support::home::{Done, Home};

/// A made-up key.
const WG: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// The only JSON line that a command prints.
fn json(home: &Home, words: &[&str]) -> Value {
    let text = home.ok(words);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Nothing that the command printed holds one of the secrets.
#[track_caller]
fn silent(done: &Done) {
    for secret in ["tunnel-pw", "psk-secret", "hunter2", WG] {
        let shown = format!("{}{}", done.stdout, done.stderr);
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn a_list_file_declares_the_tunnel_of_its_servers() {
    let home = Home::new();
    home.write("ca.pem", PEM);
    home.write(
        "servers.txt",
        "#office--IKEv2--gw.example:4500--ann--tunnel-pw--psk=psk-secret--routes=10.20.0.0/16--ca=ca.pem\n\
         db--10.20.0.5--root--pw--22\n",
    );
    let done = home.run(&["import", "servers.txt"]).ended(0);
    assert!(done.stdout.contains("tunnel office"), "{done:?}");
    // The file is not needed any more.
    std::fs::remove_file(home.path("ca.pem")).unwrap();
    assert_eq!(json(&home, &["show", "db", "--json"])["tunnel"], "office");
    let done = home.run(&["tunnel", "show", "office", "--json"]).ended(0);
    silent(&done);
    let shown: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(shown["type"], "IKEv2");
    assert_eq!(shown["password"], "set");
    assert_eq!(shown["fields"]["psk"], "set");
    assert_eq!(shown["fields"]["routes"], "10.20.0.0/16");
    assert_eq!(shown["fields"]["ca"], PEM);
    assert_eq!(shown["servers"][0], "db");
    let done = home.run(&["tunnel", "show", "office"]).ended(0);
    silent(&done);
    assert!(done.stdout.contains("in front of    db"), "{done:?}");
    let done = home.run(&["tunnel", "ls"]).ended(0);
    assert!(
        done.stdout.contains("office  IKEv2  gw.example:4500"),
        "{done:?}"
    );
    // Nothing of it lies in the database as it is.
    for name in ["cache.db", "cache.db-wal"] {
        let bytes = std::fs::read(home.data(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("psk-secret") && !text.contains("tunnel-pw"));
    }
}

#[test]
fn an_export_restores_all_of_it() {
    let home = Home::new();
    home.write("ca.pem", PEM);
    home.write(
        "servers.txt",
        "#office--IKEv2--gw--ann--a--b--psk=psk-secret--mtu=1400\ndb--10.0.0.5--root--pw--22\n",
    );
    home.ok(&["import", "servers.txt"]);
    home.ok(&["export", "-o", "list.txt"]);
    let list = std::fs::read_to_string(home.path("list.txt")).unwrap();
    assert!(
        list.starts_with("#office--IKEv2--gw--ann--a--b--mtu=1400--psk=psk-secret\n"),
        "{list}"
    );
    let again = home.ok(&["import", "list.txt"]);
    assert!(again.contains("changed 0  unchanged 1"), "{again}");
    // A line has no room for a file; JSON has.
    home.ok(&["tunnel", "set", "office", "ca=ca.pem"]);
    let done = home.run(&["export", "-o", "list2.txt"]).ended(2);
    assert!(
        done.stderr.contains("cannot carry tunnel profile `office`"),
        "{done:?}"
    );
    home.ok(&["export", "--json", "-o", "all.jsonl"]);
    let other = Home::new();
    let all = std::fs::read_to_string(home.path("all.jsonl")).unwrap();
    other.write("all.jsonl", &all);
    other.ok(&["import", "all.jsonl"]);
    other.ok(&["export", "--json", "-o", "back.jsonl"]);
    let back = std::fs::read_to_string(other.path("back.jsonl")).unwrap();
    let profile = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    assert!(profile(&all).contains("psk-secret"), "{all}");
    assert_eq!(profile(&back), profile(&all));
}

#[test]
fn profiles_by_hand() {
    let home = Home::new();
    let done = home.feed(
        &[
            "tunnel",
            "add",
            "office",
            "ikv2",
            "gw.example",
            "--user",
            "ann",
            "--password-stdin",
        ],
        "tunnel-pw\n",
    );
    silent(&done.ended(0));
    home.write("psk.txt", "psk-secret\n");
    silent(
        &home
            .run(&["tunnel", "set", "office", "psk=@psk.txt", "user=bob"])
            .ended(0),
    );
    let shown = json(&home, &["tunnel", "show", "office", "--json"]);
    assert_eq!(
        (&shown["user"], &shown["fields"]["psk"]),
        (&"bob".into(), &"set".into())
    );
    silent(
        &home
            .feed(&["tunnel", "set", "office", "psk=-"], "psk-secret")
            .ended(0),
    );
    home.ok(&["tunnel", "set", "office", "psk=", "--no-password"]);
    let shown = json(&home, &["tunnel", "show", "office", "--json"]);
    assert!(shown["password"].is_null() && shown["fields"].as_object().unwrap().is_empty());
    let wg = format!(
        "[Interface]\nPrivateKey = {WG}\nAddress = 10.9.0.2/32\n[Peer]\nPublicKey = {WG}\n\
         PresharedKey = {WG}\nAllowedIPs = 10.20.0.0/16\nEndpoint = gw.example:51820\n"
    );
    home.write("wg0.conf", &wg);
    let done = home.run(&[
        "tunnel",
        "add",
        "lab",
        "WireGuard",
        "config=wg0.conf",
        "mtu=1380",
    ]);
    let done = done.ended(0);
    silent(&done);
    assert!(!done.stderr.contains("lacks"), "{done:?}");
    let shown = json(&home, &["tunnel", "show", "lab", "--json"]);
    assert_eq!(shown["server"], "gw.example:51820");
    assert_eq!(shown["fields"]["allowed"], "10.20.0.0/16");
    assert_eq!(shown["fields"]["mtu"], "1380");
    assert!(shown["fields"]["config"].is_null());
    home.write("o/office.ovpn", "client\nremote gw 443\nca ca.pem\n");
    home.write("o/ca.pem", PEM);
    home.ok(&["tunnel", "add", "vpn", "openvpn", "config=o/office.ovpn"]);
    assert_eq!(
        json(&home, &["tunnel", "show", "vpn", "--json"])["server"],
        "gw:443"
    );
    let names = home.ok(&["tunnel", "ls", "--json"]);
    let names: Vec<Value> = names
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["lab", "office", "vpn"]);
}

#[test]
fn who_uses_a_profile_is_told_and_asked_for() {
    let home = Home::new();
    home.ok(&["add", "db", "root@10.0.0.5"]);
    let done = home.run(&["set", "db", "tunnel=office"]).ended(0);
    assert!(
        done.stderr
            .contains("there is no tunnel profile `office` yet: `mroom tunnel add office"),
        "{done:?}"
    );
    home.ok(&["tunnel", "add", "office", "SSH", "gw.example"]);
    let done = home.run(&["set", "db", "tunnel=office"]).ended(0);
    assert!(!done.stderr.contains("no tunnel profile"), "{done:?}");
    home.ok(&["add", "db-2", "root@10.0.0.6", "--tunnel", "office"]);
    assert_eq!(json(&home, &["show", "db-2", "--json"])["tunnel"], "office");
    home.ok(&["tunnel", "add", "inner", "SSH", "gw2", "needs=office"]);
    let shown = json(&home, &["tunnel", "show", "office", "--json"]);
    assert_eq!(shown["servers"], serde_json::json!(["db", "db-2"]));
    assert_eq!(shown["needed_by"], serde_json::json!(["inner"]));
    let done = home
        .run(&["tunnel", "set", "office", "needs=inner"])
        .ended(0);
    assert!(
        done.stderr.contains("tunnels that need each other"),
        "{done:?}"
    );
    home.ok(&["tunnel", "set", "office", "needs="]);
    let done = home.run(&["tunnel", "rm", "office"]).ended(1);
    assert!(
        done.stderr
            .contains("db db-2 (tunnel inner) is reached through it"),
        "{done:?}"
    );
    let done = home.run(&["tunnel", "rm", "office", "-y"]).ended(0);
    assert!(
        done.stderr.contains("`mroom set 'db db-2' tunnel=`"),
        "{done:?}"
    );
    assert!(home.run(&["tunnel", "show", "office"]).code == 2);
}

#[test]
fn a_replaced_profile_keeps_nothing_of_the_old_one() {
    let home = Home::new();
    let import = |line: &str| {
        home.write("s.txt", format!("{line}\nweb--10.0.0.1--root--pw--22\n"));
        home.ok(&["import", "s.txt"]);
        json(&home, &["tunnel", "show", "o", "--json"])
    };
    let shown = import("#o--IKEv2--gw--me--pw--psk=psk-secret--mtu=1400");
    assert_eq!(shown["fields"]["mtu"], "1400");
    let shown = import("#o--SSH--gw--me--");
    assert_eq!(shown["type"], "SSH");
    assert!(shown["password"].is_null());
    assert!(shown["fields"].as_object().unwrap().is_empty(), "{shown}");
}

#[test]
fn completion_and_help_know_them() {
    let home = Home::new();
    home.ok(&["tunnel", "add", "office", "IKEv2", "gw"]);
    let page = home.ok(&["help", "tunnels"]);
    for word in [
        "L2TP/IPsec",
        "esp_proposals",
        "SSTP",
        "psk*",
        "ca@",
        "key*@",
    ] {
        assert!(page.contains(word), "{word}: {page}");
    }
    for (words, fits) in [
        (&["tunnel", "show", ""][..], "office"),
        (&["tunnel", "add", "x", ""], "WireGuard"),
        (&["tunnel", "set", "office", "remo"], "remote_id="),
        (&["tunnel", "set", "office", "isolate="], "isolate=true"),
        (&["set", "web", "tunnel="], "tunnel=office"),
    ] {
        let words = [&["__complete", "zsh"], words].concat();
        let found = home.ok(&words);
        assert!(found.contains(fits), "{words:?}: {found}");
    }
    let found = home.ok(&["__complete", "zsh", "tunnel", "set", "office", "mpp"]);
    assert!(!found.contains("mppe"), "{found}");
    for kind in machineroom::inventory::TunnelKind::usable() {
        assert!(page.contains(kind.as_str()), "{page}");
    }
}
