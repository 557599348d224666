//! A real sshd in a folder of its own: own host keys, own settings, a free port on loopback.
//! Killed and waited for when dropped. The person's ~/.ssh is neither read nor written, and their shell's
//! own files have no say: logins have an empty home.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use machineroom::error::Result;
use machineroom::events::{Nobody, Silent};
use machineroom::ssh::{Connector as _, Options, Ssh, Target, Transport};
use rustix::process::{Pid, Signal, kill_process};

const SSHD: &str = "/usr/sbin/sshd";

/// A running server.
pub struct Sshd {
    dir: tempfile::TempDir,
    child: Child,
    /// Its port.
    pub port: u16,
}

/// True when `program` is there; else the test is skipped, or fails where nothing may be skipped.
pub fn has(program: &str) -> bool {
    let there = Path::new(program).exists()
        || std::env::var_os("PATH")
            .is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(program).exists()));
    if !there {
        skip(&format!("`{program}` is not installed"));
    }
    there
}

/// Prints why a test is skipped; with `CI=true` that is a failure.
pub fn skip(why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "skipped in CI: {why}"
    );
    eprintln!("skipped: {why}");
}

/// Makes a key pair and gives the private file.
pub fn keygen(file: &Path, arguments: &[&str]) -> PathBuf {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-f"])
        .arg(file)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "ssh-keygen {arguments:?}");
    file.to_owned()
}

/// The current user's name.
pub fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Sshd {
    /// Starts one, or says why not. `settings` come first, so they win over the defaults.
    pub fn start(settings: &str) -> Option<Sshd> {
        if !has(SSHD) || !has("ssh-keygen") {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        keygen(&at("host_ed25519"), &["-t", "ed25519", "-N", ""]);
        keygen(&at("id"), &["-t", "ed25519", "-N", ""]);
        std::fs::copy(at("id.pub"), at("authorized_keys")).unwrap();
        std::fs::create_dir(at("home")).unwrap();
        if user() == "root" {
            // Debian's sshd wants its empty folder even when nothing else of it is used.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        // Another process may take the port in between: try again with another.
        for _ in 0..5 {
            let port = free_port();
            let folder = dir.path().display();
            let sftp = match settings.contains("Subsystem") {
                true => "",
                false => "Subsystem sftp internal-sftp\n",
            };
            // Other accounts have a home of their own. Of several such lines sshd takes the first.
            let home = match settings.contains("SetEnv") {
                true => String::new(),
                false => format!("Match User {}\nSetEnv HOME={folder}/home\n", user()),
            };
            let config = format!(
                "{settings}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_ed25519\n\
                 AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nStrictModes no\n\
                 UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 MaxStartups 1000\nMaxSessions 10\nUseDNS no\nPrintMotd no\nPermitRootLogin yes\n\
                 {sftp}LogLevel VERBOSE\n{home}"
            );
            let mut child = launch(dir.path(), &config);
            if answers(port, &mut child) {
                return Some(Sshd { dir, child, port });
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("sshd does not start:\n{log}");
    }

    /// A file or folder beside the server's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The current user on this server, with the server's own key.
    pub fn target(&self) -> Target {
        Target {
            id: "web".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: user(),
            password: None,
            key: Some(self.path("id")),
            key_only: false,
            without: None,
            network: None,
            route: machineroom::ssh::Route::Direct,
        }
    }

    /// Accepts new keys into a known_hosts of the server's folder.
    pub fn options(&self) -> Options {
        options(self.path("known_hosts"))
    }

    /// Connects as `target`.
    pub fn open(&self, target: Target) -> Result<Arc<dyn Transport>> {
        open(self.options(), target)
    }

    /// Connects with the defaults.
    pub fn connect(&self) -> Arc<dyn Transport> {
        self.open(self.target()).unwrap()
    }

    /// The process ids of the processes that serve connections.
    pub fn sessions(&self) -> Vec<i32> {
        children(self.child.id() as i32)
    }

    /// Ends the processes that serve connections, as a crash would, and waits until they are gone.
    pub fn kill_sessions(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let sessions = self.sessions();
            if sessions.is_empty() || Instant::now() > until {
                return;
            }
            for session in sessions {
                signal_family(session, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Signals a process and its children; itself first, so that it cannot tell of their end.
pub fn signal_family(process: i32, signal: Signal) {
    let mut family = vec![process];
    family.extend(children(process));
    for pid in family.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_sessions();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Options of a test: nobody to ask, no agent, ten seconds.
pub fn options(known_hosts: PathBuf) -> Options {
    Options {
        timeout: Duration::from_secs(10),
        retries: 0,
        accept_new: true,
        known_hosts,
        known_hosts_also: Vec::new(),
        identities: Vec::new(),
        agent: None,
        keepalive: 0,
        events: Arc::new(Silent),
        interact: Arc::new(Nobody),
    }
}

/// Connects, on an executor that knows nothing of tokio.
pub fn open(options: Options, target: Target) -> Result<Arc<dyn Transport>> {
    futures::executor::block_on(Ssh::new(options).connect(target))
}

fn launch(dir: &Path, config: &str) -> Child {
    let file = dir.join("sshd_config");
    std::fs::File::create(&file)
        .unwrap()
        .write_all(config.as_bytes())
        .unwrap();
    Command::new(SSHD)
        .args(["-D", "-f"])
        .arg(&file)
        .arg("-E")
        .arg(dir.join("log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn answers(port: u16, child: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until && child.try_wait().unwrap().is_none() {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// The child processes of a process. The kernel's own list of them (`children` in /proc) leaves some out
/// while others end.
pub fn children(pid: i32) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").unwrap();
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut found: Vec<i32> = numbers.filter(|each| parent(*each) == Some(pid)).collect();
    found.sort_unstable();
    found
}

/// The parent of a process: the second word behind its name, which may hold anything.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(1)?.parse().ok()
}
