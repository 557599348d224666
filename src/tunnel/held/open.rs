//! How a process comes to a tunnel: the process that has it already, or a new one. Blocks; callers are
//! threads of their own.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::SendFlags;

use super::link::Link;
use super::serve::still_there;
use super::wire::{hear, say};
use super::words::{Ask, Profile, Start, Tell, VERSION};
use super::{HELPER, NAME, end, place};
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Level};
use crate::inventory::Tunnel;
use crate::tunnel::fault;
use crate::tunnel::keeper::folder::{Folder, Hold, Lock};
use crate::tunnel::keeper::now;
use crate::tunnel::keeper::record::Record;
use crate::tunnel::plan::{At, Plan, Routing, Step};
use crate::tunnel::tunnels::changed_since;

/// How long a process that is there may take to answer, and one that ends for its end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often one who waits looks whether anybody still waits for it.
const TICK: Duration = Duration::from_millis(50);
/// What a process may take beside the profile's own patience with its gateway.
const MARGIN: Duration = Duration::from_secs(15);

/// What a tunnel is opened with.
pub struct Spec {
    /// The profile: WireGuard.
    pub profile: Tunnel,
    /// Its server, resolved.
    pub gateway: SocketAddr,
    /// Its folder.
    pub folder: Folder,
    /// This program.
    pub program: PathBuf,
    /// For what it is held, as others see it.
    pub what: String,
    /// Hears what goes on.
    pub events: Arc<dyn Events>,
}

impl Spec {
    /// Has it up, and this process as one of its users. `hold` is what this process has of it already.
    ///
    /// # Errors
    /// [`Kind::Tunnel`] when the gateway does not answer (reason `gateway` or `auth`), or the tunnel is up in
    /// another shape (`conflict`); [`Kind::Usage`] for a profile that lacks something; [`Kind::Cancelled`] when
    /// `stop` says so; [`Kind::Local`] when disk or processes fail.
    pub fn have(&self, hold: Option<Hold>, stop: &dyn Fn() -> bool) -> Result<(Link, Hold)> {
        let lock = match self.folder.try_lock()? {
            Some(lock) => lock,
            None => {
                self.note(
                    Level::Info,
                    "is worked on by another `mroom`: waiting for it",
                );
                self.folder.lock(stop)?
            }
        };
        let record = self.folder.record();
        if let Some(other) = record.as_ref().filter(|record| !record.is_held()) {
            return Err(self.conflict(&format!("is there already, made by {}", other.backend)));
        }
        let hold = match hold {
            Some(hold) => hold,
            None => self.folder.hold(&self.what, &lock)?,
        };
        let link = match self.join(&lock, stop)? {
            Some(link) => link,
            None => self.start(&lock, record.is_some_and(|record| record.keep), stop)?,
        };
        Ok((link, hold))
    }

    /// The process that is there, if it is.
    fn join(&self, lock: &Lock, stop: &dyn Fn() -> bool) -> Result<Option<Link>> {
        let path = self.folder.path();
        let wait_for_end = || match place::wait_for_end(path, PATIENCE) {
            true => Ok(None),
            false => Err(still_there(&self.profile.name)),
        };
        let Ok(stream) = place::connect(path) else {
            return wait_for_end();
        };
        let hold = Ask::Hold(VERSION, Profile::of(&self.profile).digest());
        let said = say(&stream, &hold, None, SendFlags::empty());
        let told = match said {
            Ok(()) => self.answer(&stream, PATIENCE, stop)?,
            Err(_) => None,
        };
        match told {
            Some(Tell::Up) => self.link(stream, None).map(Some),
            Some(Tell::Other(0)) => {
                self.note(
                    Level::Notice,
                    "was changed since it came up: it is brought up anew",
                );
                drop(stream);
                match end(path) {
                    true => Ok(None),
                    false => Err(still_there(&self.profile.name)),
                }
            }
            Some(Tell::Other(_)) => {
                let users = self.folder.holders(Some(lock)).into_iter();
                let own = std::process::id();
                let users = users.filter(|user| user.pid != own);
                let users: Vec<_> = users.map(|u| format!("{} ({})", u.pid, u.what)).collect();
                Err(changed_since(&self.profile.name, &users.join(", ")))
            }
            // It was just about to end.
            _ => wait_for_end(),
        }
    }

    /// A new process.
    fn start(&self, lock: &Lock, keep: bool, stop: &dyn Fn() -> bool) -> Result<Link> {
        let mut record = self.record();
        record.keep = keep;
        self.folder.write(&record, lock)?;
        let came = self.begin(stop);
        if came.is_err() {
            self.folder.forget(lock);
        }
        let (stream, child) = came?;
        (record.since, record.pid) = (now(), child.id());
        self.folder.write(&record, lock)?;
        self.link(stream, Some(child))
    }

    fn begin(&self, stop: &dyn Fn() -> bool) -> Result<(UnixStream, Child)> {
        let failed = |e: std::io::Error| {
            let name = &self.profile.name;
            Error::local(format!(
                "the tunnel `{name}`: cannot start its process: {e}"
            ))
            .source(e)
        };
        let (near, far) = UnixStream::pair().map_err(failed)?;
        let mut child = self.spawn(far.into()).map_err(failed)?;
        let start = Start {
            version: VERSION,
            profile: Profile::of(&self.profile),
            gateway: self.gateway,
            folder: self.folder.path().to_owned(),
        };
        let said = say(
            &near,
            &Ask::Start(Box::new(start)),
            None,
            SendFlags::empty(),
        );
        let patience = self.profile.number("timeout").unwrap_or(30);
        let patience = Duration::from_secs(patience.into()) + MARGIN;
        let told = match said {
            Ok(()) => self.answer(&near, patience, stop),
            Err(_) => Ok(None),
        };
        let error = match told {
            Ok(Some(Tell::Up)) => return Ok((near, child)),
            Ok(Some(Tell::Failed(fault))) => fault.error(),
            Ok(_) => {
                let what = "does not come up: its process has ended without a word";
                fault(&self.profile.name, "dropped", what)
            }
            Err(error) => error,
        };
        // It ends by that.
        drop(near);
        let until = Instant::now() + PATIENCE;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > until {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(error)
    }

    fn spawn(&self, socket: OwnedFd) -> std::io::Result<Child> {
        // One that was replaced meanwhile is still there, and speaks our version.
        let own = PathBuf::from("/proc/self/exe");
        let is_gone = !self.program.exists() && own.exists();
        let mut command = Command::new(if is_gone { &own } else { &self.program });
        command
            // The name is for people who look at processes.
            .args([HELPER, &self.profile.name])
            .env_clear()
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn()
    }

    /// What the process says of itself; notes are passed on. `None` when it ends, or says nothing in time.
    fn answer(
        &self,
        stream: &UnixStream,
        patience: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Tell>> {
        let until = Instant::now() + patience;
        loop {
            if stop() {
                let message = format!("the tunnel `{}` was given up", self.profile.name);
                return Err(Error::new(Kind::Cancelled, message));
            }
            let mut one = [PollFd::new(stream, PollFlags::IN)];
            let tick = Timespec {
                tv_sec: 0,
                tv_nsec: TICK.subsec_nanos().into(),
            };
            match rustix::event::poll(&mut one, Some(&tick)) {
                Ok(0) if Instant::now() > until => return Ok(None),
                Ok(0) | Err(_) => continue,
                Ok(_) => {}
            }
            match hear(stream) {
                Ok(Some((Tell::Note(level, text), _))) => {
                    self.events.note(level.into(), None, &text);
                }
                Ok(told) => return Ok(told.map(|(tell, _)| tell)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(None),
            }
        }
    }

    fn link(&self, stream: UnixStream, child: Option<Child>) -> Result<Link> {
        // A process that does not read is not waited for.
        let _ = stream.set_write_timeout(Some(PATIENCE));
        Link::new(&self.profile.name, stream, child, self.events.clone())
    }

    /// What is written down of it.
    fn record(&self) -> Record {
        let allowed = self.profile.list("allowed").into_iter();
        let at = At {
            folder: self.folder.path().to_owned(),
            label: self.folder.label(),
            namespace: None,
            gateway: self.gateway,
            ranges: allowed.filter_map(|range| range.parse().ok()).collect(),
        };
        let plan = Plan {
            up: Vec::new(),
            status: Step::new(Vec::<String>::new()),
            down: Vec::new(),
            routing: Routing::Service,
        };
        let names = (self.profile.name.as_str(), self.profile.kind.as_str());
        Record::new(names, NAME, &at, &plan, &[])
    }

    fn note(&self, level: Level, what: &str) {
        let text = format!("the tunnel `{}` {what}", self.profile.name);
        self.events.note(level, None, &text);
    }

    fn conflict(&self, what: &str) -> Error {
        let name = &self.profile.name;
        let word = crate::quote::typed(name);
        fault(name, "conflict", what).hint(format!("`mroom tunnel down {word}` ends it"))
    }
}
