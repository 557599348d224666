//! `mroom cp` against a real sshd: what is copied where, and how it ends.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::support::home::Home;
use crate::support::sshd::{Sshd, free_port, has};

/// A home with two names of one sshd, its host key accepted, and a folder for the server's files.
fn room() -> Option<(Home, Sshd, String)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    for id in ["web-01", "web-02"] {
        home.add(id, &sshd);
    }
    home.run(&["exec", "web-01", "--accept-new", "--", "true"])
        .ended(0);
    let there = sshd.path("there").display().to_string();
    std::fs::create_dir(&there).unwrap();
    Some((home, sshd, there))
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn total(counted: &str) -> String {
    let all = "ok changed failed unreachable skipped cancelled unknown".split(' ');
    let count = |word: &str| counted.split_whitespace().find(|c| c.starts_with(word));
    let words = all.map(|word| match count(word) {
        Some(found) => found.replace('=', " "),
        None => format!("{word} 0"),
    });
    words.collect::<Vec<_>>().join("  ") + "\n"
}

#[test]
fn files_and_folders_go_up_with_their_modes() {
    let Some((home, _sshd, there)) = room() else {
        return;
    };
    let tool = home.write("conf/sub/tool", "#!/bin/sh\n");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o750)).unwrap();
    let one = home
        .run(&["cp", "conf/sub/tool", &format!("web-01:{there}/renamed")])
        .ended(0);
    assert_eq!(
        (one.stdout.as_str(), &one.stderr),
        ("", &total("changed=1"))
    );
    assert_eq!(mode(format!("{there}/renamed")), 0o750);

    let done = home.run(&["cp", "conf", &format!("web-*:{there}/new/")]);
    assert_eq!(done.ended(0).stderr, total("changed=2"));
    let copied = format!("{there}/new/conf/sub/tool");
    assert_eq!(std::fs::read(&copied).unwrap(), b"#!/bin/sh\n");
    assert_eq!(mode(&copied), 0o750);

    home.write("a:b", "colon");
    let words = ["cp", "--mode", "600", "./a:b", "conf/sub/tool", "conf/"];
    let into = format!("web-01:{there}/several");
    home.run(&[&words[..], &[&into]].concat()).ended(0);
    for name in ["a:b", "tool", "sub/tool"] {
        assert_eq!(mode(format!("{there}/several/{name}")), 0o600, "{name}");
    }
}

#[test]
fn one_server_writes_to_dest_and_many_below_it() {
    let Some((home, _sshd, there)) = room() else {
        return;
    };
    std::fs::create_dir(format!("{there}/sub")).unwrap();
    for name in ["x", "sub/y"] {
        std::fs::write(format!("{there}/{name}"), name).unwrap();
    }
    let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
    let (file, folder) = (format!("{there}/x"), format!("{there}/sub"));
    let cp = |sources: &[String], dest: &str| {
        let words = [&["cp".to_owned()], sources, &[dest.to_owned()]].concat();
        home.run(&words).ended(0).stderr
    };
    let from = |pattern: &str, path: &str| format!("{pattern}:{path}");

    assert_eq!(cp(&[from("web-01", &file)], "mine"), total("ok=1"));
    assert_eq!(read("mine"), "x");
    cp(&[from("web-01", &file)], "one/");
    assert_eq!(read("one/web-01/x"), "x");
    let both = [from("web-*", &file), from("web-02", &folder)];
    assert_eq!(cp(&both, "many"), total("ok=2"));
    for name in ["many/web-01/x", "many/web-02/x"] {
        assert_eq!(read(name), "x", "{name}");
    }
    assert_eq!(read("many/web-02/sub/y"), "sub/y");
    assert!(!home.path("many/web-01/sub").exists());
    cp(&[from("web-01", &format!("{folder}/"))], "inside");
    assert_eq!(read("inside/y"), "sub/y");
}

#[test]
fn each_end_has_its_status_and_the_others_finish() {
    let Some((home, _sshd, there)) = room() else {
        return;
    };
    let place = format!("root@127.0.0.1:{}", free_port());
    home.run(&["add", "gone", &place]).ended(0);
    home.write("f", "12345");
    let done = home.run(&["cp", "--json", "f", &format!("all:{there}/f")]);
    let done = done.ended(4);
    let mut lines: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.sort_by_key(|line| line["server"].as_str().unwrap().to_owned());
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["server", "status", "bytes", "duration", "error"]);
    assert_eq!(lines[0]["status"], "unreachable");
    assert_eq!(
        (&lines[0]["error"]["kind"], &lines[0]["bytes"]),
        (&"connect".into(), &Value::Null)
    );
    for line in &lines[1..] {
        assert_eq!(
            (&line["status"], &line["bytes"], &line["error"]),
            (&"changed".into(), &5.into(), &Value::Null)
        );
    }
    assert_eq!(done.stderr, total("changed=2 unreachable=1"));

    let none = home.run(&["cp", "--json", &format!("web-01:{there}/none"), "here"]);
    let line: Value = serde_json::from_str(&none.ended(3).stdout).unwrap();
    assert_eq!(
        (&line["status"], &line["error"]["kind"]),
        (&"failed".into(), &"transfer".into())
    );
    assert!(!home.path("here").exists());
}

#[test]
fn check_mode_reaches_nothing() {
    let Some((home, _sshd, there)) = room() else {
        return;
    };
    home.write("f", "x");
    std::fs::write(format!("{there}/x"), "x").unwrap();
    let up = home.run(&["cp", "-C", "f", &format!("web-*:{there}/f")]);
    let expected = format!(
        "would copy f to web-*:{there}/f (web-[01-02])\n{}",
        total("skipped=2")
    );
    assert_eq!(up.ended(0).stderr, expected);
    assert!(!Path::new(&format!("{there}/f")).exists());
    home.run(&["cp", "-C", &format!("web-01:{there}/x"), "here"])
        .ended(0);
    assert!(!home.path("here").exists());
    // Nothing listens there: whoever asked it would be told so.
    let place = format!("root@127.0.0.1:{}", free_port());
    home.run(&["add", "gone", &place]).ended(0);
    home.run(&["cp", "--check", "f", "gone:f"]).ended(0);
}

#[test]
fn bad_words() {
    let home = Home::new();
    home.run(&["add", "web", "root@127.0.0.1:1"]).ended(0);
    home.write("a:b", "x");
    for (line, message) in [
        ("cp a", "<DEST>"),
        ("cp a b", "`a` and `b` are both on this machine"),
        ("cp web:x web:y", "`web:x` and `web:y` are both on servers"),
        ("cp web:x a b", "`a` and `b` are both on this machine"),
        ("cp none web:y", "cannot read `none`"),
        ("cp web:x nobody:y", "are both on servers"),
        ("cp nobody:x here", "no server `nobody`"),
        ("cp a:b web:y", "are both on servers"),
        ("cp a:b here", "the file on this machine is `./a:b`"),
        ("cp --mode 0888 web:x y", "`0888` is not a mode"),
        ("cp --fold web:x y", "`--fold` has no meaning for `cp`"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let done = home.run(&words).ended(2);
        assert!(done.stderr.contains(message), "{line}: {}", done.stderr);
    }
}

#[test]
fn a_terminal_shows_how_far_it_is() {
    let Some((home, sshd, there)) = room().filter(|_| has("script")) else {
        return;
    };
    let big = sshd.path("big");
    let file = std::fs::File::create(&big).unwrap();
    // Long enough for the bar to be drawn; a hole needs no disk.
    file.set_len(64 << 20).unwrap();
    let to = format!("web-01:{there}/big");
    let words = ["--color", "never", "cp", &big.display().to_string(), &to];
    let text = home.on_terminal(&words, &[]).ended(0).stdout;
    assert!(text.contains("changed     web-01"), "{text}");
    assert!(text.contains("/big 0%)"), "{text}");
}
