//! `mroom watch-profile` on a real server.

use std::net::TcpListener;

use crate::support::home::Home;
use crate::support::sshd::Sshd;

#[test]
fn ports_come_and_go() {
    let Some(sshd) = Sshd::start("") else { return };
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    // Its sshd listens on loopback only, and so does this one; the other is open to all.
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = |listener: &TcpListener| u64::from(listener.local_addr().unwrap().port());
    let (inside, number) = (port(&inside), port(&open));
    let watch = |words: &[&str]| {
        let done = home.run(&[&["watch-profile", "web", "--json"], words].concat());
        let row: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let list = |key: &str| -> Vec<u64> {
            row[key]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(serde_json::Value::as_u64)
                .collect()
        };
        (
            row["status"].clone(),
            list("ports"),
            list("appeared"),
            list("disappeared"),
        )
    };
    let (status, ports, appeared, _) = watch(&["--check"]);
    assert!(status == "changed" && ports.contains(&number) && appeared == ports);
    assert!(!ports.contains(&inside) && !ports.contains(&u64::from(sshd.port)));
    let kept = || home.ok(&["ls", "web", "--columns", "id,port,tags", "--json"]);
    assert!(
        !home.ok(&["show", "web"]).contains("ports"),
        "check mode keeps nothing: {}",
        kept()
    );

    watch(&[]);
    assert!(home.ok(&["ls", &format!("ports={number}")]).contains("web"));
    drop(open);
    let (status, ports, _, disappeared) = watch(&[]);
    assert!(status == "changed" && !ports.contains(&number) && disappeared.contains(&number));
    let (_, ports, appeared, _) = watch(&["--all"]);
    assert!(ports.contains(&inside) && appeared.contains(&u64::from(sshd.port)));

    let line = home.run(&["watchscan", "web"]).ended(0);
    assert!(line.stdout.starts_with("web  changed") && line.stdout.contains(&format!("-{inside}")));
    home.ok(&["add", "gone", "me@127.0.0.1:1"]);
    let both = home.run(&["gen-profile", "all"]).ended(4);
    assert!(both.stderr.contains("unreachable 1"), "{both:?}");
}
