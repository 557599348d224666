//! A Debian of its own in namespaces: this machine's programs, read-only, and a copy of its `/etc`,
//! in which a test may make users, mount, and change the network's settings. Needs root, and a
//! kernel that lets root do that. Gone when dropped, with everything that runs in it.

use std::fs;
use std::path::Path;
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

/// The running machine; it is the server `lab` of its home.
pub struct Cell {
    /// Whose inventory knows it.
    pub home: Home,
    child: Child,
    /// The first process in it.
    inside: String,
}

impl Cell {
    /// Makes one, or says why not.
    pub fn start() -> Option<Cell> {
        let tools = ["unshare", "nsenter", "ip", "useradd", "findmnt"];
        if !tools.into_iter().all(has) || !has("/usr/sbin/sshd") {
            return None;
        }
        if user() != "root" {
            skip("only root can make namespaces");
            return None;
        }
        let spaces = ["--mount", "--uts", "--net", "--pid", "--fork"];
        let may = Command::new("unshare")
            .args(spaces)
            .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            .output();
        if !may.unwrap().status.success() {
            // No tool is missing: a container without that right cannot be given it.
            eprintln!("skipped: this container may not make namespaces and mounts");
            return None;
        }
        let home = Home::with_key()?;
        fs::create_dir_all(home.path("cell/root")).unwrap();
        keygen(&home.path("cell/host"), &["-t", "ed25519", "-N", ""]);
        let key = home.path(".ssh/id_ed25519.pub");
        fs::copy(key, home.path("cell/authorized_keys")).unwrap();
        let log = fs::File::create(home.path("cell/log")).unwrap();
        let mut child = Command::new("unshare")
            .args(spaces)
            .args(["--kill-child", "sh", "-eu", "-c", MAKE, "sh"])
            .arg(home.path("cell/root"))
            .arg(home.path("cell"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let said = || fs::read_to_string(home.path("cell/log")).unwrap();
        while !said().contains("Server listening") {
            let is_over = child.try_wait().unwrap().is_some();
            assert!(
                !is_over && begun.elapsed() < Duration::from_secs(30),
                "{}",
                said()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let inside = children(child.id() as i32)[0].to_string();
        let host = fs::read_to_string(home.path("cell/host.pub")).unwrap();
        home.write(".ssh/known_hosts", format!("127.0.0.1 {host}"));
        home.ok(&["add", "lab", "root@127.0.0.1"]);
        Some(Cell {
            home,
            child,
            inside,
        })
    }

    /// Runs `mroom` of its home, which reaches it over its own loopback.
    pub fn mroom(&self, words: &[&str]) -> Done {
        let mut command = self.home.command("nsenter");
        command.args(["-t", &self.inside, "-n", MROOM]).args(words);
        run(&mut command, "")
    }

    /// Runs a shell script in it, by hand: nothing of `mroom` has a part in that.
    pub fn by_hand(&self, script: &Path) -> Done {
        let mut command = self.home.command("nsenter");
        command
            .args(["-t", &self.inside, "-m", "-u", "-n", "-p", "-r", "-w"])
            .args(["sh", "-eu"]);
        run(&mut command, fs::read(script).unwrap())
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
