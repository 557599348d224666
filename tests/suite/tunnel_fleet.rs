//! Many servers behind tunnels: each tunnel once, each failure once, and nothing left behind.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::home::Home;
use crate::support::sshd::{Sshd, user};

fn logins(sshd: &Sshd) -> usize {
    let log = std::fs::read_to_string(sshd.path("log")).unwrap();
    log.matches("Accepted publickey").count()
}

/// A home with a key that these servers take.
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

#[test]
fn a_map_over_five_tunnels_opens_each_once() {
    let (Some(web), Some(gate)) = (Sshd::start(""), Sshd::start("")) else {
        return;
    };
    let Some(home) = home(&[&web, &gate]) else {
        return;
    };
    let user = user();
    for n in 1..=5 {
        let list = format!(
            "#net{n}--SSH--127.0.0.1:{gate}--{user}--\na{n}--127.0.0.1--{user}----{web}\n\
             b{n}--127.0.0.1--{user}----{web}\n",
            gate = gate.port,
            web = web.port
        );
        home.write("list", list);
        home.ok(&["import", "list"]);
    }
    // One after another, so that no gate is ever busy with others.
    let script = "for _, o in ipairs(fleet.select('all'):map(function(s) return s:capture 'echo up' end, \
                  { forks = 1 })) do print(o.server, o.status, o.value) end";
    let told = home.ok(&["eval", script]);
    assert_eq!(told.matches("\tok\tup").count(), 10, "{told}");
    assert_eq!(logins(&gate), 5);
    // With a handle on one of them beside: its own sessions, and they end with it.
    let script = "tunnel.with('net1', function(t) print(t, server('a1'):capture 'echo up') end)";
    let told = home.ok(&["eval", script]);
    assert_eq!(told, "Tunnel(net1 SSH: up)\tup\n");
    assert!(gate.sessions().is_empty() || !home.data("tunnels").exists());
}

#[test]
fn behind_a_gateway_that_never_answers_all_hear_of_one_attempt() {
    let home = Home::new();
    let gateway = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = gateway.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = asked.clone();
    std::thread::spawn(move || {
        let mut packet = [0; 2048];
        while gateway.recv(&mut packet).is_ok() {
            counting.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut list = format!(
        "#lab--WireGuard--127.0.0.1:{port}----YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\
         --public_key=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=--address=10.9.0.2/32\
         --backend=userspace--timeout=2\n"
    );
    for n in 0..40 {
        list += &format!("web-{n:02}--10.9.0.{}--root--x\n", n + 10);
    }
    home.write("list", list);
    home.ok(&["import", "list"]);
    let done = home.run(&["exec", "-f", "8", "all", "--", "true"]).ended(4);
    assert!(done.stderr.contains("unreachable 40"), "{done:?}");
    assert_eq!(
        done.stderr.matches("the tunnel `lab`").count(),
        40,
        "{done:?}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one attempt, one packet");
    // A later run tries again.
    home.run(&["exec", "web-00", "--", "true"]).ended(4);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
