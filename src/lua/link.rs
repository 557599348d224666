//! [`Link`]: what stands behind every handle that commands can be run on, and what check mode
//! has to remember about it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::context::Context;
use super::request::AsUser;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::inventory::Server;
use crate::ssh::guard::CheckMode;
use crate::ssh::{Sudo, Transport};

/// What the handles of one server share during one piece of work.
pub(super) struct Link {
    pub(super) context: Rc<Context>,
    /// The server's id, or what stands for it in messages.
    pub(super) id: String,
    /// No writing verb may reach the server.
    pub(super) check: bool,
    /// A writing verb was withheld: the server would be different now.
    pub(super) would_change: Cell<bool>,
    /// Code looked at the result of a command that check mode withheld.
    pub(super) unknown: Cell<bool>,
    /// What was done on the server.
    pub(super) tally: Tally,
    reach: Reach,
}

/// What was done on a server, counted. In check mode what would have been done.
#[derive(Default)]
pub(super) struct Tally {
    /// Writing verbs that were called by themselves: they may have changed anything.
    pub(super) verbs: Cell<u32>,
    /// Operations that have ended.
    pub(super) operations: Cell<u32>,
    /// Those that have changed something.
    pub(super) changed: Cell<u32>,
    /// Those of which nobody can know.
    pub(super) unknown: Cell<u32>,
}

/// Counts one more.
pub(super) fn count(cell: &Cell<u32>) {
    cell.set(cell.get().saturating_add(1));
}

/// How to get at the other end.
enum Reach {
    /// A server of the inventory: the run's shared session, opened when it is first needed.
    Room(RefCell<Rc<Server>>),
    /// A session of its own; `None` once closed.
    Own(RefCell<Option<Arc<dyn Transport>>>),
}

impl Link {
    /// To a server of the inventory.
    pub(super) fn server(context: &Rc<Context>, server: Server, check: bool) -> Rc<Self> {
        let id = server.id.clone();
        Self::new(
            context,
            id,
            check,
            Reach::Room(RefCell::new(Rc::new(server))),
        )
    }

    /// Over a session that nobody else uses.
    pub(super) fn own(
        context: &Rc<Context>,
        id: String,
        transport: Arc<dyn Transport>,
    ) -> Rc<Self> {
        let check = context.room.options.check;
        Self::new(
            context,
            id,
            check,
            Reach::Own(RefCell::new(Some(transport))),
        )
    }

    fn new(context: &Rc<Context>, id: String, check: bool, reach: Reach) -> Rc<Self> {
        Rc::new(Link {
            context: context.clone(),
            id,
            check: check || context.room.options.check,
            would_change: Cell::new(false),
            unknown: Cell::new(false),
            tally: Tally::default(),
            reach,
        })
    }

    /// The open session.
    pub(super) async fn transport(&self) -> Result<Arc<dyn Transport>> {
        let transport = match &self.reach {
            Reach::Room(server) => {
                let server = server.borrow().clone();
                self.context.room.transport(&server).await?
            }
            Reach::Own(transport) => transport
                .borrow()
                .clone()
                .ok_or_else(|| Error::new(Kind::Connect, "the connection was closed"))?,
        };
        // The verbs withhold by themselves; this is the wall behind them, for a call that asks
        // for check mode in a run that does not. The room guards the run's own.
        Ok(match self.check && !self.context.room.options.check {
            true => Arc::new(CheckMode(transport)),
            false => transport,
        })
    }

    /// How to do what a call asks to be done as that user; `None` as the login itself.
    pub(super) fn sudo(&self, user: &AsUser) -> Result<Option<Sudo>> {
        let room = &self.context.room;
        let user = match user {
            AsUser::Login => None,
            AsUser::Usual => room.options.sudo.as_deref(),
            AsUser::Other(user) => Some(user.as_str()),
        };
        let row = self.row();
        user.map(|user| room.sudo(user, row.as_deref())).transpose()
    }

    /// The inventory's row, when it has one.
    pub(super) fn row(&self) -> Option<Rc<Server>> {
        match &self.reach {
            Reach::Room(server) => Some(server.borrow().clone()),
            Reach::Own(_) => None,
        }
    }

    /// Puts a newer row in place.
    pub(super) fn set_row(&self, row: Server) {
        if let Reach::Room(server) = &self.reach {
            *server.borrow_mut() = Rc::new(row);
        }
    }

    /// Begins to close a session of its own; does nothing to a shared one, or twice.
    pub(super) fn close(&self) {
        if let Reach::Own(transport) = &self.reach
            && let Some(transport) = transport.borrow_mut().take()
        {
            self.context.close_soon(&*transport);
        }
    }

    /// Runs `work` under Ctrl-C, with this server's name on its errors.
    pub(super) async fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.context
            .wait(work)
            .await
            .map_err(|e| e.server(&self.id))
    }

    /// A writing verb begins. In check mode: remembers and reports what is withheld, and says true.
    pub(super) fn withhold(&self, what: &str) -> bool {
        count(&self.tally.verbs);
        if self.check {
            self.would_change.set(true);
            self.note(Level::Notice, &format!("would {what}"));
        }
        self.check
    }

    /// A message about this server.
    pub(super) fn note(&self, level: Level, message: &str) {
        let room = &self.context.room;
        room.events
            .note(level, Some(&self.id), &room.redactor.clean(message));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}
