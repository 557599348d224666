//! A machine of its own in namespaces: a Debian with this machine's programs, read-only, and a copy
//! of its `/etc`, in which a test may make users, mount, and change the network's settings; or one
//! with a Docker engine (`tests/lab/engine`). Needs root, and a kernel that lets root do that. Gone
//! when dropped, with everything that runs in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::home::{Done, Home, MROOM, run};
use super::sshd::{children, has, keygen, skip, user};

/// Arguments: the folder that becomes its root, the folder with the keys. Ends as its sshd.
const MAKE: &str = r#"
root=$1 keys=$2
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir usr etc proc dev tmp srv home root run run/sshd var var/lib var/mail sys
chmod 1777 tmp
mount --bind /usr usr
mount -o remount,bind,ro usr
for folder in bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$folder" ]; then cp -P "/$folder" .
    elif [ -d "/$folder" ]; then mkdir "$folder" && mount --bind "/$folder" "$folder"; fi
done
cp -a /etc/. etc
mkdir -p etc/lab etc/sysctl.d
cp "$keys/host" "$keys/authorized_keys" etc/lab
mount --bind /dev dev
mount -t proc proc proc
ip link set lo up
hostname cell
cat >etc/lab/sshd_config <<END
Port 22
ListenAddress 127.0.0.1
HostKey /etc/lab/host
AuthorizedKeysFile /etc/lab/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
END
exec chroot . /usr/sbin/sshd -D -e -f /etc/lab/sshd_config
"#;

/// The namespaces that make it a machine.
const SPACES: [&str; 5] = ["--mount", "--uts", "--net", "--pid", "--fork"];

/// The running machine; it is a server of its home, `lab` when it is a plain one.
pub struct Cell {
    /// Whose inventory knows it.
    pub home: Home,
    child: Child,
    /// The first process in it.
    inside: String,
}

impl Cell {
    /// Makes a plain one, or says why not.
    pub fn start() -> Option<Cell> {
        if !["useradd", "findmnt"].into_iter().all(has) || !has("/usr/sbin/sshd") {
            return None;
        }
        let cell = Cell::made(|home| {
            fs::create_dir_all(home.path("cell/root")).unwrap();
            let mut command = Command::new("unshare");
            command
                .args(SPACES)
                .args(["--kill-child", "sh", "-eu", "-c", MAKE, "sh"])
                .arg(home.path("cell/root"))
                .arg(home.path("cell"));
            command
        })?;
        cell.home.ok(&["add", "lab", "root@127.0.0.1"]);
        Some(cell)
    }

    /// Makes one with a Docker engine, or says why not. In its home are the servers `root`, `dock`
    /// (of the group docker), `sudoer` and `plain`, each the login of that name.
    pub fn docker() -> Option<Cell> {
        Cell::docker_with("2g")
    }

    /// The same with so much room for the engine's images and containers, as `mount -o size=`.
    pub fn docker_with(room: &str) -> Option<Cell> {
        let folder = std::env::var_os("MROOM_ENGINE_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/engine"),
            PathBuf::from,
        );
        if !folder.join("trixie").exists() {
            skip("there is no test engine: run `tests/lab/engine image` as root");
            return None;
        }
        let cell = Cell::made(|home| {
            let mut command =
                Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/engine"));
            command
                .arg("serve")
                .arg(home.path("cell"))
                .env("MROOM_ENGINE_DIR", &folder)
                .env("MROOM_ENGINE_DISK", room);
            command
        })?;
        for login in ["root", "dock", "sudoer", "plain"] {
            cell.home.ok(&["add", login, &format!("{login}@127.0.0.1")]);
        }
        Some(cell)
    }

    /// One that `command` makes of the folder `cell` of its home, which has its keys.
    fn made(command: impl FnOnce(&Home) -> Command) -> Option<Cell> {
        if !["unshare", "nsenter", "ip"].into_iter().all(has) {
            return None;
        }
        if user() != "root" {
            skip("only root can make namespaces");
            return None;
        }
        let may = Command::new("unshare")
            .args(SPACES)
            .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            .output();
        if !may.unwrap().status.success() {
            // No tool is missing: a container without that right cannot be given it.
            eprintln!("skipped: this container may not make namespaces and mounts");
            return None;
        }
        let home = Home::with_key()?;
        fs::create_dir_all(home.path("cell")).unwrap();
        keygen(&home.path("cell/host"), &["-t", "ed25519", "-N", ""]);
        let key = home.path(".ssh/id_ed25519.pub");
        fs::copy(key, home.path("cell/authorized_keys")).unwrap();
        let log = fs::File::create(home.path("cell/log")).unwrap();
        let mut child = command(&home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let said = || fs::read_to_string(home.path("cell/log")).unwrap();
        while !said().contains("Server listening") {
            let is_over = child.try_wait().unwrap().is_some();
            assert!(
                !is_over && begun.elapsed() < Duration::from_secs(60),
                "{}",
                said()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let inside = children(child.id() as i32)[0].to_string();
        let host = fs::read_to_string(home.path("cell/host.pub")).unwrap();
        home.write(".ssh/known_hosts", format!("127.0.0.1 {host}"));
        Some(Cell {
            home,
            child,
            inside,
        })
    }

    /// A process in it, as this machine knows it.
    pub fn pid(&self) -> &str {
        &self.inside
    }

    /// Runs `mroom` of its home, which reaches it over its own loopback.
    pub fn mroom(&self, words: &[&str]) -> Done {
        run(&mut self.command(words), "")
    }

    /// The same, to be started by the caller.
    pub fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = self.network(MROOM);
        command.args(words);
        command
    }

    /// A program of this machine in its network.
    pub fn network(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.home.command("nsenter");
        command.args(["-t", &self.inside, "-n"]).arg(program);
        command
    }

    /// Runs a shell script in it as root, by hand: nothing of `mroom` has a part in that.
    pub fn by_hand(&self, script: &Path) -> Done {
        self.shell(&fs::read_to_string(script).unwrap())
    }

    /// The same with the script's text.
    pub fn shell(&self, script: &str) -> Done {
        let mut command = self.home.command("nsenter");
        command
            .args(["-t", &self.inside, "-m", "-u", "-n", "-p", "-r", "-w"])
            .args(["sh", "-eu"]);
        run(&mut command, script)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
