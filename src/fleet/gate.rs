//! [`Gate`]: a server through which others are reached: a jump host, what a tunnel over SSH goes to, what
//! a forward starts from. It works on any thread.
//!
//! All that is behind shares its sessions. libssh2 opens one channel after another, and a dead server
//! keeps the gate waiting: who has waited for [`QUEUE`] makes another session, one at a time. A session
//! whose answer was given up serves those that it has, and no new ones.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, Shared, join_all, select};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::hops::over;
use super::logged;
use super::route::{network, outermost};
use super::tunnels::{self, PREFIX, is_tunnel};
use crate::error::{Kind, Result};
use crate::journal::Log;
use crate::ssh::{Connector, Meter, Reply, Route, Target, Transport};
use crate::tunnel::Dial;
use crate::tunnel::keeper::alone::Shown;
use crate::tunnel::plan::Facts;

/// How long somebody waits for a gate that is busy with others.
const QUEUE: Duration = Duration::from_millis(150);

/// What stands before a gate.
#[derive(Clone)]
pub(super) enum Below {
    /// Nothing that would have to be asked.
    Route(Route),
    /// Another gate, or a tunnel.
    Dial { hop: String, dial: Arc<dyn Dial> },
}

/// The server and the sessions with it.
pub(super) struct Gate {
    target: Target,
    below: Below,
    connector: Arc<dyn Connector>,
    log: Option<Log>,
    sessions: Mutex<Vec<Arc<Session>>>,
    /// Of all sessions so far.
    meters: Mutex<Vec<Arc<Meter>>>,
    /// Where others see that a tunnel is up.
    shows: Option<PathBuf>,
    shown: Mutex<Option<Shown>>,
    growing: Mutex<Option<Attempt>>,
    /// A further session was refused: what there is must do.
    is_full: AtomicBool,
    /// A session has become free, or there is another.
    changed: Notify,
}

type Attempt = Shared<BoxFuture<'static, Result<()>>>;

struct Session {
    transport: Arc<dyn Transport>,
    is_dialling: AtomicBool,
}

/// What is behind a mutex here stays whole whatever happens to its holder.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// No session is made before one is needed. The target's route is only for the log.
    pub fn new(
        target: Target,
        below: Below,
        connector: Arc<dyn Connector>,
        log: Option<Log>,
    ) -> Self {
        Gate {
            target,
            below,
            connector,
            log,
            sessions: Mutex::default(),
            meters: Mutex::default(),
            shows: None,
            shown: Mutex::default(),
            growing: Mutex::default(),
            is_full: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Shows the tunnel that it is to others; `all` is the folder of all tunnels' folders.
    pub fn shown_in(mut self, all: &Path) -> Self {
        self.shows = is_tunnel(&self.target.id).then(|| all.to_owned());
        self
    }

    /// It has a session.
    fn show(&self) {
        if let (Some(all), Some(name)) = (&self.shows, self.target.id.strip_prefix(PREFIX)) {
            let place = format!("{}:{}", self.target.host, self.target.port);
            open(&self.shown).get_or_insert_with(|| Shown::begin(all, name, &place));
        }
    }

    /// What it is called in messages.
    pub fn id(&self) -> &str {
        &self.target.id
    }

    /// The name of the tunnel that stands before it and is not one over SSH.
    pub fn tunnel(&self) -> Option<&str> {
        outermost(&self.target.route)
    }

    /// Makes a session, unless there is one.
    ///
    /// # Errors
    /// What the connector says of the server or of what stands before it.
    pub async fn ready(self: &Arc<Self>) -> Result<()> {
        let session = self.free().await?;
        self.give_back(&session, true);
        Ok(())
    }

    /// Says goodbye to all sessions.
    pub async fn close(&self) {
        drop(open(&self.shown).take());
        let sessions = std::mem::take(&mut *open(&self.sessions));
        join_all(sessions.iter().map(|s| s.transport.close())).await;
    }

    /// A session that dials for nobody else; it is taken.
    async fn free(self: &Arc<Self>) -> Result<Arc<Session>> {
        let patience = Instant::now() + QUEUE;
        loop {
            // Before looking, so that nothing that happens in between is missed.
            let changed = std::pin::pin!(self.changed.notified());
            if let Some(free) = self.take() {
                return Ok(free);
            }
            let none = open(&self.sessions).is_empty();
            let waited = Instant::now() >= patience;
            if none || (waited && !self.is_full.load(Ordering::SeqCst)) {
                if let Either::Left((Err(e), _)) = select(self.grow(), changed).await {
                    if open(&self.sessions).is_empty() {
                        return Err(match is_tunnel(self.id()) {
                            true => tunnels::failed(e, self.id()),
                            false => e,
                        });
                    }
                    self.is_full.store(true, Ordering::SeqCst);
                }
            } else if waited {
                changed.await;
            } else {
                select(changed, std::pin::pin!(sleep_until(patience))).await;
            }
        }
    }

    /// A living session that dials for nobody, if there is one; it is taken.
    fn take(&self) -> Option<Arc<Session>> {
        let mut sessions = open(&self.sessions);
        sessions.retain(|s| s.transport.is_alive());
        let mut free = sessions.iter();
        let free = free.find(|s| !s.is_dialling.swap(true, Ordering::SeqCst))?;
        Some(free.clone())
    }

    /// Another session is being made; all who wait for it share it and its error.
    fn grow(self: &Arc<Self>) -> Attempt {
        let mut growing = open(&self.growing);
        if let Some(attempt) = &*growing {
            return attempt.clone();
        }
        let weak = Arc::downgrade(self);
        let attempt = async move {
            let Some(gate) = weak.upgrade() else {
                return Ok(());
            };
            let connected = gate.connect().await;
            open(&gate.growing).take();
            let grown = connected.map(|transport| {
                open(&gate.meters).extend(transport.meter());
                gate.show();
                let is_dialling = AtomicBool::new(false);
                let session = Session {
                    transport,
                    is_dialling,
                };
                open(&gate.sessions).push(Arc::new(session));
            });
            gate.changed.notify_waiters();
            grown
        };
        let attempt = attempt.boxed().shared();
        *growing = Some(attempt.clone());
        attempt
    }

    async fn connect(&self) -> Result<Arc<dyn Transport>> {
        let mut target = self.target.clone();
        let work = async {
            target.network = network(&target.route);
            target.route = match &self.below {
                Below::Route(route) => route.clone(),
                Below::Dial { hop, dial } => over(&**dial, hop, &target).await?,
            };
            self.connector.connect(target).await
        };
        let connected = logged::connection(self.log.clone(), &self.target, work).await;
        connected.map_err(|e| e.server(self.id()))
    }

    /// A session that served is there for others again; one without an answer is left to those that it
    /// serves already.
    fn give_back(&self, session: &Arc<Session>, is_answered: bool) {
        match is_answered {
            true => session.is_dialling.store(false, Ordering::SeqCst),
            false => open(&self.sessions).retain(|s| !Arc::ptr_eq(s, session)),
        }
        self.changed.notify_waiters();
    }

    /// Has a free session do something for which it opens a channel.
    async fn by<T>(self: Arc<Self>, call: impl FnOnce(&dyn Transport) -> Reply<T>) -> Result<T> {
        let session = self.free().await?;
        let mut turn = Turn {
            gate: &self,
            session: &session,
            is_answered: false,
        };
        let answer = call(&*session.transport).await;
        turn.is_answered = !matches!(&answer, Err(e) if e.kind() == Kind::Timeout);
        answer
    }
}

/// The right to open channels on a session, given back also by who does not wait for the answer.
struct Turn<'a> {
    gate: &'a Gate,
    session: &'a Arc<Session>,
    is_answered: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.gate.give_back(self.session, self.is_answered);
    }
}

impl Dial for Arc<Gate> {
    fn dial(&self, host: &str, port: u16) -> Reply<OwnedFd> {
        let host = host.to_owned();
        let gate = self.clone();
        gate.by(move |transport| transport.dial(&host, port))
            .boxed()
    }

    fn join(&self, host: &str, port: u16, socket: OwnedFd, hello: Vec<u8>) -> Reply<()> {
        let host = host.to_owned();
        let gate = self.clone();
        gate.by(move |transport| transport.join(&host, port, socket, hello))
            .boxed()
    }

    fn facts(&self) -> Facts {
        Gate::facts(self)
    }
}

impl Gate {
    /// What went through all of its sessions.
    pub fn facts(&self) -> Facts {
        let meters = open(&self.meters);
        let read = meters.iter().map(|meter| meter.read());
        let (received, sent) = read.fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
        Facts {
            received: Some(received),
            sent: Some(sent),
            ..Facts::default()
        }
    }
}
