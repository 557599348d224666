//! The way to a server, step by step.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

use super::probe::{Probe, Root, script};
use super::report::{Report, Row};
use crate::cli::{App, show};
use crate::db::{Peek, State};
use crate::error::{Error, Result};
use crate::events::{Events, Interact, Level, Step};
use crate::fleet::Room;
use crate::inventory::Server;
use crate::quote;
use crate::secret::Secret;
use crate::ssh::{Exec, Options, Ssh, Transport};
use crate::ui::Ask;

/// Clocks that are further apart trouble certificates and one-time passwords.
const CLOCKS: i64 = 30;

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
    with.extend(
        target
            .key
            .as_ref()
            .map(|key| format!("its key `{}`", key.display())),
    );
    with.extend(
        target
            .password
            .as_ref()
            .map(|_| "a stored password".to_owned()),
    );
    report.add(Row::ok("server", with.join(", ")))?;
    app.block_on(async {
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
            Err(error) => report.add(Row::error(next(way.last.as_ref()), &error))?,
            Ok(transport) => inside(app, &*transport, report).await?,
        }
        room.close().await;
        room.flush_log();
        Ok(())
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

/// What works once the connection is there.
async fn inside(app: &App, transport: &dyn Transport, report: &mut Report) -> Result<()> {
    let run = async |command: &str| {
        let begun = Instant::now();
        let request = Exec {
            timeout: Some(app.ssh.timeout),
            ..Exec::reader(command)
        };
        transport
            .exec(request)
            .await
            .map(|output| (output, begun.elapsed()))
    };
    match run("true").await {
        Err(error) => return report.add(Row::error("command", &error)),
        Ok((output, _)) if !output.is_success() => {
            let ended = Error::exit("true", output);
            let hint = "is its login shell one that runs commands? (not nologin, not a menu)";
            return report.add(Row::error("command", &ended.hint(hint)));
        }
        Ok((output, took)) if !output.stdout.is_empty() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let shown = format!("the login prints by itself: {}", text.trim_end());
            let hint = "its shell's start-up files should print only on a terminal";
            report.add(Row::warn("command", shown).hint(hint).took(took))?;
        }
        Ok((_, took)) => report.add(Row::ok("command", "runs commands").took(took))?,
    }
    let workspace = app.room.config.remote_workspace();
    let command = quote::words(&["sh", "-c", script(), "sh", workspace])?;
    let before = now();
    let (output, took) = match run(&command).await {
        Ok(done) => done,
        Err(error) => return report.add(Row::error("command", &error)),
    };
    let there = before + i64::try_from(took.as_secs()).unwrap_or_default() / 2;
    let Some(probe) = Probe::parse(&output.stdout) else {
        let hint = "the server must have a POSIX shell as `sh`";
        return report.add(Row::fail("command", "gives no answer that makes sense").hint(hint));
    };
    for row in about(&probe, there, workspace) {
        report.add(row)?;
    }
    Ok(())
}

fn about(probe: &Probe, now: i64, workspace: &str) -> Vec<Row> {
    let mut rows = vec![Row::ok(
        "system",
        format!("{}, as `{}`", probe.system, probe.user),
    )];
    rows.push(match probe.root {
        Root::Is => Row::ok("sudo", "not needed: the login is root"),
        Root::Free => Row::ok("sudo", "works without a password"),
        Root::Asks => Row::ok("sudo", "asks for a password, or does not allow it"),
        Root::Missing => Row::warn("sudo", "neither sudo nor doas is there")
            .hint("what needs root must log in as root"),
    });
    rows.push(match probe.workspace {
        true => Row::ok("workspace", format!("`{workspace}` can be written")),
        false => Row::fail("workspace", format!("`{workspace}` cannot be written"))
            .hint("change the setting `remote_workspace`, or the folder's owner"),
    });
    let apart = probe.time - now;
    rows.push(match apart.abs() > CLOCKS {
        false => Row::ok("clock", "agrees with ours"),
        true => {
            let word = if apart > 0 { "ahead of" } else { "behind" };
            let shown = format!("{} s {word} ours", apart.abs());
            Row::warn("clock", shown).hint("is NTP running, there and here?")
        }
    });
    rows
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or(Duration::ZERO).as_secs()).unwrap_or_default()
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
