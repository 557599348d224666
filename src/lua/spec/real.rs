//! Real servers for specs: a sandbox of the spec's own, which ends with it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::Notes;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::Nobody;
use crate::fleet::Room;
use crate::sandbox::{self, Sandbox};
use crate::ssh::{Connector, Options, Ssh};

/// Makes connections that know nothing of the person's own keys and hosts.
pub(super) fn connector(config: &Config, notes: Arc<Notes>) -> Arc<dyn Connector> {
    Arc::new(Ssh::new(Options {
        timeout: config.timeout(),
        retries: 1,
        accept_new: false,
        known_hosts: config.data_dir().join("known_hosts"),
        known_hosts_also: vec![sandbox::known_hosts(config.data_dir())],
        identities: Vec::new(),
        agent: None,
        keepalive: config.keepalive(),
        events: notes,
        interact: Arc::new(Nobody),
    }))
}

/// The servers of one spec file; each case begins with none taken.
pub(super) struct RealServers {
    room: Rc<Room>,
    sandbox: Sandbox,
    taken: Cell<usize>,
}

impl RealServers {
    /// None is up yet.
    pub(super) fn new(room: Rc<Room>) -> Self {
        RealServers {
            sandbox: Sandbox::new(room.config.data_dir()),
            room,
            taken: Cell::new(0),
        }
    }

    /// Puts a server with an empty home into the inventory.
    pub(super) fn add(&self, id: &str) -> Result<()> {
        let store = self.room.store()?;
        if store.get(id)?.is_some() {
            return Err(Error::usage(format!("there is a server `{id}` already")));
        }
        let at = self.taken.get();
        let members = self.sandbox.up(at + 1, store)?;
        let mut own = None;
        for (i, member) in members.iter().enumerate() {
            if i == at {
                own = store.get(&member.id)?;
                self.sandbox.clear(&member.id)?;
            }
            store.remove(&member.id)?;
        }
        let mut row = own.ok_or_else(|| Error::local("the sandbox did not come up"))?;
        id.clone_into(&mut row.id);
        row.tags.clear();
        store.put(&row, None)?;
        self.taken.set(at + 1);
        Ok(())
    }

    /// The next case begins.
    pub(super) fn forget(&self) {
        self.taken.set(0);
    }
}

impl Drop for RealServers {
    fn drop(&mut self) {
        if let Ok(store) = self.room.store() {
            // The folder goes with the spec; a server that does not end has been told to.
            let _ = self.sandbox.down(store);
        }
    }
}
