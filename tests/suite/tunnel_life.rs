//! The life of tunnels with real OpenVPN gateways: servers that only a tunnel reaches, several processes at
//! once, and what is left after all of it, which is nothing.

use std::time::{Duration, Instant};

use crate::support::gates::{Gates, as_user};
use crate::support::home::Done;

/// What the servers say of themselves.
const WHERE: &str = r#"-- 'echo $BEHIND'"#;

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn said(done: &Done, text: &str) {
    assert!(
        done.stdout.contains(text) || done.stderr.contains(text),
        "`{text}`: {done:?}"
    );
}

/// Whether a record says that the first tunnel is up.
fn is_up(gates: &Gates) -> bool {
    let script =
        "grep -l '\"since\": [1-9]' /root/.local/share/machineroom/tunnels/gate1-*/record.json";
    gates.cell.shell(script).code == 0
}

#[test]
fn from_a_list_alone_and_nothing_is_left() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let exec = |words: &str| gates.mroom(&format!("exec behind1 --accept-new {words}"));
    assert_eq!(exec(WHERE).ended(0).stdout, "gate1\n");
    assert_eq!(gates.traces(), before);

    // Another process works on while the first one ends.
    let long = as_user("root", "exec behind1 --accept-new -- 'sleep 6; echo done'");
    std::thread::scope(|scope| {
        let long = scope.spawn(|| gates.cell.shell(&long));
        until("tunnel", || is_up(&gates));
        assert_eq!(exec(WHERE).ended(0).stdout, "gate1\n");
        assert!(is_up(&gates), "the other one still needs it");
        assert_eq!(long.join().unwrap().ended(0).stdout, "done\n");
    });
    assert_eq!(gates.traces(), before);

    // One that is killed leaves its tunnel; the next one takes it over, and takes it down.
    let killed = as_user("root", "exec behind1 --accept-new -- sleep 100");
    std::thread::scope(|scope| {
        let killed = scope.spawn(|| gates.cell.shell(&killed));
        until("tunnel", || is_up(&gates));
        gates.cell.shell("kill -9 $(pgrep -x mroom)").ended(0);
        assert_ne!(killed.join().unwrap().code, 0);
    });
    assert_ne!(gates.traces(), before, "it is still there");
    assert_eq!(exec(WHERE).ended(0).stdout, "gate1\n");
    assert_eq!(gates.traces(), before);

    // Ctrl-C while nobody answers.
    gates.mroom("tunnel set gate2 server=192.0.2.99").ended(0);
    let silent = as_user("root", "exec behind2 --accept-new -- true");
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| gates.cell.shell(&silent));
        let there = "pgrep -x openvpn -c";
        until("third openvpn", || {
            gates.cell.shell(there).stdout.trim() == "3"
        });
        gates.cell.shell("kill -INT $(pgrep -x mroom)").ended(0);
        assert_eq!(silent.join().unwrap().code, 130);
    });
    assert_eq!(gates.traces(), before);

    // A wrong password is the gateway's word, and the server's status.
    gates
        .cell
        .shell("printf wrong >/srv/gates/password")
        .ended(0);
    let refused = exec("-- true").ended(4);
    said(&refused, "the tunnel `gate1`");
    said(&refused, "unreachable 1");
    assert!(!refused.stderr.contains("p w\"o"), "{refused:?}");
    assert_eq!(gates.traces(), before);
}

#[test]
fn the_same_range_twice() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let both = |flags: &str| {
        gates.mroom(&format!(
            "exec behind1,behind2 --accept-new {flags} {WHERE}"
        ))
    };
    let conflict = both("").ended(4);
    said(&conflict, "both lead to 10.77.0.10");
    said(&conflict, "ok 1");
    assert_eq!(gates.traces(), before);

    let serial = both("--serial-tunnels").ended(0);
    said(&serial, "behind1: gate1");
    said(&serial, "behind2: gate2");
    assert_eq!(gates.traces(), before);

    for name in ["gate1", "gate2"] {
        gates
            .mroom(&format!("tunnel set {name} isolate=true"))
            .ended(0);
    }
    let isolated = both("").ended(0);
    said(&isolated, "behind1: gate1");
    said(&isolated, "behind2: gate2");
    assert_eq!(gates.traces(), before);
}

#[test]
fn lost_and_found_again_and_kept() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let up = gates.mroom("tunnel up gate1 --keep").ended(0);
    said(&up, "gate1");
    let status = gates.mroom("tunnel status gate1 --json").ended(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        (&status["state"], &status["keep"]),
        (&"up".into(), &true.into()),
        "{status}"
    );
    assert!(
        status["received"].as_u64().is_some_and(|n| n > 0),
        "{status}"
    );
    assert_eq!(status["routes"][0], "10.77.0.10/32");
    let exec = || gates.mroom(&format!("exec behind1 --accept-new {WHERE}"));
    assert_eq!(exec().ended(0).stdout, "gate1\n");
    assert!(is_up(&gates), "it is kept");

    // Its process dies, and nobody is there to see it: the next one brings it up again.
    gates
        .cell
        .shell("kill $(cat /run/mroom/*/pid); sleep 1")
        .ended(0);
    let lost = gates.mroom("tunnel status gate1").ended(4);
    said(&lost, "lost");
    assert_eq!(exec().ended(0).stdout, "gate1\n");
    assert!(is_up(&gates), "it is kept");
    said(&gates.mroom("tunnel down gate1").ended(0), "is down");
    assert_eq!(gates.traces(), before);
    said(&gates.mroom("tunnel down gate1").ended(0), "is not up");
    said(&gates.mroom("tunnel status").ended(0), "no tunnel is up");

    // Somebody holds it, and it comes again by itself.
    let held = as_user("root", "tunnel up gate1");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| gates.cell.shell(&held));
        until("tunnel", || is_up(&gates));
        gates
            .cell
            .shell("kill $(cat /run/mroom/*/pid); sleep 2")
            .ended(0);
        until("second coming", || {
            gates.mroom("tunnel status gate1").code == 0
        });
        let users = gates.mroom("tunnel down gate1").ended(0);
        said(&users, "is in use");
        gates.cell.shell("kill -INT $(pgrep -x mroom)").ended(0);
        let held = held.join().unwrap();
        assert_eq!(held.code, 0, "{held:?}");
        said(&held, "is up again");
    });
    assert_eq!(gates.traces(), before);
}
