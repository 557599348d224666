//! A project's own Lua and what belongs to it (`.machineroom/`), and whether it is trusted.
//!
//! Nothing is loaded merely because of the current directory: a project counts once somebody has
//! said `mroom trust`, and only as long as its files are the same to the byte: a template that a
//! stage puts on servers counts as much as its code. Lua files are read once, so that what was
//! checked is what runs. The stubs for editors (`meta/`) and hidden files are no part of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind, Result};

/// The folder's name.
pub const FOLDER: &str = ".machineroom";
/// The record of trusted projects, in the data folder.
const RECORD: &str = "trusted.json";
/// The folder of the stubs: for editors, never loaded.
pub const STUBS: &str = "meta";
/// Folders deeper than this are a circle of links.
const DEPTH: usize = 16;

/// A project's files, as they were when it was read.
#[derive(Debug, Clone)]
pub struct Project {
    /// The `.machineroom` folder, absolute.
    pub root: PathBuf,
    /// The Lua files: path below the root (`stages/env.lua`) and content.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The hashes of all others.
    others: BTreeMap<String, [u8; 32]>,
}

/// What the record says of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its files are those that were trusted.
    Trusted,
    /// It was trusted, and its files have changed since.
    Changed,
    /// Nobody has trusted it.
    Unknown,
}

impl Project {
    /// The nearest `.machineroom` folder in `from` or above it.
    pub fn find(from: &Path) -> Option<PathBuf> {
        from.ancestors()
            .map(|dir| dir.join(FOLDER))
            .find(|dir| dir.is_dir())
    }

    /// Reads every file below `root`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when a folder or file cannot be read; it is named.
    pub fn read(root: &Path) -> Result<Self> {
        let root = fs::canonicalize(root).map_err(|e| unreadable(root, &e))?;
        let mut project = Project {
            root: root.clone(),
            files: BTreeMap::new(),
            others: BTreeMap::new(),
        };
        project.collect(&root, "", DEPTH)?;
        Ok(project)
    }

    /// The paths of all its files below the root, sorted.
    pub fn paths(&self) -> Vec<&str> {
        let all = self.files.keys().chain(self.others.keys());
        let mut paths: Vec<&str> = all.map(String::as_str).collect();
        paths.sort_unstable();
        paths
    }

    /// A hash of all paths and contents.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (path, text) in &self.files {
            // Lengths keep one file's end from passing for the next one's name.
            hash.update((path.len() as u64).to_be_bytes());
            hash.update(path);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        for (path, digest) in &self.others {
            hash.update((path.len() as u64).to_be_bytes());
            hash.update(path);
            hash.update(digest);
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// What the record in `data_dir` says.
    ///
    /// # Errors
    /// [`Kind::Local`] when the record cannot be read.
    pub fn trust(&self, data_dir: &Path) -> Result<Trust> {
        let record = read_record(data_dir)?;
        Ok(match record.get(&self.key()).and_then(Value::as_str) {
            None => Trust::Unknown,
            Some(hash) if hash == self.hash() => Trust::Trusted,
            Some(_) => Trust::Changed,
        })
    }

    /// Records that these files are trusted.
    ///
    /// # Errors
    /// [`Kind::Local`] when the record cannot be written.
    pub fn record(&self, data_dir: &Path) -> Result<()> {
        let mut record = read_record(data_dir)?;
        record.insert(self.key(), Value::String(self.hash()));
        write_record(data_dir, &record)
    }

    /// Takes the trust back; false when there was none.
    ///
    /// # Errors
    /// [`Kind::Local`] when the record cannot be written.
    pub fn forget(&self, data_dir: &Path) -> Result<bool> {
        let mut record = read_record(data_dir)?;
        let had = record.remove(&self.key()).is_some();
        write_record(data_dir, &record)?;
        Ok(had)
    }

    fn key(&self) -> String {
        self.root.to_string_lossy().into_owned()
    }

    fn collect(&mut self, dir: &Path, below: &str, depth: usize) -> Result<()> {
        for entry in fs::read_dir(dir).map_err(|e| unreadable(dir, &e))? {
            let path = entry.map_err(|e| unreadable(dir, &e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || (below.is_empty() && name == STUBS) {
                continue;
            }
            let name = format!("{below}{name}");
            if path.is_dir() {
                if depth == 0 {
                    let shown = path.display();
                    return Err(Error::usage(format!("`{shown}`: the folders are too deep")));
                }
                self.collect(&path, &format!("{name}/"), depth - 1)?;
            } else if name.ends_with(".lua") {
                let text = fs::read(&path).map_err(|e| unreadable(&path, &e))?;
                self.files.insert(name, text);
            } else if path.is_file() {
                let digest = digest(&path).map_err(|e| unreadable(&path, &e))?;
                self.others.insert(name, digest);
            }
        }
        Ok(())
    }
}

/// The hash of a file, which may be large.
fn digest(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    std::io::copy(&mut fs::File::open(path)?, &mut hash)?;
    Ok(hash.finalize().into())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("cannot read `{}`: {error}", path.display()))
}

fn read_record(data_dir: &Path) -> Result<Map<String, Value>> {
    let path = data_dir.join(RECORD);
    let bad = |why: String| {
        Error::local(format!("cannot read `{}`: {why}", path.display()))
            .hint("remove the file; trusted projects will ask again")
    };
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Map::new()),
        Err(e) => Err(bad(e.to_string())),
    }
}

fn write_record(data_dir: &Path, record: &Map<String, Value>) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let path = data_dir.join(RECORD);
    let bad = |e: std::io::Error| {
        Error::new(
            Kind::Local,
            format!("cannot write `{}`: {e}", path.display()),
        )
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(bad)?;
    let new = data_dir.join(format!("{RECORD}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(bad)?;
    let text = serde_json::to_string_pretty(record).map_err(|e| bad(e.into()))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(bad)?;
    fs::rename(&new, &path).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_ends_with_the_first_changed_byte() {
        let dir = tempfile::tempdir().unwrap();
        let (root, data) = (dir.path().join(FOLDER), dir.path().join("data"));
        fs::create_dir_all(root.join("stages")).unwrap();
        fs::write(root.join("stages/env.lua"), "return {}").unwrap();
        fs::write(root.join("notes.txt"), "not Lua").unwrap();
        let project = Project::read(&Project::find(&root.join("stages")).unwrap()).unwrap();
        assert_eq!(project.files.keys().collect::<Vec<_>>(), ["stages/env.lua"]);
        assert_eq!(project.paths(), ["notes.txt", "stages/env.lua"]);
        assert_eq!(project.trust(&data).unwrap(), Trust::Unknown);
        project.record(&data).unwrap();
        assert_eq!(project.trust(&data).unwrap(), Trust::Trusted);
        fs::write(root.join("stages/env.lua"), "return { }").unwrap();
        let changed = Project::read(&root).unwrap();
        assert_eq!(changed.trust(&data).unwrap(), Trust::Changed);
        // What is not Lua may end up on servers too; what is for editors does not.
        fs::write(root.join("stages/env.lua"), "return {}").unwrap();
        let trust = || Project::read(&root).unwrap().trust(&data).unwrap();
        assert_eq!(trust(), Trust::Trusted);
        fs::write(root.join("notes.txt"), "other").unwrap();
        assert_eq!(trust(), Trust::Changed);
        fs::write(root.join("notes.txt"), "not Lua").unwrap();
        fs::create_dir(root.join(STUBS)).unwrap();
        fs::write(root.join("meta/mr.lua"), "---@meta").unwrap();
        fs::write(root.join(".hidden"), "").unwrap();
        assert_eq!(trust(), Trust::Trusted);
        std::os::unix::fs::symlink(".", root.join("round")).unwrap();
        let circle = Project::read(&root).unwrap_err();
        assert!(circle.message().contains("too deep"), "{circle}");
        assert!(changed.forget(&data).unwrap());
        assert_eq!(changed.trust(&data).unwrap(), Trust::Unknown);
        fs::write(data.join(RECORD), "{").unwrap();
        assert_eq!(changed.trust(&data).unwrap_err().kind(), Kind::Local);
    }

    #[test]
    fn the_hash_tells_names_from_contents() {
        let of = |files: &[(&str, &str)]| {
            let files = files
                .iter()
                .map(|(n, t)| ((*n).into(), t.as_bytes().to_vec()))
                .collect();
            Project {
                root: PathBuf::new(),
                files,
                others: BTreeMap::new(),
            }
            .hash()
        };
        assert_ne!(of(&[("a.lua", "b")]), of(&[("a.luab", "")]));
        assert_ne!(
            of(&[("a.lua", ""), ("b.lua", "x")]),
            of(&[("a.lua", "x"), ("b.lua", "")])
        );
    }
}
