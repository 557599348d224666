//! Host certificates (OpenSSH's PROTOCOL.certkeys): taken apart and verified.
//!
//! The `ssh-key` crate checks the signature; the fields are read here, because that crate takes
//! no certificate that is valid for ever, and those are the usual ones.

use signature::Verifier as _;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey, Signature};

/// What the names of certificate types end with.
pub const SUFFIX: &str = "-cert-v01@openssh.com";
/// The type number of host certificates; users' have 1.
const HOST: u32 = 2;

/// A certificate as the server showed it. Nothing in it is to be believed before
/// [`Certificate::check`].
#[derive(Debug)]
pub struct Certificate<'a> {
    /// The certified key as a plain public key blob.
    pub key: Vec<u8>,
    /// The public key blob of the signer.
    pub authority: &'a [u8],
    /// The host names that it is for; none means all.
    pub principals: Vec<String>,
    kind: u32,
    valid_after: u64,
    valid_before: u64,
    critical: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads the fields; `None` for nonsense and for key types that have no certificates.
    pub fn parse(blob: &'a [u8]) -> Option<Self> {
        let mut rest = blob;
        let kind = std::str::from_utf8(string(&mut rest)?).ok()?;
        let plain = kind.strip_suffix(SUFFIX)?;
        string(&mut rest)?; // nonce
        let key_fields = match plain {
            "ssh-ed25519" => 1,
            "ssh-rsa" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => 2,
            _ => return None,
        };
        let before = rest;
        for _ in 0..key_fields {
            string(&mut rest)?;
        }
        let mut key = (plain.len() as u32).to_be_bytes().to_vec();
        key.extend_from_slice(plain.as_bytes());
        key.extend_from_slice(&before[..before.len() - rest.len()]);
        number::<8>(&mut rest)?; // serial
        let kind = u32::from_be_bytes(number(&mut rest)?);
        string(&mut rest)?; // key id
        let mut names = string(&mut rest)?;
        let mut principals = Vec::new();
        while !names.is_empty() {
            principals.push(String::from_utf8(string(&mut names)?.to_vec()).ok()?);
        }
        let valid_after = u64::from_be_bytes(number(&mut rest)?);
        let valid_before = u64::from_be_bytes(number(&mut rest)?);
        let critical = string(&mut rest)?;
        string(&mut rest)?; // extensions
        string(&mut rest)?; // reserved
        let authority = string(&mut rest)?;
        let signed = &blob[..blob.len() - rest.len()];
        let signature = string(&mut rest)?;
        rest.is_empty().then_some(Certificate {
            key,
            authority,
            principals,
            kind,
            valid_after,
            valid_before,
            critical,
            signed,
            signature,
        })
    }

    /// The signer as ssh prints keys.
    pub fn signer(&self) -> String {
        match PublicKey::from_bytes(self.authority) {
            Ok(key) => key.fingerprint(HashAlg::Sha256).to_string(),
            Err(_) => "of an unknown kind".to_owned(),
        }
    }

    /// Is it a host's, in time (`now` in Unix seconds), and really signed by its authority?
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, now: u64) -> Result<(), &'static str> {
        if self.kind != HOST {
            return Err("it is not a host's");
        }
        if !self.critical.is_empty() {
            return Err("it has conditions that are not known");
        }
        if now < self.valid_after || now >= self.valid_before {
            return Err("its time is over, or has not come yet");
        }
        let authority =
            PublicKey::from_bytes(self.authority).map_err(|_| "its signer cannot be understood")?;
        let signature = Signature::try_from(self.signature)
            .map_err(|_| "its signature cannot be understood")?;
        let key: &KeyData = authority.key_data();
        key.verify(self.signed, &signature)
            .map_err(|_| "its signature is false")
    }
}

fn number<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(number(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
    }

    fn blob(kind: u32, critical: &[u8]) -> Vec<u8> {
        [
            field(b"ssh-ed25519-cert-v01@openssh.com"),
            field(b"nonce"),
            field(&[7; 32]),
            vec![0; 8],
            kind.to_be_bytes().to_vec(),
            field(b"id"),
            field(&field(b"web")),
            vec![0; 8],
            vec![0xff; 8],
            field(critical),
            field(b""),
            field(b""),
            field(&[field(b"ssh-ed25519"), field(&[9; 32])].concat()),
            field(&[field(b"ssh-ed25519"), field(&[1; 64])].concat()),
        ]
        .concat()
    }

    #[test]
    fn a_false_one_is_refused() {
        let good = blob(HOST, b"");
        let cert = Certificate::parse(&good).unwrap();
        assert_eq!(cert.principals, ["web"]);
        assert_eq!(cert.key, [field(b"ssh-ed25519"), field(&[7; 32])].concat());
        assert!(cert.check(1).unwrap_err().contains("sign"));
        assert_eq!(
            Certificate::parse(&blob(1, b"")).unwrap().check(1),
            Err("it is not a host's")
        );
        assert!(
            Certificate::parse(&blob(HOST, b"x"))
                .unwrap()
                .check(1)
                .unwrap_err()
                .contains("conditions")
        );
        assert!(Certificate::parse(&good[..good.len() - 1]).is_none());
        assert!(Certificate::parse(&[&good[..], b"x"].concat()).is_none());
    }

    proptest! {
        #[test]
        fn no_blob_makes_it_panic(cut in 0usize..300, at in 0usize..300, byte: u8) {
            let mut blob = blob(HOST, b"");
            let at = at % blob.len();
            blob[at] = byte;
            blob.truncate(cut);
            if let Some(cert) = Certificate::parse(&blob) {
                prop_assert!(cert.check(1).is_err());
            }
        }
    }
}
