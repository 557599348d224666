//! The process that has one tunnel: brings it up for the first user, makes connections for all of them,
//! and ends shortly after the last, unless the tunnel is kept. Connections go through descriptors that users
//! pass on, so that their bytes take no way around. Owns the tunnel; knows no server.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::door::{Event, Told, User, accept, listen};
use super::place;
use super::wire::hear;
use super::words::{Ask, Fault, Start, Tell, VERSION};
use crate::error::{Error, Result};
use crate::tunnel::keeper::folder::Folder;
use crate::tunnel::userspace::{self, Userspace};
use crate::tunnel::{Dial as _, fault};

/// How long it waits for another user: commands often come one after another.
const LINGER: Duration = Duration::from_secs(2);
/// How long the process before it has for its end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it tries to take away what is written down of it, while somebody else works on the tunnel.
const TIDY: Duration = Duration::from_millis(200);
/// Exit codes.
const WELL: u8 = 0;
const FAILED: u8 = 1;
const WRONG: u8 = 2;

/// The whole life of the process. `first` is the socket to its first user, who says what it is for; gives the exit
/// code.
pub fn run(first: OwnedFd) -> u8 {
    // Its own session: the terminal, its Ctrl-C and its end are its users' business.
    let _ = rustix::process::setsid();
    let _ = rustix::process::chdir("/");
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    crate::descriptors::allowed();
    let first = UnixStream::from(first);
    if !place::is_ours(&first) {
        return WRONG;
    }
    let Ok(Some((Ask::Start(start), _))) = hear(&first) else {
        return WRONG;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let Ok(runtime) = runtime else { return FAILED };
    match runtime.block_on(Process::live(*start, first)) {
        Ok(()) => WELL,
        Err(()) => FAILED,
    }
}

/// Who waits for a connection, and what became of it.
type Attempt = ((usize, u64), Option<Result<()>>);

struct Process {
    tunnel: Arc<Userspace>,
    digest: String,
    folder: Folder,
    users: HashMap<usize, User>,
    /// The number of the next user.
    next: usize,
    events: UnboundedSender<Event>,
    attempts: FuturesUnordered<BoxFuture<'static, Attempt>>,
    given_up: HashMap<(usize, u64), AbortHandle>,
}

/// Why it ends.
enum End {
    /// Nobody uses it.
    Unused,
    /// Somebody has asked for it, and takes away what is written down.
    Asked,
}

impl Process {
    async fn live(start: Start, first: UnixStream) -> Result<(), ()> {
        let (events, mut happened) = unbounded_channel();
        let folder = Folder::at(start.folder.clone());
        let first = User {
            stream: Arc::new(first),
            counts: true,
        };
        listen(0, &first.stream, &events);
        let opened = open(&start, &first, &events, &mut happened).await;
        let (tunnel, life, listener) = match opened {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(()),
            Err(error) => {
                first.tell(&Tell::Failed(Fault::of(&error)));
                return Err(());
            }
        };
        let mut process = Process {
            tunnel,
            digest: start.profile.digest(),
            folder,
            users: HashMap::new(),
            next: 1,
            events: events.clone(),
            attempts: FuturesUnordered::new(),
            given_up: HashMap::new(),
        };
        drop(start);
        accept(listener, events);
        first.tell(&Tell::Up);
        process.users.insert(0, first);
        let why = process.work(&mut happened).await;
        process.end(&why, life).await;
        Ok(())
    }

    async fn work(&mut self, happened: &mut UnboundedReceiver<Event>) -> End {
        let mut unused: Option<Instant> = None;
        loop {
            let is_unused = !self.users.values().any(|user| user.counts);
            unused = match (is_unused, unused) {
                (false, _) => None,
                (true, since) => since.or_else(|| Some(Instant::now())),
            };
            let until = unused.map(|since| since + LINGER);
            let overdue = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(event) = happened.recv() => {
                    if let Some(end) = self.take(event) {
                        return end;
                    }
                }
                Some((who, went)) = self.attempts.next(), if !self.attempts.is_empty() => {
                    self.given_up.remove(&who);
                    let user = self.users.get(&who.0);
                    if let (Some(user), Some(went)) = (user, went) {
                        user.tell(&Tell::Done(who.1, went.err().as_ref().map(Fault::of)));
                    }
                }
                () = overdue => {
                    if !self.folder.record().is_some_and(|record| record.keep) {
                        return End::Unused;
                    }
                    // From now on somebody must ask for its end.
                    unused = Some(Instant::now() + Duration::from_secs(86_400));
                }
            }
        }
    }

    /// Does what one event asks for.
    fn take(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Joined(stream) => {
                let stream = Arc::new(stream);
                listen(self.next, &stream, &self.events);
                let user = User {
                    stream,
                    counts: false,
                };
                self.users.insert(self.next, user);
                self.next += 1;
            }
            Event::Gone(who) => {
                self.users.remove(&who);
                self.given_up.retain(|(user, _), attempt| {
                    if *user == who {
                        attempt.abort();
                    }
                    *user != who
                });
            }
            Event::Note(level, text) => {
                for user in self.users.values().filter(|user| user.counts) {
                    user.tell(&Tell::Note(level, text.clone()));
                }
            }
            Event::Asked(_, Ask::End, _) => return Some(End::Asked),
            Event::Asked(who, ask, with) => self.answer(who, ask, with),
        }
        None
    }

    fn answer(&mut self, who: usize, ask: Ask, with: Option<OwnedFd>) {
        let count = self.users.values().filter(|user| user.counts).count();
        let Some(user) = self.users.get_mut(&who) else {
            return;
        };
        match (ask, with) {
            (Ask::Hold(version, digest), _) => {
                user.counts = version == VERSION && digest == self.digest;
                user.tell(&match user.counts {
                    true => Tell::Up,
                    false => Tell::Other(count),
                });
            }
            (Ask::Facts, _) => {
                let facts = self.tunnel.facts();
                user.tell(&Tell::Facts {
                    address: facts.address,
                    traffic: [facts.received, facts.sent].map(Option::unwrap_or_default),
                });
            }
            (
                Ask::Reach {
                    id,
                    host,
                    port,
                    hello,
                },
                Some(socket),
            ) => {
                let (handle, registration) = AbortHandle::new_pair();
                self.given_up.insert((who, id), handle);
                let joined = self.tunnel.join(&host, port, socket, hello);
                let attempt = Abortable::new(joined, registration);
                let attempt = attempt.map(move |went| ((who, id), went.ok()));
                self.attempts.push(attempt.boxed());
            }
            (Ask::Drop(id), _) => {
                if let Some(attempt) = self.given_up.remove(&(who, id)) {
                    attempt.abort();
                }
            }
            (Ask::Datagrams(to), Some(socket)) => self.tunnel.cast(to, socket),
            // What makes no sense is from somebody who is no user.
            (_, _) => {
                let _ = user.stream.shutdown(std::net::Shutdown::Both);
            }
        }
    }

    async fn end(self, why: &End, life: File) {
        place::unlink(self.folder.path());
        for user in self.users.values().filter(|user| user.counts) {
            user.tell(&Tell::Ended);
        }
        let until = std::time::Instant::now() + TIDY;
        let lock = match why {
            End::Asked => None,
            End::Unused => self.folder.lock(&|| std::time::Instant::now() > until).ok(),
        };
        let _ = self.tunnel.close().await;
        if let Some(lock) = lock {
            // The files of users that were killed go, too.
            self.folder.holders(Some(&lock));
            if self.folder.record().is_some_and(|record| record.is_held()) {
                self.folder.forget(&lock);
            }
            // Before the lock: who gets that finds nobody.
            drop(life);
        }
    }
}

/// Brings it up; `None` when the first user has gone meanwhile.
async fn open(
    start: &Start,
    first: &User,
    events: &UnboundedSender<Event>,
    happened: &mut UnboundedReceiver<Event>,
) -> Result<Option<(Arc<Userspace>, File, UnixListener)>> {
    if start.version != VERSION {
        return Err(
            Error::local("this `mroom` was replaced by another version meanwhile")
                .hint("run it again"),
        );
    }
    let profile = start.profile.tunnel()?;
    let failed = |what: &str, e: std::io::Error| {
        let message = format!("the tunnel `{}`: cannot {what}: {e}", profile.name);
        Error::local(message).source(e)
    };
    let life = place::live(&start.folder, PATIENCE).map_err(|e| failed("lock its file", e))?;
    let Some(life) = life else {
        return Err(still_there(&profile.name));
    };
    let opening = userspace::open(&profile, start.gateway, Arc::new(Told(events.clone())));
    let mut opening = std::pin::pin!(opening);
    let tunnel = loop {
        tokio::select! {
            opened = &mut opening => break opened?,
            event = happened.recv() => match event {
                Some(Event::Note(level, text)) => first.tell(&Tell::Note(level, text)),
                Some(Event::Gone(_) | Event::Asked(_, Ask::End, _)) | None => return Ok(None),
                Some(_) => {}
            }
        }
    };
    let listener = place::listen(&start.folder).map_err(|e| failed("listen in its folder", e))?;
    Ok(Some((tunnel, life, listener)))
}

/// The process before it does not end.
pub fn still_there(name: &str) -> Error {
    let word = crate::quote::typed(name);
    fault(name, "conflict", "has a process that does not end")
        .hint(format!("`mroom tunnel down {word} --force` ends it"))
}
