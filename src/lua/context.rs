//! [`Context`]: what every binding of one VM shares.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

use futures::future::{Either, join_all, select};

use super::limits::Limits;
use super::loader::Loader;
use crate::docker::engine::Found;
use crate::error::{Error, Kind, Result};
use crate::fleet::{Room, Worst};
use crate::ssh::{Reply, Transport};

/// Where `print` writes; `cli` decides what that is.
pub type Out = Rc<dyn Fn(&str) -> io::Result<()>>;

/// What every binding of one VM shares.
pub(super) struct Context {
    /// Inventory, connections, settings.
    pub(super) room: Rc<Room>,
    /// Where `print` writes.
    pub(super) out: Out,
    /// Where Lua files come from.
    pub(super) loader: Loader,
    /// What code may use.
    pub(super) limits: Rc<Limits>,
    /// What runs: a script's file, a workflow's name. Handlers that wait belong to it.
    pub(super) scope: RefCell<String>,
    /// Set by `os.exit`.
    pub(super) exit: Cell<Option<u8>>,
    /// How the parts of servers ended, in all fleet calls that did not ask to be left out of it.
    pub(super) ended: RefCell<Worst>,
    /// How each server's login gets at its docker, by the server's id.
    pub(super) docker: RefCell<HashMap<String, Found>>,
    /// Handles of tunnels and forwards so far: each holds under a name of its own.
    handles: Cell<u64>,
    /// Goodbyes that were begun by a synchronous `__close`; the VM's end waits for them.
    closing: RefCell<Vec<Reply<()>>>,
}

impl Context {
    pub(super) fn new(room: Rc<Room>, out: Out, loader: Loader) -> Rc<Self> {
        let limits = Limits::new(&room.config);
        Rc::new(Context {
            limits,
            room,
            out,
            loader,
            scope: RefCell::new("this session".to_owned()),
            exit: Cell::new(None),
            ended: RefCell::default(),
            docker: RefCell::default(),
            handles: Cell::new(0),
            closing: RefCell::default(),
        })
    }

    /// Waits for `work`, or for Ctrl-C, which drops it and so cancels it on the server.
    pub(super) async fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let interrupted = || Error::new(Kind::Cancelled, "interrupted");
        self.limits.waits();
        // Files are loaded before anything runs: there is nobody yet who could wait.
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::usage("nothing can be waited for while a file loads")
                .hint("work belongs into the functions of the file"));
        }
        // A call that begins after Ctrl-C must not begin: the script is on its way out.
        if self.room.cancel.is_cancelled() {
            return Err(interrupted());
        }
        let (work, cancelled) = (
            std::pin::pin!(work),
            std::pin::pin!(self.room.cancel.cancelled()),
        );
        match select(work, cancelled).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(interrupted()),
        }
    }

    /// A name for whom a handle holds tunnels; no server's id holds a space.
    pub(super) fn holder(&self, what: &str) -> String {
        self.handles.set(self.handles.get() + 1);
        format!("{what} {}", self.handles.get())
    }

    /// Begins to close a connection, from code that cannot wait.
    pub(super) fn close_soon(&self, transport: &dyn Transport) {
        let mut goodbye = transport.close();
        let waker = futures::task::noop_waker();
        let mut task = std::task::Context::from_waker(&waker);
        // The first poll hands the job to the session's own thread.
        if goodbye.as_mut().poll(&mut task).is_pending() {
            self.closing.borrow_mut().push(goodbye);
        }
    }

    /// Waits for what [`Context::close_soon`] began.
    pub(super) async fn closed(&self) {
        let closing = std::mem::take(&mut *self.closing.borrow_mut());
        // A goodbye that fails changes nothing for anybody.
        let _ = join_all(closing).await;
    }
}
