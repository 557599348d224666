//! How connections are made, directly or through jump hosts, and the sessions with those.
//!
//! All servers behind a jump host share its sessions. libssh2 opens one channel after another, and
//! a dead server keeps its jump host waiting: who has waited for [`QUEUE`] makes another session,
//! one at a time. A session whose answer was given up serves those that it has, and no new ones.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, LocalBoxFuture, Shared, join_all, select};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::tunnels::is_tunnel;
use super::{logged, tunnels};
use crate::error::{Error, Kind, Result};
use crate::journal::Log;
use crate::ssh::guard::CheckMode;
use crate::ssh::{Connector, Route, Target, Transport};

/// How long somebody waits for a jump host that is busy with others.
const QUEUE: Duration = Duration::from_millis(150);

/// What makes connections.
#[derive(Clone)]
pub(super) struct Reach {
    pub connector: Arc<dyn Connector>,
    pub log: Option<Log>,
    pub hops: Rc<Hops>,
    /// No writing verb may pass.
    pub check: bool,
}

impl Reach {
    /// A new session, through the jump hosts that the target's route names.
    ///
    /// # Errors
    /// What the connector says of the target or of a jump host; the message names which.
    pub fn connect(self, target: Target) -> LocalBoxFuture<'static, Result<Arc<dyn Transport>>> {
        async move {
            let id = target.id.clone();
            let work = async {
                let mut target = target.clone();
                if let Route::Through(hops) = std::mem::take(&mut target.route) {
                    target.route = self.over(hops, &target).await?;
                }
                self.connector.connect(target).await
            };
            let connected = logged::connection(self.log.clone(), &target, work).await;
            let transport = connected.map_err(|e| e.server(id))?;
            Ok(match self.check {
                true => Arc::new(CheckMode(transport)),
                false => transport,
            })
        }
        .boxed_local()
    }

    /// A socket to `target` from the last of `hops`.
    async fn over(&self, mut hops: Vec<Target>, target: &Target) -> Result<Route> {
        let Some(mut last) = hops.pop() else {
            return Ok(Route::Direct);
        };
        if !hops.is_empty() {
            last.route = Route::Through(hops);
        }
        let hop = last.id.clone();
        let dialled = self.hops.dial(self, last, target).await;
        Ok(Route::Over {
            socket: Arc::new(dialled.map_err(|e| of_target(e, &hop, target))?),
            hop,
        })
    }
}

/// A jump host's error as the target's: that one is what is not reached.
fn of_target(error: Error, hop: &str, target: &Target) -> Error {
    let kind = match error.kind() {
        Kind::Timeout | Kind::Lost => Kind::Connect,
        kind => kind,
    };
    let names_it = error.message().contains(&format!("`{hop}`")) || is_tunnel(hop);
    let message = match names_it {
        true => error.message().to_owned(),
        false => format!("jump host `{hop}`: {}", error.message()),
    };
    let told = Error::new(kind, message).server(&target.id);
    let told = told.hint_of(&error);
    match error.reason_word().map(str::to_owned) {
        Some(reason) => told.source(error).reason(reason),
        None => told.source(error),
    }
}

/// The sessions with jump hosts.
#[derive(Default)]
pub(super) struct Hops(RefCell<HashMap<String, Rc<Pool>>>);

/// The sessions with one of them.
#[derive(Default)]
struct Pool {
    sessions: RefCell<Vec<Rc<Session>>>,
    growing: RefCell<Option<Attempt>>,
    /// A further session was refused: what there is must do.
    is_full: Cell<bool>,
    /// A session has become free, or there is another.
    changed: Notify,
}

type Attempt = Shared<LocalBoxFuture<'static, Result<()>>>;

struct Session {
    transport: Arc<dyn Transport>,
    is_dialling: Cell<bool>,
}

impl Hops {
    /// Has the jump host connect to `target`.
    async fn dial(&self, reach: &Reach, hop: Target, target: &Target) -> Result<OwnedFd> {
        let pool = self.0.borrow_mut().entry(key(&hop)).or_default().clone();
        let id = hop.id.clone();
        let session = pool
            .free(reach, hop)
            .await
            .map_err(|e| match is_tunnel(&id) {
                true => tunnels::failed(e, &id),
                false => e,
            })?;
        let mut turn = Turn {
            pool: &pool,
            session: &session,
            is_answered: false,
        };
        let socket = session.transport.dial(&target.host, target.port).await;
        turn.is_answered = !matches!(&socket, Err(e) if e.kind() == Kind::Timeout);
        socket
    }

    /// Closes them all.
    pub async fn close(&self) {
        let pools = std::mem::take(&mut *self.0.borrow_mut());
        let sessions: Vec<_> = pools
            .into_values()
            .flat_map(|p| p.sessions.take())
            .collect();
        join_all(sessions.iter().map(|s| s.transport.close())).await;
    }
}

/// The same jump host by the same way.
fn key(hop: &Target) -> String {
    let way = match &hop.route {
        Route::Through(hops) => hops.iter().map(key).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    format!("{way} {}@{}:{} {}", hop.user, hop.host, hop.port, hop.id)
}

impl Pool {
    /// A session that dials for nobody else; it is taken.
    async fn free(self: &Rc<Self>, reach: &Reach, hop: Target) -> Result<Rc<Session>> {
        let patience = Instant::now() + QUEUE;
        loop {
            // Before looking, so that nothing that happens in between is missed.
            let changed = std::pin::pin!(self.changed.notified());
            if let Some(free) = self.take() {
                return Ok(free);
            }
            let none = self.sessions.borrow().is_empty();
            let waited = Instant::now() >= patience;
            if none || (waited && !self.is_full.get()) {
                let growing = self.growing.borrow().clone();
                let growing = growing.unwrap_or_else(|| self.grow(reach, hop.clone()));
                if let Either::Left((Err(e), _)) = select(growing, changed).await {
                    if self.sessions.borrow().is_empty() {
                        return Err(e);
                    }
                    self.is_full.set(true);
                }
            } else if waited {
                changed.await;
            } else {
                select(changed, std::pin::pin!(sleep_until(patience))).await;
            }
        }
    }

    /// A living session that dials for nobody, if there is one; it is taken.
    fn take(&self) -> Option<Rc<Session>> {
        let mut sessions = self.sessions.borrow_mut();
        sessions.retain(|s| s.transport.is_alive());
        let free = sessions.iter().find(|s| !s.is_dialling.get())?;
        free.is_dialling.set(true);
        Some(free.clone())
    }

    /// Begins to make another session; all who wait for it share it and its error.
    fn grow(self: &Rc<Self>, reach: &Reach, hop: Target) -> Attempt {
        let (pool, reach) = (Rc::downgrade(self), reach.clone());
        let attempt = async move {
            let connected = reach.connect(hop).await;
            let Some(pool) = pool.upgrade() else {
                return Ok(());
            };
            pool.growing.take();
            let grown = connected.map(|transport| {
                let is_dialling = Cell::new(false);
                let session = Session {
                    transport,
                    is_dialling,
                };
                pool.sessions.borrow_mut().push(Rc::new(session));
            });
            pool.changed.notify_waiters();
            grown
        };
        let attempt = attempt.boxed_local().shared();
        self.growing.replace(Some(attempt.clone()));
        attempt
    }
}

/// The right to dial over a session. Given back when there was an answer; without one the session
/// is left to those that it serves already.
struct Turn<'a> {
    pool: &'a Pool,
    session: &'a Rc<Session>,
    is_answered: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        match self.is_answered {
            true => self.session.is_dialling.set(false),
            false => {
                let mut sessions = self.pool.sessions.borrow_mut();
                sessions.retain(|s| !Rc::ptr_eq(s, self.session));
            }
        }
        self.pool.changed.notify_waiters();
    }
}
