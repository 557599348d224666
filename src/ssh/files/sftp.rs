//! An SFTP client over a channel: many requests on their way at once, every answer checked.
//!
//! libssh2 has one of its own; this one can be cancelled at any point, keeps no state in the
//! session, renames over what is there, and fills the line in both directions.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::packet::{Answer, LONGEST, Request, kind, parse};
use crate::error::{Error, Kind, Result};
use crate::ssh::connect::words;
use crate::ssh::driver::{Core, Fault, Lease};
use crate::ssh::exec::start;
use crate::ssh::ffi::Channel;

/// Bytes of one read or write request: what every server must take.
pub const BLOCK: usize = 32 << 10;
/// Requests on their way at once: two MiB, a channel's usual window.
pub const DEPTH: usize = 64;
/// What the session keeps one under.
const SPARE: &str = "sftp";

/// A running SFTP subsystem. Kept by the session between uses.
pub struct Sftp {
    core: Rc<Core>,
    lease: Lease,
    out: VecDeque<u8>,
    inbox: Vec<u8>,
    answers: HashMap<u32, Answer>,
    forgotten: HashSet<u32>,
    next: u32,
    posix_rename: bool,
    /// A file of ours that must not stay when this is dropped before its time.
    unfinished: Option<String>,
}

impl Sftp {
    /// The session's spare one, or a new one. `None` when the server has no SFTP.
    pub async fn open(core: &Rc<Core>) -> Result<Option<Sftp>> {
        if let Some(sftp) = core.take_spare(SPARE) {
            return Ok(Some(sftp));
        }
        let lease = match start(core, "subsystem", "sftp", &mut false).await {
            Ok(lease) => lease,
            Err(Fault::Ssh(_)) => return Ok(None),
            Err(Fault::Gone(how)) => return Err(Error::new(Kind::Connect, how)),
        };
        let mut sftp = Sftp {
            core: core.clone(),
            lease,
            out: VecDeque::new(),
            inbox: Vec::new(),
            answers: HashMap::new(),
            forgotten: HashSet::new(),
            next: 1,
            posix_rename: false,
            unfinished: None,
        };
        // INIT has the version in the place of an id.
        sftp.out.extend(Request::new(kind::INIT).finish(3));
        match sftp.wait(0).await {
            Ok(Answer::Version(extensions)) => {
                sftp.posix_rename = extensions.iter().any(|e| e == b"posix-rename@openssh.com");
                Ok(Some(sftp))
            }
            // A subsystem that is configured and missing starts and ends at once.
            Ok(_) => Ok(None),
            Err(error) if error.kind() == Kind::Transfer => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The session it runs on.
    pub fn core(&self) -> Rc<Core> {
        self.core.clone()
    }

    /// Can it rename over what is there?
    pub fn has_posix_rename(&self) -> bool {
        self.posix_rename
    }

    /// Leaves it to the session for the next use.
    pub fn park(mut self) {
        self.unfinished = None;
        if self.out.is_empty() && self.forgotten.is_empty() {
            let core = self.core.clone();
            core.set_spare(SPARE, Box::new(self));
        }
    }

    /// Sends a request; its answer is asked for by the number given back.
    pub fn send(&mut self, request: Request) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        self.out.extend(request.finish(id));
        id
    }

    /// The answer to `id` no longer matters.
    pub fn forget(&mut self, id: u32) {
        if self.answers.remove(&id).is_none() {
            self.forgotten.insert(id);
        }
    }

    /// Waits for the answer to `id`.
    pub async fn wait(&mut self, id: u32) -> Result<Answer> {
        poll_fn(|_| self.poll_answer(id)).await
    }

    fn poll_answer(&mut self, id: u32) -> Poll<Result<Answer>> {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return Poll::Ready(Ok(answer));
            }
            let wrote = match self.write_some() {
                Ok(wrote) => wrote,
                Err(error) => return Poll::Ready(Err(error)),
            };
            match self.read_some() {
                Ok(true) => {}
                Ok(false) if wrote => {}
                Ok(false) => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn channel(&self) -> Result<&Channel> {
        self.lease
            .channel()
            .ok_or_else(|| Error::new(Kind::Transfer, "the file channel is closed"))
    }

    fn write_some(&mut self) -> Result<bool> {
        let mut wrote = false;
        while !self.out.is_empty() && !self.core.is_clogged() {
            let (front, _) = self.out.as_slices();
            match self
                .core
                .attempt(|| self.lease.channel().map_or(Ok(0), |c| c.write(front)))
            {
                Poll::Ready(Ok(n)) if n > 0 => {
                    self.out.drain(..n);
                    wrote = true;
                }
                Poll::Ready(Err(fault)) => return Err(gone(fault)),
                Poll::Ready(Ok(_)) | Poll::Pending => break,
            }
        }
        Ok(wrote)
    }

    fn read_some(&mut self) -> Result<bool> {
        let mut buffer = [0; BLOCK];
        let channel = self.channel()?;
        match self.core.attempt(|| channel.read(0, &mut buffer)) {
            Poll::Ready(Ok(n)) if n > 0 => {
                self.inbox.extend_from_slice(&buffer[..n]);
                self.sort_inbox()?;
                Ok(true)
            }
            Poll::Ready(Err(fault)) => Err(gone(fault)),
            Poll::Ready(Ok(_)) | Poll::Pending if channel.eof() => Err(Error::new(
                Kind::Transfer,
                "the server ended the file transfer",
            )),
            Poll::Ready(Ok(_)) | Poll::Pending => {
                // What a broken sftp-server prints must not stop the channel.
                let _ = self.core.attempt(|| channel.read(1, &mut buffer));
                Ok(false)
            }
        }
    }

    fn sort_inbox(&mut self) -> Result<()> {
        let nonsense = || Error::new(Kind::Transfer, "the server's file transfer makes no sense");
        let mut used = 0;
        while let Some((length, rest)) = self.inbox[used..].split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length > LONGEST + 1024 {
                return Err(nonsense());
            }
            let Some(packet) = rest.get(..length) else {
                break;
            };
            let (id, answer) = parse(packet).ok_or_else(nonsense)?;
            if !self.forgotten.remove(&id) {
                self.answers.insert(id, answer);
            }
            used += 4 + length;
        }
        self.inbox.drain(..used);
        Ok(())
    }

    /// Names a temporary file that is removed should the work be given up.
    pub fn set_unfinished(&mut self, path: Option<String>) {
        self.unfinished = path;
    }
}

impl Drop for Sftp {
    fn drop(&mut self) {
        // Cancelled in the middle of a write. This channel may be full; another is not.
        if let Some(path) = self.unfinished.take() {
            let core = self.core.clone();
            self.core.chore(Box::pin(async move {
                if let Ok(Some(mut sftp)) = Sftp::open(&core).await {
                    sftp.remove(&path).await;
                    sftp.park();
                }
            }));
        }
    }
}

fn gone(fault: Fault) -> Error {
    match fault {
        Fault::Gone(how) => Error::new(Kind::Lost, format!("{how} during a file transfer")),
        Fault::Ssh(error) => Error::new(
            Kind::Transfer,
            format!("the file transfer failed: {}", words(&error)),
        )
        .source(error),
    }
}
