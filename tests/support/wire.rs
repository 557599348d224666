//! Two machines on a wire, as network namespaces of this one: a gateway (192.0.2.1) with something behind
//! it (10.77.0.5, where port 7000 says `behind`), and a client (192.0.2.2) without a way there. Needs root.
//! Gone when dropped, with every process in them.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::sshd::{has, skip};

/// The address that only the gateway reaches.
pub const BEHIND: &str = "10.77.0.5";

/// The two machines.
pub struct Wire {
    /// The gateway's namespace.
    pub gateway: String,
    /// The client's.
    pub client: String,
    dir: tempfile::TempDir,
    listener: Option<Child>,
}

impl Wire {
    /// Makes them; `None` where that cannot be, or `programs` are missing.
    pub fn new(programs: &[&str]) -> Option<Wire> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !["ip", "busybox"].iter().chain(programs).all(|p| has(p)) {
            return None;
        }
        let name = format!(
            "w{}x{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let mut wire = Wire {
            gateway: format!("{name}g"),
            client: format!("{name}c"),
            dir: tempfile::tempdir().unwrap(),
            listener: None,
        };
        let (g, c) = (&wire.gateway, &wire.client);
        if !ip(&format!("netns add {g}")) || !ip(&format!("netns add {c}")) {
            skip("no network namespaces here: not root, or not allowed");
            return None;
        }
        for line in [
            format!("link add {name}a netns {g} type veth peer name {name}b netns {c}"),
            format!("-n {g} link set lo up"),
            format!("-n {c} link set lo up"),
            format!("-n {g} address add 192.0.2.1/24 dev {name}a"),
            format!("-n {c} address add 192.0.2.2/24 dev {name}b"),
            format!("-n {g} link set {name}a up"),
            format!("-n {c} link set {name}b up"),
            format!("-n {g} address add {BEHIND}/32 dev lo"),
        ] {
            assert!(ip(&line), "ip {line}");
        }
        let listen = ["busybox", "nc", "-ll", "-p", "7000", "-e", "echo", "behind"];
        wire.listener = Some(inside(g, &listen).stdout(Stdio::null()).spawn().unwrap());
        Some(wire)
    }

    /// A file of the test's own folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes one.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs a command on the gateway, which must end well.
    pub fn on_gateway(&self, argv: &[&str]) {
        let output = run(&self.gateway, argv, "");
        assert!(output.status.success(), "{argv:?}: {output:?}");
    }

    /// What port 7000 behind the gateway says to the client.
    pub fn hello(&self) -> String {
        let argv = ["timeout", "10", "busybox", "nc", BEHIND, "7000"];
        String::from_utf8_lossy(&run(&self.client, &argv, "").stdout).into_owned()
    }

    /// Waits until no process is left on the client.
    pub fn is_client_idle(&self) -> bool {
        let until = Instant::now() + Duration::from_secs(30);
        while !pids(&self.client).is_empty() {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for name in [&self.client, &self.gateway] {
            for pid in pids(name) {
                let _ = Command::new("kill").args(["-9", &pid]).status();
            }
        }
        if let Some(mut listener) = self.listener.take() {
            let _ = listener.wait();
        }
        for name in [&self.client, &self.gateway] {
            ip(&format!("netns delete {name}"));
        }
    }
}

/// Runs a command in a namespace with this to read.
pub fn run(namespace: &str, argv: &[&str], stdin: &str) -> Output {
    let mut command = inside(namespace, argv);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn inside(namespace: &str, argv: &[&str]) -> Command {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", namespace])
        .args(argv)
        .stdin(Stdio::null());
    command
}

fn ip(line: &str) -> bool {
    let output = Command::new("ip").args(line.split(' ')).output();
    output.is_ok_and(|output| output.status.success())
}

fn pids(namespace: &str) -> Vec<String> {
    let output = Command::new("ip")
        .args(["netns", "pids", namespace])
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}
