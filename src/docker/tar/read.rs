//! An archive of a server's, unpacked.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use super::{BLOCK, copy, set_mode};
use crate::error::{Error, Kind, Result};

/// Longest header beside the usual one, bytes: a name, or the records of pax.
const LONGEST: u64 = 1 << 20;

/// Unpacks an archive whose entries stand below one name: a folder that is there gets it by that
/// name, else it becomes `to`. Gives the bytes of its files. Links and devices are left out.
///
/// # Errors
/// [`Kind::Transfer`] for what is no such archive, for names that lead out of it, and for what
/// cannot be written; [`Kind::Local`] when the archive cannot be read.
pub fn unpack(mut archive: impl Read, to: &Path) -> Result<u64> {
    let is_folder = to.is_dir();
    let (mut bytes, mut next) = (0, More::default());
    while let Some(header) = header(&mut archive)? {
        let size = match (header[156], next.size) {
            (b'L' | b'K' | b'x' | b'g', _) | (_, None) => size(&header)?,
            (_, Some(size)) => size,
        };
        let padded = size
            .checked_next_multiple_of(BLOCK as u64)
            .ok_or_else(broken)?;
        match header[156] {
            b'L' => {
                let text = text(&mut archive, size)?;
                let name = String::from_utf8_lossy(&text);
                next.name = Some(name.trim_end_matches('\0').to_owned());
            }
            b'x' => next.take(&text(&mut archive, size)?),
            b'g' | b'K' => skip(&mut archive, size)?,
            kind => {
                let name = next.name.take().unwrap_or_else(|| name(&header));
                next = More::default();
                let path = place(&name, to, is_folder)?;
                let mode = number(&header[100..108]).unwrap_or(0o644) as u32;
                match kind {
                    b'0' | 0 => {
                        write(&path, &mut archive, size, mode)?;
                        bytes += size;
                    }
                    b'5' => {
                        fs::create_dir_all(&path).map_err(|e| unwritten(&path, e))?;
                        skip(&mut archive, size)?;
                    }
                    _ => skip(&mut archive, size)?,
                }
            }
        }
        skip(&mut archive, padded - size)?;
    }
    Ok(bytes)
}

/// The next header; `None` at the end.
fn header(archive: &mut impl Read) -> Result<Option<[u8; BLOCK]>> {
    let bytes = up_to(archive, BLOCK as u64)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let header: [u8; BLOCK] = bytes.try_into().map_err(|_| broken())?;
    if header.iter().all(|b| *b == 0) {
        return Ok(None);
    }
    check_sum(&header)?;
    Ok(Some(header))
}

/// What stands before an entry, in memory.
fn text(archive: &mut impl Read, size: u64) -> Result<Vec<u8>> {
    let text = up_to(archive, size.min(LONGEST))?;
    match text.len() as u64 == size {
        true => Ok(text),
        false => Err(broken()),
    }
}

fn up_to(archive: &mut impl Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.take(most).read_to_end(&mut bytes).map_err(unread)?;
    Ok(bytes)
}

fn skip(archive: &mut impl Read, size: u64) -> Result<()> {
    match copy(archive, &mut io::sink(), size, unread, unread)? == size {
        true => Ok(()),
        false => Err(broken()),
    }
}

fn unread(e: io::Error) -> Error {
    match e.kind() {
        ErrorKind::UnexpectedEof => broken(),
        _ => Error::local(format!("cannot read docker's archive: {e}")).source(e),
    }
}

fn broken() -> Error {
    Error::new(Kind::Transfer, "docker's archive is broken")
}

fn unwritten(path: &Path, e: io::Error) -> Error {
    let message = format!("cannot write `{}`: {e}", path.display());
    Error::new(Kind::Transfer, message).source(e)
}

fn write(path: &Path, archive: &mut impl Read, size: u64, mode: u32) -> Result<()> {
    let bad = |e| unwritten(path, e);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(bad)?;
    }
    let mut file = fs::File::create(path).map_err(bad)?;
    if copy(archive, &mut file, size, unread, bad)? < size {
        return Err(broken());
    }
    set_mode(path, mode).map_err(bad)
}

/// Where an entry goes: below `to`, its first name replaced when that is no folder.
fn place(name: &str, to: &Path, is_folder: bool) -> Result<PathBuf> {
    let mut path = to.to_owned();
    for (i, part) in Path::new(name)
        .components()
        .filter(|c| *c != Component::CurDir)
        .enumerate()
    {
        match part {
            Component::Normal(part) if i > 0 || is_folder => path.push(part),
            Component::Normal(_) => {}
            _ => {
                let message = format!("docker's archive has a bad name: `{}`", name.escape_debug());
                return Err(Error::new(Kind::Transfer, message));
            }
        }
    }
    Ok(path)
}

/// Octal digits, as headers have them; or a number in binary, when its highest bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, high @ .., _, _, _, _, _, _, _, _] = field {
        let low = field.last_chunk().copied().map(u64::from_be_bytes);
        return low.filter(|_| high.iter().all(|b| *b == 0));
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c == ' ');
    u64::from_str_radix(text, 8).ok()
}

fn size(header: &[u8]) -> Result<u64> {
    number(&header[124..136]).ok_or_else(broken)
}

fn check_sum(header: &[u8]) -> Result<()> {
    let own = |(i, b): (usize, &u8)| match i {
        148..156 => u64::from(b' '),
        _ => u64::from(*b),
    };
    let sum: u64 = header.iter().enumerate().map(own).sum();
    match number(&header[148..156]) == Some(sum) {
        true => Ok(()),
        false => Err(broken()),
    }
}

/// The name in the header, with what ustar puts before it.
fn name(header: &[u8]) -> String {
    let text = |field: &[u8]| {
        let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let before = match &header[257..263] == b"ustar\0" {
        true => text(&header[345..500]),
        false => String::new(),
    };
    match before.is_empty() {
        true => text(&header[..100]),
        false => format!("{before}/{}", text(&header[..100])),
    }
}

/// What the headers before an entry say of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct More {
    name: Option<String>,
    size: Option<u64>,
}

impl More {
    /// `path` and `size` of a pax header: lines of `LENGTH KEY=VALUE`. What is none ends it.
    fn take(&mut self, content: &[u8]) {
        let mut rest = content;
        while let Some((record, after)) = record(rest) {
            if let Some(path) = record.strip_prefix(b"path=") {
                self.name = Some(String::from_utf8_lossy(path).into_owned());
            }
            if let Some(size) = record.strip_prefix(b"size=") {
                self.size = std::str::from_utf8(size).ok().and_then(|n| n.parse().ok());
            }
            rest = after;
        }
    }
}

/// The first record, and what comes after it.
fn record(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = content.iter().position(|b| *b == b' ')?;
    let length: usize = std::str::from_utf8(&content[..space]).ok()?.parse().ok()?;
    let record = content.get(space + 1..length.checked_sub(1)?)?;
    Some((record, content.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::super::{block, summed};
    use super::*;

    #[test]
    fn sizes_are_of_any_length() {
        for bytes in [0, 511, (8 << 30) - 1, 8 << 30, 100 << 30, 1 << 60] {
            let header = summed(block("a", 0o644, b'0', bytes));
            check_sum(&header).unwrap();
            assert_eq!(size(&header).unwrap(), bytes);
        }
        for bad in [
            &[0xff; 12][..],
            b"\x80\0\0\x01\0\0\0\0\0\0\0\0",
            b"\x80\0",
            b"",
            b"9",
        ] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn pax_records_are_read() {
        for (text, name, size) in [
            (
                "12 path=a/b\n19 size=8589934592\n",
                Some("a/b"),
                Some(8 << 30),
            ),
            ("14 mtime=1.5\n\n", None, None),
            ("11 size=-1\n", None, None),
            ("10 size=x\n12 path=a/b\n", Some("a/b"), None),
            ("99 path=a/b\n", None, None),
            ("0 path=a\n", None, None),
            ("18446744073709551616 path=a\n", None, None),
        ] {
            let mut more = More::default();
            more.take(text.as_bytes());
            let name = name.map(str::to_owned);
            assert_eq!(more, More { name, size }, "{text}");
        }
    }
}
