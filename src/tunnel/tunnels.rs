//! The tunnels of one run: who holds which, each brought up once and for all who need it.
//!
//! Lives on the main thread; the work is done by threads ([`super::keeper`]).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared};
use tokio::sync::{Notify, oneshot};

use super::keeper::watch::{Order, Up, start};
use super::keeper::{Backends, Choice, Keeper, Names, Talk, Tools, mark};
use super::runner::Runner;
use super::{Dial, Way};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::inventory::Tunnel;

/// How often a tunnel is looked at, unless a test says otherwise.
pub const LOOK: Duration = Duration::from_secs(10);

/// Makes tunnels that need no program.
pub trait Within: Send + Sync {
    /// Opens one for `holder`; gone when the answer is dropped.
    fn open(&self, profile: &Tunnel, holder: &str) -> crate::ssh::Reply<Arc<dyn Dial>>;
}

/// What tunnels are made with.
pub struct Settings {
    /// `tunnels` in the data folder.
    pub folder: PathBuf,
    /// Runs steps.
    pub runner: Arc<dyn Runner>,
    /// Gives backends.
    pub backends: Arc<dyn Backends>,
    /// Makes what needs no program.
    pub within: Arc<dyn Within>,
    /// Hears what goes on.
    pub events: Arc<dyn Events>,
    /// Set by Ctrl-C.
    pub cancel: Cancel,
    /// This program.
    pub program: PathBuf,
    /// Tunnels in conflict wait for each other.
    pub serial: bool,
    /// How often a tunnel is looked at.
    pub look: Duration,
}

/// The tunnels of one run.
pub struct Tunnels {
    tools: Arc<Tools>,
    within: Arc<dyn Within>,
    open: RefCell<HashMap<String, Rc<Entry>>>,
    changed: Notify,
    /// How many of this run's tasks work, and do not just wait for others of them.
    tasks: Cell<isize>,
}

type Attempt = Shared<LocalBoxFuture<'static, Result<Up>>>;

/// One that is up or comes up.
struct Entry {
    attempt: Attempt,
    /// What it was made of.
    mark: String,
    holders: RefCell<BTreeSet<String>>,
    /// What is to be reached so far.
    ends: RefCell<BTreeSet<(String, u16)>>,
    /// What later calls have learned of it.
    names: RefCell<Names>,
    /// None for what needs no program.
    orders: Option<Sender<Order>>,
    talk: Arc<Talk>,
    is_closing: Cell<bool>,
    /// Tasks that wait for the attempt.
    waiting: Cell<isize>,
    /// Why the attempt was given up.
    stuck: RefCell<Option<Error>>,
    /// The tunnels that it stands on, the outermost first.
    needs: Vec<String>,
}

impl Entry {
    fn users(&self) -> String {
        let holders = self.holders.borrow();
        let holders: Vec<&str> = holders.iter().map(String::as_str).collect();
        holders.join(", ")
    }
}

impl Tunnels {
    /// None is up yet.
    pub fn new(settings: Settings) -> Rc<Self> {
        Rc::new(Tunnels {
            tools: Arc::new(Tools {
                folder: settings.folder,
                runner: settings.runner,
                backends: settings.backends,
                events: settings.events,
                cancel: settings.cancel,
                program: settings.program,
                serial: settings.serial,
                look: settings.look,
                wall: SystemTime::now,
            }),
            within: settings.within,
            open: RefCell::default(),
            changed: Notify::new(),
            tasks: Cell::new(1),
        })
    }

    /// What keepers share.
    pub fn tools(&self) -> &Arc<Tools> {
        &self.tools
    }

    /// Has the tunnel up for `holder` (a server's id, a handle's name) until [`Tunnels::release`]. The first
    /// brings it up; who comes meanwhile shares the attempt and its error. `needs` are the tunnels that it
    /// stands on, the outermost first. `ends` are host and port of all that is to be reached through it,
    /// so that routes are made once.
    ///
    /// # Errors
    /// [`crate::error::Kind::Tunnel`] with a reason, [`crate::error::Kind::Usage`] for a profile that lacks something,
    /// [`crate::error::Kind::Cancelled`].
    pub async fn hold(
        self: &Rc<Self>,
        profile: &Tunnel,
        needs: &[Tunnel],
        ends: &[(String, u16)],
        holder: &str,
    ) -> Result<Way> {
        let Some((last, outer)) = needs.split_last() else {
            return self.hold_one(profile, Vec::new(), ends, holder).await;
        };
        let chain: Vec<Tunnel> = needs.iter().chain([profile]).cloned().collect();
        super::stand::check(&chain, &*self.tools.backends)?;
        let place = profile.endpoint(profile.kind.port())?;
        let below = format!("tunnel {}", profile.name);
        let way = self
            .hold(last, outer, &[place], &below)
            .boxed_local()
            .await?;
        let held = match way {
            Way::Route => {
                let names = needs.iter().map(|n| n.name.clone()).collect();
                self.hold_one(profile, names, ends, holder).await
            }
            // Another process made it so, before the profile was changed.
            Way::Dial(_) => {
                let message = format!(
                    "cannot stand on `{}`, which is no route of this machine",
                    last.name
                );
                Err(super::fault(&profile.name, "config", message))
            }
        };
        if held.is_err() && !self.open.borrow().contains_key(&profile.name) {
            self.release(&last.name, &below).boxed_local().await;
        }
        held
    }

    async fn hold_one(
        self: &Rc<Self>,
        profile: &Tunnel,
        needs: Vec<String>,
        ends: &[(String, u16)],
        holder: &str,
    ) -> Result<Way> {
        let entry = self.entry(profile, needs, ends, holder).await?;
        entry.holders.borrow_mut().insert(holder.to_owned());
        let up = match self.came(&profile.name, &entry).await {
            Ok(up) => up,
            Err(e) => {
                entry.holders.borrow_mut().remove(holder);
                return Err(e);
            }
        };
        let more: Vec<_> = {
            let known = entry.ends.borrow();
            ends.iter()
                .filter(|end| !known.contains(*end))
                .cloned()
                .collect()
        };
        if let (false, Some(orders)) = (more.is_empty(), &entry.orders) {
            entry.ends.borrow_mut().extend(more.iter().cloned());
            let (answer, answered) = oneshot::channel();
            let _ = orders.send(Order::Extend(more, answer));
            let up = answered
                .await
                .unwrap_or_else(|_| Err(gone(&profile.name)))?;
            entry.names.borrow_mut().extend(up.names);
            return Ok(up.way);
        }
        Ok(up.way)
    }

    /// The tunnel's entry: the one that is there, or a new one whose attempt has begun.
    async fn entry(
        self: &Rc<Self>,
        profile: &Tunnel,
        needs: Vec<String>,
        ends: &[(String, u16)],
        holder: &str,
    ) -> Result<Rc<Entry>> {
        loop {
            // Before looking, so that nothing that happens in between is missed.
            let changed = self.changed.notified();
            let there = self.open.borrow().get(&profile.name).cloned();
            match there {
                Some(entry) if !entry.is_closing.get() => {
                    return match entry.mark == mark(profile) {
                        true => Ok(entry),
                        false => Err(changed_since(&profile.name, &entry.users())),
                    };
                }
                Some(_) => changed.await,
                None => break,
            }
        }
        let entry = Rc::new(self.begin(profile, needs, ends, holder)?);
        self.open
            .borrow_mut()
            .insert(profile.name.clone(), entry.clone());
        Ok(entry)
    }

    fn begin(
        self: &Rc<Self>,
        profile: &Tunnel,
        needs: Vec<String>,
        ends: &[(String, u16)],
        holder: &str,
    ) -> Result<Entry> {
        let talk = Arc::<Talk>::default();
        let (orders, work): (_, LocalBoxFuture<'static, Result<Up>>) =
            match self.tools.backends.choose(profile)? {
                Choice::Plan(_) => {
                    let (up, came) = oneshot::channel();
                    let keeper = Keeper::new(self.tools.clone(), profile.clone(), talk.clone());
                    let orders = start(keeper, ends.to_vec(), (holder.to_owned(), false), up)?;
                    let name = profile.name.clone();
                    let came = async move { came.await.unwrap_or_else(|_| Err(gone(&name))) };
                    (Some(orders), came.boxed_local())
                }
                Choice::Userspace | Choice::Builtin => {
                    let opened = self.within.open(profile, holder);
                    let came = async move {
                        let way = Way::Dial(opened.await?);
                        let names = Names::default();
                        Ok(Up { way, names })
                    };
                    (None, came.boxed_local())
                }
            };
        let (tunnels, name) = (Rc::downgrade(self), profile.name.clone());
        let attempt = async move {
            let came = work.await;
            if let (Err(_), Some(tunnels)) = (&came, tunnels.upgrade()) {
                tunnels.open.borrow_mut().remove(&name);
                tunnels.changed.notify_waiters();
            }
            came
        };
        Ok(Entry {
            mark: mark(profile),
            attempt: attempt.boxed_local().shared(),
            holders: RefCell::default(),
            ends: RefCell::new(ends.iter().cloned().collect()),
            names: RefCell::default(),
            orders,
            talk,
            is_closing: Cell::new(false),
            waiting: Cell::new(0),
            stuck: RefCell::default(),
            needs,
        })
    }

    /// The address of a host that is only known behind a tunnel that is up.
    pub fn address(&self, name: &str, host: &str) -> Option<IpAddr> {
        let entry = self.open.borrow().get(name).cloned()?;
        let later = entry.names.borrow().get(host).copied();
        later.or_else(|| {
            entry
                .attempt
                .peek()?
                .as_ref()
                .ok()?
                .names
                .get(host)
                .copied()
        })
    }

    /// `holder` needs the tunnel no more. The last one takes it down, unless it was not ours or is to be
    /// kept.
    pub async fn release(&self, name: &str, holder: &str) {
        let Some(entry) = self.open.borrow().get(name).cloned() else {
            return;
        };
        let is_last = {
            let mut holders = entry.holders.borrow_mut();
            holders.remove(holder) && holders.is_empty()
        };
        if is_last {
            self.end(name, entry).await;
        }
    }

    /// Takes it out of this process.
    async fn end(&self, name: &str, entry: Rc<Entry>) {
        if entry.is_closing.replace(true) {
            return;
        }
        entry.talk.end();
        if let Some(orders) = &entry.orders {
            let (answer, answered) = oneshot::channel();
            if orders.send(Order::Release(answer)).is_ok() {
                let _ = answered.await;
            }
        } else if let Some(Ok(up)) = entry.attempt.peek()
            && let Way::Dial(dial) = &up.way
        {
            let _ = dial.close().await;
        }
        self.open.borrow_mut().remove(name);
        self.changed.notify_waiters();
        if let Some(below) = entry.needs.last() {
            self.release(below, &format!("tunnel {name}"))
                .boxed_local()
                .await;
        }
    }
}

/// The error for a profile that is not what a tunnel in use was made of.
pub fn changed_since(name: &str, users: &str) -> Error {
    let message = format!("was changed since it came up, and is in use as it was: {users}");
    super::fault(name, "conflict", message).hint(format!(
        "wait until they are done, or end them: `mroom tunnel down {} --force`",
        crate::quote::typed(name)
    ))
}

fn gone(name: &str) -> Error {
    super::fault(name, "dropped", "is gone: its thread has ended")
}

mod close;
mod serial;
pub use serial::Tasks;
#[cfg(test)]
mod tests;
