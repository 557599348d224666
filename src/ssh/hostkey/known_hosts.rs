//! known_hosts files: which keys are known for a host, and remembering one more.
//!
//! The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": plain, hashed, wildcards,
//! negation, `[host]:port`, `@revoked`, `@cert-authority`. Only reads and appends; what a key
//! means for a connection is decided in [`super`].

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::names::{matches, name_of};
use crate::error::{Error, Result};

/// What a line says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// It is the host's own.
    Key,
    /// It must not be accepted any more.
    Revoked,
    /// It signs host certificates.
    Authority,
}

/// One line that matches the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub marker: Marker,
    /// Key type, such as `ssh-ed25519`.
    pub key_type: String,
    /// The public key as on the wire.
    pub blob: Vec<u8>,
    /// Where the line stands.
    pub file: PathBuf,
    /// From 1.
    pub number: usize,
}

/// All lines of `files` for `host`. A file that is not there holds none.
///
/// # Errors
/// A file that is there and cannot be read: a revoked key in it must not be missed.
pub fn lookup(files: &[&Path], host: &str, port: u16) -> Result<Vec<Line>> {
    let name = name_of(host, port);
    let bare = name_of(host, 22);
    let mut found = Vec::new();
    for file in files {
        let text = match std::fs::read(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => {
                let message = format!("cannot read known hosts from `{}`: {e}", file.display());
                return Err(Error::local(message).source(e));
            }
        };
        for (i, line) in text.lines().enumerate() {
            if let Some(line) = parse(line, &name, &bare, file, i + 1) {
                found.push(line);
            }
        }
    }
    Ok(found)
}

/// The line when it is for `name`. Malformed lines say nothing, as in OpenSSH.
fn parse(line: &str, name: &str, bare: &str, file: &Path, number: usize) -> Option<Line> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut fields = line.split_ascii_whitespace();
    let mut hosts = fields.next()?;
    let marker = match hosts {
        "@revoked" => Marker::Revoked,
        "@cert-authority" => Marker::Authority,
        other if other.starts_with('@') => return None,
        _ => Marker::Key,
    };
    if marker != Marker::Key {
        hosts = fields.next()?;
    }
    let (key_type, key) = (fields.next()?, fields.next()?);
    // OpenSSH also takes a certificate for a host on another port from a line without a port.
    let fits = matches(hosts, name) || (marker == Marker::Authority && matches(hosts, bare));
    if !fits {
        return None;
    }
    Some(Line {
        marker,
        key_type: key_type.to_owned(),
        blob: STANDARD.decode(key).ok()?,
        file: file.to_owned(),
        number,
    })
}

/// The numbers of the lines that say nothing, because they are no lines of this format.
pub fn unsound(text: &str) -> Vec<usize> {
    let is_sound = |line: &str| {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return true;
        }
        let mut fields = line.split_ascii_whitespace();
        let marker = fields.clone().next().filter(|f| f.starts_with('@'));
        if marker.is_some() {
            fields.next();
        }
        let (hosts, kind, key) = (fields.next(), fields.next(), fields.next());
        marker.is_none_or(|m| m == "@revoked" || m == "@cert-authority")
            && hosts.is_some()
            && kind.is_some_and(|k| k.contains('-'))
            && key.is_some_and(|k| STANDARD.decode(k).is_ok())
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !is_sound(line))
        .map(|(i, _)| i + 1)
        .collect()
}

/// Remembers a key: one line at the end of `file`, which is made when it is not there, under a
/// lock that other threads and processes of ours respect.
///
/// # Errors
/// The folder or file cannot be made or written.
pub fn append(file: &Path, name: &str, key_type: &str, blob: &[u8]) -> Result<()> {
    let line = format!("{name} {key_type} {}\n", STANDARD.encode(blob));
    let write = || -> std::io::Result<()> {
        if let Some(folder) = file
            .parent()
            .filter(|f| !f.as_os_str().is_empty() && !f.exists())
        {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut open = options
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(file)?;
        rustix::fs::flock(&open, rustix::fs::FlockOperation::LockExclusive)?;
        let mut text = Vec::new();
        open.read_to_end(&mut text)?;
        if text
            .split_inclusive(|b| *b == b'\n')
            .any(|l| l == line.as_bytes())
        {
            return Ok(());
        }
        // Someone's last line may lack its end.
        let gap = if text.last().is_none_or(|b| *b == b'\n') {
            ""
        } else {
            "\n"
        };
        open.write_all(format!("{gap}{line}").as_bytes())
    };
    write().map_err(|e| {
        Error::local(format!(
            "cannot remember the host key in `{}`: {e}",
            file.display()
        ))
        .source(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, Mac as _};
    use proptest::prelude::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGZm7Wp0c2NvbW1lbnRzYXJlbm90a2V5cw0KDQoNCg0K";

    fn hits(line: &str, host: &str, port: u16) -> bool {
        let (name, bare) = (name_of(host, port), name_of(host, 22));
        parse(line, &name, &bare, Path::new("f"), 1).is_some()
    }

    #[test]
    fn which_lines_are_for_a_host() {
        // The hashed name was made by `ssh-keygen -H` from `web-01.example`.
        let hashed = format!("{} ssh-ed25519 {KEY}", hash_of("web-01.example"));
        let hashed_port = format!("{} ssh-ed25519 {KEY}", hash_of("[web-01.example]:2222"));
        for (hosts, host, port, hit) in [
            ("web-01.example", "web-01.example", 22, true),
            ("web-01.example", "WEB-01.example", 22, true),
            ("Web-01.Example", "web-01.example", 22, true),
            ("web-01.example", "web-01.example", 2222, false),
            ("[web-01.example]:2222", "web-01.example", 2222, true),
            ("[web-01.example]:2222", "web-01.example", 22, false),
            ("a,web-01.example,b", "web-01.example", 22, true),
            ("*.example", "web-01.example", 22, true),
            ("web-0?.example", "web-01.example", 22, true),
            ("*.example,!web-01.*", "web-01.example", 22, false),
            ("*", "web-01.example", 22, true),
            ("192.0.2.1", "192.0.2.1", 22, true),
            ("2001:db8::1", "2001:db8::1", 22, true),
            ("[2001:db8::1]:2200", "[2001:db8::1]", 2200, true),
        ] {
            assert_eq!(
                hits(&format!("{hosts} ssh-ed25519 {KEY} c"), host, port),
                hit,
                "{hosts}"
            );
        }
        assert!(hits(&hashed, "web-01.example", 22));
        assert!(!hits(&hashed, "web-02.example", 22));
        assert!(hits(&hashed_port, "web-01.example", 2222));
        assert!(hits(
            &format!("@cert-authority *.example ssh-ed25519 {KEY}"),
            "a.example",
            99
        ));
    }

    fn hash_of(name: &str) -> String {
        let salt = [7u8; 20];
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&salt).unwrap();
        mac.update(name.as_bytes());
        let hash = mac.finalize().into_bytes();
        format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash))
    }

    #[test]
    fn malformed_lines_say_nothing() {
        for line in [
            "",
            "#a ssh-ed25519 AAAA",
            "a",
            "a ssh-ed25519",
            "a ssh-ed25519 !!!",
            "@unknown a ssh-ed25519 AAAA",
            "|1|x|y ssh-ed25519 AAAA",
            "|1| ssh-ed25519 AAAA",
            "@revoked",
            "@cert-authority a",
            "\0",
        ] {
            assert!(!hits(line, "a", 22), "{line:?}");
        }
    }

    #[test]
    fn remembering_makes_private_files_and_keeps_what_is_there() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/known_hosts");
        append(&file, "a", "ssh-ed25519", &[1, 2, 3]).unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        std::fs::write(&file, "# no end of line").unwrap();
        append(&file, "[a]:2222", "ssh-ed25519", &[1, 2, 3]).unwrap();
        append(&file, "[a]:2222", "ssh-ed25519", &[1, 2, 3]).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, "# no end of line\n[a]:2222 ssh-ed25519 AQID\n");
        let found = lookup(&[&file], "a", 2222).unwrap();
        assert_eq!(
            (found.len(), found[0].number, &found[0].blob[..]),
            (1, 2, &[1u8, 2, 3][..])
        );
        assert!(
            lookup(&[folder.path()], "a", 22).is_err(),
            "a folder is no file"
        );
    }

    #[test]
    fn unsound_lines_are_told() {
        let text = "# a comment\n\nh ssh-ed25519 AQID c\n@revoked * ssh-rsa AQID\n\
                    h ssh-ed25519\n@bad h ssh-rsa AQID\nh ssh-rsa A!\nh 1024 35 123\n";
        assert_eq!(unsound(text), [5, 6, 7, 8]);
    }

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        std::thread::scope(|scope| {
            for i in 0..16 {
                let file = &file;
                scope.spawn(move || append(file, &format!("h{i}"), "ssh-ed25519", &[i]).unwrap());
            }
        });
        for i in 0..16 {
            assert_eq!(lookup(&[&file], &format!("h{i}"), 22).unwrap().len(), 1);
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in ".{0,200}", host in "[a-z.*?]{0,20}", port: u16) {
            hits(&line, &host, port);
            unsound(&line);
        }
    }
}
