//! What goes wrong with tunnels, against real OpenVPN gateways. After each nothing is left: no interface,
//! route, process or file.
//!
//! | fault | status of its servers | exit code |
//! |---|---|---|
//! | wrong password (`tunnel_life`) | unreachable, `auth` | 4 |
//! | nobody has the gateway's address | unreachable, `gateway` | 4 |
//! | the gateway never answers | unreachable, `timeout` | 4 |
//! | it answers, and stays in the middle | unreachable, `timeout` | 4 |
//! | the gateway is in the profile's own routes | unreachable, `config` | 4 |
//! | all of this machine's traffic would go in | refused when the profile is written | 2 |
//! | the gateway dies under a tunnel that is held | told, tried again with pauses, told | `tunnel status`: 4, then 0 |
//! | the profile was changed while it is up (another server behind it is known by its host key: 5) | nobody uses it: made anew; else unreachable, `conflict` | 0, 4 |
//! | one task wants two in conflict, with `--serial-tunnels` | failed call, `conflict` | 4 |
//! | a name that is shell code | none: it is a name | 0 |
//! | Ctrl-C, kill -9, two processes (`tunnel_life`) | cancelled; taken over; shared | 130, 0, 0 |

use std::time::{Duration, Instant};

use crate::support::gates::{BEHIND, Gates, PASSWORD, as_user};
use crate::support::home::Done;

fn says(done: &Done, texts: &[&str]) {
    for text in texts {
        let there = done.stdout.contains(text) || done.stderr.contains(text);
        assert!(there, "`{text}`: {done:?}");
    }
}

/// Waits until a command ends with that code.
fn until(gates: &Gates, line: &str, code: i32) -> Done {
    let begun = Instant::now();
    loop {
        let done = gates.mroom(line);
        if done.code == code {
            return done;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "{line}: {done:?}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

const WHERE: &str = r#"-- 'echo $BEHIND'"#;

#[test]
fn gateways_and_profiles_that_are_no_good() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let fails = |server: &str, texts: &[&str]| {
        let line = format!("exec {server} --accept-new --json -- true");
        says(&gates.mroom(&line).ended(4), texts);
        assert_eq!(gates.traces(), before, "{server} {texts:?}");
    };
    gates
        .mroom("tunnel set gate2 server=192.0.2.98 timeout=4")
        .ended(0);
    fails("behind2", &[r#""reason":"gateway""#, "unreachable 1"]);
    let silent = "ip -n gate1 addr add 192.0.2.99/24 dev outer\n\
        ip netns exec gate1 nft 'add table ip n; add chain ip n i { type filter hook input priority 0; }; \
        add rule ip n i ip daddr 192.0.2.99 drop'\n";
    gates.cell.shell(silent).ended(0);
    gates.mroom("tunnel set gate2 server=192.0.2.99").ended(0);
    fails(
        "behind2",
        &[
            r#""reason":"timeout""#,
            "did not come up within 4 s: no answer from 192.0.2.99:1194",
            "unreachable 1",
        ],
    );
    // Whether the login is good is decided later, and never.
    gates
        .cell
        .shell(
            "cp /srv/gates/check /srv/gates/kept; printf '#!/bin/sh\nexit 2\n' >/srv/gates/check",
        )
        .ended(0);
    gates.mroom("tunnel set gate1 timeout=6").ended(0);
    fails("behind1", &[r#""reason":"timeout""#, "unreachable 1"]);
    gates
        .cell
        .shell("cp /srv/gates/kept /srv/gates/check")
        .ended(0);

    gates.mroom("tunnel set gate1 routes=192.0.2.0/24").ended(0);
    fails(
        "behind1",
        &["cannot take `192.0.2.0/24`: its own server 192.0.2.1 is in it"],
    );
    let all = gates.mroom("tunnel set gate1 routes=0.0.0.0/0").ended(2);
    says(&all, &["may not be everything"]);
    gates
        .mroom("tunnel set gate1 routes=0.0.0.0/1,128.0.0.0/1")
        .ended(0);
    fails(
        "behind1",
        &["cannot take `0.0.0.0/1`: all of this machine's traffic would go there"],
    );
    gates.mroom("tunnel set gate1 routes=").ended(0);

    // A name is a name, whatever a shell would make of it.
    let name = "g1';touch$IFS/pwned;'\"$(touch$IFS/pwned)";
    let script = format!(
        "cat >/root/odd <<'END'\n#{name}--OpenVPN--192.0.2.1--anna--{PASSWORD}--ca=/srv/gates/ca.pem\n\
         odd--{BEHIND}--root------22\nEND\n"
    );
    gates.cell.shell(&script).ended(0);
    gates.mroom("-q import odd").ended(0);
    let exec = gates
        .mroom(&format!("exec odd --accept-new {WHERE}"))
        .ended(0);
    assert_eq!(exec.stdout, "gate1\n");
    gates
        .cell
        .shell("[ ! -e /pwned ] && [ ! -e /root/pwned ]")
        .ended(0);
    assert_eq!(gates.traces(), before);
}

#[test]
fn a_gateway_that_dies_and_comes_back() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let held = as_user("root", "-v tunnel up gate1");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| gates.cell.shell(&held));
        until(&gates, "tunnel status gate1", 0);
        gates
            .cell
            .shell("kill $(cat /srv/gates/gate1.pid)")
            .ended(0);
        let lost = until(&gates, "tunnel status gate1", 4);
        says(&lost, &["coming"]);
        // Long enough for a second try, which fails.
        std::thread::sleep(Duration::from_secs(12));
        let start = "ip netns exec gate1 openvpn --cd /srv/gates --config server1.conf --daemon \
                     --log gate1.log --writepid gate1.pid";
        gates.cell.shell(start).ended(0);
        until(&gates, "tunnel status gate1", 0);
        let exec = gates.mroom(&format!("exec behind1 --accept-new {WHERE}"));
        assert_eq!(exec.ended(0).stdout, "gate1\n");
        gates.cell.shell("kill -INT $(pgrep -x mroom)").ended(0);
        let held = held.join().unwrap().ended(0);
        says(&held, &["was lost: it is brought up again", "is up again"]);
    });
    assert_eq!(gates.traces(), before);
}

#[test]
fn a_profile_that_was_changed_and_tunnels_in_conflict() {
    let Some(gates) = Gates::start() else { return };
    let before = gates.traces();
    let exec = |words: &str| gates.mroom(&format!("exec behind1 --accept-new {words} {WHERE}"));
    gates.mroom("tunnel up gate1 --keep").ended(0);
    assert_eq!(exec("").ended(0).stdout, "gate1\n");
    // The other gateway, under the same name.
    let set = gates.mroom("tunnel set gate1 server=198.51.100.1").ended(0);
    says(&set, &["the next command that needs it brings it up anew"]);
    let anew = exec("").ended(5);
    says(
        &anew,
        &[
            "was changed since it came up: it is brought up anew",
            "the host key has changed",
        ],
    );
    gates.forget_hosts();
    assert_eq!(exec("").ended(0).stdout, "gate2\n");
    gates.mroom("tunnel down gate1").ended(0);
    assert_eq!(gates.traces(), before);

    let long = as_user("root", "exec behind1 --accept-new -- 'sleep 8; echo done'");
    std::thread::scope(|scope| {
        let long = scope.spawn(|| gates.cell.shell(&long));
        until(&gates, "tunnel status gate1", 0);
        let set = gates.mroom("tunnel set gate1 server=192.0.2.1").ended(0);
        says(&set, &["when its users are done"]);
        let refused = exec("").ended(4);
        says(
            &refused,
            &[
                "in use as it was: ",
                "(behind1)",
                "tunnel down gate1 --force",
            ],
        );
        assert_eq!(long.join().unwrap().ended(0).stdout, "done\n");
    });
    gates.forget_hosts();
    assert_eq!(exec("").ended(0).stdout, "gate1\n");
    assert_eq!(gates.traces(), before);

    // Lua is told what the command tells.
    let script = "cat >/root/status.lua <<'END'\nlocal t <close> = tunnel.open 'gate1'\nlocal s = t:status()\n\
         print(s.state, s.backend, s.routes[1], s.received > 0, s.sent > 0, s.since > 0, s.holders[1]['for'])\nEND\n";
    gates.cell.shell(script).ended(0);
    let told = gates.mroom("run status.lua").ended(0);
    says(
        &told,
        &["up\topenvpn\t10.77.0.10/32\ttrue\ttrue\ttrue\thandle 1\n"],
    );
    assert_eq!(gates.traces(), before);

    // One after the other, as long as somebody lets go.
    let both = |first: &str| {
        let script = format!(
            "cat >/root/both.lua <<'END'\nlocal a, b = server 'behind1', server 'behind2'\n\
             print(a:capture 'echo $BEHIND'){first}\nprint(b:capture 'echo $BEHIND')\nEND\n"
        );
        gates.cell.shell(&script).ended(0);
        gates.mroom("run both.lua --serial-tunnels --accept-new")
    };
    let stuck = both("").ended(4);
    says(
        &stuck,
        &["gate1\n", "would wait for ever", "server:release()"],
    );
    assert_eq!(gates.traces(), before);
    assert_eq!(both(" a:release()").ended(0).stdout, "gate1\ngate2\n");
    assert_eq!(gates.traces(), before);
}

/// Has the second gateway stand behind the first alone.
const BEHIND_ONE_ANOTHER: &str = r#"
ip link add in1 netns gate1 type veth peer name in2 netns gate2
ip -n gate1 addr add 172.31.0.1/30 dev in1; ip -n gate1 link set in1 up
ip -n gate2 addr add 172.31.0.2/30 dev in2; ip -n gate2 link set in2 up
ip -n gate1 route add 198.51.100.1 via 172.31.0.2
ip netns exec gate1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip netns exec gate1 nft 'add table ip n; add chain ip n p { type nat hook postrouting priority 100; }; add rule ip n p oifname "in1" masquerade'
ip link set wire2 down
"#;

#[test]
fn one_stands_on_another() {
    let Some(gates) = Gates::start() else { return };
    gates.cell.shell(BEHIND_ONE_ANOTHER).ended(0);
    let before = gates.traces();
    let exec = |id: &str| gates.mroom(&format!("exec {id} --accept-new {WHERE}"));
    gates.mroom("tunnel set gate2 timeout=4").ended(0);
    exec("behind2").ended(4);
    assert_eq!(gates.traces(), before);
    gates
        .mroom("tunnel set gate2 timeout=40 needs=gate1")
        .ended(0);
    assert_eq!(exec("behind2").ended(0).stdout, "gate2\n");
    assert_eq!(gates.traces(), before);
    // In a namespace of its own.
    gates.mroom("tunnel set gate2 isolate=true").ended(0);
    assert_eq!(exec("behind2").ended(0).stdout, "gate2\n");
    assert_eq!(gates.traces(), before);
    // Over SSH, on the first and on an isolated one; and a server behind that.
    gates
        .mroom(&format!(
            "tunnel add hop SSH {BEHIND} --user root needs=gate1"
        ))
        .ended(0);
    gates
        .mroom(&format!("add far root@{BEHIND} tunnel=hop"))
        .ended(0);
    assert_eq!(exec("far").ended(0).stdout, "gate1\n");
    assert_eq!(gates.traces(), before);
    gates.mroom("tunnel set hop needs=gate2").ended(0);
    gates.forget_hosts();
    assert_eq!(exec("far").ended(0).stdout, "gate2\n");
    assert_eq!(gates.traces(), before);
}
