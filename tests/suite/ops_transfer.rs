//! `sync`, `git` and `archive` on a real sshd: changed, unchanged, and repaired after
//! somebody broke it by hand. What they say is held against the files themselves.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::home::{Done, Home};
use crate::support::sshd::{Sshd, has};

/// One server `web`, a real sshd on this machine.
pub(super) fn room() -> Option<(Home, Sshd)> {
    let sshd = Sshd::start("")?;
    let home = Home::new();
    home.add("web", &sshd);
    home.trust(&sshd);
    Some((home, sshd))
}

/// Runs these operations in check mode or not.
pub(super) fn play(home: &Home, flags: &[&str], operations: &str) -> Done {
    let text = format!(
        "return fleet.select('web'):map(function(s) local on = s:ops()\n{operations}\nend)"
    );
    let path = home.write("play.lua", text).display().to_string();
    home.run(&[&["--json", "run"], flags, &[&path]].concat())
}

/// Status and changes of each step.
fn steps(done: &Done) -> Vec<(String, Vec<String>)> {
    let lines = done.stdout.lines().map(serde_json::from_str::<Value>);
    let lines = lines.map(Result::unwrap).filter(|v| v["op"].is_string());
    let steps: Vec<_> = lines
        .map(|step| {
            let changes = step["changes"].as_array().cloned().unwrap_or_default();
            let changes = changes.iter().filter_map(Value::as_str).map(str::to_owned);
            let status = step["status"].as_str().unwrap_or_default().to_owned();
            (status, changes.collect())
        })
        .collect();
    assert!(!steps.is_empty(), "{done:?}");
    steps
}

/// The one step of a play that ends well: predicted, and then done as predicted.
pub(super) fn changes(home: &Home, operation: &str) -> Vec<String> {
    let predicted = steps(&play(home, &["--check"], operation).ended(0));
    let done = steps(&play(home, &[], operation).ended(0));
    assert_eq!(predicted, done, "{operation}");
    assert_eq!(done[0].0, "changed", "{operation}");
    is_ok(home, operation);
    done[0].1.clone()
}

/// There is nothing to do.
fn is_ok(home: &Home, operation: &str) {
    let done = steps(&play(home, &[], operation).ended(0));
    assert!(done.iter().all(|step| step.0 == "ok"), "{done:?}");
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(super) fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// Nothing but these is in the folder.
pub(super) fn holds(folder: &Path, names: &[&str]) {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, names, "{}", folder.display());
}

/// A program on this machine; it must end well.
fn tool(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    for (key, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@localhost"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@localhost"),
    ] {
        command.env(key, value);
    }
    let done = command.args(args).output().unwrap();
    assert!(done.status.success(), "{program} {args:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_folder_goes_over_and_only_what_differs() {
    let Some((home, _sshd)) = room() else { return };
    home.write("site/index.html", "<p>\n");
    home.write("site/it's here/a b.css", "p {}\n");
    home.write("site/back\\slash", "");
    home.write("site/notes.log", "not for the server");
    let job = home.write("site/bin/job", "#!/bin/sh\n");
    fs::set_permissions(&job, fs::Permissions::from_mode(0o700)).unwrap();
    symlink("index.html", home.path("site/start")).unwrap();
    let to = home.path("srv/my site");
    let sync = format!(
        "on:sync('site', '{}', {{ delete = true, exclude = {{ '*.log' }} }})",
        to.display()
    );

    let said = changes(&home, &sync);
    assert_eq!(said[0], "made");
    assert!(
        said.contains(&"new it's here/a b.css".to_owned()),
        "{said:?}"
    );
    holds(
        &to,
        &["back\\slash", "bin", "index.html", "it's here", "start"],
    );
    assert_eq!(read(to.join("it's here/a b.css")), "p {}\n");
    assert_eq!(mode(&to.join("bin/job")), 0o755);
    assert_eq!(mode(&to.join("index.html")), 0o644);
    assert_eq!(
        fs::read_link(to.join("start")).unwrap(),
        Path::new("index.html")
    );

    // Same length, other bytes; a link that leads elsewhere; what is foreign; what is kept.
    fs::write(to.join("index.html"), "<b>\n").unwrap();
    fs::set_permissions(to.join("bin/job"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(to.join("start")).unwrap();
    symlink("/etc/passwd", to.join("start")).unwrap();
    fs::create_dir_all(to.join("old/er")).unwrap();
    fs::write(to.join("old/er/file"), "").unwrap();
    fs::write(to.join("kept.log"), "").unwrap();
    assert_eq!(
        changes(&home, &sync),
        [
            "mode 0600 -> 0755 bin/job",
            "content index.html",
            "target start",
            "removed old"
        ]
    );
    assert_eq!(read(to.join("index.html")), "<p>\n");
    assert_eq!(
        fs::read_link(to.join("start")).unwrap(),
        Path::new("index.html")
    );
    holds(
        &to,
        &[
            "back\\slash",
            "bin",
            "index.html",
            "it's here",
            "kept.log",
            "start",
        ],
    );

    // To read a pipe would be to wait for ever.
    fs::remove_file(to.join("index.html")).unwrap();
    tool("mkfifo", &[&to.join("index.html").display().to_string()]);
    assert_eq!(
        changes(&home, &sync),
        ["removed index.html", "new index.html"]
    );

    fs::write(to.join("line\nbreak"), "").unwrap();
    let refused = play(&home, &[], &sync).ended(3);
    assert!(
        refused.stdout.contains("a name with a line break"),
        "{refused:?}"
    );
    assert!(to.join("line\nbreak").exists());
}

#[test]
fn what_comes_into_a_folder_that_will_be_made_is_predicted() {
    let Some((home, _sshd)) = room() else { return };
    home.write("site/css/a.css", "p {}\n");
    let to = home.path("srv").display().to_string();
    let both =
        format!("on:sync('site', '{to}') on:file('{to}/css/b.css', {{ content = 'b {{}}' }})");
    let predicted = steps(&play(&home, &["--check"], &both).ended(0));
    assert!(!home.path("srv").exists());
    assert_eq!(predicted, steps(&play(&home, &[], &both).ended(0)));
    is_ok(&home, &both);
}

#[test]
fn a_clone_follows_its_remote_and_keeps_what_is_somebodys() {
    let Some((home, _sshd)) = room() else { return };
    if !has("git") {
        return;
    }
    let work = home.path("work").display().to_string();
    let commit = |text: &str| {
        home.write("work/app.txt", text);
        tool("git", &["-C", &work, "add", "app.txt"]);
        tool("git", &["-C", &work, "commit", "-qm", text]);
        tool("git", &["-C", &work, "rev-parse", "HEAD"])
    };
    tool("git", &["init", "-q", "-b", "main", &work]);
    let first = commit("one");
    tool("git", &["-C", &work, "tag", "-a", "-m", "One", "v1"]);
    let to = home.path("srv/app");
    let git = |options: &str| format!("on:git('{work}', '{}', {{ {options} }})", to.display());

    assert_eq!(
        changes(&home, &git("")),
        [format!("cloned at {}", &first[..7])]
    );
    assert_eq!(read(to.join("app.txt")), "one");
    let second = commit("two");
    let forward = format!("{} -> {}", &first[..7], &second[..7]);
    assert_eq!(changes(&home, &git("")), [forward]);
    assert_eq!(read(to.join("app.txt")), "two");
    let back = format!("{} -> {}", &second[..7], &first[..7]);
    assert_eq!(changes(&home, &git("revision = 'v1'")), [back]);
    assert_eq!(read(to.join("app.txt")), "one");

    fs::write(to.join("app.txt"), "mine").unwrap();
    let refused = play(&home, &[], &git("revision = 'main'")).ended(3);
    assert!(
        refused
            .stdout
            .contains("1 files were changed in the clone:  M app.txt"),
        "{refused:?}"
    );
    assert_eq!(read(to.join("app.txt")), "mine");
    let said = changes(&home, &git("revision = 'main', force = true"));
    assert_eq!(said.last().unwrap(), "1 changed files put back", "{said:?}");
    assert_eq!(read(to.join("app.txt")), "two");

    let none = play(&home, &[], &git("revision = 'nothere'")).ended(3);
    assert!(
        none.stdout.contains("no branch and no tag `nothere`"),
        "{none:?}"
    );
    let away = work.clone() + "-gone";
    fs::rename(&work, &away).unwrap();
    play(&home, &[], &git("")).ended(3);
    assert_eq!(read(to.join("app.txt")), "two");
}

/// `NAME.tar.gz` of what is in `folder`, with further arguments for tar.
fn packed(home: &Home, name: &str, args: &[&str]) -> PathBuf {
    let path = home.path(name);
    let file = path.display().to_string();
    tool("tar", &[&["-czPf", &file], args].concat());
    path
}

#[test]
fn an_archive_is_unpacked_whole_or_not_at_all() {
    let Some((home, _sshd)) = room() else { return };
    home.write("app-1/version", "1");
    let job = home.write("app-1/bin/a b", "#!/bin/sh\n");
    fs::set_permissions(&job, fs::Permissions::from_mode(0o755)).unwrap();
    home.write("app-1/.hidden", "");
    let here = home.path("").display().to_string();
    packed(&home, "app.tar.gz", &["-C", &here, "app-1"]);
    let to = home.path("opt/app");
    let unpack = format!(
        "on:archive('app.tar.gz', '{}', {{ strip = 1 }})",
        to.display()
    );

    assert_eq!(changes(&home, &unpack), ["unpacked"]);
    let all = [".hidden", ".mroom-archive-app.tar.gz", "bin", "version"];
    holds(&to, &all);
    assert_eq!(mode(&to.join("bin/a b")), 0o755);
    fs::remove_file(to.join("bin/a b")).unwrap();
    assert_eq!(changes(&home, &unpack), ["missing ./bin/a b"]);
    assert!(to.join("bin/a b").exists());

    home.write("app-1/version", "2");
    packed(&home, "app.tar.gz", &["-C", &here, "app-1"]);
    let said = changes(&home, &unpack);
    assert!(said.len() == 1 && said[0].contains(" -> "), "{said:?}");
    assert_eq!(read(to.join("version")), "2");

    // What is damaged, and what leads out of the folder, changes nothing.
    let bytes = fs::read(home.path("app.tar.gz")).unwrap();
    fs::write(home.path("app.tar.gz"), &bytes[..bytes.len() - 9]).unwrap();
    play(&home, &[], &unpack).ended(3);
    for name in ["../outside", "/tmp/../tmp/outside"] {
        let to_name = format!("s|.*|{name}|");
        packed(
            &home,
            "app.tar.gz",
            &["--transform", &to_name, "-C", &here, "app-1/version"],
        );
        let refused = play(&home, &[], &unpack).ended(3);
        assert!(
            refused.stdout.contains("leads out of the folder"),
            "{refused:?}"
        );
    }
    holds(&to, &all);
    assert_eq!(read(to.join("version")), "2");
    assert!(!home.path("opt/outside").exists());
}
