//! What an imported file is found to be, ssh's configuration as servers, and the flags.

use machineroom::error::Error;
use machineroom::inventory::{ImportOptions, Summary};
use machineroom::sshconfig::Local;

use super::inventory::Room;
use crate::support::home::Home;

const SSH: &str = "Host web\n HostName 10.0.0.1\n";
const INI: &str = "[web]\nw1 ansible_host=10.0.0.1\n";
const YAML: &str = "all:\n  hosts:\n    w1:\n";
const CSV: &str = "name,ip\nw1,10.0.0.1\n";

pub fn options() -> ImportOptions {
    ImportOptions {
        local: Some(Local {
            user: "me".into(),
            home: "/home/me".into(),
        }),
        ..Default::default()
    }
}

pub fn errors(summary: &Summary) -> Vec<String> {
    summary.errors.iter().map(Error::to_string).collect()
}

#[test]
fn a_format_is_found_and_never_guessed() {
    let room = Room::new();
    let found = |name: &str, text: &str| {
        let options = ImportOptions {
            check: true,
            ..options()
        };
        let summary = room.store.import(name, text.as_bytes(), &options);
        summary.map(|s| s.format.unwrap().word()).map_err(|e| {
            let hint = e.hint_text().unwrap_or_default().to_owned();
            format!("{} ({hint})", e.message())
        })
    };
    for (name, text, format) in [
        ("x", "web--h--u--pw--22\n", "list"),
        ("x", "web ---- h ---- u ---- \n", "list"),
        ("x", "# [web]\n\nweb--h--u--p=a,b c--22\n", "list"),
        ("x", "a b--h--u--pw\n", "list"),
        (
            "x",
            "{\"id\":\"a\",\"host\":\"h\",\"user\":\"u\"}\n",
            "json",
        ),
        ("x", "{\"id\": nonsense\n", "json"),
        ("x", "{\"all\": {\"hosts\": {\"w1\": {}}}}\n", "ansible"),
        ("x", INI, "ansible"),
        ("x", YAML, "ansible"),
        ("x", "w1 ansible_host=10.0.0.1\n", "ansible"),
        ("x.yml", "web:\n", "ansible"),
        ("x", SSH, "ssh-config"),
        ("x", "# mine\n\nUser me\nhost=web\n\tPort 1\n", "ssh-config"),
        ("x", CSV, "csv"),
        (
            "x",
            "\u{feff}\"Name\";\"Public IPv4 address\"\nw1;10.0.0.1\n",
            "csv",
        ),
        ("x", "hostname\tuser\nw1\troot\n", "csv"),
    ] {
        let result = found(name, text);
        // Empty ones are known for what they are as well.
        match result {
            Ok(word) => assert_eq!(word, format, "{text}"),
            Err(message) => assert!(message.contains("no server in it"), "{text}: {message}"),
        }
    }
    for (text, message) in [
        (
            "hello world\n",
            "`x`: cannot tell what it is (`--format list|json|ansible|ssh-config|csv` says what it is)",
        ),
        ("a,b\n1,2\n", "`x`: cannot tell what it is"),
        ("[{\"id\": 1}]\n", "`x`: cannot tell what it is"),
        ("\u{0}\u{1}\n", "`x`: cannot tell what it is"),
        ("- hosts: all\n", "`x`: cannot tell what it is"),
        (
            "[web]\nw1--h--u--pw\n",
            "`x`: it looks like several formats (`--format list|ansible` says which it is)",
        ),
        (
            "name,ip\nweb--h--u--pw\n",
            "`x`: it looks like several formats (`--format list|csv` says which it is)",
        ),
        (
            "host ansible_host=a\n",
            "`x`: it looks like several formats (`--format ansible|ssh-config` says which it is)",
        ),
    ] {
        let result = found("x", text).unwrap_err();
        assert!(result.starts_with(message), "{text}: {result}");
    }
}

#[test]
fn hosts_of_ssh() {
    let room = Room::new();
    let text = "Host web db\n  HostName %h.Example.org\n  User root\n  Port 2222\n  IdentityFile ~/.ssh/%n\n  IdentityFile /other\n\
        Host inner\n  ProxyJump web,me@out:22\nHost Plain\n\
        Host odd\n  IdentityFile /k/%C\nHost cmd\n  ProxyCommand nc %h %p\n\
        Match exec \"touch /tmp/never\"\n  User wrong\nHost *.skip !x\n  User skipped\nHost *\n  User fallback\n";
    let summary = room
        .store
        .import("config", text.as_bytes(), &options())
        .unwrap();
    assert_eq!(errors(&summary), [""; 0]);
    assert_eq!(summary.added, ["web", "db", "inner", "Plain", "odd", "cmd"]);
    let web = room.get("web");
    assert_eq!(
        (web.host.as_str(), web.user.as_str(), web.port, web.key()),
        ("web.example.org", "root", 2222, Some("~/.ssh/web"))
    );
    let inner = room.get("inner");
    assert_eq!(
        (inner.host.as_str(), inner.user.as_str(), inner.port),
        ("inner", "fallback", 22)
    );
    assert_eq!(inner.meta["jump"], "web,me@out:22");
    assert_eq!(room.get("Plain").host, "plain");
    assert_eq!(room.get("odd").key(), None);
    assert_eq!(
        summary.notes,
        [
            "config:11: `odd` gets no key: `%C` is not known here",
            "config:14: `Match exec` is not judged here: its block is left out",
            "config: `ProxyCommand` of 1 host is left out: nothing runs it here",
        ]
    );
    let again = room
        .store
        .import("config", text.as_bytes(), &options())
        .unwrap();
    assert_eq!((again.unchanged, again.changed.len()), (6, 0));
    for (text, error) in [
        (
            "Host a\n Port x\nHost b\n Port 1\n",
            "config:2: the port is not a number",
        ),
        ("Host a\n User \"x\n", "config:2: a quote stays open"),
        (
            "Host a,b\n",
            "config:1: id `a,b` may not hold `,`, which has a meaning in patterns",
        ),
        ("Host a\n HostName a;b\n", "config:1: the host holds `;`"),
        (
            "Host a\n User -oProxyCommand=x\n",
            "config:1: user `-oProxyCommand=x` may not begin with `-`",
        ),
    ] {
        let summary = room
            .store
            .import("config", text.as_bytes(), &options())
            .unwrap();
        assert_eq!(errors(&summary), [error], "{text}");
    }
}

#[test]
fn flags_say_what_the_file_does_not() {
    let me = Home::new();
    me.write(
        "hosts",
        "[web]\nw1 ansible_host=10.0.0.1\nw2 ansible_user=own ansible_port=2222\n",
    );
    me.write(
        ".ssh/config",
        "Host out\n HostName gw\nHost in\n ProxyJump out,other\n",
    );
    me.write("k", "");
    let flags = [
        "import", "hosts", "--tag", "@prod", "--tag", "x", "--prefix", "eu-", "--user", "admin",
        "--port", "23", "--key", "k",
    ];
    assert_eq!(me.ok(&flags), "added 2  changed 0  unchanged 0  errors 0\n");
    assert_eq!(me.ok(&flags), "added 0  changed 0  unchanged 2  errors 0\n");
    let lines = me.ok(&["ls", "--json"]);
    let servers: Vec<serde_json::Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(servers[0]["id"], "eu-w1");
    assert_eq!(
        (&servers[0]["user"], &servers[0]["port"]),
        (&"admin".into(), &23.into())
    );
    assert_eq!(
        (&servers[1]["user"], &servers[1]["port"]),
        (&"own".into(), &2222.into())
    );
    assert_eq!(servers[0]["tags"], serde_json::json!(["prod", "web", "x"]));
    assert_eq!(servers[0]["key"], "k");
    // Jump hosts of the same file follow its prefix.
    me.ok(&["import", "~/.ssh/config", "--prefix", "a-"]);
    assert!(me.ok(&["show", "a-in"]).contains("a-out,other"));
    // Without a user the one who runs this is taken, once.
    let user = crate::support::sshd::user();
    assert!(
        me.ok(&["show", "a-in", "--json"])
            .contains(&format!("\"user\":\"{user}\""))
    );
    me.ok(&["set", "a-in", "user=changed"]);
    assert_eq!(
        me.ok(&["import", "~/.ssh/config", "--prefix", "a-"]),
        "added 0  changed 0  unchanged 2  errors 0\n"
    );
    let check = me.ok(&[
        "import",
        "~/.ssh/config",
        "--prefix",
        "a-",
        "--user",
        "root",
        "--tag",
        "new",
        "-C",
    ]);
    assert!(
        check.contains("change a-in: user changed -> root, +@new\n"),
        "{check}"
    );
    assert!(
        check.ends_with("added 0  changed 2  unchanged 0  errors 0  (nothing written)\n"),
        "{check}"
    );
    for (words, message) in [
        (
            &["import", "hosts", "--format", "xml"][..],
            "one of: list, json, ansible, ssh-config, csv",
        ),
        (&["import", "hosts", "--port", "0"], "--port"),
        (&["import", "hosts", "--tag", "a b"], "holds a space"),
        (&["import", "hosts", "--prefix", "a b"], "holds a space"),
    ] {
        let done = me.run(words).ended(2);
        assert!(done.stderr.contains(message), "{done:?}");
    }
}
