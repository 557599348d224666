//! Private key files: read once, checked as ssh checks them, their passphrases asked for once,
//! however many servers need them. The [`KeyRing`] is shared by all connections of a run.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ssh_key::{PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::events::Interact;
use crate::secret::Secret;

/// A key file as it was read.
pub struct Key {
    /// The file's text.
    pub text: Zeroizing<String>,
    /// Whether a passphrase protects it.
    pub encrypted: bool,
    /// The public half as on the wire, when it can be known without the passphrase.
    pub public: Option<Vec<u8>>,
    /// The passphrase, once somebody gave it. The lock is held while somebody is asked.
    passphrase: Mutex<Option<Secret>>,
}

/// All key files read so far.
#[derive(Default)]
pub struct KeyRing(Mutex<HashMap<PathBuf, Arc<Key>>>);

impl KeyRing {
    /// The key in `path`.
    ///
    /// # Errors
    /// [`Kind::Auth`]: not there, not readable, readable by others, or not a private key.
    pub fn load(&self, path: &Path) -> Result<Arc<Key>> {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = ring.get(path) {
            return Ok(key.clone());
        }
        let key = Arc::new(read(path)?);
        ring.insert(path.to_owned(), key.clone());
        Ok(key)
    }
}

impl Key {
    /// The passphrase, asked for when nobody has yet. `None` when there is nobody to ask.
    pub fn passphrase(&self, path: &Path, interact: &dyn Interact) -> Option<Secret> {
        let mut known = self
            .passphrase
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = interact.secret(&format!("passphrase of {}", path.display()));
        }
        known.clone()
    }

    /// The passphrase was wrong: the next one who needs it asks again.
    pub fn forget_passphrase(&self) {
        *self
            .passphrase
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn read(path: &Path) -> Result<Key> {
    let name = path.display();
    let refuse = |why: &str| Error::new(Kind::Auth, format!("key `{name}` {why}"));
    let metadata = std::fs::metadata(path).map_err(|e| cannot_read(path, e))?;
    if metadata.is_dir() {
        return Err(refuse("is a folder"));
    }
    // OpenSSH's rule: others may not read a key of ours. Somebody else's key is their affair.
    let ours = metadata.uid() == rustix::process::getuid().as_raw();
    let mode = metadata.mode() & 0o777;
    if ours && mode & 0o077 != 0 {
        return Err(refuse(&format!(
            "can be read by others (mode {mode:04o}), so it is not used"
        ))
        .hint(format!(
            "chmod 600 {}",
            crate::quote::word(&name.to_string()).unwrap_or_default()
        )));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|e| cannot_read(path, e))?);
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("is not a private key"))?;
    examine(text, refuse)
}

fn examine(text: &str, refuse: impl Fn(&str) -> Error) -> Result<Key> {
    if text.starts_with("PuTTY-User-Key-File") {
        return Err(refuse("is in PuTTY's format")
            .hint("convert it: `puttygen KEY.ppk -O private-openssh -o KEY`"));
    }
    if !text.contains("-----BEGIN ") || !text.contains("PRIVATE KEY-----") {
        return Err(match PublicKey::from_openssh(text.trim()) {
            Ok(_) => refuse("is a public key").hint("name the private one, without `.pub`"),
            Err(_) => refuse("is not a private key"),
        });
    }
    let mut encrypted = text.contains("ENCRYPTED");
    let mut public = None;
    if let Ok(key) = PrivateKey::from_openssh(text) {
        if matches!(
            key.algorithm(),
            ssh_key::Algorithm::SkEd25519 | ssh_key::Algorithm::SkEcdsaSha2NistP256
        ) {
            return Err(refuse("lives on a security key")
                .hint("add it to the agent with `ssh-add`; the agent talks to the device"));
        }
        encrypted = key.is_encrypted();
        public = key.public_key().to_bytes().ok();
    }
    Ok(Key {
        text: Zeroizing::new(text.to_owned()),
        encrypted,
        public,
        passphrase: Mutex::new(None),
    })
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    let name = path.display();
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => format!("key `{name}` is not there"),
        std::io::ErrorKind::PermissionDenied => {
            format!("key `{name}` cannot be read: permission denied")
        }
        _ => format!("key `{name}` cannot be read: {error}"),
    };
    Error::new(Kind::Auth, message)
        .hint("`mroom set ID key=FILE` names another key, `key=` none")
        .source(error)
}

/// The public half of the key in `path`: from `path.pub` beside it, as ssh does it, or from the
/// private file when that tells.
pub fn public_half(path: &Path, ring: &KeyRing) -> Option<Vec<u8>> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    let from_file = std::fs::read_to_string(beside)
        .ok()
        .and_then(|text| PublicKey::from_openssh(text.trim()).ok()?.to_bytes().ok());
    from_file.or_else(|| ring.load(path).ok()?.public.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(folder: &Path, text: &str, mode: u32) -> PathBuf {
        let path = folder.join(format!("k{}", std::fs::read_dir(folder).unwrap().count()));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn bad_key_files_say_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let public =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti me";
        for (text, mode, message, hint) in [
            ("hello", 0o600, "is not a private key", ""),
            (public, 0o600, "is a public key", ".pub"),
            (
                "PuTTY-User-Key-File-3: ssh-ed25519",
                0o600,
                "PuTTY",
                "puttygen",
            ),
            (
                "-----BEGIN PRIVATE KEY-----",
                0o644,
                "read by others (mode 0644)",
                "chmod 600",
            ),
            ("", 0o600, "is not a private key", ""),
        ] {
            let path = file(folder.path(), text, mode);
            let error = KeyRing::default().load(&path).err().unwrap();
            assert_eq!(error.kind(), Kind::Auth);
            assert!(error.message().contains(message), "{error}");
            assert!(
                error.hint_text().unwrap_or_default().contains(hint),
                "{text}"
            );
        }
        let error = KeyRing::default().load(folder.path()).err().unwrap();
        assert!(error.message().contains("is a folder"), "{error}");
        let error = KeyRing::default()
            .load(&folder.path().join("none"))
            .err()
            .unwrap();
        assert!(error.message().contains("is not there"), "{error}");
    }

    #[test]
    fn a_passphrase_is_asked_for_once() {
        struct Person(std::sync::atomic::AtomicUsize);
        impl Interact for Person {
            fn secret(&self, _: &str) -> Option<Secret> {
                self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Some(Secret::new("open"))
            }
        }
        let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----";
        let key = examine(text, |why| Error::new(Kind::Auth, why)).unwrap();
        assert!(key.encrypted);
        let person = Person(0.into());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| key.passphrase(Path::new("k"), &person).unwrap());
            }
        });
        assert_eq!(person.0.load(std::sync::atomic::Ordering::SeqCst), 1);
    }
}
