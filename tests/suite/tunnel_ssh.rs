//! Tunnels over SSH: real sshd on loopback, and servers that are reached by what a list file says.

use crate::support::home::{Done, Home};
use crate::support::sshd::{Sshd, free_port, user};

/// A home whose key these servers take, with their host keys known.
fn home(servers: &[&Sshd]) -> Option<Home> {
    let home = Home::with_key()?;
    let public = std::fs::read(home.path(".ssh/id_ed25519.pub")).unwrap();
    let mut known = String::new();
    for sshd in servers {
        std::fs::write(sshd.path("authorized_keys"), &public).unwrap();
        let key = std::fs::read_to_string(sshd.path("host_ed25519.pub")).unwrap();
        known += &format!("[127.0.0.1]:{} {key}", sshd.port);
    }
    home.write(".ssh/known_hosts", known);
    Some(home)
}

/// A list file: the tunnel `name` to `gate`, and servers that are all `behind`.
fn list(name: &str, gate: &str, ids: &[&str], behind: u16) -> String {
    let mut text = format!("#{name}--SSH--{gate}--{}--\n", user());
    for id in ids {
        text += &format!("{id}--127.0.0.1--{}----{behind}\n", user());
    }
    text
}

/// How often a server has been asked to connect somewhere.
fn forwards(sshd: &Sshd) -> usize {
    let log = std::fs::read_to_string(sshd.path("log")).unwrap();
    log.matches("server_request_direct_tcpip").count()
}

fn logins(sshd: &Sshd) -> usize {
    let log = std::fs::read_to_string(sshd.path("log")).unwrap();
    log.matches("Accepted publickey").count()
}

fn says(done: &Done, text: &str) {
    assert!(done.stderr.contains(text), "`{text}`: {done:?}");
}

#[test]
fn a_list_file_alone_is_enough() {
    let (Some(web), Some(gate)) = (Sshd::start(""), Sshd::start("LogLevel DEBUG1")) else {
        return;
    };
    let Some(home) = home(&[&web, &gate]) else {
        return;
    };
    let place = format!("127.0.0.1:{}", gate.port);
    let ids: Vec<String> = (0..12).map(|n| format!("web-{n:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    home.write("office.txt", list("office", &place, &ids, web.port));
    home.ok(&["import", "office.txt"]);
    let told = home.ok(&["exec", "-q", "all", "--", "echo there"]);
    assert_eq!(told.matches("there").count(), 12, "{told}");
    assert_eq!(forwards(&gate), 12);
    assert!(logins(&gate) < 8, "{} logins for 12 servers", logins(&gate));
    // All that connects goes that way.
    home.write("file", "content");
    let there = format!("web-03:{}", web.path("copied").display());
    home.ok(&["cp", "file", &there]);
    assert_eq!(forwards(&gate), 13);
    assert_eq!(home.ok(&["connect", "web-03", "--", "echo", "up"]), "up\n");
    assert_eq!(forwards(&gate), 14);
    let told = home.ok(&["doctor", "web-03"]);
    assert!(told.contains("through tunnel office"), "{told}");
    assert_eq!(
        home.ok(&["eval", "print(server('web-03'):capture 'echo lua')"]),
        "lua\n"
    );
    let before = forwards(&gate);
    let words = ["exec", "web-03", "--no-tunnel", "--", "echo"];
    home.ok(&words);
    assert_eq!(forwards(&gate), before);
    let log = home.ok(&["log", "web-03", "--kind", "connect"]);
    assert!(log.contains(" through tunnel office"), "{log}");
}

#[test]
fn tunnels_jump_hosts_and_servers_stand_before_one_another() {
    let (Some(web), Some(jump)) = (Sshd::start(""), Sshd::start("LogLevel DEBUG1")) else {
        return;
    };
    let Some(gate) = Sshd::start("LogLevel DEBUG1") else {
        return;
    };
    let Some(home) = home(&[&web, &jump, &gate]) else {
        return;
    };
    // The tunnel goes to a server of its own list.
    home.write(
        "list",
        format!(
            "#office--SSH--gate--{user}--\ngate--127.0.0.1--{user}----{}\n\
             web--127.0.0.1--{user}----{}\njump--127.0.0.1--{user}----{}\n",
            gate.port,
            web.port,
            jump.port,
            user = user()
        ),
    );
    home.ok(&["import", "list"]);
    let echo = |words: &[&str]| {
        let words = [&["exec", "web"][..], words, &["--", "echo there"]].concat();
        assert_eq!(home.ok(&words), "there\n", "{words:?}");
        (forwards(&gate), forwards(&jump))
    };
    assert_eq!(echo(&[]), (1, 0));
    home.ok(&["exec", "gate", "--", "true"]);
    assert_eq!(echo(&["--no-tunnel"]), (1, 0), "`gate` is reached directly");
    // The tunnel stands before the jump host.
    home.ok(&["set", "web", "jump=jump"]);
    assert_eq!(echo(&[]), (2, 1));
    // The jump host has none: the server's own stands before it all the same.
    home.ok(&["set", "jump", "tunnel="]);
    assert_eq!(echo(&[]), (3, 2));
    assert_eq!(echo(&["-J", "jump"]), (3, 3), "`--jump` is the whole way");
    assert_eq!(echo(&["-J", "none"]), (4, 3));
    // The tunnel's own server stands behind a jump host.
    home.ok(&["set", "gate", "jump=jump"]);
    home.ok(&["set", "web", "jump="]);
    assert_eq!(echo(&[]), (5, 4));
    home.ok(&["set", "jump", "jump=web"]);
    let no = home.run(&["exec", "web", "--", "true"]).ended(3);
    says(
        &no,
        "in a circle: `web` behind `tunnel office` behind `gate` behind `jump` behind `web`",
    );
}

#[test]
fn a_tunnel_that_does_not_come_up_is_told_once_for_each_server() {
    let (Some(web), Some(gate)) = (Sshd::start(""), Sshd::start("AllowTcpForwarding no")) else {
        return;
    };
    let Some(home) = home(&[&web, &gate]) else {
        return;
    };
    let exec = || home.run(&["exec", "web", "--", "true"]).ended(4);
    home.write(
        "list",
        list(
            "office",
            &format!("127.0.0.1:{}", free_port()),
            &["web"],
            web.port,
        ),
    );
    home.ok(&["import", "list"]);
    let no = exec();
    says(&no, "the tunnel `office`: cannot connect to 127.0.0.1:");
    let no = home.run(&["exec", "--json", "web", "--", "true"]).ended(4);
    assert!(no.stdout.contains(r#""kind":"tunnel""#), "{no:?}");

    home.write(
        "list",
        list(
            "office",
            &format!("127.0.0.1:{}", gate.port),
            &["web"],
            web.port,
        ),
    );
    home.ok(&["import", "list"]);
    says(&exec(), "`tunnel office` does not connect to [127.0.0.1]:");
    // Its host key is a question for a person, whatever stands behind.
    home.write(".ssh/known_hosts", "");
    let no = home.run(&["exec", "web", "--", "true"]).ended(5);
    says(&no, "the tunnel `office`: ");

    std::fs::write(gate.path("authorized_keys"), "").unwrap();
    home.trust(&gate);
    says(&exec(), "the tunnel `office`: ");
    home.ok(&["set", "web", "tunnel=ofice"]);
    let no = exec();
    says(&no, "there is no tunnel profile `ofice`");
    says(&no, "did you mean `office`?");
}
