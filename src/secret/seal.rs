//! Sealing single values with the data key. Pure: owns no state, knows neither SQL nor files.
//!
//! A sealed value is the text `sealed:1:` and the base64 of nonce (24 bytes), ciphertext and tag
//! of XChaCha20-Poly1305. Table, row id, column and version are bound to it as associated data:
//! a value moved to another row does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::Secret;
use crate::error::{Error, Result};

/// What a sealed value begins with: its kind and the version of its form.
const PREFIX: &str = "sealed:1:";
const NONCE_LEN: usize = 24;

/// Where a sealed value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's id.
    pub id: &'a str,
    /// The column.
    pub column: &'a str,
}

impl Place<'_> {
    /// Each part behind its length, so that no two places look alike.
    fn associated_data(self) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [PREFIX, self.table, self.id, self.column] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

/// The key under which an inventory's secrets are sealed. Wiped when dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(super::REDACTED)
    }
}

impl DataKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the system gives no random bytes.
    pub fn generate() -> Result<Self> {
        Ok(DataKey(Zeroizing::new(random()?)))
    }

    /// The key out of its 32 bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = <[u8; 32]>::try_from(bytes)
            .map_err(|_| Error::local("the data key has the wrong length"))?;
        Ok(DataKey(Zeroizing::new(bytes)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    /// Seals a secret for its place; an empty one stays the empty text.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the system gives no random bytes.
    pub fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<String> {
        if secret.is_empty() {
            return Ok(String::new());
        }
        let nonce: [u8; NONCE_LEN] = random()?;
        let payload = Payload {
            msg: secret.reveal().as_bytes(),
            aad: &place.associated_data(),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::local("the secret is too long to be sealed"))?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&sealed);
        Ok(format!("{PREFIX}{}", BASE64.encode(bytes)))
    }

    /// Opens what [`DataKey::seal`] made for the same place; the empty text is the empty secret.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] for anything else: altered, moved, or sealed with another key.
    pub fn open(&self, place: Place<'_>, sealed: &str) -> Result<Secret> {
        if sealed.is_empty() {
            return Ok(Secret::new(""));
        }
        self.try_open(place, sealed).ok_or_else(|| {
            Error::local(format!(
                "the stored `{}` of `{}` does not open: it was altered, moved or sealed with another key",
                place.column, place.id
            ))
        })
    }

    fn try_open(&self, place: Place<'_>, sealed: &str) -> Option<Secret> {
        let bytes = BASE64.decode(sealed.strip_prefix(PREFIX)?).ok()?;
        let (nonce, message) = bytes.split_at_checked(NONCE_LEN)?;
        let payload = Payload {
            msg: message,
            aad: &place.associated_data(),
        };
        let nonce = XNonce::from(<[u8; NONCE_LEN]>::try_from(nonce).ok()?);
        let plain = Zeroizing::new(self.cipher().decrypt(&nonce, payload).ok()?);
        Some(Secret::new(std::str::from_utf8(&plain).ok()?))
    }
}

fn random<const N: usize>() -> Result<[u8; N]>
where
    [u8; N]: Generate,
{
    <[u8; N]>::try_generate().map_err(|e| {
        Error::local("the system gave no random bytes").source(std::io::Error::other(e.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place<'static> = Place {
        table: "server_room",
        id: "web-01",
        column: "pass",
    };

    #[test]
    fn another_place_or_key_does_not_open() {
        let key = DataKey::generate().unwrap();
        let sealed = key.seal(PLACE, &Secret::new("hunter2")).unwrap();
        assert_eq!(key.open(PLACE, &sealed).unwrap().reveal(), "hunter2");
        for (table, id, column) in [
            ("tunnel", "web-01", "pass"),
            ("server_room", "web-02", "pass"),
            ("server_room", "web-01", "res"),
            ("server_roomweb", "-01", "pass"),
        ] {
            let error = key.open(Place { table, id, column }, &sealed).unwrap_err();
            assert!(error.message().contains("does not open"), "{error}");
        }
        assert!(DataKey::generate().unwrap().open(PLACE, &sealed).is_err());
        assert_ne!(sealed, key.seal(PLACE, &Secret::new("hunter2")).unwrap());
    }

    #[test]
    fn the_empty_secret_is_the_empty_text() {
        let key = DataKey::generate().unwrap();
        assert_eq!(key.seal(PLACE, &Secret::new("")).unwrap(), "");
        assert!(key.open(PLACE, "").unwrap().is_empty());
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let key = DataKey::generate().unwrap();
        let sealed = key.seal(PLACE, &Secret::new("correct horse")).unwrap();
        for i in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(key.open(PLACE, &altered).is_err(), "byte {i}: {altered}");
            assert!(
                key.open(PLACE, &sealed[..i]).is_err() || i == 0,
                "cut at {i}"
            );
        }
    }

    proptest! {
        #[test]
        fn round_trip(text in any::<String>(), id in any::<String>()) {
            let key = DataKey::generate().unwrap();
            let place = Place { id: &id, ..PLACE };
            let sealed = key.seal(place, &Secret::new(text.as_str())).unwrap();
            let opened = key.open(place, &sealed).unwrap();
            prop_assert_eq!(opened.reveal(), text);
        }

        #[test]
        fn rubbish_does_not_panic(text in any::<String>()) {
            let key = DataKey::generate().unwrap();
            prop_assert!(text.is_empty() || key.open(PLACE, &text).is_err());
            let prefixed = PREFIX.to_owned() + &text;
            prop_assert!(key.open(PLACE, &prefixed).is_err());
        }
    }
}
