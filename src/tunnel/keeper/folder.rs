//! The folder of one tunnel below the data folder: who changes it, who holds it, what is up.
//!
//! `lock` is held around every change. `holders/` has a file for each process that uses the tunnel; that
//! process keeps it locked, so that the kernel frees it however the process ends. `record.json` is
//! [`Record`]. All of it is the user's, also when root runs the steps.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::record::Record;
use crate::error::{Error, Kind, Result};

/// How often a lock that somebody else has is tried.
const TICK: Duration = Duration::from_millis(20);

/// What a process writes into its file in `holders/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// For what: a server's id, a command.
    pub what: String,
}

/// The folder of one tunnel.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// The right to change a tunnel. Given back when dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// This process uses the tunnel, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Hold {
    _file: File,
    path: PathBuf,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Before the lock on it goes: who looks then finds none, or one that nobody holds.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Folder {
    /// That of the tunnel `name` in `all`; nothing is made.
    pub fn of(all: &Path, name: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let readable: String = name.chars().take(24).map(plain).collect();
        let path = all.join(format!("{readable}-{}", digits(name.as_bytes())));
        Folder { path }
    }

    /// One at that path: the folder of all has a lock of its own, for what must not happen twice at once.
    pub fn at(path: PathBuf) -> Self {
        Folder { path }
    }

    /// All that are there, in no order.
    pub fn list(all: &Path) -> Vec<Folder> {
        let entries = std::fs::read_dir(all).into_iter().flatten().flatten();
        // That of all has a `holders`, too.
        let folders = entries
            .filter(|e| e.file_name() != "holders" && e.file_type().is_ok_and(|t| t.is_dir()));
        folders.map(|e| Folder { path: e.path() }).collect()
    }

    /// A name for what the tunnel makes on this machine: the same for as long as the folder stays
    /// where it is, and unlike that of any other.
    pub fn label(&self) -> String {
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        format!("mr{}", digits(path.as_os_str().as_encoded_bytes()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, verb: &str, error: std::io::Error) -> Error {
        let message = format!("cannot {verb} `{}`: {error}", self.path.display());
        Error::local(message).source(error)
    }

    /// Waits until nobody else changes the tunnel; makes the folder.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] when `stop` says so while it waits, [`Kind::Local`] when the disk refuses.
    pub fn lock(&self, stop: &dyn Fn() -> bool) -> Result<Lock> {
        let begun = Instant::now();
        loop {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            if stop() {
                let message = "was given up while another `mroom` worked on the tunnel";
                return Err(Error::new(Kind::Cancelled, message));
            }
            std::thread::sleep(TICK.max(begun.elapsed() / 50).min(TICK * 10));
        }
    }

    /// The same without waiting: `None` when somebody else changes it.
    ///
    /// # Errors
    /// As [`Folder::lock`].
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        let mut builder = DirBuilder::new();
        let made = builder
            .recursive(true)
            .mode(0o700)
            .create(self.path.join("holders"));
        made.map_err(|e| self.failed("make", e))?;
        let file = private(&self.path.join("lock")).map_err(|e| self.failed("lock", e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(None),
            Err(e) => Err(self.failed("lock", e.into())),
        }
    }

    /// Takes the tunnel for this process.
    ///
    /// # Errors
    /// [`Kind::Local`] when the disk refuses.
    pub fn hold(&self, what: &str, _lock: &Lock) -> Result<Hold> {
        let pid = std::process::id();
        let name = |count: u32| self.path.join("holders").join(format!("{pid}-{count}"));
        let write = || {
            let (mut file, path) = (0..)
                .map(|count| (create_new(&name(count)), name(count)))
                .find(|(made, _)| !matches!(made, Err(e) if e.kind() == ErrorKind::AlreadyExists))
                .map_or(
                    Err(std::io::Error::from(ErrorKind::Other)),
                    |(made, path)| Ok((made?, path)),
                )?;
            // Whoever lists the holders may just try it.
            flock(&file, FlockOperation::LockExclusive)?;
            let holder = Holder {
                pid,
                what: what.to_owned(),
            };
            file.write_all(&serde_json::to_vec(&holder).unwrap_or_default())?;
            Ok(Hold { _file: file, path })
        };
        write().map_err(|e: std::io::Error| self.failed("take", e))
    }

    /// The processes that use the tunnel. Files of those that are no more are removed when the caller
    /// has the lock.
    pub fn holders(&self, lock: Option<&Lock>) -> Vec<Holder> {
        let mut found = Vec::new();
        let entries = std::fs::read_dir(self.path.join("holders"));
        for entry in entries.into_iter().flatten().flatten() {
            let Ok(mut file) = OpenOptions::new().read(true).open(entry.path()) else {
                continue;
            };
            match flock(&file, FlockOperation::NonBlockingLockShared) {
                Ok(()) => {
                    if lock.is_some() {
                        let _ = std::fs::remove_file(entry.path());
                    }
                }
                Err(_) => {
                    let mut text = String::new();
                    let _ = file.read_to_string(&mut text);
                    let name = entry.file_name();
                    let pid = name
                        .to_string_lossy()
                        .split('-')
                        .next()
                        .and_then(|p| p.parse().ok());
                    found.push(serde_json::from_str(&text).unwrap_or(Holder {
                        pid: pid.unwrap_or_default(),
                        what: String::new(),
                    }));
                }
            }
        }
        found.sort_by_key(|h| h.pid);
        found
    }

    /// What is up, or was when a process ended badly.
    pub fn record(&self) -> Option<Record> {
        Record::read(&std::fs::read_to_string(self.path.join("record.json")).ok()?)
    }

    /// Writes that down, whole or not at all.
    ///
    /// # Errors
    /// [`Kind::Local`] when the disk refuses.
    pub fn write(&self, record: &Record, _lock: &Lock) -> Result<()> {
        let new = self.path.join("record.new");
        let write = || {
            let _ = std::fs::remove_file(&new);
            let mut file = private(&new)?;
            file.write_all(record.to_text().as_bytes())?;
            // The machine may go down with the tunnel. A process leaves nothing then, and its start is not
            // to wait for a disk.
            if !record.is_held() {
                file.sync_all()?;
            }
            std::fs::rename(&new, self.path.join("record.json"))
        };
        write().map_err(|e| self.failed("write", e))
    }

    /// Nothing is up any more.
    pub fn forget(&self, _lock: &Lock) {
        let _ = std::fs::remove_file(self.path.join("record.json"));
    }
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn create_new(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn digits(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(4)
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_become_paths() {
        let all = Path::new("/data/tunnels");
        for name in [
            "office",
            "../../etc",
            "a/b",
            "",
            "--",
            "a\nb",
            &"x".repeat(300),
            "ünï",
        ] {
            let folder = Folder::of(all, name);
            assert_eq!(folder.path().parent(), Some(all), "{name:?}");
            let last = folder.path().file_name().unwrap().to_str().unwrap();
            assert!(last.len() <= 33 && last.is_ascii(), "{last}");
            assert_ne!(folder.label(), Folder::of(all, &format!("{name}2")).label());
        }
        assert_ne!(Folder::of(all, "a/b").path(), Folder::of(all, "a_b").path());
        assert_eq!(Folder::of(all, "x").label().len(), 10);
    }

    #[test]
    fn one_changes_and_many_hold() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "office");
        let lock = folder.lock(&|| false).unwrap();
        assert!(folder.try_lock().unwrap().is_none());
        assert_eq!(folder.lock(&|| true).unwrap_err().kind(), Kind::Cancelled);
        let one = folder.hold("web", &lock).unwrap();
        let two = folder.hold("db", &lock).unwrap();
        let what = |lock| {
            folder
                .holders(lock)
                .into_iter()
                .map(|h| h.what)
                .collect::<Vec<_>>()
        };
        assert_eq!(what(None).len(), 2);
        drop(one);
        assert_eq!(what(Some(&lock)), ["db"]);
        drop(two);
        assert!(what(Some(&lock)).is_empty());
        drop(lock);
        assert!(folder.try_lock().unwrap().is_some());
    }

    #[test]
    fn the_file_of_a_dead_process_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "office");
        let lock = folder.lock(&|| false).unwrap();
        let dead = folder.path().join("holders/1-0");
        std::fs::write(&dead, "{}").unwrap();
        assert!(folder.holders(None).is_empty() && dead.exists());
        assert!(folder.holders(Some(&lock)).is_empty() && !dead.exists());
    }
}
