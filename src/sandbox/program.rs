//! The machine's sshd: where it is, what it can, how it is launched; and the small file work
//! that the sandbox shares.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::{Error, Result};

/// Where an sshd is besides `$PATH`: it is not in a plain user's.
const SBIN: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/libexec"];
/// Where the systems keep OpenSSH's sftp-server: Debian, Fedora, Arch, Alpine, openSUSE, BSD.
const SFTP_SERVERS: &[&str] = &[
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/ssh/sftp-server",
    "/usr/libexec/sftp-server",
];
/// The folder that a root sshd insists on. The package's service makes it; without the service
/// nobody does.
const RUN_DIR: &str = "/run/sshd";

/// The OpenSSH server of this machine.
#[derive(Debug, Clone)]
pub(super) struct Program {
    sshd: PathBuf,
    /// The file transfer server.
    pub sftp_server: PathBuf,
    /// Refuses hosts that fail often, ours among them, unless told not to.
    pub has_penalties: bool,
    /// Root's password is locked: sshd then lets root in only through PAM.
    pub needs_pam: bool,
}

impl Program {
    /// Looks for sshd and sftp-server.
    pub(super) fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let sshd = std::env::split_paths(&path)
            .chain(SBIN.iter().map(PathBuf::from))
            .map(|dir| dir.join("sshd"))
            .find(|file| file.is_absolute() && file.is_file())
            .ok_or_else(|| missing("sshd", "openssh-server"))?;
        let sftp_server = SFTP_SERVERS.iter().map(PathBuf::from);
        let sftp_server = sftp_server
            .into_iter()
            .find(|file| file.is_file())
            .ok_or_else(|| missing("sftp-server", "openssh-sftp-server"))?;
        Ok(Program {
            has_penalties: version(&sshd) >= (9, 8),
            needs_pam: rustix::process::geteuid().is_root() && is_root_locked(),
            sshd,
            sftp_server,
        })
    }

    /// Makes what has to be there before the first server starts.
    pub(super) fn prepare() -> Result<()> {
        if rustix::process::geteuid().is_root() && !Path::new(RUN_DIR).exists() {
            let made = fs::DirBuilder::new().mode(0o755).create(RUN_DIR);
            made.map_err(|e| failed("cannot make", Path::new(RUN_DIR), e))?;
        }
        Ok(())
    }

    /// Starts an sshd. It goes into the background by itself, and its parent ends.
    pub(super) fn launch(&self, config: &Path, log: &Path) -> Result<Child> {
        let mut command = Command::new(&self.sshd);
        command.arg("-f").arg(config).arg("-E").arg(log);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = quiet.stderr(Stdio::null()).spawn();
        child.map_err(|e| failed("cannot start", &self.sshd, e))
    }
}

/// Major and minor version; (0, 0) when sshd does not tell.
fn version(sshd: &Path) -> (u32, u32) {
    // Old releases do not know `-V`, and print the version with their complaint.
    let Ok(out) = Command::new(sshd).arg("-V").output() else {
        return (0, 0);
    };
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    parse_version(&text).unwrap_or_default()
}

/// `… OpenSSH_9.2p1 …` -> (9, 2)
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("OpenSSH_")?;
    let (major, rest) = rest.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn is_root_locked() -> bool {
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    shadow.lines().any(|line| line.starts_with("root:!"))
}

/// The name of the account that runs us; `$USER` may lie.
pub(super) fn user_name() -> Result<String> {
    let out = Command::new("id").arg("-un").output();
    let out = out.map_err(|e| Error::local("cannot run `id -un`").source(e))?;
    let name = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if !out.status.success() || name.is_empty() {
        return Err(Error::local("this account has no name"));
    }
    Ok(name)
}

fn missing(program: &str, package: &str) -> Error {
    Error::local(format!("`{program}` is not on this machine"))
        .hint(format!("on Debian and Ubuntu: `apt-get install {package}`"))
}

/// A failed file operation, named.
pub(super) fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::local(format!("{what} `{}`: {error}", path.display())).source(error)
}

/// Makes a folder that only we may enter, and those above it.
pub(super) fn private_dir(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.map_err(|e| failed("cannot make", path, e))
}

/// Writes a file that only we may read, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    file.open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&new, path))
        .map_err(|e| failed("cannot write", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, version) in [
            (
                "OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19",
                Some((9, 2)),
            ),
            (
                "unknown option -- V\nOpenSSH_8.4p1, OpenSSL 1.1.1",
                Some((8, 4)),
            ),
            ("OpenSSH_10.0p2 Debian-7", Some((10, 0))),
            ("OpenSSH_", None),
            ("Dropbear v2022.83", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text), version, "{text:?}");
        }
    }
}
