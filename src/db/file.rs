//! The database as a file: made private, and copied before an upgrade.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::connect;
use crate::error::{Error, Result};

/// Makes the folder and the file when they are missing, and takes others' rights on the file
/// away. SQLite gives `-wal` and `-shm` the file's own mode.
pub(super) fn make_private(path: &Path) -> Result<()> {
    let fail = |what: &str, e: std::io::Error| {
        let message = format!("`{}` {what}: {e}", path.display());
        Error::local(message).source(e)
    };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| fail("cannot be made", e))?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(fail("cannot be made", e)),
        Ok(_) => return Ok(()),
    }
    let meta = fs::metadata(path).map_err(|e| fail("cannot be read", e))?;
    if meta.is_dir() {
        return Err(Error::local(format!(
            "`{}` is a folder, not a database",
            path.display()
        )));
    }
    let mode = meta.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
            .map_err(|e| fail("may be read by others", e))?;
    }
    Ok(())
}

/// Copies the database to `NAME.original.db` beside it (with a number, when that is taken).
pub(super) fn back_up(path: &Path, busy: Duration) -> Result<PathBuf> {
    let (target, made) = (1..)
        .map(|n| match n {
            1 => path.with_extension("original.db"),
            n => path.with_extension(format!("original-{n}.db")),
        })
        .map(|target| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            let made = options.open(&target);
            (target, made)
        })
        .find(|(_, made)| !matches!(made, Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists))
        .ok_or_else(|| Error::local("no name is left for the backup"))?;
    let copy = || -> rusqlite::Result<()> {
        let from = connect(path, busy)?;
        let mut to = Connection::open(&target)?;
        Backup::new(&from, &mut to)?.run_to_completion(1024, Duration::ZERO, None)
    };
    made.map_err(|e| Error::local(e.to_string()).source(e))
        .and_then(|_| copy().map_err(Error::from))
        .map_err(|e| {
            let _ = fs::remove_file(&target);
            e.context(format!("backup `{}`", target.display()))
        })?;
    Ok(target)
}
