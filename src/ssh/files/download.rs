//! Files and folders from a server to this machine.
//!
//! The names are the server's, and a hostile one must not write outside the folder that the
//! person named: a name is one plain component, comes once, and no link is ever followed.

use std::collections::HashSet;
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::packet::{Answer, Attributes, Request, kind};
use super::requests::{READ, is_end, refused};
use super::sftp::Sftp;
use super::shell;
use super::single::pull;
use super::tree::{DEEPEST, Part, base_name, failed, has_slash, make_folder, make_link};
use super::upload::{join, no_sftp, trimmed};
use crate::error::{Error, Kind, Result};
use crate::ssh::driver::Core;
use crate::ssh::transport::CopyOptions;

/// Copies `from` from the server; gives the bytes copied.
pub async fn download(
    core: Rc<Core>,
    from: String,
    to: PathBuf,
    options: CopyOptions,
) -> Result<u64> {
    let Some(mut sftp) = Sftp::open(&core).await? else {
        return Err(no_sftp());
    };
    let from = shell::plain(&from);
    let root = sftp.stat(trimmed(&from), true).await?;
    let root =
        root.ok_or_else(|| refused(&Answer::Status(2, String::new()), &format!("read `{from}`")))?;
    let into = match root.is_folder() {
        true => !from.ends_with('/'),
        false => has_slash(&to) || to.is_dir(),
    };
    let target = match into {
        true => to.join(base_name(Path::new(trimmed(&from)))?),
        false => to,
    };
    let mut copy = Copy {
        sftp: &mut sftp,
        options: &options,
        done: 0,
    };
    if root.is_folder() {
        copy.folder(trimmed(&from).to_owned(), target, root).await?;
    } else {
        copy.file(&from, &target, &root, root.size).await?;
    }
    let done = copy.done;
    sftp.park();
    Ok(done)
}

struct Copy<'a> {
    sftp: &'a mut Sftp,
    options: &'a CopyOptions,
    done: u64,
}

impl Copy<'_> {
    /// Everything in a folder and below it, without recursion: the depth is the server's choice.
    async fn folder(&mut self, from: String, to: PathBuf, attributes: Attributes) -> Result<()> {
        if let Some(above) = to.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(above).map_err(|e| failed("create", above, e))?;
        }
        let mut waiting = vec![(from, to, attributes, 0)];
        while let Some((from, to, attributes, depth)) = waiting.pop() {
            if depth > DEEPEST {
                return Err(Error::new(
                    Kind::Transfer,
                    format!("`{from}` is nested too deeply"),
                ));
            }
            make_folder(&to, attributes.permissions().unwrap_or(0o755))?;
            for (name, attributes) in self.list(&from).await? {
                let text = String::from_utf8(name.clone()).map_err(|_| {
                    Error::new(
                        Kind::Transfer,
                        format!("a name in `{from}` is not valid UTF-8"),
                    )
                })?;
                let source = join(&from, &text);
                let target = to.join(std::ffi::OsString::from_vec(name));
                if attributes.is_folder() {
                    waiting.push((source, target, attributes, depth + 1));
                } else if attributes.is_link() {
                    let link = self.sftp.name(kind::READLINK, &source).await?;
                    make_link(&target, Path::new(&std::ffi::OsString::from_vec(link)))?;
                } else if attributes.is_file() {
                    self.file(&source, &target, &attributes, None).await?;
                } else {
                    let message = format!("`{source}` is neither a file, a folder nor a link");
                    return Err(Error::new(Kind::Transfer, message));
                }
            }
        }
        Ok(())
    }

    async fn list(&mut self, path: &str) -> Result<Vec<(Vec<u8>, Attributes)>> {
        let what = format!("read the folder `{path}`");
        let handle = match self
            .sftp
            .ask(Request::new(kind::OPENDIR).bytes(path.as_bytes()))
            .await?
        {
            Answer::Handle(handle) => handle,
            other => return Err(refused(&other, &what)),
        };
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        loop {
            match self
                .sftp
                .ask(Request::new(kind::READDIR).bytes(&handle))
                .await?
            {
                Answer::Names(names) => {
                    for (name, attributes) in names {
                        if name == b"." || name == b".." {
                            continue;
                        }
                        if !is_plain(&name) || !seen.insert(name.clone()) {
                            let shown = String::from_utf8_lossy(&name).escape_debug().to_string();
                            let message =
                                format!("the server gives the name `{shown}` in `{path}`: refused");
                            return Err(Error::new(Kind::Transfer, message));
                        }
                        entries.push((name, attributes));
                    }
                }
                answer if is_end(&answer) => break,
                other => return Err(refused(&other, &what)),
            }
        }
        self.sftp.close_file(&handle, &what).await?;
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    async fn file(
        &mut self,
        from: &str,
        to: &Path,
        attributes: &Attributes,
        total: Option<u64>,
    ) -> Result<()> {
        let what = format!("read `{from}`");
        let handle = self
            .sftp
            .open_file(from, READ, &Attributes::default())
            .await?;
        let mut part = Part::create(to)?;
        let (options, done) = (self.options, &mut self.done);
        pull(self.sftp, &handle, &what, &mut |bytes| {
            part.file
                .write_all(bytes)
                .map_err(|e| failed("write", to, e))?;
            *done += bytes.len() as u64;
            if let Some(progress) = &options.progress {
                progress(*done, total);
            }
            Ok(())
        })
        .await?;
        self.sftp.close_file(&handle, &what).await?;
        part.finish(options.mode.or(attributes.permissions()).unwrap_or(0o644))
    }
}

/// One component of a path, and nothing that leads elsewhere.
fn is_plain(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn hostile_names() {
        for bad in [
            &b""[..],
            b".",
            b"..",
            b"../x",
            b"/etc/passwd",
            b"a/b",
            b"a\0b",
        ] {
            assert!(!is_plain(bad), "{bad:?}");
        }
        for good in [&b"a"[..], b"...", b"-rf", b"a b", b"\xff"] {
            assert!(is_plain(good), "{good:?}");
        }
    }
}
