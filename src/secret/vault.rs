//! Wrapping the data key with `age`, once for each recipient, and the identity file.
//!
//! Pure of SQL: the store keeps the wrapped keys. The only state here is the identity file beside
//! the database. A recipient is an identity file or a passphrase; further kinds are further
//! variants of [`RecipientKind`].

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{scrypt, x25519};
use zeroize::Zeroizing;

use super::{DataKey, Secret};
use crate::error::{Error, Kind, Result};

/// The largest scrypt work factor that is accepted: 2^22, some ten seconds and 4 GiB. A wrapped
/// key that asks for more was not made here.
const MAX_WORK_FACTOR: u8 = 22;

/// Who can open a wrapped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientKind {
    /// Whoever can read the identity file.
    Identity,
    /// Whoever knows the passphrase.
    Passphrase,
}

impl RecipientKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            RecipientKind::Identity => "identity",
            RecipientKind::Passphrase => "passphrase",
        }
    }

    /// The kind of a word; `None` for one that a newer version made.
    pub fn from_word(word: &str) -> Option<Self> {
        [RecipientKind::Identity, RecipientKind::Passphrase]
            .into_iter()
            .find(|k| k.as_str() == word)
    }
}

/// The data key, encrypted for one recipient in the age format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose it is.
    pub kind: RecipientKind,
    /// The public key (`age1…`) of an identity; empty for a passphrase.
    pub recipient: String,
    /// The age file.
    pub blob: Vec<u8>,
}

impl WrappedKey {
    /// Wraps for an identity.
    ///
    /// # Errors
    /// [`Kind::Local`] when encryption fails.
    pub fn for_identity(key: &DataKey, identity: &Identity) -> Result<Self> {
        let recipient = identity.0.to_public();
        Ok(WrappedKey {
            kind: RecipientKind::Identity,
            recipient: recipient.to_string(),
            blob: age::encrypt(&recipient, key.bytes())
                .map_err(|e| Error::local("wrapping the data key failed").source(e))?,
        })
    }

    /// Wraps for a passphrase, and opens it again to be sure. Takes about two seconds: that is
    /// what guessing costs.
    ///
    /// # Errors
    /// [`Kind::Usage`] for an empty passphrase.
    pub fn for_passphrase(key: &DataKey, passphrase: &Secret) -> Result<Self> {
        if passphrase.is_empty() {
            return Err(Error::usage("the passphrase is empty"));
        }
        let recipient = scrypt::Recipient::new(SecretString::from(passphrase.reveal()));
        let wrapped = WrappedKey {
            kind: RecipientKind::Passphrase,
            recipient: String::new(),
            blob: age::encrypt(&recipient, key.bytes())
                .map_err(|e| Error::local("wrapping the data key failed").source(e))?,
        };
        if wrapped.open_with_passphrase(passphrase)?.bytes() != key.bytes() {
            return Err(Error::local("the wrapped data key does not open again"));
        }
        Ok(wrapped)
    }

    /// Opens with the identity file's key.
    ///
    /// # Errors
    /// [`Kind::Locked`] when it was wrapped for another identity.
    pub fn open_with_identity(&self, identity: &Identity) -> Result<DataKey> {
        let bytes = age::decrypt(&identity.0, &self.blob).map_err(|e| {
            Error::new(
                Kind::Locked,
                format!(
                    "the secrets were sealed for `{}`, not for this identity file",
                    self.recipient
                ),
            )
            .source(e)
        })?;
        DataKey::from_bytes(&Zeroizing::new(bytes))
    }

    /// Opens with a passphrase; takes about a second.
    ///
    /// # Errors
    /// [`Kind::Locked`] when it is the wrong one.
    pub fn open_with_passphrase(&self, passphrase: &Secret) -> Result<DataKey> {
        let mut identity = scrypt::Identity::new(SecretString::from(passphrase.reveal()));
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        let bytes = age::decrypt(&identity, &self.blob)
            .map_err(|e| Error::new(Kind::Locked, "wrong passphrase").source(e))?;
        DataKey::from_bytes(&Zeroizing::new(bytes))
    }
}

/// The private key that an identity file holds.
pub struct Identity(x25519::Identity);

/// The identity file, in the form that `age-keygen` writes: comments, then one
/// `AGE-SECRET-KEY-1…` line.
#[derive(Debug, Clone)]
pub struct IdentityFile {
    path: PathBuf,
}

impl IdentityFile {
    /// The identity file of the database at `database`: `identity.txt` beside it.
    pub fn beside(database: &Path) -> Self {
        IdentityFile {
            path: database.with_file_name("identity.txt"),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` when there is none. Rights of others on it are taken away.
    ///
    /// # Errors
    /// [`Kind::Local`] when it cannot be read or holds no identity.
    pub fn load(&self) -> Result<Option<Identity>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.error("cannot be read", e)),
        };
        let mode = fs::metadata(&self.path).map_or(0, |m| m.permissions().mode());
        if mode & 0o077 != 0 {
            fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600))
                .map_err(|e| self.error("may be read by others", e))?;
        }
        let line = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty() && !l.starts_with('#'));
        match line.and_then(|l| l.parse().ok()) {
            Some(identity) => Ok(Some(Identity(identity))),
            None => Err(
                Error::local(format!("`{}` holds no age identity", self.path.display())).hint(
                    "put the file back from a backup; without it the stored secrets stay closed",
                ),
            ),
        }
    }

    /// Reads it, or makes it with a new identity, mode 0600. Never overwrites a file.
    ///
    /// # Errors
    /// As [`IdentityFile::load`].
    pub fn load_or_make(&self) -> Result<Identity> {
        if let Some(identity) = self.load()? {
            return Ok(identity);
        }
        let identity = x25519::Identity::generate();
        let secret = identity.to_string();
        let text = Zeroizing::new(format!(
            "# Opens the secrets of the inventory beside it. Keep a copy in a safe place.\n\
             # public key: {}\n{}\n",
            identity.to_public(),
            secret.expose_secret()
        ));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|e| self.error("cannot be made", e))?;
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty());
        // On the disk, name and all, before anything is sealed for it.
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all())
            .map_err(|e| {
                // Half a key file would stand in the way of the next try.
                let _ = fs::remove_file(&self.path);
                self.error("cannot be written", e)
            })?;
        Ok(Identity(identity))
    }

    /// Removes it, if it is there.
    ///
    /// # Errors
    /// [`Kind::Local`] when it stays.
    pub fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(self.error("cannot be removed", e)),
            _ => Ok(()),
        }
    }

    fn error(&self, what: &str, e: std::io::Error) -> Error {
        Error::local(format!("`{}` {what}: {e}", self.path.display())).source(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Place;

    #[test]
    fn identity_file_is_private_and_opens_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let file = IdentityFile::beside(&dir.path().join("cache.db"));
        assert!(file.load().unwrap().is_none());
        let key = DataKey::generate().unwrap();
        let wrapped = WrappedKey::for_identity(&key, &file.load_or_make().unwrap()).unwrap();
        assert!(
            wrapped.recipient.starts_with("age1"),
            "{}",
            wrapped.recipient
        );
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let again = file.load_or_make().unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let opened = wrapped.open_with_identity(&again).unwrap();
        assert_eq!(opened.bytes(), key.bytes());
        file.remove().unwrap();
        file.remove().unwrap();
        let other = file.load_or_make().unwrap();
        let error = wrapped.open_with_identity(&other).unwrap_err();
        assert_eq!(error.kind(), Kind::Locked);
    }

    #[test]
    fn a_damaged_identity_file_is_kept_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = IdentityFile::beside(&dir.path().join("cache.db"));
        for text in ["", "# only comments\n", "AGE-SECRET-KEY-1QQQ\n", "\u{fffd}"] {
            fs::write(file.path(), text).unwrap();
            let error = file.load_or_make().err().unwrap();
            assert!(error.message().contains("holds no age identity"), "{error}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }

    #[test]
    fn passphrase_opens_and_a_wrong_one_does_not() {
        let key = DataKey::generate().unwrap();
        let place = Place {
            table: "t",
            id: "i",
            column: "c",
        };
        let sealed = key.seal(place, &Secret::new("x")).unwrap();
        let phrase = Secret::new("correct horse battery");
        let wrapped = WrappedKey::for_passphrase(&key, &phrase).unwrap();
        let opened = wrapped.open_with_passphrase(&phrase).unwrap();
        assert_eq!(opened.open(place, &sealed).unwrap().reveal(), "x");
        let error = wrapped
            .open_with_passphrase(&Secret::new("wrong"))
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (Kind::Locked, "wrong passphrase")
        );
        let error = WrappedKey::for_passphrase(&key, &Secret::new("")).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
    }
}
