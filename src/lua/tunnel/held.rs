//! What the handles of tunnels and forwards keep open, and how they let it go.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::fleet::Opened;
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
