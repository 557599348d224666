//! [`Room`]: everything that a run needs, in one place, made by `cli` and passed down.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::connections::Connections;
use super::fronts::Fronts;
use super::hops::{Hops, Reach};
use super::logged::StageEntry;
use super::{RunOptions, logged};
use crate::cancel::Cancel;
use crate::config::{Config, expand_tilde};
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Interact, Level};
use crate::inventory::{Selection, Server, Store};
use crate::journal::Log;
use crate::secret::{Redactor, Secret};
use crate::ssh::{Connector, Route, Target, Transport};
use crate::tunnel::{Settings, Tunnels};

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
    store: OnceCell<Store>,
    log: OnceCell<Option<Log>>,
    connector: Arc<dyn Connector>,
    connections: Connections,
    hops: Rc<Hops>,
    pub(super) fronts: Rc<Fronts>,
    pub(super) asked: OnceCell<Secret>,
}

impl Room {
    /// A room without an open database or connection; both are opened when first needed.
    pub fn new(
        config: Config,
        options: RunOptions,
        (events, interact): (Arc<dyn Events>, Arc<dyn Interact>),
        (redactor, cancel): (Arc<Redactor>, Cancel),
        connector: Arc<dyn Connector>,
    ) -> Rc<Self> {
        let data = config.data_dir();
        let listeners = (events.clone(), interact.clone());
        let serial = options.serial_tunnels;
        let settings = Settings::real(data, listeners, cancel.clone(), serial);
        let tunnels = Tunnels::new(settings);
        let hops: Rc<Hops> = Rc::default();
        Rc::new(Room {
            fronts: Fronts::new(tunnels, hops.clone(), events.clone()),
            config,
            options,
            events,
            interact,
            redactor,
            cancel,
            store: OnceCell::new(),
            log: OnceCell::new(),
            connector,
            connections: Connections::default(),
            hops,
            asked: OnceCell::new(),
        })
    }

    /// The inventory, opened on first use. A person hears of an upgrade then, and is asked for
    /// the passphrase when a sealed password needs one.
    ///
    /// # Errors
    /// What [`Store::open`] says.
    pub fn store(&self) -> Result<&Store> {
        match self.store.get() {
            Some(store) => Ok(store),
            None => {
                let store = Store::open(&self.config.database(), self.redactor.clone())?;
                if let Some(notice) = store.notice() {
                    self.events.note(Level::Warning, None, &notice);
                }
                let interact = self.interact.clone();
                store.ask_passphrase_with(Box::new(move || passphrase(&*interact)));
                Ok(self.store.get_or_init(|| store))
            }
        }
    }

    /// The servers of `pattern` in inventory order, with `--limit` and `--retired` applied.
    ///
    /// # Errors
    /// [`Kind::Usage`] when nothing is left (empty is never "all"), and for a `--jump` that names
    /// nobody.
    pub fn select(&self, pattern: &str) -> Result<Vec<Server>> {
        let retired = self.options.retired;
        self.select_as(pattern, Selection { retired })
    }

    /// [`Room::select`] where `how` decides about retired servers, not `--retired`.
    ///
    /// # Errors
    /// As [`Room::select`].
    pub fn select_as(&self, pattern: &str, how: Selection) -> Result<Vec<Server>> {
        self.check_jump()?;
        let mut servers = self.store()?.select(pattern, how)?;
        if let Some(limit) = &self.options.limit {
            let allowed = self.store()?.select(limit, Selection { retired: true })?;
            servers.retain(|s| allowed.iter().any(|a| a.id == s.id));
            if servers.is_empty() {
                let message = format!("no server matches both `{pattern}` and the limit `{limit}`");
                return Err(Error::usage(message).hint(format!(
                    "`mroom ls {}` lists those of the limit",
                    crate::quote::typed(limit)
                )));
            }
        }
        Ok(servers)
    }

    /// Where and how to connect to `server`; its password is unsealed.
    ///
    /// # Errors
    /// [`Kind::Tunnel`] when it stands behind a tunnel that is not there, [`Kind::Locked`] when its password is the
    /// only way in and secrets are locked.
    pub fn target(&self, server: &Server) -> Result<Target> {
        Ok(Target {
            route: self.route(server)?,
            ..self.direct_target(server)?
        })
    }

    /// The same without what stands before it.
    pub(super) fn direct_target(&self, server: &Server) -> Result<Target> {
        let password = match self.store()?.password(server) {
            // A key gets in without the password: locked secrets are no obstacle then.
            Err(e) if e.kind() == Kind::Locked && has_key(server) => None,
            other => other.map_err(|e| e.server(&server.id))?,
        };
        Ok(Target {
            id: server.id.clone(),
            host: server.host.clone(),
            port: server.port,
            user: server.user.clone(),
            password,
            key: server.key().map(expand_tilde),
            key_only: false,
            without: None,
            network: None,
            route: Route::Direct,
        })
    }

    /// A session of its own, not shared and not kept: for ad-hoc targets and to prove a login.
    ///
    /// # Errors
    /// What the connector says; in check mode the transport refuses writing verbs.
    pub async fn connect(&self, target: Target) -> Result<Arc<dyn Transport>> {
        self.reach().connect(target).await
    }

    /// An open session with `server`: the one that this run has already, or a new one. Two
    /// callers at once share one attempt. In check mode the transport refuses writing verbs.
    ///
    /// # Errors
    /// As [`Room::target`] and [`Room::connect`].
    pub async fn transport(&self, server: &Server) -> Result<Arc<dyn Transport>> {
        let open = || Ok(self.reach().connect(self.target(server)?));
        let opened = self.connections.get(&server.id, open).await;
        opened.map_err(|e| look_closer(e, &server.id))
    }

    /// What makes connections; it does not hold on to the room.
    pub(super) fn reach(&self) -> Reach {
        Reach {
            connector: self.connector.clone(),
            log: self.log().cloned(),
            hops: self.hops.clone(),
            fronts: self.fronts.clone(),
            check: self.options.check,
        }
    }

    /// The command log, begun on first use; `None` when nothing is logged.
    fn log(&self) -> Option<&Log> {
        let begin = || {
            let run = self.options.run.clone()?;
            // The log's own connection finds a database that is made and upgraded.
            let there = self.config.is_logging().then(|| self.store())?;
            match there {
                Ok(_) => Some(logged::start(
                    &self.config,
                    run,
                    &self.redactor,
                    &self.events,
                )),
                Err(e) => {
                    let message = format!("the command log is not written: {}", e.message());
                    self.events.note(Level::Warning, None, &message);
                    None
                }
            }
        };
        self.log.get_or_init(begin).as_ref()
    }

    /// A stage begins on a server, for the command log. In check mode none does.
    pub fn stage_begins(&self, id: &str, stage: &str) -> Option<StageEntry> {
        let log = self.log().filter(|_| !self.options.check)?;
        Some(StageEntry::new(log, id, stage))
    }

    /// Waits, within bounds, until the command log is written as far as it is known.
    pub fn flush_log(&self) {
        if let Some(Some(log)) = self.log.get() {
            log.flush();
        }
    }

    /// Closes one server's session: its credentials changed, or this run is done with it. A tunnel that
    /// nobody else needs goes down.
    pub async fn release(&self, id: &str) {
        if let Some(transport) = self.connections.take(id) {
            // A goodbye that fails changes nothing for anybody.
            let _ = transport.close().await;
        }
        self.let_go(id).await;
    }

    /// `holder` needs no tunnel any more.
    pub(super) async fn let_go(&self, holder: &str) {
        self.fronts.clone().let_go(holder, None).await;
    }

    /// Closes all sessions, within a bounded time, and lets the tunnels go.
    pub async fn close(&self) {
        self.connections.close().await;
        // After them, because the others stand on them.
        self.hops.close().await;
        self.fronts.close().await;
    }
}

/// Says how to find out more about a connection that does not come about.
fn look_closer(error: Error, id: &str) -> Error {
    if !matches!(error.kind(), Kind::Connect | Kind::Auth) {
        return error;
    }
    let command = crate::quote::words(&["mroom", "doctor", id]).unwrap_or_default();
    let hint = match error.hint_text() {
        Some(hint) if hint.ends_with('?') => format!("{hint} `{command}` looks closer"),
        Some(hint) => format!("{hint}; `{command}` looks closer"),
        None => format!("`{command}` looks closer"),
    };
    error.hint(hint)
}

/// The passphrase of the stored secrets: from `MROOM_PASSPHRASE`, from the first line of the file
/// that `MROOM_PASSPHRASE_FILE` names, or from a person.
///
/// # Errors
/// [`Kind::Usage`] when that file cannot be read.
pub fn passphrase(interact: &dyn Interact) -> Result<Option<Secret>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    if let Some(text) = variable("MROOM_PASSPHRASE") {
        return Ok(Some(Secret::new(text)));
    }
    let Some(path) = variable("MROOM_PASSPHRASE_FILE") else {
        return Ok(interact.secret("Passphrase of the stored secrets"));
    };
    let text = std::fs::read_to_string(expand_tilde(&path)).map_err(|e| {
        Error::usage(format!("$MROOM_PASSPHRASE_FILE: cannot read `{path}`: {e}")).source(e)
    })?;
    let text = zeroize::Zeroizing::new(text);
    Ok(text.lines().next().map(Secret::new))
}

fn has_key(server: &Server) -> bool {
    server.key().is_some() || server.has_mark("identity_cert_installed")
}
