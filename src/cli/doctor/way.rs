//! The way to a server, step by step.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::inside;
use super::report::{Report, Row};
use crate::cli::{App, show};
use crate::db::{Peek, State};
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Interact, Level, Step};
use crate::fleet::{Room, stations};
use crate::inventory::Server;
use crate::secret::Secret;
use crate::ssh::{Options, Ssh};
use crate::ui::Ask;

/// Tries it.
///
/// # Errors
/// No such server; standard output cannot be written. What goes wrong on the way is a row.
pub(super) fn try_out(app: &App, id: &str, report: &mut Report) -> Result<()> {
    let server = find(app, id)?;
    let (tell, mut heard) = mpsc::unbounded_channel();
    if let Some(name) = server.tunnel().filter(|_| !app.room.options.no_tunnel) {
        super::tunnel::before(app, name, report)?;
    }
    let room = room(app, &Arc::new(Listener(tell)));
    let target = match room.target(&server) {
        Ok(target) => target,
        Err(error) => return report.add(Row::error("server", &error)),
    };
    let mut with = vec![format!("{}@{}:{}", target.user, target.host, target.port)];
    if let Some(key) = &target.key {
        with.push(format!("its key `{}`", key.display()));
    }
    if target.password.is_some() {
        with.push("a stored password".to_owned());
    }
    let way = stations(&target.route);
    if !way.is_empty() {
        with.push(format!("through {}", way.join(", ")));
    }
    report.add(Row::ok("server", with.join(", ")))?;
    let work = async {
        let mut way = Way {
            since: Instant::now(),
            id: server.id.clone(),
            last: None,
            relayed: false,
        };
        let mut connecting = pin!(room.connect(target));
        let connected = loop {
            tokio::select! {
                biased;
                Some(heard) = heard.recv() => way.tell(heard, report)?,
                connected = &mut connecting => break connected,
            }
        };
        while let Ok(heard) = heard.try_recv() {
            way.tell(heard, report)?;
        }
        match connected {
            Err(error) => report.add(Row::error(way.next(), &error)),
            Ok(transport) => inside::look(app, &*transport, report).await,
        }
    };
    app.block_on(async {
        let result = tokio::select! {
            result = work => result,
            () = app.room.cancel.cancelled() => Err(Error::new(Kind::Cancelled, "interrupted")),
        };
        room.close().await;
        room.flush_log();
        result
    })
}

/// The server of that id, without a database being made or upgraded.
fn find(app: &App, id: &str) -> Result<Server> {
    check_database(app, || {
        Error::usage(format!("no server `{id}`"))
            .hint("the inventory is empty: `mroom import FILE` or `mroom add` fills it")
    })?;
    show::find(app, id)
}

/// Sees to it that a look at the database neither makes nor upgrades it; `empty` is said when nothing is in it.
pub(super) fn check_database(app: &App, empty: impl FnOnce() -> Error) -> Result<()> {
    let path = app.room.config.database();
    let state = match Peek::open(&path)? {
        Some(peek) => peek.examine()?.state,
        None => State::Empty,
    };
    match state {
        State::Current => Ok(()),
        State::Empty => Err(empty()),
        State::Older => Err(Error::local("the database is of an older version")
            .hint("`mroom ls` brings it to this version; then try again")),
    }
}

/// The room once more, with connections that are listened to and that remember no host key.
fn room(app: &App, listener: &Arc<Listener>) -> std::rc::Rc<Room> {
    let interact = Arc::new(Careful(app.ask.clone()));
    let options = Options {
        accept_new: false,
        retries: 0,
        events: listener.clone(),
        interact: interact.clone(),
        ..app.ssh.clone()
    };
    let old = &app.room;
    Room::new(
        old.config.clone(),
        old.options.clone(),
        (old.events.clone(), interact),
        (old.redactor.clone(), old.cancel.clone()),
        Arc::new(Ssh::new(options)),
    )
}

/// How far it got.
struct Way {
    id: String,
    since: Instant,
    /// The last step to the server itself.
    last: Option<Step>,
    /// Whether a jump host was heard of.
    relayed: bool,
}

impl Way {
    fn tell(&mut self, heard: Heard, report: &mut Report) -> Result<()> {
        let Heard { at, server, what } = heard;
        let row = match what {
            What::Note(message) => Row::warn("login", message),
            What::Step(step) => {
                let row = row(&step).took(at.duration_since(self.since));
                match server == self.id {
                    true => self.last = Some(step),
                    false => self.relayed = true,
                }
                row
            }
        };
        self.since = at;
        report.add(match server == self.id {
            true => row,
            false => row.of(&server),
        })
    }

    /// The step that failed.
    fn next(&self) -> &'static str {
        match &self.last {
            None if self.relayed => "tcp",
            None => "resolve",
            Some(step) => next(step),
        }
    }
}

fn row(step: &Step) -> Row {
    match step {
        Step::Resolved(addresses) => {
            let shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            Row::ok("resolve", shown.join(", "))
        }
        Step::Connected(address) => Row::ok("tcp", format!("connected to {address}")),
        Step::Through(hop) => Row::ok("tcp", format!("connected by `{hop}`")),
        Step::Agreed { greeting, methods } => {
            Row::ok("ssh", format!("{greeting}; {}", methods.join(", ")))
        }
        Step::HostKey {
            key_type,
            fingerprint,
        } => Row::ok("host key", format!("{key_type} {fingerprint} is known")),
        Step::Offered(list) if list.is_empty() => Row::ok("offers", "nothing is asked for"),
        Step::Offered(list) => Row::ok("offers", list.replace(',', ", ")),
        Step::Tried {
            with,
            accepted: true,
        } => Row::ok("login", format!("{with}: accepted")),
        Step::Tried {
            with,
            accepted: false,
        } => Row::warn("login", format!("{with}: refused")),
    }
}

/// The step that comes after this one.
fn next(last: &Step) -> &'static str {
    match last {
        Step::Resolved(_) => "tcp",
        Step::Connected(_) | Step::Through(_) => "ssh",
        Step::Agreed { .. } => "host key",
        Step::HostKey { .. } | Step::Offered(_) | Step::Tried { .. } => "login",
    }
}

/// What was heard of a connection, and when.
struct Heard {
    at: Instant,
    server: String,
    what: What,
}

enum What {
    Step(Step),
    /// Something that does not work, and that the attempt went on without.
    Note(String),
}

/// Passes on what happens.
struct Listener(mpsc::UnboundedSender<Heard>);

impl Listener {
    fn hear(&self, server: &str, what: What) {
        // Nobody listens any more once the connection is there.
        let _ = self.0.send(Heard {
            at: Instant::now(),
            server: server.to_owned(),
            what,
        });
    }
}

impl Events for Listener {
    fn note(&self, _: Level, server: Option<&str>, message: &str) {
        self.hear(server.unwrap_or_default(), What::Note(message.to_owned()));
    }

    fn step(&self, server: &str, step: Step) {
        self.hear(server, What::Step(step));
    }
}

/// Passes on what only a person knows, and says yes to nothing.
struct Careful(Arc<Ask>);

impl Interact for Careful {
    fn secret(&self, prompt: &str) -> Option<Secret> {
        self.0.secret(prompt)
    }
}
