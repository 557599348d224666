//! Files and folders of this machine, for operations that bring a server's to the same.
//!
//! Knows nothing of servers. The sums that were worked out are kept for the run: fifty servers that
//! get the same folder have it read once.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mlua::{Lua, Table};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, oneshot};

use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::ssh::{Entry, What, walk};

/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;

/// What tells a file from what it was before: length, seconds and nanoseconds of its last change.
type Stamp = (u64, i64, i64);

/// Sums by file.
type Sums = Mutex<HashMap<PathBuf, (Stamp, String)>>;

/// Adds `local_tree` and `file_sha256`.
pub(super) fn add(lua: &Lua, native: &Table) -> mlua::Result<()> {
    let tree = lua.create_function(|lua, path: String| {
        let entries = walk(&expand_tilde(&path))?;
        let entries: mlua::Result<Vec<_>> = entries.iter().map(|e| entry(lua, e)).collect();
        lua.create_sequence_from(entries?)
    })?;
    native.raw_set("local_tree", tree)?;
    let sums = Rc::new(Sums::default());
    let sha256 = lua.create_async_function(move |_, path: String| {
        let sums = sums.clone();
        async move { Ok(sum(&sums, expand_tilde(&path)).await?) }
    })?;
    native.raw_set("file_sha256", sha256)
}

/// `{ path, kind, mode, size, target }`; the root's path is empty.
fn entry(lua: &Lua, entry: &Entry) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("path", text(&entry.path)?)?;
    table.raw_set("mode", format!("{:04o}", entry.mode))?;
    match &entry.what {
        What::Folder => table.raw_set("kind", "dir")?,
        What::File(size) => {
            table.raw_set("kind", "file")?;
            table.raw_set("size", *size)?;
        }
        What::Link(target) => {
            table.raw_set("kind", "link")?;
            table.raw_set("target", text(target)?)?;
        }
    }
    Ok(table)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        let message = format!("`{}` is not valid UTF-8", path.display());
        Error::new(Kind::Transfer, message)
    })
}

/// The SHA-256 of a file, in hexadecimal; one file at a time, in a thread of its own.
async fn sum(sums: &Sums, path: PathBuf) -> Result<String> {
    let mut sums = sums.lock().await;
    let stamp = stamp(&path).map_err(|e| unreadable(&path, e))?;
    if let Some((known, sum)) = sums.get(&path)
        && *known == stamp
    {
        return Ok(sum.clone());
    }
    let (answer, answered) = oneshot::channel();
    let of = path.clone();
    std::thread::Builder::new()
        .name("sha256".to_owned())
        .spawn(move || answer.send(read(&of)))
        .map_err(|e| Error::local(format!("cannot start a thread: {e}")).source(e))?;
    let sum = answered
        .await
        .map_err(|e| Error::local("the thread that read a file has ended").source(e))?
        .map_err(|e| unreadable(&path, e))?;
    sums.insert(path, (stamp, sum.clone()));
    Ok(sum)
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    // Reading a pipe would wait for who writes to it.
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    Ok((metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK]);
    loop {
        let got = file.read(&mut block)?;
        if got == 0 {
            return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect());
        }
        hash.update(&block[..got]);
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let message = format!("cannot read `{}`: {error}", path.display());
    Error::new(Kind::Transfer, message).source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sum_is_worked_out_again_only_when_the_file_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (sums, file) = (Sums::default(), folder.path().join("file"));
        std::fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum(&sums, file.clone()).await.unwrap(), abc);
        // What is kept is what is given, as long as the file has not changed.
        let kept = (stamp(&file).unwrap(), "kept".to_owned());
        sums.lock().await.insert(file.clone(), kept);
        assert_eq!(sum(&sums, file.clone()).await.unwrap(), "kept");
        std::fs::write(&file, "").unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sum(&sums, file).await.unwrap(), empty);
        let gone = sum(&sums, folder.path().join("gone")).await.unwrap_err();
        assert_eq!(gone.kind(), Kind::Transfer);
        assert!(sum(&sums, folder.path().to_owned()).await.is_err());
    }
}
