//! A userspace tunnel in a process of its own, for all processes of a user: with one key there can only
//! be one, since a gateway answers whoever has spoken last.
//!
//! The first that needs the tunnel starts the process (`mroom __tunnel NAME`), has it told all by a socket,
//! secrets too, and is its first user; others come by a socket in the tunnel's folder ([`place`]). They
//! speak as [`wire`] and [`words`] have it: [`link`] is a user's side, [`serve`] the process's with its [`door`],
//! [`open`] the way to it. What is written down of it is what the keeper writes of any other tunnel, so that its
//! users, its state and its end are there for everybody.

mod door;
mod link;
mod open;
mod place;
pub mod serve;
mod wire;
mod words;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{SendFlags, SocketType};
use tokio::sync::oneshot;

use self::link::{Link, Over, ended};
use self::wire::{hear, say};
use self::words::{Ask, Tell};
use super::keeper::folder::Hold;
use super::plan::Facts;
use super::userspace::pair;
use super::{Dial, fault};
use crate::error::{Error, Result};
use crate::ssh::Reply;

pub use self::open::Spec;
pub use self::place::is_alive;

/// How the process is called: `mroom __tunnel NAME`.
pub const HELPER: &str = "__tunnel";
/// The backend's name in what is written down.
pub const NAME: &str = "userspace";

/// How long the process may take for an answer, or its end.
const PATIENCE: Duration = Duration::from_secs(3);

/// A tunnel that another process has, with this one as a user.
#[derive(Clone)]
pub struct Held(Arc<Inner>);

struct Inner {
    spec: Spec,
    /// One that was lost is made again by the next who needs it.
    link: tokio::sync::Mutex<Option<Arc<Link>>>,
    hold: Mutex<Option<Hold>>,
}

impl Held {
    /// Has the tunnel up, by the process that has it or a new one. Dropping the future gives it up.
    ///
    /// # Errors
    /// As [`Spec::have`].
    pub async fn open(spec: Spec) -> Result<Self> {
        let held = Held(Arc::new(Inner {
            spec,
            link: tokio::sync::Mutex::default(),
            hold: Mutex::default(),
        }));
        let link = held.have(None).await?;
        *held.0.link.lock().await = Some(link);
        Ok(held)
    }

    /// The link to the process that lives.
    async fn link(&self) -> Result<Arc<Link>> {
        let mut slot = self.0.link.lock().await;
        let name = &self.0.spec.profile.name;
        let over = slot.as_ref().map(|link| link.over());
        match (over, slot.as_ref()) {
            (Some(None), Some(link)) => return Ok(link.clone()),
            (Some(Some(Over::Ended)), _) => return Err(ended(name)),
            (Some(Some(Over::Lost)), _) => {}
            _ => return Err(fault(name, "dropped", "is down")),
        }
        let hold = self.take_hold();
        let link = self.have(hold).await?;
        *slot = Some(link.clone());
        Ok(link)
    }

    async fn have(&self, hold: Option<Hold>) -> Result<Arc<Link>> {
        let (answer, answered) = oneshot::channel();
        let held = self.clone();
        let work = move || {
            let stop = || answer.is_closed();
            let had = held.0.spec.have(hold, &stop);
            // Who has gone meanwhile gives it back by that.
            let _ = answer.send(had);
        };
        let thread = std::thread::Builder::new().name("open tunnel".to_owned());
        let failed = |e| Error::local(format!("cannot start a thread: {e}")).source(e);
        thread.stack_size(256 << 10).spawn(work).map_err(failed)?;
        let gone = || Err(Error::local("the thread that opens a tunnel is gone"));
        let (link, hold) = answered.await.unwrap_or_else(|_| gone())?;
        *self.0.hold.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
        Ok(Arc::new(link))
    }

    fn take_hold(&self) -> Option<Hold> {
        let mut hold = self.0.hold.lock().unwrap_or_else(PoisonError::into_inner);
        hold.take()
    }
}

impl Dial for Held {
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        let (held, host) = (self.clone(), host.to_owned());
        Box::pin(async move {
            let link = held.link().await?;
            let (near, far) = pair(SocketType::STREAM)?;
            link.reach(host, port, near, Vec::new()).await?;
            Ok(far)
        })
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        let (held, host) = (self.clone(), host.to_owned());
        Box::pin(async move {
            let link = held.link().await?;
            link.reach(host, port, socket, hello).await
        })
    }

    fn datagrams(&self, to: SocketAddr) -> Option<Reply<OwnedFd>> {
        let held = self.clone();
        Some(Box::pin(async move {
            let link = held.link().await?;
            let (near, far) = pair(SocketType::SEQPACKET)?;
            link.cast(to, &near)?;
            Ok(far)
        }))
    }

    fn facts(&self) -> Facts {
        facts(self.0.spec.folder.path()).unwrap_or_default()
    }

    /// The process ends by itself when there is no other user.
    fn close(&self) -> Reply<()> {
        let held = self.clone();
        Box::pin(async move {
            drop(held.take_hold());
            *held.0.link.lock().await = None;
            Ok(())
        })
    }

    fn keep(&self) -> Reply<()> {
        let folder = self.0.spec.folder.clone();
        let keep = move || {
            let lock = folder.lock(&|| false)?;
            match folder.record() {
                Some(mut record) => {
                    record.keep = true;
                    folder.write(&record, &lock)
                }
                None => Ok(()),
            }
        };
        Box::pin(std::future::ready(keep()))
    }
}

/// What the process of the tunnel in this folder tells; `None` when there is none, or it does not answer.
pub fn facts(folder: &Path) -> Option<Facts> {
    match ask(folder, &Ask::Facts)? {
        (Some(Tell::Facts { address, traffic }), _) => Some(Facts {
            address,
            interface: None,
            received: Some(traffic[0]),
            sent: Some(traffic[1]),
        }),
        _ => None,
    }
}

/// Ends the process of the tunnel in this folder, whoever uses it, also by force. True when there is none
/// any more.
pub fn end(folder: &Path) -> bool {
    if let Some((_, stream)) = ask(folder, &Ask::End)
        && !place::wait_for_end(folder, PATIENCE)
    {
        place::kill(&stream);
    }
    let is_gone = place::wait_for_end(folder, PATIENCE);
    if is_gone {
        place::unlink(folder);
    }
    is_gone
}

/// One question to the process, and what it says; `None` when there is none.
fn ask(folder: &Path, ask: &Ask) -> Option<(Option<Tell>, UnixStream)> {
    let stream = place::connect(folder).ok()?;
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let said = say(&stream, ask, None, SendFlags::empty());
    let told = said.ok().and_then(|()| hear(&stream).ok()?);
    Some((told.map(|(tell, _)| tell), stream))
}
