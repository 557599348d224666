//! The tar archives that `docker build` and `docker cp` take and give: a file or a folder packed,
//! and an archive unpacked below one place. The formats are POSIX ustar with the long names of pax
//! and GNU.
//!
//! An archive comes from a server: nothing in it gets out of the place that it is unpacked to, and
//! only files and folders are made.

mod ignore;
mod read;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

pub use ignore::Ignore;
pub use read::unpack;

use super::spool::unwritten;
use crate::error::{Error, Kind, Result};

/// Bytes of a block: what everything in an archive is filled up to.
const BLOCK: usize = 512;
/// Bytes of a file that are in memory at once.
const CHUNK: u64 = 64 << 10;
/// Longest name in the header itself, bytes.
const NAME: usize = 100;

/// An archive on its way to where it is written. Each method fails as [`Archive::tree`] does.
pub struct Archive<W: Write>(W);

impl<W: Write> Archive<W> {
    /// An empty one.
    pub fn new(to: W) -> Self {
        Archive(to)
    }

    /// Adds a file with that content.
    ///
    /// # Errors
    /// As [`Archive::tree`].
    pub fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.header(name, mode, b'0', content.len() as u64)?;
        self.padded(content)
    }

    /// Adds a local file; `mode` stands for its own.
    ///
    /// # Errors
    /// As [`Archive::tree`].
    pub fn local(&mut self, from: &Path, name: &str, mode: Option<u32>) -> Result<()> {
        let bad = |e| unread(from, e);
        let mut file = fs::File::open(from).map_err(bad)?;
        let about = file.metadata().map_err(bad)?;
        let size = about.len();
        let mode = mode.unwrap_or_else(|| about.mode() & 0o7777);
        self.header(name, mode, b'0', size)?;
        let copied = copy(&mut file, &mut self.0, size, bad, unwritten)?;
        let is_longer = file.read(&mut [0]).map_err(bad)? > 0;
        let now = file.metadata().map_err(bad)?;
        if copied < size || is_longer || now.modified().ok() != about.modified().ok() {
            let message = format!("`{}` changed while it was read", from.display());
            return Err(Error::new(Kind::Transfer, message)
                .hint("run it again when nothing writes to it, or leave it out"));
        }
        self.pad(size)
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// As [`Archive::tree`].
    pub fn folder(&mut self, name: &str, mode: u32) -> Result<()> {
        self.header(&format!("{}/", name.trim_end_matches('/')), mode, b'5', 0)
    }

    /// Adds a symbolic link.
    fn link(&mut self, name: &str, target: &[u8]) -> Result<()> {
        if target.len() > NAME {
            self.long(b'K', target)?;
        }
        self.long_name(name)?;
        let mut header = block(name, 0o777, b'2', 0);
        let end = target.len().min(NAME);
        header[157..157 + end].copy_from_slice(&target[..end]);
        self.put(&summed(header))
    }

    /// A local file or folder as `name`, without what `ignore` leaves out.
    ///
    /// # Errors
    /// [`Kind::Transfer`] for what cannot be read, and for a file that changes meanwhile;
    /// [`Kind::Local`] for an archive that cannot be written.
    pub fn tree(&mut self, from: &Path, name: &str, ignore: &Ignore) -> Result<()> {
        let bad = |e| unread(from, e);
        let about = fs::symlink_metadata(from).map_err(bad)?;
        let mode = about.mode() & 0o7777;
        if about.is_symlink() {
            let target = fs::read_link(from).map_err(bad)?;
            self.link(name, target.as_os_str().as_encoded_bytes())?;
        } else if about.is_dir() {
            if !name.is_empty() && !ignore.leaves_out(name) {
                self.folder(name, mode)?;
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
            self.local(from, name, None)?;
        }
        Ok(())
    }

    /// Ends the archive; gives back what it was written to.
    ///
    /// # Errors
    /// As [`Archive::tree`].
    pub fn done(mut self) -> Result<W> {
        self.put(&[0; 2 * BLOCK])?;
        Ok(self.0)
    }

    fn header(&mut self, name: &str, mode: u32, kind: u8, size: u64) -> Result<()> {
        self.long_name(name)?;
        self.put(&summed(block(name, mode, kind, size)))
    }

    fn long_name(&mut self, name: &str) -> Result<()> {
        match name.len() > NAME {
            true => self.long(b'L', name.as_bytes()),
            false => Ok(()),
        }
    }

    /// A name that does not fit the header after it.
    fn long(&mut self, kind: u8, text: &[u8]) -> Result<()> {
        let header = block("././@LongLink", 0o644, kind, text.len() as u64 + 1);
        self.put(&summed(header))?;
        self.padded(&[text, &[0]].concat())
    }

    fn padded(&mut self, content: &[u8]) -> Result<()> {
        self.put(content)?;
        self.pad(content.len() as u64)
    }

    /// Fills up the block after so many bytes.
    fn pad(&mut self, size: u64) -> Result<()> {
        let over = (size % BLOCK as u64) as usize;
        self.put(&[0; BLOCK][..(BLOCK - over) % BLOCK])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).map_err(unwritten)
    }
}

fn unread(path: &Path, e: io::Error) -> Error {
    let message = format!("cannot read `{}`: {e}", path.display());
    Error::new(Kind::Transfer, message).source(e)
}

/// Copies up to `size` bytes in pieces; gives how many there were.
fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    size: u64,
    unread: impl Fn(io::Error) -> Error,
    unwritten: impl Fn(io::Error) -> Error,
) -> Result<u64> {
    let mut buffer = vec![0; size.min(CHUNK) as usize];
    let mut left = size;
    while left > 0 {
        let most = left.min(CHUNK) as usize;
        match from.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(n) => {
                to.write_all(&buffer[..n]).map_err(&unwritten)?;
                left -= n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(unread(e)),
        }
    }
    Ok(size - left)
}

/// A header whose sum is not in it yet. Its owner is root, its time the beginning.
fn block(name: &str, mode: u32, kind: u8, size: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &name.as_bytes()[..name.len().min(NAME)]);
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    match format!("{size:011o}") {
        digits if digits.len() < 12 => put(124, digits.as_bytes()),
        // As GNU writes 8 GiB and more: in binary, with the highest bit set.
        _ => {
            put(124, &[0x80]);
            put(128, &size.to_be_bytes());
        }
    }
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
