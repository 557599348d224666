//! Which Lua files a person means who names a file or a folder.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lua::{FOLDER, Project, STUBS};

/// Folders deeper than this in each other are a circle of links.
const DEPTH: usize = 16;
/// How the name of a spec ends.
const SPEC: &str = "_spec.lua";

/// The file, or every Lua file below the folder, sorted. Hidden folders are left out, but for a
/// project's own; so are its stubs.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when it is not there, cannot be read, or holds none.
pub(super) fn lua_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return match path.exists() {
            true => Ok(vec![path.to_owned()]),
            false => Err(Error::usage(format!("there is no `{}`", path.display()))),
        };
    }
    let mut files = Vec::new();
    collect(path, DEPTH, &mut files)?;
    files.sort();
    match files.is_empty() {
        true => Err(Error::usage(format!("no Lua file in `{}`", path.display()))),
        false => Ok(files),
    }
}

/// The specs among these.
///
/// # Errors
/// As [`lua_files`]; a file that is named is a spec whatever its name.
pub(super) fn specs(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = lua_files(path)?;
    if path.is_dir() {
        files.retain(|f| f.to_string_lossy().ends_with(SPEC));
    }
    match files.is_empty() {
        true => Err(
            Error::usage(format!("no spec in `{}`", path.display())).hint(format!(
                "specs are called `NAME{SPEC}`; `mroom new stage NAME` makes one"
            )),
        ),
        false => Ok(files),
    }
}

/// The `.machineroom` folder in which `path` lies, or the one around it.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a path that cannot be made absolute.
pub(super) fn project_of(path: &Path) -> Result<Option<PathBuf>> {
    let whole = std::path::absolute(path)
        .map_err(|e| Error::usage(format!("`{}`: {e}", path.display())).source(e))?;
    let inside = whole
        .ancestors()
        .find(|dir| dir.ends_with(FOLDER) && dir.is_dir());
    Ok(inside.map(Path::to_owned).or_else(|| Project::find(&whole)))
}

fn collect(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable =
        |e: std::io::Error| Error::usage(format!("cannot read `{}`: {e}", dir.display())).source(e);
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = match dir == Path::new(".") {
            true => PathBuf::from(entry.file_name()),
            false => entry.path(),
        };
        let is_hidden = name.starts_with('.') && name != FOLDER;
        let is_stubs = name == STUBS && dir.ends_with(FOLDER);
        if is_hidden || is_stubs {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, files)?;
            }
        } else if name.ends_with(".lua") {
            files.push(path);
        }
    }
    Ok(())
}
