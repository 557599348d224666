//! The tunnels that the connections of a run go through: who holds which, and what was heard of those
//! that did not come up. Lives on the main thread; [`Tunnels`] owns the tunnels themselves.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared, join_all};

use super::gate::{Below, Gate};
use super::hops::Hops;
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::inventory::Tunnel;
use crate::ssh::Route;
use crate::tunnel::keeper::mark;
use crate::tunnel::tunnels::{Tasks, changed_since};
use crate::tunnel::{Tunnels, Way};

/// What there is to know of a tunnel before it comes up.
struct Front {
    profile: Tunnel,
    /// Those that it goes through, the first to come up first.
    needs: Vec<Tunnel>,
    /// What all is behind it.
    ends: Vec<(String, u16)>,
    /// Who holds it.
    holders: BTreeSet<String>,
    /// How to get to what is behind, while it is up.
    way: Option<Way>,
    /// Holds that are under way.
    coming: usize,
}

/// Why a tunnel did not come up, and who has heard it.
struct Failure {
    error: Error,
    told: BTreeSet<String>,
}

/// The tunnels of a run.
pub(super) struct Fronts {
    tunnels: Rc<Tunnels>,
    events: Arc<dyn Events>,
    known: RefCell<HashMap<String, Front>>,
    failed: RefCell<HashMap<String, Failure>>,
    /// Fleet calls that run, one inside another.
    calls: Cell<usize>,
    /// What stands on tunnels.
    hops: Rc<Hops>,
    /// What was begun by code that could not wait, with the tunnels that it is about.
    closing: RefCell<Vec<(Vec<String>, Closing)>>,
}

type Closing = Shared<LocalBoxFuture<'static, ()>>;

impl Fronts {
    pub fn new(tunnels: Rc<Tunnels>, hops: Rc<Hops>, events: Arc<dyn Events>) -> Rc<Self> {
        Rc::new(Fronts {
            tunnels,
            hops,
            closing: RefCell::default(),
            events,
            known: RefCell::default(),
            failed: RefCell::default(),
            calls: Cell::new(0),
        })
    }

    /// The tunnels themselves.
    pub fn tunnels(&self) -> &Rc<Tunnels> {
        &self.tunnels
    }

    /// Whether somebody has it up or coming: then it is what it was then. Whoever comes later learns of it
    /// anew.
    pub fn knows(&self, name: &str) -> bool {
        let known = self.known.borrow();
        let front = known.get(name);
        front.is_some_and(|f| f.coming > 0 || !f.holders.is_empty())
    }

    /// The same of a profile; one that somebody has in another form is refused.
    ///
    /// # Errors
    /// [`Kind::Tunnel`], naming who has it.
    pub fn knows_it(&self, profile: &Tunnel) -> Result<bool> {
        if !self.knows(&profile.name) {
            return Ok(false);
        }
        let known = self.known.borrow();
        match known.get(&profile.name) {
            Some(front) if mark(&front.profile) != mark(profile) => {
                let users: Vec<&str> = front.holders.iter().map(String::as_str).collect();
                Err(changed_since(&profile.name, &users.join(", ")))
            }
            _ => Ok(true),
        }
    }

    /// Learns of a tunnel.
    pub fn know(&self, profile: Tunnel, needs: Vec<Tunnel>, ends: Vec<(String, u16)>) {
        let front = Front {
            needs,
            ends,
            holders: BTreeSet::new(),
            way: None,
            coming: 0,
            profile,
        };
        let name = front.profile.name.clone();
        self.known.borrow_mut().insert(name, front);
    }

    /// Has the tunnel up for `holder`, who wants to get to `end`. During a fleet call everybody behind a
    /// tunnel that did not come up hears of the same failure; whoever asks once more has it tried again.
    ///
    /// # Errors
    /// What [`Tunnels::hold`] says.
    pub async fn hold(&self, name: &str, holder: &str, end: Option<(&str, u16)>) -> Result<Way> {
        self.closed(Some(name)).await;
        if let Some(failure) = self.failed.borrow_mut().get_mut(name)
            && failure.told.insert(holder.to_owned())
        {
            return Err(failure.error.clone());
        }
        let (profile, needs, mut ends) = {
            let mut known = self.known.borrow_mut();
            let front = known.get_mut(name).ok_or_else(|| unknown(name))?;
            front.coming += 1;
            let what = (front.profile.clone(), front.needs.clone());
            (what.0, what.1, front.ends.clone())
        };
        let _coming = Coming { fronts: self, name };
        if let Some((host, port)) = end
            && !ends.iter().any(|(h, p)| h == host && *p == port)
        {
            ends.push((host.to_owned(), port));
        }
        let is_first = !self.is_up(name);
        if is_first {
            self.events.tunnel(name, Some("coming up"));
        }
        let held = self.tunnels.hold(&profile, &needs, &ends, holder).await;
        if is_first {
            self.events.tunnel(name, None);
        }
        match held {
            Ok(way) => {
                self.failed.borrow_mut().remove(name);
                if let Some(front) = self.known.borrow_mut().get_mut(name) {
                    front.holders.insert(holder.to_owned());
                    front.way = Some(way.clone());
                }
                Ok(way)
            }
            Err(error) => {
                if self.calls.get() > 0 && error.kind() == Kind::Tunnel {
                    let mut failed = self.failed.borrow_mut();
                    let failure = failed.entry(name.to_owned()).or_insert_with(|| Failure {
                        error: error.clone(),
                        told: BTreeSet::new(),
                    });
                    failure.error = error.clone();
                    failure.told.insert(holder.to_owned());
                }
                Err(error)
            }
        }
    }

    fn is_up(&self, name: &str) -> bool {
        let known = self.known.borrow();
        known.get(name).is_some_and(|f| f.way.is_some())
    }

    /// How to connect to `host`, which is behind a tunnel that somebody holds.
    ///
    /// # Errors
    /// [`Kind::Tunnel`] when nobody does any more.
    pub fn below(&self, name: &str, host: &str) -> Result<Below> {
        let way = self.known.borrow().get(name).and_then(|f| f.way.clone());
        Ok(match way.ok_or_else(|| unknown(name))? {
            // A name that only the tunnel's own DNS knows has its address from there.
            Way::Route => Below::Route(match self.tunnels.address(name, host) {
                Some(address) => Route::At(address),
                None => Route::Direct,
            }),
            Way::Dial(dial) => Below::Dial {
                hop: super::tunnels::id(name),
                dial,
            },
        })
    }

    /// `holder` needs no tunnel any more, and no `gate` of its own. What stands on a tunnel that nobody else
    /// needs is closed before.
    pub async fn let_go(self: Rc<Self>, holder: &str, gate: Option<Arc<Gate>>) {
        if let Some(gate) = gate {
            gate.close().await;
        }
        for (name, is_last) in self.held(holder) {
            if is_last {
                self.hops.close_behind(&name).await;
            }
            self.release(&name, holder).await;
        }
    }

    /// Begins [`Fronts::let_go`], from where nobody can wait.
    pub fn let_go_soon(self: &Rc<Self>, holder: &str, gate: Option<Arc<Gate>>) {
        let names = self.held(holder).into_iter().map(|(name, _)| name);
        let names: Vec<String> = names.collect();
        let (fronts, holder) = (self.clone(), holder.to_owned());
        let work = async move { fronts.let_go(&holder, gate).await };
        let mut work = work.boxed_local().shared();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // The first poll hands the work to the threads that do it.
        if work.poll_unpin(&mut context).is_pending() {
            self.closing.borrow_mut().push((names, work));
        }
    }

    /// Waits for what [`Fronts::let_go_soon`] began; with a name for that tunnel only.
    async fn closed(&self, name: Option<&str>) {
        let is_meant = |names: &[String]| name.is_none_or(|name| names.iter().any(|n| n == name));
        let work: Vec<Closing> = {
            let closing = self.closing.borrow();
            let meant = closing.iter().filter(|(names, _)| is_meant(names));
            meant.map(|(_, work)| work.clone()).collect()
        };
        join_all(work).await;
        let mut closing = self.closing.borrow_mut();
        closing.retain(|(_, work)| work.peek().is_none());
    }

    /// The tunnels that `holder` holds, each with whether nobody else does.
    fn held(&self, holder: &str) -> Vec<(String, bool)> {
        let known = self.known.borrow();
        let held = known.values().filter(|f| f.holders.contains(holder));
        held.map(|f| {
            (
                f.profile.name.clone(),
                f.holders.len() == 1 && f.coming == 0,
            )
        })
        .collect()
    }

    /// Whoever comes after the last learns of the tunnel anew.
    async fn release(&self, name: &str, holder: &str) {
        {
            let mut known = self.known.borrow_mut();
            if let Some(front) = known.get_mut(name) {
                front.holders.remove(holder);
                if front.holders.is_empty() && front.coming == 0 {
                    known.remove(name);
                }
            }
        }
        self.tunnels.release(name, holder).await;
    }

    /// A fleet call begins; what it hears of tunnels holds until it ends.
    pub fn call(self: &Rc<Self>) -> Call {
        self.calls.set(self.calls.get() + 1);
        Call(self.clone(), self.tunnels.task_waits())
    }

    /// Lets all tunnels go.
    pub async fn close(&self) {
        self.closed(None).await;
        self.known.borrow_mut().clear();
        self.tunnels.close().await;
    }
}

/// A fleet call that runs.
pub(super) struct Call(Rc<Fronts>, #[expect(dead_code, reason = "it counts")] Tasks);

impl Drop for Call {
    fn drop(&mut self) {
        let left = self.0.calls.get().saturating_sub(1);
        self.0.calls.set(left);
        if left == 0 {
            self.0.failed.borrow_mut().clear();
        }
    }
}

/// A hold that is under way; also given up.
struct Coming<'a> {
    fronts: &'a Fronts,
    name: &'a str,
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if let Some(front) = self.fronts.known.borrow_mut().get_mut(self.name) {
            front.coming = front.coming.saturating_sub(1);
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::new(Kind::Tunnel, format!("the tunnel `{name}` is not up")).reason("dropped")
}
