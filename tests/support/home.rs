//! `mroom` in folders of its own, so that a test sees nothing of the person's settings and servers.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use machineroom::inventory::{Server, Store};
use machineroom::secret::Redactor;

use super::sshd::Sshd;

/// The program under test.
pub const MROOM: &str = env!("CARGO_BIN_EXE_mroom");

/// Its folders; removed when dropped.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    /// An empty inventory.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("home")).unwrap();
        Home { dir }
    }

    /// An inventory in which all `ids` are `user` on that sshd.
    pub fn with(sshd: &Sshd, user: &str, ids: &[&str]) -> Self {
        let home = Home::new();
        let redactor = Arc::new(Redactor::new());
        let store = Store::open(&home.path("data/cache.db"), redactor).unwrap();
        for id in ids {
            let mut server = Server::new(*id, "127.0.0.1", user, sshd.port);
            let key = sshd.path("id").display().to_string();
            server.meta.insert("local_cert_path".to_owned(), key.into());
            store.put(&server, None).unwrap();
        }
        home
    }

    /// A file or folder: `home`, `data`, `config` and what is below.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Gives a command these folders and nothing else of the environment but `PATH`.
    pub fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TERM", "xterm")
            .env("MROOM_DATA_DIR", self.path("data"))
            .env("MROOM_CONFIG_DIR", self.path("config"))
            .env("MROOM_KNOWN_HOSTS", self.path("known_hosts"))
            .env("MROOM_ACCEPT_NEW", "1")
            .current_dir(self.path("home"))
    }

    /// Runs `mroom` with `input` on a pipe; gives exit code, standard output and standard error.
    pub fn pipe(&self, input: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(MROOM);
        self.environment(command.args(arguments))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A program that ends before it has read all is judged by what it says.
        let _ = pipe.write_all(input.as_bytes());
        drop(pipe);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }
}
