//! A project's own Lua (`.machineroom/`), and whether it is trusted.
//!
//! Nothing is loaded merely because of the current directory: a project counts once somebody has
//! said `mroom trust`, and only as long as its files are the same to the byte. Its files are read
//! once, so that what was checked is what runs.

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
/// Folders deeper than this are not a project's Lua.
const DEPTH: usize = 8;

/// A project's Lua files, as they were when it was read.
#[derive(Debug, Clone)]
pub struct Project {
    /// The `.machineroom` folder, absolute.
    pub root: PathBuf,
    /// Path below the root (`stages/env.lua`) and content.
    pub files: BTreeMap<String, Vec<u8>>,
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

    /// Reads every `.lua` file below `root`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when a folder or file cannot be read; it is named.
    pub fn read(root: &Path) -> Result<Self> {
        let root = fs::canonicalize(root).map_err(|e| unreadable(root, &e))?;
        let mut files = BTreeMap::new();
        collect(&root, "", DEPTH, &mut files)?;
        Ok(Project { root, files })
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
}

fn collect(
    dir: &Path,
    below: &str,
    depth: usize,
    into: &mut BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(|e| unreadable(dir, &e))? {
        let path = entry.map_err(|e| unreadable(dir, &e))?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        let name = format!("{below}{name}");
        if path.is_dir() {
            if depth > 0 {
                collect(&path, &format!("{name}/"), depth - 1, into)?;
            }
        } else if name.ends_with(".lua") {
            into.insert(name, fs::read(&path).map_err(|e| unreadable(&path, &e))?);
        }
    }
    Ok(())
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
        assert_eq!(project.trust(&data).unwrap(), Trust::Unknown);
        project.record(&data).unwrap();
        assert_eq!(project.trust(&data).unwrap(), Trust::Trusted);
        fs::write(root.join("stages/env.lua"), "return { }").unwrap();
        let changed = Project::read(&root).unwrap();
        assert_eq!(changed.trust(&data).unwrap(), Trust::Changed);
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
