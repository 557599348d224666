//! Files and folders from this machine to a server.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::packet::{Attributes, Request, kind};
use super::sftp::{BLOCK, Sftp};
use super::shell;
use super::single::put;
use super::tree::{What, base_name, failed, has_slash, total, walk};
use crate::error::{Error, Kind, Result};
use crate::ssh::driver::Core;
use crate::ssh::transport::CopyOptions;

/// Copies `from` to the server; gives the bytes copied.
pub async fn upload(
    core: Rc<Core>,
    from: PathBuf,
    to: String,
    options: CopyOptions,
) -> Result<u64> {
    let entries = walk(&from)?;
    let Some(mut sftp) = Sftp::open(&core).await? else {
        return Err(no_sftp());
    };
    let to = shell::plain(&to);
    let is_folder = entries.first().is_some_and(|e| e.what == What::Folder);
    let into = match is_folder {
        true => !has_slash(&from),
        false => to.ends_with('/') || sftp.stat(&to, true).await?.is_some_and(|a| a.is_folder()),
    };
    let mut root = trimmed(&to).to_owned();
    if into {
        root = join(&root, &base_name(&from)?);
    }
    if let Some((above, _)) = root.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
        make_folders(&mut sftp, above).await?;
    }
    let all = total(&entries);
    let mut done = 0;
    for entry in &entries {
        let target = match entry.path.to_str() {
            Some("") => root.clone(),
            Some(path) => join(&root, path),
            None => {
                let message = format!("`{}` is not valid UTF-8", entry.path.display());
                return Err(Error::new(Kind::Transfer, message));
            }
        };
        let source = if entry.path.as_os_str().is_empty() {
            from.clone()
        } else {
            from.join(&entry.path)
        };
        match &entry.what {
            What::Folder => make_folder(&mut sftp, &target, entry.mode).await?,
            What::Link(text) => make_link(&mut sftp, &target, text).await?,
            What::File(_) => {
                let mut file = File::open(&source).map_err(|e| failed("read", &source, e))?;
                let mut next = |block: &mut Vec<u8>| {
                    let read = (&mut file).take(BLOCK as u64).read_to_end(block);
                    done += read.map_err(|e| failed("read", &source, e))? as u64;
                    if let Some(progress) = &options.progress {
                        progress(done, Some(all));
                    }
                    Ok(())
                };
                let mode = options.mode.unwrap_or(entry.mode & 0o777);
                put(&mut sftp, &target, Some(mode), &mut next).await?;
            }
        }
    }
    sftp.park();
    Ok(done)
}

/// The error of a server that can only run commands.
pub fn no_sftp() -> Error {
    Error::new(
        Kind::Transfer,
        "the server has no SFTP, so nothing can be copied",
    )
    .hint("turn on `Subsystem sftp` in its sshd_config; single files can still be read and written")
}

/// Without slashes at the end, except for the root itself.
pub fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => "/",
        "" => ".",
        rest => rest,
    }
}

/// `folder/name` without doubling the slash.
pub fn join(folder: &str, name: &str) -> String {
    match folder.ends_with('/') {
        true => format!("{folder}{name}"),
        false => format!("{folder}/{name}"),
    }
}

/// Makes a folder that is not there, writable for us.
async fn make_folder(sftp: &mut Sftp, path: &str, mode: u32) -> Result<()> {
    if let Some(there) = sftp.stat(path, true).await? {
        return match there.is_folder() {
            true => Ok(()),
            false => Err(Error::new(
                Kind::Transfer,
                format!("cannot create `{path}`: it is no folder"),
            )),
        };
    }
    let attributes = Attributes {
        mode: Some(mode & 0o777 | 0o700),
        ..Attributes::default()
    };
    let request = Request::new(kind::MKDIR)
        .bytes(path.as_bytes())
        .attributes(&attributes);
    let made = sftp.tell(request, &format!("create `{path}`")).await;
    match made {
        // Somebody else may have made it since we looked; SFTP has no word for that.
        Err(_) if sftp.stat(path, true).await?.is_some_and(|a| a.is_folder()) => Ok(()),
        made => made,
    }
}

async fn make_folders(sftp: &mut Sftp, path: &str) -> Result<()> {
    if sftp.stat(path, true).await?.is_some_and(|a| a.is_folder()) {
        return Ok(());
    }
    let ends = path
        .match_indices('/')
        .map(|(i, _)| i)
        .filter(|i| *i > 0)
        .chain([path.len()]);
    for end in ends.collect::<Vec<_>>() {
        make_folder(sftp, &path[..end], 0o755).await?;
    }
    Ok(())
}

async fn make_link(sftp: &mut Sftp, path: &str, text: &Path) -> Result<()> {
    if sftp.stat(path, false).await?.is_some_and(|a| a.is_link()) {
        sftp.remove(path).await;
    }
    // OpenSSH's server takes the two the other way round than the draft, and everybody follows.
    let request = Request::new(kind::SYMLINK)
        .bytes(text.as_os_str().as_encoded_bytes())
        .bytes(path.as_bytes());
    sftp.tell(request, &format!("create the link `{path}`"))
        .await
}
