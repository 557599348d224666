//! Is this the server that it was last time? Decided before anything secret is sent.
//!
//! A changed or revoked key is always refused. An unknown one is accepted by a person, or by
//! `--accept-new`, and then remembered. Certificates count only where an `@cert-authority` line
//! is for the host, and are verified here, because libssh2 does not look at the signature.

mod cert;
mod known_hosts;
mod names;

pub use known_hosts::unsound;
pub use names::name_of;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ssh_key::{HashAlg, PublicKey};
use ssh2::{MethodType, Session};

use crate::error::{Error, Kind, Result};
use crate::events::{HostKeyQuestion, Level, Step};
use crate::quote;
use crate::ssh::net::tcp::Patience;
use crate::ssh::{Options, Target};
use cert::{Certificate, SUFFIX};
use known_hosts::{Line, Marker};
use names::matches_list;

/// What is known about one server's keys.
pub struct Known {
    /// The lines for its name.
    lines: Vec<Line>,
    /// Keys for its bare address, when its name has more than that.
    bare: Vec<Line>,
}

impl Known {
    /// Reads the known_hosts files of `options`.
    ///
    /// # Errors
    /// One of them is there and cannot be read.
    pub fn load(options: &Options, target: &Target) -> Result<Self> {
        let mut files: Vec<&Path> = vec![&options.known_hosts];
        files.extend(options.known_hosts_also.iter().map(PathBuf::as_path));
        let lookup = |host: &str| known_hosts::lookup(&files, host, target.port);
        let name = target.known_as();
        let (mut lines, mut bare) = (lookup(&name)?, Vec::new());
        if name != target.host {
            // What is signed or revoked is so everywhere; a key for the bare address is one only when the
            // server shows the same.
            let (keys, others) = lookup(&target.host)?
                .into_iter()
                .partition(|l| l.marker == Marker::Key);
            bare = keys;
            lines.extend(others);
        }
        Ok(Known { lines, bare })
    }

    fn with(&self, marker: Marker) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |l| l.marker == marker)
    }

    /// Asks the server for a key of a type that is known, so that a server with several keys is
    /// not taken for a changed one; certificates only when an authority is known.
    pub fn prefer(&self, session: &Session) -> Result<(), ssh2::Error> {
        let supported = session.supported_algs(MethodType::HostKey)?;
        let (certs, plain): (Vec<&str>, Vec<&str>) =
            supported.into_iter().partition(|a| a.ends_with(SUFFIX));
        let is_known = |algorithm: &&str| {
            self.with(Marker::Key)
                .chain(&self.bare)
                .any(|l| key_type_of(algorithm) == l.key_type)
        };
        let mut order = Vec::new();
        if self.with(Marker::Authority).next().is_some() {
            order.extend(certs);
        }
        let (known, other): (Vec<&str>, Vec<&str>) = plain.into_iter().partition(is_known);
        order.extend(known);
        order.extend(other);
        session.method_pref(MethodType::HostKey, &order.join(","))
    }

    /// Accepts or refuses the key that the server has just proven to have.
    ///
    /// # Errors
    /// [`Kind::HostKey`], with a hint.
    pub fn verify(
        &self,
        session: &Session,
        options: &Options,
        target: &Target,
        patience: &mut Patience,
    ) -> Result<()> {
        let (blob, _) = session
            .host_key()
            .ok_or_else(|| Error::new(Kind::Connect, "the server showed no host key"))?;
        let key_type = type_of_blob(blob).ok_or_else(|| {
            Error::new(Kind::HostKey, "the server's host key cannot be understood")
        })?;
        let name = name_of(&target.known_as(), target.port);
        self.judge(blob, key_type, &name, options, target, patience)?;
        let step = Step::HostKey {
            key_type: key_type.to_owned(),
            fingerprint: fingerprint(blob),
        };
        options.events.step(&target.id, step);
        Ok(())
    }

    fn judge(
        &self,
        blob: &[u8],
        key_type: &str,
        name: &str,
        options: &Options,
        target: &Target,
        patience: &mut Patience,
    ) -> Result<()> {
        if key_type.ends_with(SUFFIX) {
            return self.verify_certificate(blob, name, target);
        }
        if let Some(line) = self.with(Marker::Revoked).find(|l| l.blob == blob) {
            return Err(revoked(line));
        }
        let known = self.with(Marker::Key).chain(&self.bare);
        if known.into_iter().any(|l| l.blob == blob) {
            return Ok(());
        }
        let fingerprint = fingerprint(blob);
        let same_type = self.with(Marker::Key).find(|l| l.key_type == key_type);
        if let Some(line) = same_type.or_else(|| self.with(Marker::Key).next()) {
            return Err(changed(line, key_type, &fingerprint, name));
        }
        let question = HostKeyQuestion {
            server: target.id.clone(),
            name: name.to_owned(),
            key_type: key_type.to_owned(),
            fingerprint,
        };
        let accepted =
            options.accept_new || patience.pause(|| options.interact.accept_host_key(&question));
        if !accepted {
            return Err(unknown(&question, &target.id));
        }
        known_hosts::append(&options.known_hosts, name, key_type, blob)?;
        let message = format!(
            "remembered the {key_type} host key {} of {name}",
            question.fingerprint
        );
        options.events.note(Level::Info, Some(&target.id), &message);
        Ok(())
    }

    fn verify_certificate(&self, blob: &[u8], name: &str, target: &Target) -> Result<()> {
        let refuse = |why: String| {
            Error::new(
                Kind::HostKey,
                format!("the host certificate of {name} is not valid: {why}"),
            )
            .hint("let the certificate authority sign the server's host key anew")
        };
        let Some(cert) = Certificate::parse(blob) else {
            return Err(refuse("it cannot be understood".to_owned()));
        };
        let is_revoked = |l: &&Line| l.blob == cert.authority || l.blob == cert.key;
        if let Some(line) = self.with(Marker::Revoked).find(is_revoked) {
            return Err(revoked(line));
        }
        if !self
            .with(Marker::Authority)
            .any(|l| l.blob == cert.authority)
        {
            let signer = cert.signer();
            return Err(refuse(format!(
                "its signer {signer} is no known authority for the host"
            )));
        }
        let host = name_of(&target.host, 22);
        if !cert.principals.is_empty() && !matches_list(&cert.principals, &host) {
            return Err(refuse(format!("it is for {}", cert.principals.join(", "))));
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_secs());
        cert.check(now).map_err(|why| refuse(why.to_owned()))
    }
}

/// The key type that a host key algorithm uses: the SHA-2 signatures of RSA share one.
fn key_type_of(algorithm: &str) -> &str {
    match algorithm {
        "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
        other => other,
    }
}

/// The type that a public key names in its first field.
fn type_of_blob(blob: &[u8]) -> Option<&str> {
    let (len, rest) = blob.split_first_chunk::<4>()?;
    std::str::from_utf8(rest.get(..u32::from_be_bytes(*len) as usize)?).ok()
}

fn fingerprint(blob: &[u8]) -> String {
    match PublicKey::from_bytes(blob) {
        Ok(key) => key.fingerprint(HashAlg::Sha256).to_string(),
        Err(_) => "of an unknown kind".to_owned(),
    }
}

fn place(line: &Line) -> String {
    format!("{}:{}", line.file.display(), line.number)
}

fn revoked(line: &Line) -> Error {
    let message = format!(
        "the host key {} is revoked at {}",
        fingerprint(&line.blob),
        place(line)
    );
    Error::new(Kind::HostKey, message)
        .hint("the key was stolen or retired: give the server a new one")
}

fn changed(line: &Line, key_type: &str, now: &str, name: &str) -> Error {
    let message = format!(
        "the host key has changed: {} has {} {}, the server now shows {key_type} {now}",
        place(line),
        line.key_type,
        fingerprint(&line.blob),
    );
    let file = line.file.display().to_string();
    // The name holds only what known_hosts allows, but it comes from a person's list.
    let remove = quote::words(&["ssh-keygen", "-R", name, "-f", &file]).unwrap_or_default();
    Error::new(Kind::HostKey, message).hint(format!(
        "somebody may be listening in; if the server was really set up anew, run `{remove}` and connect again"
    ))
}

fn unknown(question: &HostKeyQuestion, id: &str) -> Error {
    let HostKeyQuestion {
        name,
        key_type,
        fingerprint,
        ..
    } = question;
    let message = format!("the host key of {name} is not known: {key_type} {fingerprint}");
    let id = quote::word(id).unwrap_or_default();
    Error::new(Kind::HostKey, message).hint(format!(
        "compare it with the server's, then accept it: `mroom exec --accept-new {id} -- true`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_and_algorithms() {
        assert_eq!(key_type_of("rsa-sha2-512"), "ssh-rsa");
        assert_eq!(key_type_of("ssh-ed25519"), "ssh-ed25519");
        assert_eq!(type_of_blob(b"\0\0\0\x03abcrest"), Some("abc"));
        for bad in [
            &b""[..],
            b"\0\0",
            b"\0\0\0\x09abc",
            b"\xff\xff\xff\xffabc",
            b"\0\0\0\x01\xff",
        ] {
            assert_eq!(type_of_blob(bad), None);
        }
    }

    proptest! {
        #[test]
        fn no_blob_makes_it_panic(blob in proptest::collection::vec(any::<u8>(), 0..200)) {
            type_of_blob(&blob);
            fingerprint(&blob);
        }
    }
}
