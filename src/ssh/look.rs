//! What connections would use, looked at without making one.

use std::path::Path;
use std::time::Duration;

use super::{auth, hostkey};
use crate::error::{Error, Result};

/// How long an agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A private key file that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Its type, such as `ssh-ed25519`, when that shows without the passphrase.
    pub key_type: Option<String>,
    /// Whether a passphrase protects it.
    pub encrypted: bool,
}

/// Reads a private key file, as a connection would.
///
/// # Errors
/// [`crate::error::Kind::Auth`]: not there, not readable, readable by others, or not a private key.
pub fn key_file(path: &Path) -> Result<KeyFile> {
    let key = auth::KeyRing::default().load(path)?;
    let public = key.public.as_deref();
    let public = public.and_then(|blob| ssh_key::PublicKey::from_bytes(blob).ok());
    Ok(KeyFile {
        key_type: public.map(|key| key.algorithm().to_string()),
        encrypted: key.encrypted,
    })
}

/// How many keys the agent at `socket` holds.
///
/// # Errors
/// [`crate::error::Kind::Local`]: it is not there, or does not answer.
pub fn agent_keys(socket: &Path) -> Result<usize> {
    let keys = auth::agent_keys(socket, PATIENCE).map_err(|e| {
        let message = format!("no agent answers at `{}`: {e}", socket.display());
        Error::local(message).source(e)
    })?;
    Ok(keys.len())
}

/// A known_hosts file: how many lines, and the numbers of those that say nothing. `None` when it
/// is not there.
///
/// # Errors
/// [`crate::error::Kind::Local`]: it cannot be read.
pub fn known_hosts(path: &Path) -> Result<Option<(usize, Vec<usize>)>> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok(Some((text.lines().count(), hostkey::unsound(&text))))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::local(format!("cannot read `{}`: {e}", path.display())).source(e)),
    }
}
