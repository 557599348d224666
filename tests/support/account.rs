//! A real account with a real password, for as long as a test runs. Needs root.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::sshd::{has, skip, user};

/// The password of every test account.
pub const PASSWORD: &str = "correct horse 'battery' $taple";

/// The account; removed when dropped.
pub struct Account {
    /// Its login name.
    pub name: String,
    home: tempfile::TempDir,
}

impl Account {
    /// Makes one, or says why not.
    pub fn create() -> Option<Account> {
        if user() != "root" {
            skip("only root can make accounts");
            return None;
        }
        if !has("useradd") || !has("chpasswd") {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let random = home
            .path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .to_lowercase();
        let name = format!("mr{}", random.trim_start_matches(".tmp"));
        let status = Command::new("useradd")
            .args(["-M", "-s", "/bin/sh", "-d"])
            .arg(home.path())
            .arg(&name)
            .status()
            .unwrap();
        assert!(status.success(), "useradd {name}");
        let account = Account { name, home };
        let mut chpasswd = Command::new("chpasswd")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let line = format!("{}:{PASSWORD}\n", account.name);
        chpasswd
            .stdin
            .take()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        assert!(chpasswd.wait().unwrap().success());
        let owner = format!("{0}:{0}", account.name);
        let status = Command::new("chown")
            .arg(owner)
            .arg(account.home.path())
            .status()
            .unwrap();
        assert!(status.success());
        Some(account)
    }
}

impl Account {
    /// Its home folder, 0700 and its own.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // Its processes are gone with the test's sshd; -f covers those that linger.
        let _ = Command::new("userdel")
            .args(["-f", &self.name])
            .stderr(Stdio::null())
            .status();
    }
}
