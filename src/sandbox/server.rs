//! One sandbox server: its folder, its sshd_config, and the process that is its sshd.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::keys::Key;
use super::program::{Program, failed, private_dir, write};
use crate::error::{Error, Result};
use crate::quote;

/// What a log line of sshd holds when its port was taken.
const IN_USE: &str = "Address already in use";

/// A server of the sandbox, running or not. Its state is its folder.
#[derive(Debug)]
pub(super) struct SandboxServer {
    /// Its id, and the name of its folder.
    pub id: String,
    /// Its port; 0 while it has none.
    pub port: u16,
    dir: PathBuf,
}

impl SandboxServer {
    /// The server of that id below the sandbox's folder, with the port that it had last.
    pub(super) fn new(sandbox: &Path, id: String) -> Self {
        let dir = sandbox.join(&id);
        let config = fs::read_to_string(dir.join("sshd_config")).unwrap_or_default();
        let port = config.lines().find_map(|line| line.strip_prefix("Port "));
        SandboxServer {
            port: port.and_then(|p| p.parse().ok()).unwrap_or_default(),
            dir,
            id,
        }
    }

    pub(super) fn config(&self) -> PathBuf {
        self.dir.join("sshd_config")
    }
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }
    pub(super) fn host_key(&self) -> PathBuf {
        self.dir.join("host_key")
    }
    pub(super) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }
    fn pid_file(&self) -> PathBuf {
        self.dir.join("pid")
    }

    /// Writes the configuration and makes the home.
    pub(super) fn write_config(&self, program: &Program, key: &Key) -> Result<()> {
        let home = self.home();
        private_dir(&home)?;
        for stale in [self.log(), self.pid_file()] {
            let _ = fs::remove_file(stale);
        }
        let sandbox = self.dir.parent().unwrap_or(&self.dir);
        let enter = quote::word(&sandbox.join("enter").display().to_string())?;
        let yes_no = |yes| if yes { "yes" } else { "no" };
        let mut text = format!(
            "# Written by mroom; `mroom sandbox down` removes it.\n\
             Port {port}\n\
             ListenAddress 127.0.0.1\n\
             HostKey {host_key}\n\
             PidFile {pid_file}\n\
             AuthorizedKeysFile {client_key} {authorized_keys}\n\
             SetEnv {home}\n\
             ForceCommand exec /bin/sh {enter}\n\
             Subsystem sftp {sftp}\n\
             UsePAM {pam}\n\
             PermitRootLogin prohibit-password\n\
             PasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n\
             PermitUserRC no\n\
             PrintMotd no\n\
             PrintLastLog no\n\
             StrictModes no\n\
             UseDNS no\n\
             MaxStartups 500\n\
             MaxSessions 100\n",
            port = self.port,
            host_key = quoted(&self.host_key(), "")?,
            pid_file = quoted(&self.pid_file(), "")?,
            // The first is the way in; the second is what an administrator would edit.
            client_key = quoted(&key.public_file, "")?.replace('%', "%%"),
            authorized_keys = quoted(&home.join(".ssh/authorized_keys"), "")?.replace('%', "%%"),
            home = quoted(&home, "HOME=")?,
            sftp = program.sftp_server.display(),
            pam = yes_no(program.needs_pam),
        );
        if program.has_penalties {
            text += "PerSourcePenalties no\n";
        }
        write(&self.config(), &text)
    }

    /// The process that is this server's sshd. A pid file alone proves nothing: after a reboot
    /// the number is somebody else's, so the process must have our configuration on its command
    /// line.
    pub(super) fn listener(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let pid = pid(text.trim())?;
        let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let config = self.config().display().to_string();
        (line.contains("sshd") && line.contains(&config)).then_some(pid)
    }

    /// Waits until sshd listens: it writes its pid then. False when its port was taken.
    pub(super) fn comes_up(&self, deadline: Instant) -> Result<bool> {
        loop {
            if self.listener().is_some() {
                return Ok(true);
            }
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            if log.contains(IN_USE) {
                return Ok(false);
            }
            let fatal = log.lines().find(|line| is_fatal(line));
            if fatal.is_some() || Instant::now() > deadline {
                let why = fatal.or(log.lines().last()).unwrap_or("it says nothing");
                return Err(Error::local(format!("sshd does not start: {why}")).server(&self.id));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Tells sshd and its open sessions to end.
    pub(super) fn terminate(&self) {
        let Some(listener) = self.listener() else {
            return;
        };
        let number = listener.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
        let children = children.unwrap_or_default();
        let sessions = children.split_whitespace().filter_map(pid);
        for pid in std::iter::once(listener).chain(sessions) {
            // One that has ended by itself is just as well.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// A process number, as files give it; rustix panics on a negative one.
fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok().filter(|n| *n > 0)?)
}

/// True for what sshd says before it gives up.
fn is_fatal(line: &str) -> bool {
    [
        "fatal:",
        "Cannot bind",
        "Missing privilege",
        "Bad configuration",
        "no hostkeys",
        "bad configuration",
    ]
    .iter()
    .any(|word| line.contains(word))
}

/// The script that every login runs, for a shell, a command or a file transfer: it begins in the
/// server's own home, whatever passwd says. (sftp-server stays where it is started.)
pub(super) const ENTER: &str = r#"cd "$HOME" || exit 255
command=$SSH_ORIGINAL_COMMAND
unset SSH_ORIGINAL_COMMAND OLDPWD
case $command in
'') exec "${SHELL:-/bin/sh}" -l ;;
*) exec "${SHELL:-/bin/sh}" -c "$command" ;;
esac
"#;

/// A path, `prefix` before it, as one word of sshd_config.
fn quoted(path: &Path, prefix: &str) -> Result<String> {
    let text = path.to_str().filter(|text| {
        let breaks = |c: char| c.is_control() || c == '"' || c == '\\';
        !text.contains(breaks)
    });
    let text = text.ok_or_else(|| {
        failed(
            "sshd_config cannot name",
            path,
            std::io::Error::other("a quote, a backslash or a control character is in it"),
        )
        .hint("MROOM_DATA_DIR sets another folder")
    })?;
    Ok(format!("\"{prefix}{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_or_refused() {
        assert_eq!(quoted(Path::new("/a b"), "HOME=").unwrap(), "\"HOME=/a b\"");
        for bad in ["/a\"b", "/a\nPort 1", "/a\\"] {
            let error = quoted(Path::new(bad), "").unwrap_err();
            assert!(
                error.message().starts_with("sshd_config cannot name"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_strange_pid_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let server = SandboxServer::new(dir.path(), "sandbox-01".into());
        assert!(server.listener().is_none());
        private_dir(&dir.path().join("sandbox-01")).unwrap();
        for text in [
            std::process::id().to_string(),
            "0".into(),
            "-1".into(),
            "x".into(),
        ] {
            write(&server.pid_file(), &text).unwrap();
            assert!(server.listener().is_none(), "{text}");
        }
    }
}
