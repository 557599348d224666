//! The tar archives that `docker build` and `docker cp` take and give: a file or a folder packed,
//! and an archive unpacked below one place. The formats are POSIX ustar with the long names of pax
//! and GNU.
//!
//! An archive comes from a server: nothing in it gets out of the place that it is unpacked to, and
//! only files and folders are made.

mod ignore;
mod read;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

pub use ignore::Ignore;
pub use read::unpack;

use crate::error::{Error, Kind, Result};

/// Bytes of a block: what everything in an archive is filled up to.
const BLOCK: usize = 512;
/// Longest archive, bytes: it is held in memory on its way.
const LONGEST: usize = 1 << 30;
/// Longest name in the header itself, bytes.
const NAME: usize = 100;

/// An archive to be.
#[derive(Default)]
pub struct Archive(Vec<u8>);

impl Archive {
    /// Adds a file.
    ///
    /// # Errors
    /// [`Kind::Transfer`] when the archive grows too long.
    pub fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        if self.0.len() + content.len() > LONGEST {
            let message = format!("more than {} MiB are to be sent", LONGEST >> 20);
            return Err(Error::new(Kind::Transfer, message)
                .hint("name what is not needed in `.dockerignore`"));
        }
        self.header(name, mode, b'0', content.len());
        self.padded(content);
        Ok(())
    }

    /// Adds a folder.
    pub fn folder(&mut self, name: &str, mode: u32) {
        self.header(&format!("{}/", name.trim_end_matches('/')), mode, b'5', 0);
    }

    /// Adds a symbolic link.
    fn link(&mut self, name: &str, target: &[u8]) {
        if target.len() > NAME {
            self.long(b'K', target);
        }
        self.long_name(name);
        let mut header = block(name, 0o777, b'2', 0);
        let end = target.len().min(NAME);
        header[157..157 + end].copy_from_slice(&target[..end]);
        self.0.extend_from_slice(&summed(header));
    }

    /// A local file or folder as `name`, without what `ignore` leaves out.
    ///
    /// # Errors
    /// [`Kind::Transfer`] for what cannot be read.
    pub fn tree(&mut self, from: &Path, name: &str, ignore: &Ignore) -> Result<()> {
        let bad = |e: std::io::Error| {
            let message = format!("cannot read `{}`: {e}", from.display());
            Error::new(Kind::Transfer, message).source(e)
        };
        let about = fs::symlink_metadata(from).map_err(bad)?;
        let mode = about.mode() & 0o7777;
        if about.is_symlink() {
            let target = fs::read_link(from).map_err(bad)?;
            self.link(name, target.as_os_str().as_encoded_bytes());
        } else if about.is_dir() {
            if !name.is_empty() && !ignore.leaves_out(name) {
                self.folder(name, mode);
            }
            let entries: Result<Vec<_>, _> = fs::read_dir(from).map_err(bad)?.collect();
            let mut entries = entries.map_err(bad)?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let file = entry.file_name();
                let Some(file) = file.to_str() else {
                    let message = format!("`{}` is no name in UTF-8", entry.path().display());
                    return Err(Error::new(Kind::Transfer, message));
                };
                let inner = match name {
                    "" => file.to_owned(),
                    name => format!("{name}/{file}"),
                };
                let is_folder = entry.file_type().map_err(bad)?.is_dir();
                // In a folder that is left out there may be something that is not.
                if !ignore.leaves_out(&inner) || (is_folder && ignore.has_exceptions()) {
                    self.tree(&entry.path(), &inner, ignore)?;
                }
            }
        } else if about.is_file() {
            let content = fs::read(from).map_err(bad)?;
            self.file(name, mode, &content)?;
        }
        Ok(())
    }

    /// The archive's bytes.
    pub fn done(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 2 * BLOCK]);
        self.0
    }

    fn header(&mut self, name: &str, mode: u32, kind: u8, size: usize) {
        self.long_name(name);
        self.0
            .extend_from_slice(&summed(block(name, mode, kind, size)));
    }

    fn long_name(&mut self, name: &str) {
        if name.len() > NAME {
            self.long(b'L', name.as_bytes());
        }
    }

    /// A name that does not fit the header after it.
    fn long(&mut self, kind: u8, text: &[u8]) {
        let header = block("././@LongLink", 0o644, kind, text.len() + 1);
        self.0.extend_from_slice(&summed(header));
        let mut text = text.to_vec();
        text.push(0);
        self.padded(&text);
    }

    fn padded(&mut self, content: &[u8]) {
        self.0.extend_from_slice(content);
        let more = content.len().next_multiple_of(BLOCK) - content.len();
        self.0.resize(self.0.len() + more, 0);
    }
}

/// A header whose sum is not in it yet. Its owner is root, its time the beginning.
fn block(name: &str, mode: u32, kind: u8, size: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &name.as_bytes()[..name.len().min(NAME)]);
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar  ");
    header
}

fn summed(mut header: [u8; BLOCK]) -> [u8; BLOCK] {
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    header[154] = 0;
    header
}

/// Gives a file the permissions of an archive, without what makes it another user's program.
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(test)]
mod tests;
