use proptest::prelude::*;

use super::super::testing::{answer, at, golden, keeps_secrets, profile, shown};
use super::*;
use crate::inventory::TunnelKind;
use crate::secret::Secret;

fn office(fields: &[(&str, &str)]) -> Tunnel {
    let mut of = profile(TunnelKind::Pptp, fields);
    of.user = r#"CORP\anna "a" #1"#.to_owned();
    of.password = Secret::new(r#"s3 "c\r#et$ pty x"#);
    of
}

#[test]
fn plans() {
    let plan = Pptp.plan(&office(&[]), &at(1723)).unwrap();
    golden("pptp.txt", &shown(&plan));
    keeps_secrets(&plan, &["s3 \"c"]);
    let of = office(&[
        ("mppe", "off"),
        ("auth", "chap"),
        ("mtu", "1400"),
        ("keepalive", "5"),
    ]);
    let plan = Pptp.plan(&of, &at(1723)).unwrap();
    golden("pptp-plain.txt", &shown(&plan));
    assert_eq!(Pptp.needs(&of).modules, ["ppp_generic", "ppp_async"]);
}

/// A shell that runs a script.
fn sh(script: &str, arguments: &[&str]) -> std::process::Child {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, "sh"]).args(arguments);
    command.spawn().unwrap()
}

#[test]
fn what_pppd_left_is_ended_and_nobody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let pptp = dir.path().join("pptp");
    let sleep = ["/usr/bin/sleep", "/bin/sleep"].map(std::path::Path::new);
    let sleep = sleep.into_iter().find(|p| p.exists()).unwrap();
    std::os::unix::fs::symlink(sleep, &pptp).unwrap();
    let (folder, pptp) = (dir.path().to_str().unwrap(), pptp.to_str().unwrap());
    // A pppd that has ended, its line that has not, and a line of somebody else.
    let begin = r#"setsid sh -c 'echo $$ >"$1/pid"; "$2" 60 & echo $! >"$1/ours"' sh "$1" "$2" &
        wait $!"#;
    assert!(sh(begin, &[folder, pptp]).wait().unwrap().success());
    let mut other = sh(r#"exec "$1" 60"#, &[pptp]);
    let ours = std::fs::read_to_string(dir.path().join("ours")).unwrap();
    let at = format!("/proc/{}/stat", ours.trim());
    let lives = || std::fs::read_to_string(&at).is_ok_and(|s| !s.contains(") Z "));
    let comm = format!("/proc/{}/comm", ours.trim());
    while std::fs::read_to_string(&comm).is_ok_and(|name| name.trim() != "pptp") {
        std::thread::yield_now();
    }
    assert!(lives());
    assert!(sh(END, &[folder]).wait().unwrap().success());
    assert!(!lives());
    assert!(other.try_wait().unwrap().is_none(), "that was not ours");
    other.kill().unwrap();
    other.wait().unwrap();
    // Again, and where nothing ever was.
    for place in [folder, "/nowhere"] {
        assert!(sh(END, &[place]).wait().unwrap().success());
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let long = "x".repeat(256);
    for (user, password, port, field) in [
        ("anna\npty x", "p", 1723, "`user`"),
        ("", "p", 1723, "`user`"),
        ("anna", "", 1723, "`password`"),
        ("anna", "p\0", 1723, "`password`"),
        ("anna", &long, 1723, "`password`"),
        ("anna", "p", 1724, "`server`"),
    ] {
        let mut of = profile(TunnelKind::Pptp, &[]);
        (of.user, of.password) = (user.to_owned(), Secret::new(password));
        let error = Pptp.plan(&of, &at(port)).unwrap_err();
        assert!(error.message().contains(field), "{error}");
    }
    let mut there = at(1723);
    there.gateway = "[2001:db8::1]:1723".parse().unwrap();
    assert!(Pptp.plan(&office(&[]), &there).is_err());
}

#[test]
fn answers() {
    let state = |text: &str| Pptp.read(&office(&[]), &at(1723), &answer(text));
    let reason = |text: &str| match state(text) {
        State::Failed { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    let link = r#"[{"ifname":"mr00000001","flags":["POINTOPOINT","UP","LOWER_UP"],"addr_info":[{"family":"inet","local":"10.7.0.2","address":"10.7.0.1","prefixlen":32,"scope":"global"}]}]"#;
    assert!(matches!(
        state(&format!("running\n{link}\nlocal  IP address 10.7.0.2\n")),
        State::Up(_)
    ));
    assert_eq!(state("running\n\nUsing interface ppp0\n"), State::Coming);
    assert_eq!(state("gone\n\n"), State::Down);
    // The texts are those of pppd 2.4.9 and pptp 1.10.
    let begun = "Renamed interface ppp0 to mr00000001\nUsing interface mr00000001\n\
                 Connect: mr00000001 <--> /dev/pts/0\n";
    for (log, expected) in [
        (
            "MS-CHAP authentication failed: Access denied\nCHAP authentication failed\nConnection terminated.\n",
            "auth",
        ),
        (
            "anon warn[open_inetsock:pptp_callmgr.c:352]: connect: No route to host\nanon fatal[callmgr_main:pptp_callmgr.c:134]: Could not open control connection to 203.0.113.9\nModem hangup\n",
            "gateway",
        ),
        (
            "anon warn[open_inetsock:pptp_callmgr.c:352]: connect: Connection refused\nModem hangup\nConnection terminated.\n",
            "gateway",
        ),
        ("LCP: timeout sending Config-Requests\n", "gateway"),
        ("Modem hangup\n", "gateway"),
        (
            "CHAP authentication succeeded\nMPPE 128-bit stateless compression enabled\nlocal  IP address 10.99.5.10\nremote IP address 10.99.5.1\nModem hangup\nMPPE disabled\nConnection terminated.\n",
            "dropped",
        ),
    ] {
        assert_eq!(reason(&format!("gone\n\n{begun}{log}")), expected, "{log}");
    }
}

proptest! {
    /// Whatever user and password hold, the options stay the same lines.
    #[test]
    fn values_add_no_option(user in "[ -~\n\r\"\\\\#]{1,20}", password in any::<String>()) {
        let usual = Pptp.plan(&office(&[]), &at(1723)).unwrap();
        let mut of = office(&[]);
        (of.user, of.password) = (user, Secret::new(password));
        if let Ok(plan) = Pptp.plan(&of, &at(1723)) {
            let names = |plan: &Plan| -> Vec<String> {
                let text = plan.up[0].stdin.as_ref().unwrap().reveal();
                let first = |line: &str| line.split(' ').next().unwrap_or("").to_owned();
                text.lines().map(first).collect()
            };
            prop_assert_eq!(names(&plan), names(&usual));
        }
    }

    #[test]
    fn no_answer_makes_it_panic(text in any::<String>()) {
        let _ = Pptp.read(&office(&[]), &at(1723), &answer(&text));
    }
}
