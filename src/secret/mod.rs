//! Secrets: the value type, the redactor, and the sealing of what is stored.
//!
//! A [`Secret`] never prints itself. What is stored is sealed under one random [`DataKey`], which
//! is itself wrapped for each recipient ([`WrappedKey`]): adding a recipient rewrites one blob, not
//! every row. Owns no state but the identity file; imports only [`crate::error`].

mod redact;
mod seal;
mod vault;

pub use redact::Redactor;
pub use seal::{DataKey, Place};
pub use vault::{Identity, IdentityFile, RecipientKind, WrappedKey};

use std::fmt;

use zeroize::Zeroizing;

/// What every printed form of a secret looks like.
pub const REDACTED: &str = "[redacted]";

/// A text that must not be shown: a password, a passphrase, a token. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text itself. Call this only where it is used, never where it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True for an empty secret.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
