//! `mroom` on a pseudo-terminal of its own, which script(1) makes.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::home::{Done, Home, MROOM};

/// How long anything may take that should take no time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The running program, its keyboard and its screen.
pub struct Terminal {
    child: Child,
    /// Open until the end: its closing would be an end of file on the terminal.
    keys: ChildStdin,
    /// The device that the program sees.
    device: String,
    seen: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts `mroom` in that home with these arguments, on a screen of 100 columns and 30 rows.
    /// Needs script(1): ask for it before.
    pub fn new(home: &Home, words: &[&str]) -> Self {
        Terminal::sized(home, (100, 30), words)
    }

    /// The same on a screen of so many columns and rows.
    pub fn sized(home: &Home, (columns, rows): (u16, u16), words: &[&str]) -> Self {
        let quoted = words
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")));
        let words = quoted.collect::<Vec<_>>().join(" ");
        Terminal::running(home, (columns, rows), &format!("'{MROOM}' {words}"))
    }

    /// Any program on such a screen, given as words for `sh`.
    pub fn running(home: &Home, (columns, rows): (u16, u16), line: &str) -> Self {
        // `exec`: a shell in between would take Ctrl-C for its own end.
        let line = format!("tty; stty cols {columns} rows {rows}; exec {line}");
        let mut child = home
            .command("script")
            .args(["-qec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut out, sink) = (child.stdout.take().unwrap(), seen.clone());
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut whole) = ([0; 4096], Vec::new());
            while let Ok(n @ 1..) = out.read(&mut bytes) {
                whole.extend_from_slice(&bytes[..n]);
                // The rest of a character that is cut here comes with the next bytes.
                let end = match std::str::from_utf8(&whole) {
                    Err(e) if e.error_len().is_none() => e.valid_up_to(),
                    _ => whole.len(),
                };
                let text = whole.drain(..end).collect::<Vec<_>>();
                sink.lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&text));
            }
        });
        let keys = child.stdin.take().unwrap();
        let mut terminal = Terminal {
            child,
            keys,
            device: String::new(),
            seen,
            reader: Some(reader),
        };
        terminal.device = terminal.until("\n").trim().to_owned();
        terminal
    }

    /// Gives the screen another size, as dragging the corner of its window does.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = format!("stty cols {columns} rows {rows} <{}", self.device);
        let done = Command::new("sh").args(["-c", &size]).status().unwrap();
        assert!(done.success(), "{size}");
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Types what need not be text.
    pub fn press_bytes(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// Closes the window: nothing is behind the device any more.
    pub fn close(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for `text`, takes all up to its end off the screen, and gives it.
    #[track_caller]
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

    /// Waits for the end; the exit code, and what else was shown.
    #[track_caller]
    pub fn ended(mut self) -> Done {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "no end: {:?}", self.seen);
            std::thread::sleep(Duration::from_millis(5));
        };
        self.reader.take().unwrap().join().unwrap();
        std::process::Output {
            status,
            stdout: std::mem::take(&mut *self.seen.lock().unwrap()).into_bytes(),
            stderr: Vec::new(),
        }
        .into()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
