//! The sandbox: real sshd servers that leave a person's own `~/.ssh` and home alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use machineroom::inventory::{Server, Store};
use machineroom::sandbox::{Member, Sandbox, known_hosts};
use machineroom::secret::Redactor;

/// A sandbox in a folder of its own, stopped when the test ends.
struct Lab {
    dir: tempfile::TempDir,
    sandbox: Sandbox,
    store: Store,
}

impl Lab {
    /// `None`, with the reason printed, when this machine has no sshd.
    fn new() -> Option<Self> {
        let found = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
        if !found.iter().any(|path| Path::new(path).exists()) {
            assert!(std::env::var_os("CI").is_none(), "no sshd on this machine");
            println!("skipped: no sshd on this machine");
            return None;
        }
        // A blank and a percent sign: sshd_config gives both a meaning.
        let dir = tempfile::Builder::new().prefix("mroom 100% ").tempdir();
        let dir = dir.unwrap();
        let store = Store::open(&dir.path().join("cache.db"), Arc::new(Redactor::new()));
        Some(Lab {
            sandbox: Sandbox::new(dir.path()),
            store: store.unwrap(),
            dir,
        })
    }

    fn up(&self, count: usize) -> Vec<Member> {
        self.sandbox.up(count, &self.store).unwrap()
    }

    fn folder(&self, member: &Member) -> PathBuf {
        self.dir.path().join("sandbox").join(&member.id)
    }

    fn pid(&self, member: &Member) -> i32 {
        let text = fs::read_to_string(self.folder(member).join("pid")).unwrap();
        text.trim().parse().unwrap()
    }

    /// The machine's own ssh, with the sandbox's key and known_hosts and nothing else.
    fn ssh(&self, program: &str, member: &Member) -> Command {
        let path = |p: &Path| format!("\"{}\"", p.display().to_string().replace('%', "%%"));
        let mut command = Command::new(program);
        let hosts = known_hosts(self.dir.path());
        let key = self.dir.path().join("sandbox/id_ed25519");
        command
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
            ])
            .args([
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "GlobalKnownHostsFile=none",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", path(&hosts)))
            .arg("-o")
            .arg(format!("IdentityFile={}", path(&key)))
            .arg("-o")
            .arg(format!("Port={}", member.port))
            .arg("127.0.0.1");
        command
    }

    fn run(&self, member: &Member, remote: &str) -> String {
        text(&self.ssh("ssh", member).arg(remote).output().unwrap())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(e) = self.sandbox.down(&self.store) {
            println!("the sandbox is still up: {e}");
        }
    }
}

fn text(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every file below a folder with its size and time of change.
fn picture(folder: &Path) -> BTreeMap<PathBuf, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            found.extend(picture(&path));
        }
        found.insert(path, (meta.len(), meta.modified().unwrap()));
    }
    found
}

/// The names in the home itself, and all of `~/.ssh`: other programs write elsewhere in a home
/// while the tests run.
fn home_picture() -> (
    Vec<PathBuf>,
    BTreeMap<PathBuf, (u64, std::time::SystemTime)>,
) {
    let home = std::env::home_dir().unwrap();
    let names = fs::read_dir(&home).into_iter().flatten();
    let mut names: Vec<PathBuf> = names.map(|entry| entry.unwrap().path()).collect();
    names.sort();
    (names, picture(&home.join(".ssh")))
}

#[test]
fn each_server_has_its_own_home_and_the_persons_is_left_alone() {
    let Some(lab) = Lab::new() else { return };
    let before = home_picture();
    let members = lab.up(2);
    for member in &members {
        let home = lab.folder(member).join("home");
        let home = home.display();
        assert_eq!(
            lab.run(member, "pwd; echo \"$HOME\""),
            format!("{home}\n{home}\n")
        );
        let script =
            "mkdir -p ~/.ssh && echo mine >> ~/.ssh/authorized_keys && cd && echo x > made";
        lab.run(member, script);
        let mut sftp = lab.ssh("sftp", member);
        sftp.stdin(fs::File::open("/dev/null").unwrap());
        assert!(sftp.output().unwrap().status.success());
        assert!(lab.folder(member).join("home/made").exists());
    }
    assert_eq!(
        lab.run(&members[0], "env").matches("SSH_ORIGINAL").count(),
        0
    );
    let status = lab
        .ssh("ssh", &members[1])
        .arg("kill -9 $$")
        .status()
        .unwrap();
    assert!(!status.success());
    assert_eq!(lab.sandbox.down(&lab.store).unwrap(), 2);
    assert!(!lab.dir.path().join("sandbox").exists());
    assert_eq!(home_picture(), before, "the sandbox touched the real home");
}

#[test]
fn files_go_over_sftp_into_the_servers_home() {
    let Some(lab) = Lab::new() else { return };
    let members = lab.up(1);
    let batch = lab.dir.path().join("batch");
    let source = lab.dir.path().join("source");
    fs::write(&source, "content").unwrap();
    fs::write(&batch, format!("put \"{}\" arrived\n", source.display())).unwrap();
    let mut sftp = lab.ssh("sftp", &members[0]);
    let output = sftp.stdin(fs::File::open(batch).unwrap()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let arrived = lab.folder(&members[0]).join("home/arrived");
    assert_eq!(fs::read_to_string(arrived).unwrap(), "content");
}

#[test]
fn up_again_keeps_extends_and_mends() {
    let Some(lab) = Lab::new() else { return };
    let first = lab.up(2);
    assert!(first.iter().all(|m| m.is_new));
    let again = lab.up(3);
    assert_eq!(
        again.iter().map(|m| m.is_new).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert_eq!(
        again[..2].iter().map(|m| m.port).collect::<Vec<_>>(),
        [first[0].port, first[1].port]
    );
    assert_eq!(lab.up(1).len(), 3, "a smaller number stops nobody");

    // As after a reboot: the process is gone, its pid file tells of somebody else.
    let pid = rustix::process::Pid::from_raw(lab.pid(&first[0])).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let pid_file = lab.folder(&first[0]).join("pid");
    fs::write(&pid_file, std::process::id().to_string()).unwrap();
    let mended = lab.up(3);
    assert_eq!(
        mended.iter().map(|m| m.is_new).collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(lab.run(&mended[0], "echo back"), "back\n");
}

#[test]
fn many_start_at_once() {
    let Some(lab) = Lab::new() else { return };
    let begin = std::time::Instant::now();
    let members = lab.up(50);
    println!("50 servers in {:?}", begin.elapsed());
    let ports: std::collections::BTreeSet<u16> = members.iter().map(|m| m.port).collect();
    assert_eq!(ports.len(), 50);
    assert_eq!(lab.run(&members[49], "echo there"), "there\n");
    assert_eq!(lab.sandbox.down(&lab.store).unwrap(), 50);
    assert_eq!(lab.sandbox.down(&lab.store).unwrap(), 0);
}

#[test]
fn the_inventory_gets_the_servers_and_loses_only_them() {
    let Some(lab) = Lab::new() else { return };
    let members = lab.up(1);
    let row = lab.store.get(&members[0].id).unwrap().unwrap();
    assert_eq!(
        (row.host.as_str(), row.port),
        ("127.0.0.1", members[0].port)
    );
    assert!(row.tags.contains("sandbox") && row.key().is_some());

    let mine = Server::new("sandbox-02", "192.0.2.1", "me", 22);
    lab.store.put(&mine, None).unwrap();
    let error = lab.sandbox.up(2, &lab.store).unwrap_err();
    assert_eq!(error.message(), "`sandbox-02` is already in the inventory");
    lab.sandbox.down(&lab.store).unwrap();
    assert_eq!(lab.store.get("sandbox-01").unwrap(), None);
    assert_eq!(lab.store.get("sandbox-02").unwrap(), Some(mine));
}

#[test]
fn bad_counts_are_refused() {
    let Some(lab) = Lab::new() else { return };
    for count in [0, 1001, usize::MAX] {
        let error = lab.sandbox.up(count, &lab.store).unwrap_err();
        assert_eq!(error.kind().exit_code(), 2, "{error}");
    }
}
