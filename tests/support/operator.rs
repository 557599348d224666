//! An operator with a home of their own who types `mroom` commands. Nothing of the real person's
//! settings, keys or agent is seen, and everything is gone when the test ends.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::sshd::keygen;

/// The program under test.
pub const MROOM: &str = env!("CARGO_BIN_EXE_mroom");

/// The operator. A sandbox that they started is stopped when they go.
pub struct Operator {
    home: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Done {
    /// The exit code; 128 and the signal's number when one ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Operator {
    /// With an empty home.
    pub fn new() -> Operator {
        let home = tempfile::Builder::new().prefix("home").tempdir().unwrap();
        Operator { home }
    }

    /// With a key pair `~/.ssh/id_ed25519`; `None` when this machine has no ssh-keygen.
    pub fn with_key() -> Option<Operator> {
        if !super::sshd::has("ssh-keygen") {
            return None;
        }
        let person = Operator::new();
        std::fs::create_dir(person.path(".ssh")).unwrap();
        keygen(
            &person.path(".ssh/id_ed25519"),
            &["-t", "ed25519", "-N", ""],
        );
        Some(person)
    }

    /// A file below the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Where the inventory and the like are.
    pub fn data(&self) -> PathBuf {
        self.path(".local/share/machineroom")
    }

    /// Writes a file below the home, folders and all.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `mroom` as this person, in their home; add arguments and spawn it as you like.
    pub fn command(&self) -> Command {
        let mut command = Command::new(MROOM);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .current_dir(self.home.path());
        command
    }

    /// Runs a command with these arguments and no standard input.
    pub fn mroom(&self, arguments: &[&str]) -> Done {
        self.mroom_with(arguments, b"")
    }

    /// Runs a command and gives it standard input.
    pub fn mroom_with(&self, arguments: &[&str], stdin: &[u8]) -> Done {
        let mut command = self.command();
        command.args(arguments);
        run(command, stdin)
    }

    /// Runs a command that must end with 0; gives its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let done = self.mroom(arguments);
        assert_eq!(done.code, 0, "mroom {arguments:?}\n{done:#?}");
        done.stdout
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if self.data().join("sandbox").exists() {
            let _ = self.command().args(["-q", "sandbox", "down"]).status();
        }
    }
}

/// Runs any command to its end.
pub fn run(mut command: Command, stdin: &[u8]) -> Done {
    use std::os::unix::process::ExitStatusExt as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // From a thread of its own: a command may print much before it reads.
    let feeder = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let status = output.status;
    let code = status.code().or(status.signal().map(|s| 128 + s));
    Done {
        code: code.unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
