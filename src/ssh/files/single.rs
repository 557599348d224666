//! Single files on a server: read and written whole, many blocks on their way at once.

use std::collections::VecDeque;
use std::rc::Rc;

use super::packet::{Answer, Attributes, Request, kind};
use super::requests::{READ, WRITE_NEW, is_end, refused};
use super::sftp::{BLOCK, DEPTH, Sftp};
use super::shell;
use crate::error::{Error, Kind, Result};
use crate::quote;
use crate::ssh::driver::Core;
use crate::ssh::exec::exec;
use crate::ssh::transport::Exec;

/// Reads a file of at most `limit` bytes.
pub async fn read(core: Rc<Core>, path: String, limit: u64) -> Result<Vec<u8>> {
    let Some(mut sftp) = Sftp::open(&core).await? else {
        return shell::read(core, &path, limit).await;
    };
    let path = shell::plain(&path);
    let handle = sftp.open_file(&path, READ, &Attributes::default()).await?;
    let mut content = Vec::new();
    let what = format!("read `{path}`");
    pull(&mut sftp, &handle, &what, &mut |bytes| {
        content.extend_from_slice(bytes);
        if content.len() as u64 > limit {
            return Err(shell::too_long(&path, limit));
        }
        Ok(())
    })
    .await?;
    sftp.close_file(&handle, &what).await?;
    sftp.park();
    Ok(content)
}

/// Writes a file: to a temporary name beside it, then renamed over it.
pub async fn write(
    core: Rc<Core>,
    path: String,
    content: Vec<u8>,
    mode: Option<u32>,
) -> Result<()> {
    let Some(mut sftp) = Sftp::open(&core).await? else {
        return shell::write(core, &path, content, mode).await;
    };
    let mut left = content.as_slice();
    let mut source = |buffer: &mut Vec<u8>| {
        let (head, rest) = left.split_at(left.len().min(BLOCK));
        buffer.extend_from_slice(head);
        left = rest;
        Ok(())
    };
    put(&mut sftp, &shell::plain(&path), mode, &mut source).await?;
    sftp.park();
    Ok(())
}

/// Makes `path` a file of what `source` gives, whole or not at all. A link stays a link: what it
/// points to is replaced. `None` keeps an existing file's mode, and its owner where allowed.
pub async fn put(
    sftp: &mut Sftp,
    path: &str,
    mode: Option<u32>,
    source: &mut dyn FnMut(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut path = path.to_owned();
    let mut before = sftp.stat(&path, false).await?;
    if before.is_some_and(|b| b.is_link())
        && let Ok(real) = sftp.name(kind::REALPATH, &path).await
        && let Ok(real) = String::from_utf8(real)
    {
        path = real;
        before = sftp.stat(&path, true).await?;
    }
    if before.is_some_and(|b| b.is_folder()) {
        return Err(Error::new(
            Kind::Transfer,
            format!("cannot write `{path}`: it is a folder"),
        ));
    }
    let temporary = shell::temporary_name(&path);
    let private = Attributes {
        mode: Some(0o600),
        ..Attributes::default()
    };
    sftp.set_unfinished(Some(temporary.clone()));
    let result = fill(sftp, &temporary, &path, &private, before, mode, source).await;
    if result.is_err() {
        sftp.remove(&temporary).await;
    }
    sftp.set_unfinished(None);
    result
}

async fn fill(
    sftp: &mut Sftp,
    temporary: &str,
    path: &str,
    private: &Attributes,
    before: Option<Attributes>,
    mode: Option<u32>,
    source: &mut dyn FnMut(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let what = format!("write `{path}`");
    let opened = sftp.open_file(temporary, WRITE_NEW, private).await;
    // The person knows the file by its own name.
    let handle = opened.map_err(|e| {
        let reason = e
            .message()
            .rsplit(": ")
            .next()
            .unwrap_or_default()
            .to_owned();
        Error::new(e.kind(), format!("cannot {what}: {reason}"))
    })?;
    push(sftp, &handle, &what, source).await?;
    if let Some(owner) = before.and_then(|b| b.owner) {
        // Works for root, and for everybody who owns the file already.
        let owner = Attributes {
            owner: Some(owner),
            ..Attributes::default()
        };
        let _ = sftp.set_attributes(&handle, &owner, &what).await;
    }
    let kept = before.and_then(|b| b.permissions());
    let mode = Attributes {
        mode: mode.or(kept).or(Some(0o644)),
        ..Attributes::default()
    };
    sftp.set_attributes(&handle, &mode, &what).await?;
    sftp.close_file(&handle, &what).await?;
    if !sftp.rename_over(temporary, path).await? {
        let command = quote::words(&["mv", "-fT", "--", temporary, path])?;
        let output = exec(sftp.core(), Exec::new(command)).await?;
        if !output.is_success() {
            return Err(Error::new(
                Kind::Transfer,
                format!("cannot {what}: it cannot be replaced"),
            ));
        }
    }
    Ok(())
}

/// Reads an open file from its beginning to its end, block by block, in order.
pub async fn pull(
    sftp: &mut Sftp,
    handle: &[u8],
    what: &str,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut flying: VecDeque<u32> = VecDeque::new();
    // Where the next request, and where the next answer, belongs.
    let (mut asked, mut done) = (0u64, 0u64);
    // Small files need one request; the line is filled only when there is more.
    let mut depth = 1;
    loop {
        while flying.len() < depth {
            let request = Request::new(kind::READ)
                .bytes(handle)
                .u64(asked)
                .u32(BLOCK as u32);
            flying.push_back(sftp.send(request));
            asked += BLOCK as u64;
        }
        let Some(id) = flying.pop_front() else {
            return Ok(());
        };
        let short = match sftp.wait(id).await? {
            Answer::Data(bytes) if !bytes.is_empty() && bytes.len() <= BLOCK => {
                sink(&bytes)?;
                done += bytes.len() as u64;
                bytes.len() < BLOCK
            }
            answer if is_end(&answer) => {
                flying.into_iter().for_each(|id| sftp.forget(id));
                return Ok(());
            }
            answer => return Err(refused(&answer, what)),
        };
        depth = (depth * 2).min(DEPTH);
        if short {
            // Files that are no files (/proc) give less than asked: go on from where it ended.
            flying.drain(..).for_each(|id| sftp.forget(id));
            asked = done;
            depth = 1;
        }
    }
}

/// Writes what `source` gives into an open file. `source` adds at most a block; nothing is the
/// end.
pub async fn push(
    sftp: &mut Sftp,
    handle: &[u8],
    what: &str,
    source: &mut dyn FnMut(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut flying: VecDeque<u32> = VecDeque::new();
    let mut offset = 0u64;
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        source(&mut block)?;
        if !block.is_empty() {
            let request = Request::new(kind::WRITE)
                .bytes(handle)
                .u64(offset)
                .bytes(&block);
            flying.push_back(sftp.send(request));
            offset += block.len() as u64;
        }
        while flying.len() >= DEPTH || (block.is_empty() && !flying.is_empty()) {
            let Some(id) = flying.pop_front() else { break };
            match sftp.wait(id).await? {
                Answer::Status(0, _) => {}
                answer => {
                    flying.into_iter().for_each(|id| sftp.forget(id));
                    return Err(refused(&answer, what));
                }
            }
        }
        if block.is_empty() {
            return Ok(());
        }
    }
}
