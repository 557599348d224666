//! [`Room`]: everything that a run needs, in one place, made by `cli` and passed down.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Policy;
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::Result;
use crate::events::{Events, Interact};
use crate::inventory::{Server, Store};
use crate::secret::Redactor;
use crate::ssh::{Connector, Transport};

/// What the command line says about this run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// `--forks`, `--serial`, `--max-fail`.
    pub policy: Policy,
    /// `--check`: no writing verb may reach a server.
    pub check: bool,
    /// `--diff`.
    pub diff: bool,
    /// `--command-timeout`.
    pub command_timeout: Option<std::time::Duration>,
    /// `--retired`.
    pub retired: bool,
    /// `--limit`: a pattern that every selection is intersected with.
    pub limit: Option<String>,
    /// `--no-tunnel`: connect directly to servers that have a tunnel profile.
    pub no_tunnel: bool,
    /// `-e`: the playbook's `vars`.
    pub vars: Map<String, Value>,
}

/// Settings, inventory, connections and listeners of one run. Not `Send`: it lives on the main
/// thread, beside the Lua VM.
pub struct Room {
    /// Effective settings.
    pub config: Config,
    /// This run's options.
    pub options: RunOptions,
    /// Who hears of progress.
    pub events: Arc<dyn Events>,
    /// Who answers questions.
    pub interact: Arc<dyn Interact>,
    /// Knows the secrets seen so far.
    pub redactor: Arc<Redactor>,
    /// Set by Ctrl-C.
    pub cancel: Cancel,
    store: std::cell::OnceCell<Store>,
    connector: Arc<dyn Connector>,
}

impl Room {
    /// The inventory, opened on first use.
    pub fn store(&self) -> Result<&Store> {
        if self.store.get().is_none() {
            let store = Store::open(&self.config.database(), self.redactor.clone())?;
            let _ = self.store.set(store);
        }
        self.store
            .get()
            .ok_or_else(|| crate::error::Error::local("the inventory is not open"))
    }

    /// The servers of `pattern`, `--limit` and `--retired` applied.
    pub fn select(&self, _pattern: &str) -> Result<Vec<Server>> {
        Ok(Vec::new())
    }

    /// An open session with `server`: the one that this run has already, or a new one. Two callers
    /// at once share one connection attempt. In check mode the transport refuses writing verbs.
    pub async fn transport(self: &Rc<Self>, server: &Server) -> Result<Arc<dyn Transport>> {
        let _ = (&self.connector, server);
        Err(crate::error::Error::new(
            crate::error::Kind::Connect,
            "skeleton",
        ))
    }

    /// Closes all sessions, within a bounded time.
    pub async fn close(&self) {}
}
