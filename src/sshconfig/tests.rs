//! Names, errors, notes and includes; what values come out is compared with ssh in the suite.

use std::path::Path;

use super::*;

fn local() -> Local {
    Local {
        user: "me".into(),
        home: "/home/me".into(),
    }
}

fn load(text: &str) -> SshConfig {
    SshConfig::load("config", text.as_bytes(), Path::new("/nowhere"), &local())
}

fn value(given: &Given) -> &str {
    given.as_ref().map_or("", |(_, value)| value)
}

#[test]
fn names_are_those_that_mean_one_host() {
    let config = load("Host a b* !c d a\nMatch host e\nHost *\nHost \"f g\" h?\n");
    let names: Vec<_> = config.names();
    let at = |line| At { file: 0, line };
    assert_eq!(names, [(at(1), "a"), (at(1), "d"), (at(4), "f g")]);
}

#[test]
fn the_first_value_wins_with_its_line() {
    let config = load(
        "User first\n\nHost a\n  User second\n  HostName %h.Example.org\nHost *\n  HostName z\n  Port 2222\n",
    );
    assert!(config.errors.is_empty());
    let values = config.evaluate("a", &local());
    let at = |line| At { file: 0, line };
    assert_eq!(values.user, Some((at(1), "first".into())));
    assert_eq!(values.host_name, Some((at(5), "a.example.org".into())));
    assert_eq!(values.port, Some((at(8), "2222".into())));
}

#[test]
fn proxies_exclude_each_other() {
    let config = load("Host a\nProxyJump b\nHost *\nProxyCommand nc %h %p # all of it\n");
    let values = config.evaluate("a", &local());
    assert_eq!(
        (value(&values.proxy_jump), &values.proxy_command),
        ("b", &None)
    );
    let values = config.evaluate("x", &local());
    assert_eq!(value(&values.proxy_command), "nc %h %p # all of it");
}

#[test]
fn what_is_not_judged_never_matches_and_is_noted() {
    for word in [
        "exec true",
        "!exec \"touch /tmp/x\"",
        "tagged x",
        "version *",
    ] {
        let config = load(&format!(
            "Match {word} host *\n  User wrong\nHost *\n User right\n"
        ));
        assert_eq!(config.notes.len(), 1, "{word}");
        assert_eq!(config.notes[0].0, At { file: 0, line: 1 });
        assert_eq!(value(&config.evaluate("a", &local()).user), "right");
    }
}

#[test]
fn lines_that_ssh_refuses() {
    for (line, message) in [
        ("Host", "no argument after `host`"),
        ("User \"a", "a quote stays open"),
        ("User \"\"", "an argument is empty"),
        ("User # comment", "an argument is empty"),
        ("Host \"a", "a quote stays open"),
        ("Match", "no argument after `match`"),
        ("Match host", "`Match host` needs an argument"),
        ("Match all host a", "`Match all` stands alone"),
        ("Match host \"a", "a quote stays open"),
        ("Match # all", "`Match` needs a criterion"),
    ] {
        let config = load(&format!("# fine\n{line}\n"));
        let found: Vec<_> = config
            .errors
            .iter()
            .map(|(at, e)| (at.line, e.message()))
            .collect();
        assert_eq!(found, [(2, message)], "{line}");
    }
    let bytes = b"# caf\xe9\nUser \xff\n";
    let config = SshConfig::load("c", bytes, Path::new("/"), &local());
    assert_eq!(config.errors.len(), 1);
    assert_eq!(config.errors[0].0.line, 2);
}

#[test]
fn included_files_are_read_in_order_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("conf.d")).unwrap();
    write("conf.d/2.conf", "Host two\n User second\n");
    write("conf.d/1.conf", "User outer\nHost one\n User first\n");
    write("conf.d/.hidden.conf", "Host hidden\n");
    write("loop", "Include loop\n");
    let read = |text: &str| SshConfig::load("c", text.as_bytes(), dir.path(), &local());
    let config =
        read("Host one two\n Include conf.d/*.conf nothing*\n Port 1\nHost *\n User last\n");
    assert!(config.errors.is_empty() && config.files.len() == 3);
    assert!(config.files[1].ends_with("conf.d/1.conf"));
    let names: Vec<&str> = config.names().iter().map(|(_, n)| *n).collect();
    assert_eq!(names, ["one", "two"]);
    for (host, user, port) in [
        ("one", "outer", "1"),
        ("two", "outer", "1"),
        ("x", "last", ""),
    ] {
        let values = config.evaluate(host, &local());
        assert_eq!(
            (value(&values.user), value(&values.port)),
            (user, port),
            "{host}"
        );
    }
    let config = read("Include loop\n");
    assert_eq!(config.errors.len(), 1);
    assert_eq!(
        config.errors[0].1.message(),
        "more than 16 files include each other"
    );
    // Each file includes every file: the number of files must not explode.
    for name in ["conf.d/1.conf", "conf.d/2.conf"] {
        write(name, "Include conf.d/*\nInclude conf.d/*\n");
    }
    let config = read("Include conf.d/*\n");
    assert!(config.files.len() <= 1001 && !config.errors.is_empty());
}

#[test]
fn paths_with_tokens() {
    let config = load("Host a\n HostName a.example\n Port 2222\n User root\n");
    let values = config.evaluate("a", &local());
    for (text, expected) in [
        ("~/.ssh/id", Ok("~/.ssh/id")),
        (
            "%d/%n-%h-%p-%r-%u%%",
            Ok("/home/me/a-a.example-2222-root-me%"),
        ),
        ("%C", Err("%C")),
        ("a%", Err("%")),
        ("${NOT_SET_ANYWHERE}/x", Err("${NOT_SET_ANYWHERE}")),
        ("${", Err("${")),
    ] {
        let path = SshConfig::path(text, "a", &values, &local());
        assert_eq!(path.as_deref().map_err(String::as_str), expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let config = SshConfig::load("c", &bytes, Path::new("/nowhere"), &local());
        for (_, name) in config.names() {
            config.evaluate(name, &local());
        }
    }
}
