//! `mroom` on a pseudo-terminal of its own, which script(1) makes.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::home::{Home, MROOM};
use super::sshd::has;

/// How long anything may take that should take no time.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The running program, its keyboard and its screen.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    seen: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts `mroom` with these arguments (plain words), or says why not.
    pub fn new(home: &Home, arguments: &[&str]) -> Option<Self> {
        if !has("script") {
            return None;
        }
        // `exec`: a shell in between would take Ctrl-C for its own end.
        let line = format!("exec '{MROOM}' {}", arguments.join(" "));
        let mut command = Command::new("script");
        home.environment(command.args(["-qec", &line, "/dev/null"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut out, sink) = (child.stdout.take().unwrap(), seen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..n]);
                sink.lock().unwrap().push_str(&text);
            }
        });
        let keys = child.stdin.take().unwrap();
        Some(Terminal { child, keys, seen })
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for `text`, takes all up to its end off the screen, and gives it.
    pub fn until(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let mut seen = self.seen.lock().unwrap();
            if let Some(at) = seen.find(text) {
                return seen.drain(..at + text.len()).collect();
            }
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in {seen:?}");
            drop(seen);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the end; the exit code.
    pub fn ended(mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "no end: {:?}", self.seen);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
