#![allow(dead_code)]
//! The program as a person runs it: in a home folder of its own, with nothing of this machine's.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::sshd::{Sshd, user};

/// A home folder with settings, data and keys of its own.
pub struct Home {
    dir: tempfile::TempDir,
}

/// How one run of the program ended.
pub struct Done {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Done {
    /// Standard output as text.
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The exit code, and both streams when it is not the expected one.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        let (out, err) = (String::from_utf8_lossy(&self.stdout), &self.stderr);
        assert_eq!(self.code, Some(code), "stdout:\n{out}\nstderr:\n{err}");
        self
    }
}

impl Home {
    pub fn new() -> Self {
        Home {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the home; gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Any program in this home; only `PATH` is the machine's own.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("USER", user())
            .env("TERM", "xterm")
            .env("MROOM_CONFIG_DIR", self.path("config"))
            .env("MROOM_DATA_DIR", self.path("data"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// `mroom` in this home.
    pub fn mroom<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_mroom"));
        command.args(words);
        command
    }

    /// Runs `mroom` to its end.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Done {
        done(&mut self.mroom(words))
    }

    /// Runs `mroom` with its streams on a terminal; gives what that showed. Once the first text of
    /// a pair is there, the person types the second; then comes the next pair.
    pub fn on_terminal(&self, words: &[&str], talk: &[(&str, &str)]) -> Done {
        let quoted = words
            .iter()
            .map(|w| format!("'{}'", w.replace('\'', r"'\''")));
        let line = format!(
            "stty cols 100 rows 30; exec '{}' {}",
            env!("CARGO_BIN_EXE_mroom"),
            quoted.collect::<Vec<_>>().join(" ")
        );
        let mut script = self.command("timeout");
        script
            .args(["60", "script", "-qec", &line, "/dev/null"])
            .env("SHELL", "/bin/sh");
        script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = script.spawn().unwrap();
        // Open until the end: its closing would be an end of file on the terminal.
        let mut input = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let (mut shown, mut piece, mut from) = (Vec::new(), [0; 4096], 0);
        let mut talk = talk.iter().peekable();
        loop {
            if let Some((prompt, answer)) = talk.peek() {
                let new = String::from_utf8_lossy(&shown[from..]);
                if new.contains(prompt) {
                    input.write_all(answer.as_bytes()).unwrap();
                    from = shown.len();
                    talk.next();
                }
            }
            match output.read(&mut piece).unwrap() {
                0 => break,
                n => shown.extend_from_slice(&piece[..n]),
            }
        }
        let code = child.wait().unwrap().code();
        Done {
            code,
            stdout: shown,
            stderr: String::new(),
        }
    }

    /// Adds a server of that id that is the given sshd, with the key that it knows.
    pub fn add(&self, id: &str, sshd: &Sshd) {
        let place = format!("{}@127.0.0.1:{}", user(), sshd.port);
        let key = format!("key={}", sshd.path("id").display());
        self.run(&["add", id, &place, &key]).ended(0);
    }

    /// What a person sees of these commands: each line with its prompt, its output, its exit code
    /// when that is not 0. The home's path reads `[HOME]`.
    pub fn session(&self, lines: &[&str]) -> String {
        let mut seen = String::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').filter(|w| !w.is_empty()).collect();
            let done = self.run(&words);
            seen.push_str(&format!("$ mroom {line}\n{}{}", done.out(), done.stderr));
            if done.code != Some(0) {
                seen.push_str(&format!("[exit {}]\n", done.code.unwrap_or(-1)));
            }
        }
        seen.replace(&self.dir.path().display().to_string(), "[HOME]")
    }
}

/// Runs a command to its end.
pub fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
