//! What an SFTP server can be asked, each request with what its answers mean.

use super::packet::{Answer, Attributes, Request, kind};
use super::sftp::Sftp;
use crate::error::{Error, Kind, Result};

/// Status codes of the draft.
const OK: u32 = 0;
const EOF: u32 = 1;
/// How to open files.
pub const READ: u32 = 1;
/// Write, create, fail when it is there.
pub const WRITE_NEW: u32 = 2 | 8 | 0x20;

impl Sftp {
    /// One request, one answer.
    pub async fn ask(&mut self, request: Request) -> Result<Answer> {
        let id = self.send(request);
        self.wait(id).await
    }

    /// A request that is answered by a status.
    pub async fn tell(&mut self, request: Request, what: &str) -> Result<()> {
        match self.ask(request).await? {
            Answer::Status(OK, _) => Ok(()),
            other => Err(refused(&other, what)),
        }
    }

    /// Opens a file.
    pub async fn open_file(
        &mut self,
        path: &str,
        flags: u32,
        attributes: &Attributes,
    ) -> Result<Vec<u8>> {
        let request = Request::new(kind::OPEN)
            .bytes(path.as_bytes())
            .u32(flags)
            .attributes(attributes);
        let verb = if flags == READ { "read" } else { "write" };
        match self.ask(request).await? {
            Answer::Handle(handle) => Ok(handle),
            other => Err(refused(&other, &format!("{verb} `{path}`"))),
        }
    }

    /// Closes a file or folder. The answer matters after writing: a full disk may show only here.
    pub async fn close_file(&mut self, handle: &[u8], what: &str) -> Result<()> {
        self.tell(Request::new(kind::CLOSE).bytes(handle), what)
            .await
    }

    /// What is known of `path`; `None` when it is not there. `follow` looks through links.
    pub async fn stat(&mut self, path: &str, follow: bool) -> Result<Option<Attributes>> {
        let kind = if follow { kind::STAT } else { kind::LSTAT };
        match self.ask(Request::new(kind).bytes(path.as_bytes())).await? {
            Answer::Attributes(attributes) => Ok(Some(attributes)),
            // No such file; some servers say "no such path".
            Answer::Status(2 | 10, _) => Ok(None),
            other => Err(refused(&other, &format!("read `{path}`"))),
        }
    }

    /// The text of a link, or a path with all links resolved.
    pub async fn name(&mut self, kind: u8, path: &str) -> Result<Vec<u8>> {
        match self.ask(Request::new(kind).bytes(path.as_bytes())).await? {
            Answer::Names(names) if names.len() == 1 => {
                Ok(names.into_iter().next().unwrap_or_default().0)
            }
            other => Err(refused(&other, &format!("read `{path}`"))),
        }
    }

    /// Renames over what is there; false when this server cannot.
    pub async fn rename_over(&mut self, from: &str, to: &str) -> Result<bool> {
        if !self.has_posix_rename() {
            return Ok(false);
        }
        let request = Request::new(kind::EXTENDED)
            .bytes(b"posix-rename@openssh.com")
            .bytes(from.as_bytes())
            .bytes(to.as_bytes());
        self.tell(request, &format!("rename to `{to}`"))
            .await
            .map(|()| true)
    }

    /// Gives an open file its mode, and its owner where that is wanted and allowed.
    pub async fn set_attributes(
        &mut self,
        handle: &[u8],
        attributes: &Attributes,
        what: &str,
    ) -> Result<()> {
        self.tell(
            Request::new(kind::FSETSTAT)
                .bytes(handle)
                .attributes(attributes),
            what,
        )
        .await
    }

    /// Removes a file; one that is not there is no error.
    pub async fn remove(&mut self, path: &str) {
        let _ = self
            .ask(Request::new(kind::REMOVE).bytes(path.as_bytes()))
            .await;
        self.set_unfinished(None);
    }
}

/// True for the answer that a file or folder has no more.
pub fn is_end(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(EOF, _))
}

/// The error for an answer that was not hoped for.
pub fn refused(answer: &Answer, what: &str) -> Error {
    let reason = match answer {
        Answer::Status(2 | 10, _) => "no such file or folder".to_owned(),
        Answer::Status(3, _) => "permission denied".to_owned(),
        Answer::Status(_, said) if !said.is_empty() => {
            // The server's words: shown, but tamed.
            said.chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect::<String>()
                .to_lowercase()
        }
        Answer::Status(code, _) => format!("status {code}"),
        _ => "the server's answer makes no sense".to_owned(),
    };
    Error::new(Kind::Transfer, format!("cannot {what}: {reason}"))
}
