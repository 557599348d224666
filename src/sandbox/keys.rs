//! Ed25519 key pairs in files: the sandbox's client key and the servers' host keys.

use std::fs;
use std::path::{Path, PathBuf};

use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};

use super::program::{failed, write};
use crate::error::{Error, Result};

/// A key pair on disk.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The private key's file.
    pub private: PathBuf,
    /// The public key's file, `.pub` beside it.
    pub public_file: PathBuf,
    /// The public key as one line: type, base64, comment.
    pub public: String,
}

/// The key pair in `file` and `file.pub`, made when it is not there.
pub(super) fn ensure(file: &Path, comment: &str) -> Result<Key> {
    let public_file = file.with_extension("pub");
    if !public_file.exists() {
        let bad = |e: ssh_key::Error| Error::local(format!("cannot make a key: {e}")).source(e);
        let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(bad)?;
        key.set_comment(comment);
        let text = key.to_openssh(LineEnding::LF).map_err(bad)?;
        write(file, &text)?;
        // Last: its presence says that the pair is whole.
        write(
            &public_file,
            &(key.public_key().to_openssh().map_err(bad)? + "\n"),
        )?;
    }
    let public =
        fs::read_to_string(&public_file).map_err(|e| failed("cannot read", &public_file, e))?;
    Ok(Key {
        private: file.to_owned(),
        public_file,
        public,
    })
}
