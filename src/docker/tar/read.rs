//! An archive of a server's, unpacked.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{BLOCK, set_mode};
use crate::error::{Error, Kind, Result};

/// Unpacks an archive whose entries stand below one name: a folder that is there gets it by that
/// name, else it becomes `to`. Gives the bytes of its files. Links and devices are left out.
///
/// # Errors
/// [`Kind::Transfer`] for what is no such archive, for names that lead out of it, and for what
/// cannot be written.
pub fn unpack(archive: &[u8], to: &Path) -> Result<u64> {
    let is_folder = to.is_dir();
    let (mut rest, mut bytes, mut long) = (archive, 0, None);
    while rest.len() >= BLOCK {
        let (header, after) = rest.split_at(BLOCK);
        if header.iter().all(|b| *b == 0) {
            break;
        }
        check_sum(header)?;
        let size = size(header)?;
        let padded = size.checked_next_multiple_of(BLOCK).ok_or_else(broken)?;
        let content = after.get(..size).ok_or_else(broken)?;
        rest = after.get(padded.min(after.len())..).unwrap_or_default();
        let text = || {
            String::from_utf8_lossy(content)
                .trim_end_matches('\0')
                .to_owned()
        };
        match header[156] {
            b'L' => long = Some(text()),
            b'x' => long = pax_path(content).or(long),
            b'g' | b'K' => {}
            kind => {
                let name = long.take().unwrap_or_else(|| name(header));
                let path = place(&name, to, is_folder)?;
                let mode = number(&header[100..108]).unwrap_or(0o644) as u32;
                match kind {
                    b'0' | 0 => bytes += write(&path, content, mode)?,
                    b'5' => fs::create_dir_all(&path).map_err(|e| unwritten(&path, e))?,
                    _ => {}
                }
            }
        }
    }
    Ok(bytes)
}

fn broken() -> Error {
    Error::new(Kind::Transfer, "docker's archive is broken")
}

fn unwritten(path: &Path, e: std::io::Error) -> Error {
    let message = format!("cannot write `{}`: {e}", path.display());
    Error::new(Kind::Transfer, message).source(e)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<u64> {
    let work = || -> std::io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
        set_mode(path, mode)
    };
    work().map_err(|e| unwritten(path, e))?;
    Ok(content.len() as u64)
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

/// Octal digits, as headers have them.
fn number(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c == ' ');
    u64::from_str_radix(text, 8).ok()
}

fn size(header: &[u8]) -> Result<usize> {
    let size = number(&header[124..136]).and_then(|n| usize::try_from(n).ok());
    size.ok_or_else(broken)
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

/// `path` of a pax header: lines of `LENGTH KEY=VALUE`.
fn pax_path(content: &[u8]) -> Option<String> {
    let mut rest = content;
    while !rest.is_empty() {
        let space = rest.iter().position(|b| *b == b' ')?;
        let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
        let record = rest.get(space + 1..length.checked_sub(1)?)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(String::from_utf8_lossy(path).into_owned());
        }
        rest = rest.get(length..)?;
    }
    None
}
