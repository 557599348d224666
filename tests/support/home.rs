//! A person with a home of their own who types `mroom` commands. Nothing of the real person's
//! settings, keys or agent is seen, and everything is gone when the test ends.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::sshd::{Sshd, has, keygen, user};
use super::terminal::Terminal;

/// The program under test.
pub const MROOM: &str = env!("CARGO_BIN_EXE_mroom");

/// The home. A sandbox that was started in it is stopped when it goes.
pub struct Home {
    dir: tempfile::TempDir,
    user: String,
}

/// How a command ended.
pub struct Done {
    /// The exit code; 128 and the signal's number when one ended it.
    pub code: i32,
    /// Standard output as text.
    pub stdout: String,
    /// Standard output, byte for byte.
    pub bytes: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Home {
    /// An empty one.
    pub fn new() -> Home {
        Home {
            dir: tempfile::Builder::new().prefix("home").tempdir().unwrap(),
            user: user(),
        }
    }

    /// With a key pair `~/.ssh/id_ed25519`; `None` when this machine has no ssh-keygen.
    pub fn with_key() -> Option<Home> {
        let home = has("ssh-keygen").then(Home::new)?;
        std::fs::create_dir(home.path(".ssh")).unwrap();
        keygen(&home.path(".ssh/id_ed25519"), &["-t", "ed25519", "-N", ""]);
        Some(home)
    }

    /// A file below the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of the settings folder.
    pub fn config(&self, name: &str) -> PathBuf {
        self.path(".config/machineroom").join(name)
    }

    /// A file of the data folder, where the inventory and the like are.
    pub fn data(&self, name: &str) -> PathBuf {
        self.path(".local/share/machineroom").join(name)
    }

    /// Writes a file, folders and all; gives its path.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Any program as this person, in their home; only `PATH` is the machine's own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("USER", &self.user)
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// `mroom` with these arguments; change and start it as you like.
    pub fn mroom<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = self.command(MROOM);
        command.args(words);
        command
    }

    /// Runs `mroom` without standard input.
    pub fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Done {
        run(&mut self.mroom(words), "")
    }

    /// Runs `mroom` and gives it standard input.
    pub fn feed<S: AsRef<OsStr>>(&self, words: &[S], stdin: impl AsRef<[u8]>) -> Done {
        run(&mut self.mroom(words), stdin)
    }

    /// Runs `mroom`, which must end with 0; gives its standard output.
    pub fn ok<S: AsRef<OsStr>>(&self, words: &[S]) -> String {
        self.run(words).ended(0).stdout
    }

    /// Runs `mroom` on a terminal; gives what that showed. Once the first text of a pair is
    /// there, the person types the second; then comes the next pair.
    pub fn on_terminal(&self, words: &[&str], talk: &[(&str, &str)]) -> Done {
        let mut terminal = Terminal::new(self, words);
        let mut seen = String::new();
        for (prompt, answer) in talk {
            seen += &terminal.until(prompt);
            terminal.press(answer);
        }
        let mut done = terminal.ended();
        done.stdout.insert_str(0, &seen);
        done
    }

    /// Adds a server of that id that is the given sshd, with the key that it knows.
    pub fn add(&self, id: &str, sshd: &Sshd) {
        let place = format!("{}@127.0.0.1:{}", self.user, sshd.port);
        let key = format!("key={}", sshd.path("id").display());
        self.ok(&["add", id, &place, &key]);
    }

    /// Makes the host key of that sshd a known one.
    pub fn trust(&self, sshd: &Sshd) {
        let key = std::fs::read_to_string(sshd.path("host_ed25519.pub")).unwrap();
        self.write(
            ".ssh/known_hosts",
            format!("[127.0.0.1]:{} {key}", sshd.port),
        );
    }

    /// What a person sees of these commands: each line with its prompt, its output, its exit code
    /// when that is not 0. The home's path reads `[HOME]`.
    pub fn session(&self, lines: &[&str]) -> String {
        let mut seen = String::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').filter(|w| !w.is_empty()).collect();
            let done = self.run(&words);
            seen += &format!("$ mroom {line}\n{}{}", done.stdout, done.stderr);
            if done.code != 0 {
                seen += &format!("[exit {}]\n", done.code);
            }
        }
        seen.replace(&self.dir.path().display().to_string(), "[HOME]")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.data("sandbox").exists() {
            let _ = self.mroom(&["-q", "sandbox", "down"]).status();
        }
    }
}

impl Done {
    /// The exit code must be this; both streams are shown when it is not.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Done {
            code,
            stdout,
            stderr,
            ..
        } = self;
        write!(f, "exit {code}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let code = output.status.code();
        let signal = output.status.signal().map(|s| 128 + s);
        Done {
            code: code.or(signal).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        }
    }
}

/// Runs any command to its end.
pub fn run(command: &mut Command, stdin: impl AsRef<[u8]>) -> Done {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.as_ref().to_vec();
    // From a thread of its own: a command may print much before it reads, or never read.
    let feeder = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output.into()
}
