//! What ssh's configuration says of a host, compared with `ssh -G`.

use std::path::Path;

use machineroom::sshconfig::{Given, Local, SshConfig};
use proptest::prelude::*;

use crate::support::home::{Home, run};
use crate::support::sshd::has;

/// Host name, user, port, own identity files, jump: as our reading has them.
type Found = (String, String, String, Vec<String>, String);

fn ours(text: &str, host: &str, folder: &Path) -> Found {
    let local = Local {
        user: crate::support::sshd::user(),
        home: folder.to_owned(),
    };
    let config = SshConfig::load("config", text.as_bytes(), &folder.join(".ssh"), &local);
    assert!(config.errors.is_empty(), "{text}\n{:?}", config.errors);
    let values = config.evaluate(host, &local);
    let or = |given: &Given, default: String| given.clone().map_or(default, |(_, value)| value);
    let files = values.identity_files.iter().map(|(_, f)| f.clone());
    (
        or(&values.host_name, host.to_lowercase()),
        or(&values.user, local.user.clone()),
        or(&values.port, "22".into()),
        files.collect(),
        // ssh shows none when there is none.
        or(&values.proxy_jump, String::new()).replace("none", ""),
    )
}

/// The same from ssh itself; `None` when ssh refuses the file.
fn theirs(home: &Home, text: &str, host: &str) -> Option<Found> {
    let file = home.write("config", text);
    let mut ssh = home.command("ssh");
    let done = run(ssh.arg("-G").arg("-F").arg(file).arg(host), "");
    if done.code != 0 {
        return None;
    }
    let all = |keyword: &str| -> Vec<String> {
        let lines = done.stdout.lines().filter_map(|line| line.split_once(' '));
        lines
            .filter(|(word, _)| *word == keyword)
            .map(|(_, value)| value.to_owned())
            .collect()
    };
    let one = |keyword| all(keyword).into_iter().next().unwrap_or_default();
    let mut files = all("identityfile");
    // Its defaults, when the file names none.
    if files.iter().any(|f| f == "~/.ssh/id_rsa") {
        files.clear();
    }
    let found = (
        one("hostname"),
        one("user"),
        one("port"),
        files,
        one("proxyjump"),
    );
    Some(found)
}

fn home() -> Option<Home> {
    if !has("ssh") {
        return None;
    }
    let home = Home::new();
    home.write(
        ".ssh/extra",
        "Host a c\n User extra\nMatch user extra\n Port 7\n",
    );
    Some(home)
}

#[track_caller]
fn same(home: &Home, text: &str, host: &str) {
    let theirs = theirs(home, text, host).unwrap_or_else(|| panic!("ssh refuses\n{text}"));
    assert_eq!(
        ours(text, host, &home.path("")),
        theirs,
        "{host} in\n{text}"
    );
}

#[test]
fn a_table_of_configurations() {
    let Some(home) = home() else {
        return;
    };
    for text in [
        "",
        "Host a\n HostName 10.0.0.1\n User root\n Port 2222\n IdentityFile ~/.ssh/a\n",
        "Host *\n User first\nHost a\n User second\n",
        "Host a !a\n User x\nHost !a *\n User y\n",
        "Host=a\nUser=x\nPort = 23\nHostName \"a.example\"\n",
        "HOST a\nhostname %h.Example.COM\nMatch host a.example.com\nPort 77\n",
        "Match host a,b\n User ab\nMatch !host a\n User other\n",
        "Match originalhost a user me\n Port 1\nHost *\n User me\nMatch originalhost A user me\n Port 2\n",
        "Match all\n User all\n",
        "Match final host a*\n User final\nHost a\n HostName A1\n",
        "Host b1\n Port 9\nMatch final host b*\n Include extra\nHost a\n HostName B1\n",
        "Match canonical\n User canonical\n",
        "Host a\n HostName a.x\nMatch final all\n Port 9\nMatch !final\n User early\n",
        "Host A\n User upper\nHost a\n User lower\n",
        "Host ?\n User one\nHost *b\n User b\n",
        "Host a # not b\n User x\n",
        "Host a\tb\n\tUser 'x y'\n",
        "IdentityFile ~/.ssh/one\nHost a\n IdentityFile \"/two words/k\"\n IdentityFile ~/.ssh/one\n",
        "Host a\n ProxyJump j1,u@j2:22\nHost *\n ProxyJump none\n",
        "Host a\n ProxyCommand nc %h %p\n ProxyJump j\n",
        "Host a\n ProxyJump j\nHost *\n ProxyCommand nc \"%h %p\"\n",
        "Include extra\nHost *\n User last\n",
        "Host b\n Include extra\n Port 5\nHost *\n User last\n",
        "Include nothing-*\nHost a\r\n User x\r\n",
        "Match user extra\n Port 1\nInclude ~/.ssh/extra\nMatch user extra\n Port 2\n",
        "Match host=a\n User x\n",
        "Match localuser \"*,!nobody\" host a\n User x\n",
    ] {
        for host in ["a", "b", "c", "A"] {
            same(&home, text, host);
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let name = "[abc*?]{1,2}";
    let list = proptest::collection::vec(("!?", name).prop_map(|(n, p)| n + &p), 1..4);
    prop_oneof![
        list.clone().prop_map(|l| format!("Host {}", l.join(" "))),
        (list, "(!?)(host|originalhost|user|localuser)")
            .prop_map(|(l, c)| format!("Match {c} {}", l.join(","))),
        Just("Match all".to_owned()),
        Just("Match final host b*".to_owned()),
        Just("Match final originalhost a*".to_owned()),
        Just(" Include extra".to_owned()),
        "[ab]{1,2}".prop_map(|v| format!(" User {v}")),
        "[1-9]".prop_map(|v| format!("\tPort={v}")),
        "(%h)?[abB]{1,2}".prop_map(|v| format!(" HostName = \"{v}\"")),
        "[ab]".prop_map(|v| format!("identityfile ~/.ssh/{v} # mine")),
        "[xy]".prop_map(|v| format!(" ProxyJump {v}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn generated_configurations(lines in proptest::collection::vec(line(), 0..14)) {
        if let Some(home) = home() {
            let text = lines.join("\n") + "\n";
            for host in ["a", "bb"] {
                same(&home, &text, host);
            }
        }
    }
}
