//! How connections are made: directly, behind tunnels, through jump hosts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, join_all};

use super::fronts::Fronts;
use super::gate::{Below, Gate};
use super::logged;
use super::route::{network, outermost};
use super::tunnels::is_tunnel;
use crate::error::{Error, Kind, Result};
use crate::journal::Log;
use crate::ssh::guard::CheckMode;
use crate::ssh::{Connector, Route, Target, Transport};
use crate::tunnel::Dial;

/// What makes connections.
#[derive(Clone)]
pub(super) struct Reach {
    pub connector: Arc<dyn Connector>,
    pub log: Option<Log>,
    pub hops: Rc<Hops>,
    pub fronts: Rc<Fronts>,
    /// No writing verb may pass.
    pub check: bool,
}

impl Reach {
    /// A new session, by the way that the target's route names. The tunnel at its beginning is held for
    /// the target's id.
    ///
    /// # Errors
    /// What the connector says of the target or of a jump host; the message names which.
    pub fn connect(self, target: Target) -> LocalBoxFuture<'static, Result<Arc<dyn Transport>>> {
        async move {
            let id = target.id.clone();
            let work = async {
                let mut target = target.clone();
                target.network = network(&target.route);
                target.route = match self.below(&target, &target.id).await? {
                    Below::Route(route) => route,
                    Below::Dial { hop, dial } => over(&*dial, &hop, &target).await?,
                };
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

    /// A gate of one's own to `target`; its sessions are the caller's to close. What it stands on is held
    /// for `holder`.
    ///
    /// # Errors
    /// What is wrong on the way there.
    pub async fn gate(&self, target: Target, holder: &str) -> Result<Arc<Gate>> {
        let below = self.below(&target, holder).await?;
        let (connector, log) = (self.connector.clone(), self.log.clone());
        let gate = Gate::new(target, below, connector, log);
        Ok(Arc::new(gate.shown_in(self.all())))
    }

    /// The folder of all tunnels' folders.
    fn all(&self) -> &Path {
        &self.fronts.tunnels().tools().folder
    }

    /// What stands before `target`, ready to be used.
    async fn below(&self, target: &Target, holder: &str) -> Result<Below> {
        if let Some(name) = outermost(&target.route) {
            let first = match &target.route {
                Route::Through(hops) => hops.first().unwrap_or(target),
                _ => target,
            };
            let end = Some((first.host.as_str(), first.port));
            let held = self.fronts.hold(name, holder, end).await;
            held.map_err(super::tunnels::unusable)?;
        }
        self.standing(target).await
    }

    /// The same, where the tunnel is held already.
    fn standing<'a>(&'a self, target: &'a Target) -> LocalBoxFuture<'a, Result<Below>> {
        async move {
            match &target.route {
                Route::Behind(name) => self.fronts.below(name, &target.host),
                Route::Through(hops) => self.through(hops.clone()).await,
                other => Ok(Below::Route(other.clone())),
            }
        }
        .boxed_local()
    }

    /// The last of `hops`, which all who are behind it share.
    async fn through(&self, mut hops: Vec<Target>) -> Result<Below> {
        let Some(mut last) = hops.pop() else {
            return Ok(Below::Route(Route::Direct));
        };
        if !hops.is_empty() {
            last.route = Route::Through(hops);
        }
        let (hop, key) = (last.id.clone(), key(&last));
        let known = self.hops.0.borrow().get(&key).cloned();
        let gate = match known {
            Some(gate) => gate,
            None => {
                let below = self.standing(&last).await?;
                let (connector, log) = (self.connector.clone(), self.log.clone());
                let new = Gate::new(last, below, connector, log);
                let new = Arc::new(new.shown_in(self.all()));
                // Somebody else may have been faster.
                let mut gates = self.hops.0.borrow_mut();
                gates.entry(key).or_insert(new).clone()
            }
        };
        let dial: Arc<dyn Dial> = Arc::new(gate);
        Ok(Below::Dial { hop, dial })
    }
}

/// The gates that servers share.
#[derive(Default)]
pub(super) struct Hops(RefCell<HashMap<String, Arc<Gate>>>);

impl Hops {
    /// Closes them all.
    pub async fn close(&self) {
        let gates = std::mem::take(&mut *self.0.borrow_mut());
        join_all(gates.values().map(|gate| gate.close())).await;
    }

    /// Closes those that stand behind a tunnel.
    pub async fn close_behind(&self, tunnel: &str) {
        let behind: Vec<_> = {
            let mut gates = self.0.borrow_mut();
            let behind = gates.extract_if(|_, gate| gate.tunnel() == Some(tunnel));
            behind.map(|(_, gate)| gate).collect()
        };
        join_all(behind.iter().map(|gate| gate.close())).await;
    }
}

/// The same jump host by the same way.
fn key(hop: &Target) -> String {
    let way = match &hop.route {
        Route::Through(hops) => hops.iter().map(key).collect::<Vec<_>>().join(" "),
        Route::Behind(name) => super::tunnels::id(name),
        _ => String::new(),
    };
    format!("{way} {}@{}:{} {}", hop.user, hop.host, hop.port, hop.id)
}

/// A socket to `target` by `dial`, which is called `hop`.
///
/// # Errors
/// The hop's error as the target's.
pub(super) async fn over(dial: &dyn Dial, hop: &str, target: &Target) -> Result<Route> {
    let dialled = dial.dial(&target.host, target.port).await;
    Ok(Route::Over {
        socket: Arc::new(dialled.map_err(|e| of_target(e, hop, target))?),
        hop: hop.to_owned(),
    })
}

/// A hop's error as the target's: that one is what is not reached.
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
