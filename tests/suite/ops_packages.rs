//! The operation `package` for real: this machine's apt and dpkg, on a folder that is their root, so
//! that nothing of the machine itself changes. The packages are made here; what became of them is
//! looked up in dpkg's own database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::home::{Done, Home};
use crate::support::sshd::{Sshd, has};

/// A root folder for apt and dpkg, and an sshd `web` whose logins use it.
struct Debian {
    dir: tempfile::TempDir,
    home: Home,
    _sshd: Sshd,
}

/// Name, version, further fields, script after the installation.
const PACKAGES: [(&str, &str, &str, &str); 5] = [
    ("greeter", "1.0", "Depends: words\n", ""),
    ("greeter", "2.0", "Depends: words\n", ""),
    ("words", "1.0", "Provides: dictionary\n", ""),
    // Cannot be configured before somebody mends what it needs.
    ("broken", "1.0", "", "test -e \"$DPKG_ROOT/mended\""),
    // Takes as long as the test wants.
    (
        "slow",
        "1.0",
        "",
        "while [ ! -e \"$DPKG_ROOT/go\" ]; do sleep 0.1; done",
    ),
];

fn done(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes a package and gives its paragraph for the list of packages.
fn package(repo: &Path, (name, version, fields, script): (&str, &str, &str, &str)) -> String {
    let tree = tempfile::tempdir().unwrap();
    let control = tree.path().join("DEBIAN");
    fs::create_dir(&control).unwrap();
    let about = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n\
         {fields}Description: to try things with\n"
    );
    fs::write(control.join("control"), &about).unwrap();
    if !script.is_empty() {
        let file = control.join("postinst");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        done(Command::new("chmod").arg("755").arg(&file));
    }
    done(
        Command::new("chmod")
            .arg("755")
            .args([tree.path(), &control]),
    );
    let file = format!("{name}_{version}_all.deb");
    let path = repo.join(&file);
    let mut build = Command::new("dpkg-deb");
    done(
        build
            .args(["--root-owner-group", "-b"])
            .arg(tree.path())
            .arg(&path),
    );
    let sum = done(Command::new("sha256sum").arg(&path));
    let sum = sum.split_whitespace().next().unwrap();
    let size = fs::metadata(&path).unwrap().len();
    format!("{about}Filename: ./{file}\nSize: {size}\nSHA256: {sum}\n\n")
}

impl Debian {
    fn new() -> Option<Debian> {
        if !["apt-get", "dpkg-deb", "sha256sum"].into_iter().all(has) {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in [
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/log/apt",
            "etc/apt/preferences.d",
            "etc/apt/sources.list.d",
            "repo",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
        let at = root.display();
        let list: String = PACKAGES.map(|p| package(&root.join("repo"), p)).concat();
        fs::write(root.join("repo/Packages"), list).unwrap();
        let source = format!("deb [trusted=yes] file:{at}/repo ./\n");
        fs::write(root.join("etc/apt/sources.list"), source).unwrap();
        let config = format!(
            "Dir \"{at}\";\nDir::State::status \"{at}/var/lib/dpkg/status\";\n\
             Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n\
             Acquire::Languages \"none\";\nAPT::Sandbox::User \"\";\n"
        );
        fs::write(root.join("apt.conf"), config).unwrap();
        let sshd = Sshd::start(&format!(
            "SetEnv APT_CONFIG={at}/apt.conf DPKG_ROOT={at} DPKG_ADMINDIR={at}/var/lib/dpkg \
             DPKG_FORCE=not-root,script-chrootless,downgrade,security-mac"
        ))?;
        let home = Home::new();
        home.add("web", &sshd);
        home.trust(&sshd);
        Some(Debian {
            dir,
            home,
            _sshd: sshd,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A playbook of these operations.
    fn play(&self, operations: &str) -> String {
        let text = format!(
            "return fleet.select('web'):map(function(s)\nlocal on = s:ops()\n{operations}\nend)\n"
        );
        self.home.write("play.lua", text).display().to_string()
    }

    fn run(&self, operations: &str) -> Done {
        let play = self.play(operations);
        self.home.run(&["run", "--json", &play])
    }

    /// Runs it, which must end well; gives `status: changes`.
    fn ok(&self, operations: &str) -> String {
        let done = self.run(operations).ended(0);
        steps(&done).join("\n")
    }

    /// By hand, with dpkg or apt themselves.
    fn by_hand(&self, words: &[&str]) -> Command {
        let at = self.dir.path();
        let mut command = self.home.command(words[0]);
        command
            .args(&words[1..])
            .env("APT_CONFIG", at.join("apt.conf"))
            .env("DPKG_ROOT", at)
            .env("DPKG_ADMINDIR", at.join("var/lib/dpkg"))
            .env("DPKG_FORCE", "not-root,script-chrootless,downgrade")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// `ii 1.0`: state and version of a package, empty when dpkg does not know it.
    fn state(&self, name: &str) -> String {
        let format = "-f=${db:Status-Abbrev}${Version}";
        let mut query = self.by_hand(&["dpkg-query", "-W", format, name]);
        let output = query.stdout(Stdio::piped()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Somebody else's dpkg, which has the lock until the file `go` is there.
    fn lock(&self) -> Child {
        let file = self.path("repo/slow_1.0_all.deb").display().to_string();
        let child = self.by_hand(&["dpkg", "-i", &file]).spawn().unwrap();
        wait("dpkg to be at work", || self.state("slow") == "iF 1.0");
        child
    }
}

fn wait(what: &str, is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `status: changes` of each operation that a report tells of.
fn steps(done: &Done) -> Vec<String> {
    let steps = done.stdout.lines().filter_map(|line| {
        let step: serde_json::Value = serde_json::from_str(line).ok()?;
        step["op"].as_str()?;
        let changes = step["changes"].as_array().cloned().unwrap_or_default();
        let words: Vec<_> = changes.iter().filter_map(|c| c.as_str()).collect();
        let status = step["status"].as_str().unwrap_or_default();
        Some(format!("{status}: {}", words.join(", ")))
    });
    steps.collect()
}

#[test]
fn packages_come_stay_and_go() {
    let Some(debian) = Debian::new() else { return };
    let play = "on:package('greeter=1.*', { hold = true, recommends = false })\n\
                on:package 'dictionary'";

    // Nobody knows yet what is to be had.
    let path = debian.play(play);
    let predicted = debian.home.run(&["run", "--json", "--check", &path]);
    assert!(steps(&predicted)[0].starts_with("unknown"), "{predicted:?}");
    assert_eq!(debian.state("greeter"), "");

    let first = debian.ok(play);
    assert!(first.starts_with("changed: lists refreshed, "), "{first}");
    assert_eq!(debian.state("greeter"), "hi 1.0");
    assert_eq!(debian.state("words"), "ii 1.0");
    assert_eq!(debian.ok(play), "ok: \nok: ");

    // What is held stays, what is freed is upgraded, and check mode knows to which version.
    assert_eq!(
        debian.ok("on:package('greeter', { state = 'latest' })"),
        "ok: "
    );
    let free = "on:package('greeter', { state = 'latest', hold = false })";
    let path = debian.play(free);
    let predicted = debian
        .home
        .run(&["run", "--json", "--check", &path])
        .ended(0);
    let words = "changed: greeter 1.0 -> 2.0, greeter no longer held";
    assert_eq!(steps(&predicted), [words], "{predicted:?}");
    assert_eq!(debian.state("greeter"), "hi 1.0");
    assert_eq!(debian.ok(free), words);
    assert_eq!(debian.state("greeter"), "ii 2.0");
    assert_eq!(debian.ok(free), "ok: ");

    // Broken by hand and repaired; an older version only when it is said.
    done(&mut debian.by_hand(&["dpkg", "--remove", "greeter"]));
    assert_eq!(
        debian.ok("on:package 'greeter'"),
        "changed: greeter 2.0 installed"
    );
    let refused = debian.run("on:package 'greeter=1.0'").ended(3);
    assert!(refused.stdout.contains("downgrade"), "{refused:?}");
    debian.ok("on:package('greeter=1.0', { downgrade = true })");
    assert_eq!(debian.state("greeter"), "ii 1.0");

    let file = debian.path("repo/greeter_2.0_all.deb");
    let from_file = format!("on:package '{}'", file.display());
    assert_eq!(debian.ok(&from_file), "changed: greeter 1.0 -> 2.0");
    assert_eq!(debian.ok(&from_file), "ok: ");

    let gone = "on:package({ 'words' }, { state = 'absent', purge = true })";
    let said = debian.ok(gone);
    assert_eq!(said, "changed: words 1.0 purged, removed with it: greeter");
    assert_eq!(debian.state("words"), "");
    assert_eq!(debian.ok(gone), "ok: ");
}

#[test]
fn a_locked_manager_is_waited_for() {
    let Some(debian) = Debian::new() else { return };
    debian.ok("on:package 'words'");
    let mut other = debian.lock();
    let done = debian
        .run("on:package('greeter', { lock_timeout = 1 })")
        .ended(3);
    let words = format!("dpkg (process {}), for more than 1 s", other.id());
    assert!(
        done.stdout.contains("`apt` is locked by ") && done.stdout.contains(&words),
        "{done:?}"
    );
    assert_eq!(debian.state("greeter"), "");

    let play = debian.play("on:package('greeter', { lock_timeout = 60 })");
    let mut command = debian.home.mroom(&["run", &play]);
    let log = debian.path("log");
    let waiting = command.stderr(fs::File::create(&log).unwrap()).spawn();
    let mut waiting = waiting.unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    wait("it to say for whom it waits", || {
        said().contains("waits for the lock of `apt`, which dpkg (process ")
    });
    fs::write(debian.path("go"), "").unwrap();
    assert!(other.wait().unwrap().success());
    assert!(waiting.wait().unwrap().success(), "{}", said());
    assert_eq!(debian.state("greeter"), "ii 2.0");
}

#[test]
fn a_half_configured_dpkg_is_mended_first() {
    let Some(debian) = Debian::new() else { return };
    let failed = debian.run("on:package 'broken'").ended(3);
    let words = "post-installation script subprocess returned error exit status 1";
    assert!(failed.stdout.contains(words), "{failed:?}");
    assert!(failed.stdout.contains("dpkg --configure -a"), "{failed:?}");
    assert_eq!(debian.state("broken"), "iF 1.0");

    // As long as it cannot be mended, nothing else is tried.
    debian.run("on:package 'words'").ended(3);
    assert_eq!(debian.state("words"), "");
    fs::write(debian.path("mended"), "").unwrap();
    let said = debian.ok("on:package 'words'");
    assert_eq!(
        said,
        "changed: half-configured: broken, words 1.0 installed"
    );
    assert_eq!(debian.state("broken"), "ii 1.0");
}

#[test]
fn what_apt_says_is_told() {
    let Some(debian) = Debian::new() else { return };
    debian.ok("on:package 'words'");
    let unknown = debian.run("on:package 'grater'").ended(3);
    let words = "no package for `apt`: `grater` (Unable to locate package grater)";
    assert!(unknown.stdout.contains(words), "{unknown:?}");

    // A mirror that nobody answers at.
    let list = debian.path("etc/apt/sources.list");
    fs::write(&list, "deb [trusted=yes] http://127.0.0.1:1/debian ./\n").unwrap();
    let failed = debian.run("on:package('grater', { update = 0 })").ended(3);
    assert!(
        failed.stdout.contains("http://127.0.0.1:1/debian"),
        "{failed:?}"
    );
    assert!(
        failed.stdout.contains("is the mirror right and in reach?"),
        "{failed:?}"
    );
}
