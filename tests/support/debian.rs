//! A Debian for the operation `package`: this machine's apt and dpkg, on a folder that is their root, so
//! that nothing of the machine itself changes. Its packages are made here; what became of them is
//! looked up in dpkg's own database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::home::{Done, Home};
use super::sshd::{Sshd, has};

/// A root folder for apt and dpkg, and an sshd `web` whose logins use it.
pub struct Debian {
    dir: tempfile::TempDir,
    /// Whose inventory knows it as `web`.
    pub home: Home,
    sshd: Sshd,
}

/// Waits in a maintainer script as long as the test wants.
const WAIT: &str = "while [ ! -e \"$DPKG_ROOT/go\" ]; do sleep 0.1; done";

/// Name, version, further fields; which maintainer script it has, and what is in that.
const PACKAGES: [(&str, &str, &str, &str, &str); 9] = [
    ("greeter", "1.0", "Depends: words\n", "", ""),
    ("greeter", "2.0", "Depends: words\n", "", ""),
    ("words", "1.0", "Provides: dictionary\n", "", ""),
    // Cannot be configured before somebody mends what it needs.
    (
        "broken",
        "1.0",
        "",
        "postinst",
        "test -e \"$DPKG_ROOT/mended\"",
    ),
    ("slow", "1.0", "", "postinst", WAIT),
    ("app", "1.0", "Depends: words, slow-files\n", "", ""),
    ("slow-files", "1.0", "Depends: words\n", "preinst", WAIT),
    ("slow-files", "2.0", "Depends: words\n", "preinst", WAIT),
    ("slow-end", "1.0", "", "prerm", WAIT),
];

/// Runs it, which must end well; gives what it printed.
pub fn done(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes a package and gives its paragraph for the list of packages.
fn package(
    repo: &Path,
    (name, version, fields, kind, script): (&str, &str, &str, &str, &str),
) -> String {
    let tree = tempfile::tempdir().unwrap();
    let control = tree.path().join("DEBIAN");
    fs::create_dir(&control).unwrap();
    let about = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n\
         {fields}Description: to try things with\n"
    );
    fs::write(control.join("control"), &about).unwrap();
    if !kind.is_empty() {
        let file = control.join(kind);
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
    /// Makes one, or says why not.
    pub fn new() -> Option<Debian> {
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
        Some(Debian { dir, home, sshd })
    }

    /// A place in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A playbook of these operations.
    pub fn play(&self, operations: &str) -> String {
        let text = format!(
            "return fleet.select('web'):map(function(s)\nlocal on = s:ops()\n{operations}\nend)\n"
        );
        self.home.write("play.lua", text).display().to_string()
    }

    /// Runs it on `web`.
    pub fn run(&self, operations: &str) -> Done {
        let play = self.play(operations);
        self.home.run(&["run", "--json", &play])
    }

    /// Runs it, which must end well; gives `status: changes`.
    pub fn ok(&self, operations: &str) -> String {
        let done = self.run(operations).ended(0);
        steps(&done).join("\n")
    }

    /// By hand, with dpkg or apt themselves.
    pub fn by_hand(&self, words: &[&str]) -> Command {
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
    pub fn state(&self, name: &str) -> String {
        let format = "-f=${db:Status-Abbrev}${Version}";
        let mut query = self.by_hand(&["dpkg-query", "-W", format, name]);
        let output = query.stdout(Stdio::piped()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Somebody else's dpkg, which has the lock until the file `go` is there.
    pub fn lock(&self) -> Child {
        let file = self.path("repo/slow_1.0_all.deb").display().to_string();
        let child = self.by_hand(&["dpkg", "-i", &file]).spawn().unwrap();
        wait("dpkg to be at work", || self.state("slow") == "iF 1.0");
        child
    }

    /// The processes of the logins in it, and what they have started.
    fn processes(&self) -> Vec<i32> {
        let mark = format!("DPKG_ROOT={}", self.dir.path().display());
        let is_ours = |pid: &i32| {
            let words = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            words
                .split(|byte| *byte == 0)
                .any(|word| word == mark.as_bytes())
        };
        let all = fs::read_dir("/proc").unwrap();
        all.filter_map(|one| one.unwrap().file_name().to_str()?.parse().ok())
            .filter(is_ours)
            .collect()
    }

    /// Ends everything that runs there.
    pub fn kill(&self) {
        for pid in self.processes().into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Starts these operations, and ends everything that runs there, as a lost current would, when the
    /// package has come into that state.
    pub fn cut(&self, operations: &str, name: &str, state: &str) {
        let mut run = self.started(operations);
        wait(state, || self.state(name) == state);
        self.kill();
        wait("all to end", || self.processes().is_empty());
        assert!(!run.wait().unwrap().success());
    }

    /// The same with the connection only: what was started there goes on.
    pub fn disconnect(&self, operations: &str, name: &str, state: &str) {
        let mut run = self.started(operations);
        wait(state, || self.state(name) == state);
        self.sshd.kill_sessions();
        assert!(!run.wait().unwrap().success());
    }

    /// A run of these operations that goes on; its standard error is the file `log`.
    pub fn started(&self, operations: &str) -> Child {
        let mut command = self.home.mroom(&["run", &self.play(operations)]);
        let log = fs::File::create(self.path("log")).unwrap();
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// What it has said until now.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }
}

/// Waits until it is there, for as long as tells that from never.
pub fn wait(what: &str, is_there: impl Fn() -> bool) {
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
pub fn steps(done: &Done) -> Vec<String> {
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
