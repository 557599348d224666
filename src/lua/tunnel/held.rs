//! What the handles of tunnels and forwards keep open, and how they let it go.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};
use crate::fleet::Opened;
use crate::inventory::Tunnel;
use crate::lua::context::Context;
use crate::tunnel::listen::{Listener, Purpose, address};

/// What a handle keeps open.
pub(super) struct Held {
    context: Rc<Context>,
    pub(super) name: String,
    pub(super) since: Instant,
    /// `None` once closed. The listeners go first.
    open: RefCell<Option<(Vec<Listener>, Opened)>>,
}

impl Held {
    pub(super) fn new(context: &Rc<Context>, opened: Opened) -> Self {
        Held {
            context: context.clone(),
            name: opened.name.clone(),
            since: Instant::now(),
            open: RefCell::new(Some((Vec::new(), opened))),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.borrow().is_some()
    }

    /// How the tunnel is: what everybody sees of it, and what only this process knows.
    pub(super) async fn status(&self, profile: &Tunnel) -> Map<String, Value> {
        let asked = {
            let open = self.open.borrow();
            let open = open.as_ref().map(|(_, opened)| opened);
            open.map(|opened| (opened.facts(), opened.status(profile)))
        };
        let (facts, status) = match asked {
            Some((facts, status)) => (Some(facts), status.await),
            None => (None, None),
        };
        let mut told = match status.map(|status| status.object()) {
            Some(Value::Object(told)) => told,
            _ => Map::new(),
        };
        told.remove("tunnel");
        let mut add = |key: &str, value: Value| {
            told.insert(key.to_owned(), value);
        };
        add("name", self.name.as_str().into());
        add("type", profile.kind.as_str().into());
        add("duration", self.since.elapsed().as_secs_f64().into());
        if facts.is_none() {
            add("state", "closed".into());
        }
        let facts = facts.unwrap_or_default();
        let known = [("received", facts.received), ("sent", facts.sent)];
        for (key, count) in known {
            if let Some(count) = count {
                add(key, count.into());
            }
        }
        if let Some(address) = facts.address {
            add("address", address.to_string().into());
        }
        // Of one that lives in this process alone nobody else knows.
        told.entry("state").or_insert_with(|| "up".into());
        told.entry("routes")
            .or_insert_with(|| Value::Array(Vec::new()));
        told
    }

    /// Listens for clients; gives the address.
    pub(super) fn listen(&self, listen: &str, purpose: Purpose, what: &str) -> Result<String> {
        let mut open = self.open.borrow_mut();
        let Some((listeners, opened)) = open.as_mut() else {
            return Err(
                Error::new(Kind::Tunnel, format!("the {what} was closed")).reason("dropped")
            );
        };
        let events = self.context.room.events.clone();
        let listener = Listener::start(address(listen)?, purpose, what, opened.dial()?, events)?;
        let address = listener.address.to_string();
        listeners.push(listener);
        Ok(address)
    }

    pub(super) async fn close(&self) {
        let open = self.open.borrow_mut().take();
        if let Some((listeners, opened)) = open {
            drop(listeners);
            opened.close().await;
        }
    }

    /// The same from where nobody can wait: an async `__close` is skipped when an error or Ctrl-C unwinds.
    pub(super) fn close_soon(&self) {
        // A handle that is collected while it is used is not in use.
        if let Ok(mut open) = self.open.try_borrow_mut()
            && let Some((listeners, opened)) = open.take()
        {
            drop(listeners);
            opened.close_soon();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.close_soon();
    }
}
