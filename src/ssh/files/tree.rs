//! Folders on this machine: listing what is to be copied, and copying within the machine.
//!
//! Links are copied as links and never followed, except where the person named one.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::shell::temporary_name;
use crate::error::{Error, Kind, Result};
use crate::ssh::transport::CopyOptions;

/// Folders within folders that are still followed.
pub const DEEPEST: usize = 100;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A folder.
    Folder,
    /// A regular file of so many bytes.
    File(u64),
    /// A symbolic link to this text.
    Link(PathBuf),
}

/// One thing to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where, from the root of the copy; empty for the root itself.
    pub path: PathBuf,
    /// What.
    pub what: What,
    /// Permission bits.
    pub mode: u32,
}

/// Everything at and below `from`, folders before what is in them, sorted.
///
/// # Errors
/// Something cannot be read, or is neither file, folder nor link.
pub fn walk(from: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    // A link that the person named is what it points to.
    let root = fs::metadata(from).map_err(|e| failed("read", from, e))?;
    add(from, PathBuf::new(), &root, &mut entries, 0)?;
    Ok(entries)
}

fn add(
    from: &Path,
    path: PathBuf,
    metadata: &fs::Metadata,
    entries: &mut Vec<Entry>,
    depth: usize,
) -> Result<()> {
    let full = below(from, &path);
    let mode = metadata.permissions().mode() & 0o7777;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(&full).map_err(|e| failed("read", &full, e))?;
        entries.push(Entry {
            path,
            what: What::Link(target),
            mode,
        });
    } else if kind.is_file() {
        entries.push(Entry {
            path,
            what: What::File(metadata.len()),
            mode,
        });
    } else if kind.is_dir() {
        if depth > DEEPEST {
            return Err(Error::new(
                Kind::Transfer,
                format!("`{}` is nested too deeply", full.display()),
            ));
        }
        entries.push(Entry {
            path: path.clone(),
            what: What::Folder,
            mode,
        });
        let listed: std::io::Result<Vec<_>> = fs::read_dir(&full).and_then(Iterator::collect);
        let mut names: Vec<_> = listed
            .map_err(|e| failed("read", &full, e))?
            .into_iter()
            .map(|e| e.file_name())
            .collect();
        names.sort();
        for name in names {
            let below = path.join(name);
            let metadata = fs::symlink_metadata(from.join(&below))
                .map_err(|e| failed("read", &from.join(&below), e))?;
            add(from, below, &metadata, entries, depth + 1)?;
        }
    } else {
        let message = format!(
            "`{}` is neither a file, a folder nor a link",
            full.display()
        );
        return Err(Error::new(Kind::Transfer, message));
    }
    Ok(())
}

/// The bytes of all files.
pub fn total(entries: &[Entry]) -> u64 {
    let size = |e: &Entry| match e.what {
        What::File(size) => size,
        _ => 0,
    };
    entries.iter().map(size).sum()
}

/// Does the path end with a slash: "what is in it", or "into it"?
pub fn has_slash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last() == Some(&b'/')
}

/// The last component, for a copy that goes into a folder.
pub fn base_name(path: &Path) -> Result<String> {
    let named = path.file_name().map(|n| n.to_string_lossy().into_owned());
    named.ok_or_else(|| Error::usage(format!("`{}` has no name to copy it under", path.display())))
}

/// Copies within this machine, by the same rules as between machines.
pub fn copy(from: &Path, to: &Path, options: &CopyOptions) -> Result<u64> {
    let entries = walk(from)?;
    let is_folder = entries.first().is_some_and(|e| e.what == What::Folder);
    let into = if is_folder {
        !has_slash(from)
    } else {
        has_slash(to) || to.is_dir()
    };
    let root = if into {
        to.join(base_name(from)?)
    } else {
        to.to_owned()
    };
    let all = total(&entries);
    let mut done = 0;
    for entry in &entries {
        let source = below(from, &entry.path);
        match &entry.what {
            What::Folder => make_folder(&below(&root, &entry.path), entry.mode)?,
            What::Link(target) => make_link(&below(&root, &entry.path), target)?,
            What::File(_) => {
                let target = below(&root, &entry.path);
                let mut reader = fs::File::open(&source).map_err(|e| failed("read", &source, e))?;
                let mut part = Part::create(&target)?;
                done += std::io::copy(&mut reader, &mut part.file)
                    .map_err(|e| failed("write", &target, e))?;
                part.finish(options.mode.unwrap_or(entry.mode))?;
                if let Some(progress) = &options.progress {
                    progress(done, Some(all));
                }
            }
        }
    }
    Ok(done)
}

/// `root` itself for the empty path: joining that would add a slash.
pub fn below(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() {
        root.to_owned()
    } else {
        root.join(path)
    }
}

/// Makes a folder that is not there. A link in its place is refused: what is copied from a server
/// must not be led elsewhere.
pub fn make_folder(path: &Path, mode: u32) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Error::new(
            Kind::Transfer,
            format!("`{}` is there and is no folder", path.display()),
        )),
        Err(_) => fs::create_dir_all(path)
            // We must be able to write into it, whatever its mode is elsewhere.
            .and_then(|()| {
                fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777 | 0o700))
            })
            .map_err(|e| failed("create", path, e)),
    }
}

/// Makes a link; one that is there is replaced.
pub fn make_link(path: &Path, target: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_symlink()) {
        fs::remove_file(path).map_err(|e| failed("replace", path, e))?;
    }
    std::os::unix::fs::symlink(target, path).map_err(|e| failed("create", path, e))
}

/// A file that is being written under a temporary name; removed unless finished.
pub struct Part {
    /// Where the bytes go.
    pub file: fs::File,
    temporary: PathBuf,
    target: PathBuf,
    finished: bool,
}

impl Part {
    /// Begins a file that will be `target`. Folders above it are made.
    pub fn create(target: &Path) -> Result<Part> {
        if let Some(folder) = target.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|e| failed("create", folder, e))?;
        }
        if target.is_dir() {
            return Err(Error::new(
                Kind::Transfer,
                format!("`{}` is a folder", target.display()),
            ));
        }
        let temporary = PathBuf::from(temporary_name(&target.to_string_lossy()));
        let mut options = fs::OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(|e| failed("create", target, e))?;
        Ok(Part {
            file,
            temporary,
            target: target.to_owned(),
            finished: false,
        })
    }

    /// Gives it its mode and its name.
    pub fn finish(mut self, mode: u32) -> Result<()> {
        self.file
            .set_permissions(fs::Permissions::from_mode(mode & 0o777))
            .and_then(|()| fs::rename(&self.temporary, &self.target))
            .map_err(|e| failed("write", &self.target, e))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The error for a local file.
pub fn failed(verb: &str, path: &Path, error: std::io::Error) -> Error {
    let message = format!(
        "cannot {verb} `{}` on this machine: {error}",
        path.display()
    );
    Error::new(Kind::Transfer, message).source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_files_links_and_modes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("from/sub")).unwrap();
        fs::write(at("from/sub/a"), "aaa").unwrap();
        fs::set_permissions(at("from/sub/a"), fs::Permissions::from_mode(0o750)).unwrap();
        std::os::unix::fs::symlink("sub/a", at("from/link")).unwrap();
        let options = CopyOptions::default();
        assert_eq!(copy(&at("from"), &at("to"), &options).unwrap(), 3);
        assert_eq!(
            fs::read_link(at("to/from/link")).unwrap(),
            Path::new("sub/a")
        );
        assert_eq!(
            fs::metadata(at("to/from/sub/a"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o750
        );
        let slash = PathBuf::from(format!("{}/", at("from").display()));
        copy(&slash, &at("to2"), &options).unwrap();
        copy(&slash, &at("to2"), &options).unwrap();
        assert!(at("to2/sub/a").is_file());
        copy(&at("from/link"), &at("to2"), &options).unwrap();
        assert_eq!(
            fs::read(at("to2/link")).unwrap(),
            b"aaa",
            "a named link is followed"
        );
        assert_eq!(
            copy(&at("none"), &at("x"), &options).unwrap_err().kind(),
            Kind::Transfer
        );
    }
}
