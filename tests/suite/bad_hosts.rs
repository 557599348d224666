//! Ten good servers and one bad of each sort in one run: every one has its own end, and the good
//! ones finish.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, free_port, has, keygen, user};

/// A listener that serves one kind of misbehaviour to everybody, as long as the test runs.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    port
}

/// The line of known_hosts for a server with that public key.
fn known(port: u16, public: &std::path::Path) -> String {
    let key = std::fs::read_to_string(public).unwrap();
    format!("[127.0.0.1]:{port} {key}")
}

/// How each bad server must end: id, status, kind of the error, words of its message.
const ENDS: [(&str, &str, &str, &str); 10] = [
    ("changed", "unreachable", "host_key", "host key"),
    ("closes", "unreachable", "connect", "during the handshake"),
    (
        "cut",
        "unknown",
        "connect",
        "nobody knows how the command ended",
    ),
    ("floods", "unreachable", "connect", "not an SSH server"),
    (
        "nameless",
        "unreachable",
        "connect",
        "`no-such-host.invalid` does not resolve",
    ),
    ("refuses", "unreachable", "connect", "connection refused"),
    ("silent", "unreachable", "connect", "said nothing for 4 s"),
    ("stranger", "unreachable", "host_key", "host key"),
    ("wrong-key", "unreachable", "auth", "tried key `"),
    ("wrong-password", "unreachable", "auth", "password"),
];

/// The bad servers, added to the inventory; what must live as long as the test.
fn add_bad_ones(me: &Home) -> Option<Vec<Sshd>> {
    let sshd = Sshd::start("PasswordAuthentication yes")?;
    let stranger = Sshd::start("")?;
    let changed = Sshd::start("")?;
    let at = |port: u16| format!("{}@127.0.0.1:{port}", user());
    let flood = b"hello there\r\n".repeat((1 << 20) / 13);
    let floods = server(move |mut s| drop(s.write_all(&flood)));
    let silent = server(|mut s| drop(s.read_to_end(&mut Vec::new())));
    let closes = server(|mut s| {
        let _ = s.write_all(b"SSH-2.0-gone\r\n");
        let _ = s.read(&mut [0; 4096]);
        let _ = s.shutdown(std::net::Shutdown::Write);
        let _ = s.read_to_end(&mut Vec::new());
    });
    let key = keygen(&me.path("other"), &["-t", "ed25519", "-N", ""]);
    let key = key.display().to_string();
    for (id, place) in [
        ("nameless", "root@no-such-host.invalid".to_owned()),
        ("refuses", at(free_port())),
        ("silent", at(silent)),
        ("floods", at(floods)),
        ("closes", at(closes)),
        ("stranger", at(stranger.port)),
        ("changed", at(changed.port)),
    ] {
        me.ok(&["add", id, &place]);
    }
    me.write("wrong.txt", format!(
        "wrong-password--127.0.0.1--{0}--hunter2--{1}\nwrong-key--127.0.0.1--{0}----{1}--{key}\n",
        user(), sshd.port
    ));
    me.ok(&["import", "wrong.txt"]);
    let own = known(sshd.port, &sshd.path("host_ed25519.pub"));
    let before = known(changed.port, &stranger.path("host_ed25519.pub"));
    me.write(".ssh/known_hosts", own + &before);
    Some(vec![sshd, stranger, changed])
}

#[test]
fn one_bad_of_each_sort_among_ten_good_ones() {
    if !has("/usr/sbin/sshd") {
        return;
    }
    let me = Home::new();
    me.ok(&["sandbox", "up", "11"]);
    // The eleventh is cut in the middle of its output.
    me.ok(&["eval", "server 'sandbox-11':write('cut', '')"]);
    me.ok(&["set", "sandbox-11", "description=cut"]);
    let Some(_bad) = add_bad_ones(&me) else {
        return;
    };
    let hosts = std::fs::read(me.path(".ssh/known_hosts")).unwrap();

    let command =
        "echo begun; if test -e cut; then sleep 0.3; kill -KILL $PPID; sleep 9; fi; echo done";
    let run = |more: &[&str]| {
        let words = [&["exec", "all", "-T", "4"], more, &["--", command]].concat();
        me.run(&words)
    };
    let done = run(&["--json"]);
    assert_eq!(
        done.code, 5,
        "a refused host key outranks the rest: {done:#?}"
    );
    assert_eq!(
        done.stderr.lines().last(),
        Some("ok 10  changed 0  failed 0  unreachable 9  skipped 0  cancelled 0  unknown 1")
    );
    let mut rows: BTreeMap<String, Value> = BTreeMap::new();
    for line in done.stdout.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        let expected = "server status code signal stdout stderr duration truncated error";
        assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
        rows.insert(
            row["server"].as_str().unwrap().replace("sandbox-11", "cut"),
            row,
        );
    }
    assert_eq!(rows.len(), 20, "{:?}", rows.keys());
    for n in 1..=10 {
        let row = &rows[&format!("sandbox-{n:02}")];
        assert_eq!(row["status"], "ok", "{row}");
        assert_eq!(
            (&row["stdout"], &row["code"]),
            (&"begun\ndone\n".into(), &0.into())
        );
        assert_eq!(row["error"], Value::Null);
    }
    for (id, status, kind, message) in ENDS {
        let row = &rows[id];
        assert_eq!(
            (&row["status"], &row["error"]["kind"]),
            (&status.into(), &kind.into()),
            "{row}"
        );
        let said = row["error"]["message"].as_str().unwrap();
        assert!(said.contains(message), "{row}");
        assert_eq!(row["code"], Value::Null, "{row}");
    }
    assert_eq!(rows["cut"]["stdout"], "begun\n", "what came is kept");

    // Without the two refusals the unreachable ones decide, and without these the unknown one.
    for (pattern, code) in [
        ("!stranger,!changed", 4),
        ("sandbox-*", 3),
        ("sandbox-*,!sandbox-11", 0),
    ] {
        let pattern = if code == 4 {
            format!("all,{pattern}")
        } else {
            pattern.to_owned()
        };
        let done = me.run(&["exec", &pattern, "-T", "4", "--", command]);
        assert_eq!(done.code, code, "{done:#?}");
        let finished = done
            .stdout
            .lines()
            .filter(|l| l.ends_with(": done"))
            .count();
        assert_eq!(finished, 10, "{}", done.stdout);
        for (id, status, _, message) in ENDS.iter().filter(|_| code == 4) {
            let id = if *id == "cut" { "sandbox-11" } else { id };
            let line = done
                .stderr
                .lines()
                .find(|l| l.contains(&format!(" {id}  ")));
            let told = line.is_some_and(|l| l.starts_with(status) && l.contains(message));
            assert!(
                told || *status == "unreachable" && message == &"host key",
                "{id}: {}",
                done.stderr
            );
        }
        assert!(!done.stderr.contains("hunter2"));
    }
    assert_eq!(std::fs::read(me.path(".ssh/known_hosts")).unwrap(), hosts);
}
