//! The tunnels of one run: who holds which, each brought up once and for all who need it.
//!
//! Lives on the main thread; the work is done by threads ([`super::keeper`]).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared, join_all};
use tokio::sync::{Notify, oneshot};

use super::keeper::watch::{Order, Up, start};
use super::keeper::{Backends, Choice, Keeper, Names, Tools};
use super::runner::Runner;
use super::{Dial, Way};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::events::{Events, Level};
use crate::inventory::Tunnel;

/// How often a tunnel is looked at, unless a test says otherwise.
pub const LOOK: Duration = Duration::from_secs(10);
/// How long all tunnels together may take to go down.
const GOODBYE: Duration = Duration::from_secs(60);
/// Makes tunnels that live inside of this process.
pub trait Within: Send + Sync {
    /// Opens one; gone when the answer is dropped.
    fn open(&self, profile: &Tunnel) -> crate::ssh::Reply<Arc<dyn Dial>>;
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
}

type Attempt = Shared<LocalBoxFuture<'static, Result<Up>>>;

/// One that is up or comes up.
struct Entry {
    attempt: Attempt,
    holders: RefCell<BTreeSet<String>>,
    /// What is to be reached so far.
    ends: RefCell<BTreeSet<(String, u16)>>,
    /// What later calls have learned of it.
    names: RefCell<Names>,
    /// None for what lives inside of this process.
    orders: Option<Sender<Order>>,
    ending: Arc<AtomicBool>,
    is_closing: Cell<bool>,
    /// The tunnels that it stands on, the outermost first.
    needs: Vec<String>,
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
            }),
            within: settings.within,
            open: RefCell::default(),
            changed: Notify::new(),
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
        let up = match entry.attempt.clone().await {
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
                Some(entry) if !entry.is_closing.get() => return Ok(entry),
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
        let ending = Arc::new(AtomicBool::new(false));
        let (orders, work): (_, LocalBoxFuture<'static, Result<Up>>) =
            match self.tools.backends.choose(profile)? {
                Choice::Plan(_) => {
                    let (up, came) = oneshot::channel();
                    let keeper = Keeper::new(self.tools.clone(), profile.clone(), ending.clone());
                    let orders = start(keeper, ends.to_vec(), (holder.to_owned(), false), up)?;
                    let name = profile.name.clone();
                    let came = async move { came.await.unwrap_or_else(|_| Err(gone(&name))) };
                    (Some(orders), came.boxed_local())
                }
                Choice::Userspace | Choice::Builtin => {
                    let opened = self.within.open(profile);
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
            attempt: attempt.boxed_local().shared(),
            holders: RefCell::default(),
            ends: RefCell::new(ends.iter().cloned().collect()),
            names: RefCell::default(),
            orders,
            ending,
            is_closing: Cell::new(false),
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
        entry.ending.store(true, Ordering::SeqCst);
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

    /// Takes all of them out of this process, within a bounded time: also after Ctrl-C and errors.
    pub async fn close(&self) {
        let end_all = async {
            loop {
                let all: Vec<_> = self
                    .open
                    .borrow()
                    .iter()
                    .map(|(n, e)| (n.clone(), e.clone()))
                    .collect();
                // What others stand on goes last.
                let stands = |name: &String| all.iter().any(|(_, e)| e.needs.contains(name));
                let top: Vec<_> = all
                    .iter()
                    .filter(|(name, _)| !stands(name))
                    .cloned()
                    .collect();
                if top.is_empty() {
                    return;
                }
                join_all(top.into_iter().map(|(name, entry)| async move {
                    match entry.is_closing.get() {
                        true => self.changed.notified().await,
                        false => self.end(&name, entry).await,
                    }
                }))
                .await;
            }
        };
        if tokio::time::timeout(GOODBYE, end_all).await.is_err() {
            let left: Vec<String> = self.open.borrow().keys().cloned().collect();
            let message = format!(
                "not down yet: {}; the next `mroom` takes them down",
                left.join(", ")
            );
            self.tools.events.note(Level::Warning, None, &message);
        }
    }

    /// Lets a tunnel that is held here stay up when this process is done.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for one that lives inside of this process; what the disk says.
    pub async fn keep(&self, name: &str) -> Result<()> {
        let entry = self.open.borrow().get(name).cloned();
        let Some(orders) = entry.and_then(|e| e.orders.clone()) else {
            let message =
                format!("the tunnel `{name}` lives inside of one process, and ends with it");
            return Err(Error::usage(message));
        };
        let (answer, answered) = oneshot::channel();
        let _ = orders.send(Order::Keep(answer));
        answered.await.unwrap_or_else(|_| Err(gone(name)))
    }
}

fn gone(name: &str) -> Error {
    super::fault(name, "dropped", "is gone: its thread has ended")
}

#[cfg(test)]
mod tests;
