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
use crate::fleet::Room;
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
    report.add(Row::ok("server", with.join(", ")))?;
    let work = async {
        let mut way = Way {
            since: Instant::now(),
            last: None,
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
            Err(error) => report.add(Row::error(next(way.last.as_ref()), &error)),
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
    let path = app.room.config.database();
    let state = match Peek::open(&path)? {
        Some(peek) => peek.examine()?.state,
        None => State::Empty,
    };
    match state {
        State::Current => show::find(app, id),
        State::Empty => Err(Error::usage(format!("no server `{id}`"))
            .hint("the inventory is empty: `mroom import FILE` or `mroom add` fills it")),
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
    since: Instant,
    last: Option<Step>,
}

impl Way {
    fn tell(&mut self, (at, heard): (Instant, Heard), report: &mut Report) -> Result<()> {
        let row = match heard {
            Heard::Note(message) => Row::warn("login", message),
            Heard::Step(step) => {
                let row = row(&step).took(at.duration_since(self.since));
                self.last = Some(step);
                row
            }
        };
        self.since = at;
        report.add(row)
    }
}

fn row(step: &Step) -> Row {
    match step {
        Step::Resolved(addresses) => {
            let shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            Row::ok("resolve", shown.join(", "))
        }
        Step::Connected(address) => Row::ok("tcp", format!("connected to {address}")),
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

/// The step that failed, when `last` was the last that did not.
fn next(last: Option<&Step>) -> &'static str {
    match last {
        None => "resolve",
        Some(Step::Resolved(_)) => "tcp",
        Some(Step::Connected(_)) => "ssh",
        Some(Step::Agreed { .. }) => "host key",
        Some(_) => "login",
    }
}

/// What was heard of the connection.
enum Heard {
    Step(Step),
    /// Something that does not work, and that the attempt went on without.
    Note(String),
}

/// Passes on what happens, and when.
struct Listener(mpsc::UnboundedSender<(Instant, Heard)>);

impl Listener {
    fn hear(&self, heard: Heard) {
        // Nobody listens any more once the connection is there.
        let _ = self.0.send((Instant::now(), heard));
    }
}

impl Events for Listener {
    fn note(&self, _: Level, _: Option<&str>, message: &str) {
        self.hear(Heard::Note(message.to_owned()));
    }

    fn step(&self, _: &str, step: Step) {
        self.hear(Heard::Step(step));
    }
}

/// Passes on what only a person knows, and says yes to nothing.
struct Careful(Arc<Ask>);

impl Interact for Careful {
    fn secret(&self, prompt: &str) -> Option<Secret> {
        self.0.secret(prompt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_after_the_last_one_has_failed() {
        let address = "127.0.0.1:22".parse().unwrap();
        for (last, name) in [
            (None, "resolve"),
            (Some(Step::Resolved(vec![address])), "tcp"),
            (Some(Step::Connected(address)), "ssh"),
            (Some(Step::Offered("none".into())), "login"),
        ] {
            assert_eq!(next(last.as_ref()), name);
        }
    }
}
