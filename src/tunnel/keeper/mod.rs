//! The life of one tunnel that programs of this machine make: brought up by the first that needs it,
//! shared by processes, looked after, taken down by the last.
//!
//! [`folder`] and [`record`] are what is on disk, and [`status`] tells of it; [`draft`] is what is to be,
//! [`bring`] makes it come up, [`prove`] sees to it that packets go through and [`alive`] that something
//! answers; [`others`] looks at the tunnels beside it; [`watch`] is the thread that has it while this process
//! holds it. All of it blocks; callers are threads of their own.

mod alive;
pub mod alone;
mod bring;
mod draft;
mod ends;
pub mod folder;
mod mark;
mod others;
mod prove;
pub mod record;
pub mod status;
mod talk;
pub mod watch;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use folder::{Folder, Hold, Lock};
use record::Record;

use super::backend::Backend;
use super::fault;
use super::held;
use super::plan::{Facts, State};
use super::runner::Runner;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Level};
use crate::inventory::Tunnel;

pub use super::backend::choose::Choice;
pub use ends::Names;
pub use mark::mark;
pub use talk::Talk;

/// How long a process that is done waits for another that works on the same tunnel.
const GOODBYE: Duration = Duration::from_secs(20);

/// Where backends come from. A table in tests.
pub trait Backends: Send + Sync {
    /// The one for a profile on this machine.
    ///
    /// # Errors
    /// [`Kind::Tunnel`], reason `missing`, when something is not installed.
    fn choose(&self, profile: &Tunnel) -> Result<Choice>;

    /// The one of that name.
    fn named(&self, name: &str) -> Option<Arc<dyn Backend>>;
}

/// What all keepers of a run share.
pub struct Tools {
    /// The folder of all tunnels' folders.
    pub folder: PathBuf,
    /// Runs steps.
    pub runner: Arc<dyn Runner>,
    /// Gives backends.
    pub backends: Arc<dyn Backends>,
    /// Hears what goes on.
    pub events: Arc<dyn Events>,
    /// Set by Ctrl-C.
    pub cancel: Cancel,
    /// This program, for the helper in namespaces.
    pub program: PathBuf,
    /// Tunnels in conflict wait for each other.
    pub serial: bool,
    /// How often a tunnel is looked at.
    pub look: Duration,
    /// The clock on the wall, which goes on while this machine sleeps.
    pub wall: fn() -> SystemTime,
}

/// A tunnel that is up.
pub struct Line {
    /// What is written down of it.
    pub record: Record,
    /// What was read of it last.
    pub facts: Facts,
    /// Names behind it, and their addresses.
    pub names: Names,
    backend: Arc<dyn Backend>,
}

/// Brings one tunnel up and down.
pub struct Keeper {
    tools: Arc<Tools>,
    profile: Tunnel,
    folder: Folder,
    talk: Arc<Talk>,
}

impl Keeper {
    /// For a profile; nothing happens yet.
    pub fn new(tools: Arc<Tools>, profile: Tunnel, talk: Arc<Talk>) -> Self {
        let folder = Folder::of(&tools.folder, &profile.name);
        Keeper {
            tools,
            profile,
            folder,
            talk,
        }
    }

    /// Has it up and held by this process. `what` tells others for what; `keep` leaves it up after that.
    ///
    /// # Errors
    /// [`Kind::Tunnel`] with a reason, [`Kind::Usage`] for a profile that lacks something,
    /// [`Kind::Cancelled`]. What was made is taken down again.
    pub fn acquire(&self, ends: &[(String, u16)], what: &str, keep: bool) -> Result<(Line, Hold)> {
        self.sweep();
        let lock = self.lock()?;
        let hold = self.folder.hold(what, &lock)?;
        let mut keep = keep;
        if let Some(record) = self.folder.record() {
            keep |= record.keep;
            let is_old = record
                .mark
                .as_ref()
                .is_some_and(|m| *m != mark(&self.profile));
            if is_old || record.is_held() {
                self.replace(&lock)?;
            } else if let Some(line) = self.adopt(&record)? {
                match self.extend(line, ends) {
                    Ok(line) if self.is_stale(&line, ends, &lock) => {}
                    Ok(mut line) => {
                        line.record.keep = keep;
                        self.folder.write(&line.record, &lock)?;
                        return Ok((line, hold));
                    }
                    // Its policies have no place for one more server: it is made anew when nobody else has it.
                    Err(e) if e.reason_word() == Some("routes") && !self.is_shared(&lock) => {}
                    Err(e) => return Err(e),
                }
            }
            self.take_away(&record, &lock);
        }
        Ok((self.begin(ends, keep, &lock)?, hold))
    }

    /// This process needs it no more: the last one takes it down.
    pub fn release(&self, hold: Hold) {
        // Waits for others, but not for ever: what they leave undone the next one cleans.
        let until = Instant::now() + GOODBYE;
        let lock = self.folder.lock(&|| Instant::now() > until);
        drop(hold);
        let Ok(lock) = lock else { return };
        if !self.folder.holders(Some(&lock)).is_empty() {
            return;
        }
        // Another process may have brought it up anew: what is written down is what is there.
        if let Some(record) = self.folder.record().filter(|r| !r.keep) {
            self.take_away(&record, &lock);
        }
    }

    /// Waits for whoever works on it.
    fn lock(&self) -> Result<Lock> {
        if let Some(lock) = self.folder.try_lock()? {
            return Ok(lock);
        }
        let message = format!(
            "the tunnel `{}`: another `mroom` works on it",
            self.profile.name
        );
        self.tools.events.note(Level::Info, None, &message);
        self.folder.lock(&|| self.is_stopped())
    }

    /// A tunnel that is written down, if it is up.
    fn adopt(&self, record: &Record) -> Result<Option<Line>> {
        let Some(backend) = self.tools.backends.named(&record.backend) else {
            return Ok(None);
        };
        self.rights(record)?;
        Ok(match self.state(record, &*backend) {
            State::Up(facts) if record.since > 0 => Some(Line {
                record: record.clone(),
                facts,
                names: Names::default(),
                backend,
            }),
            _ => None,
        })
    }

    /// Asks how it is.
    fn state(&self, record: &Record, backend: &dyn Backend) -> State {
        let at = record.at();
        let step = record.status.step();
        let stop = || self.is_stopped();
        match self
            .tools
            .runner
            .run(&step, record.namespace.as_deref(), &stop)
        {
            Ok(answer) if record.foreign => backend
                .is_elsewhere(&self.profile, &at, &answer)
                .map_or(State::Down, State::Up),
            Ok(answer) => backend.read(&self.profile, &at, &answer),
            Err(_) => State::Down,
        }
    }

    /// Runs all that takes it down, and forgets it. Nothing stops that but each step's own patience.
    fn take_away(&self, record: &Record, lock: &Lock) {
        let told = take_down(&self.tools, record);
        if let Some(problem) = told {
            self.tools.events.note(Level::Warning, None, &problem);
        }
        self.folder.forget(lock);
    }

    /// Root is to be had for what is written down.
    fn rights(&self, record: &Record) -> Result<()> {
        let steps: Vec<_> = record.down.iter().map(record::Kept::step).collect();
        self.ready(steps.iter().chain([&record.status.step()]))
    }

    fn ready<'a>(&self, steps: impl Iterator<Item = &'a super::plan::Step>) -> Result<()> {
        let lines: Vec<String> = steps
            .filter(|s| !s.as_self)
            .map(super::runner::shown)
            .collect();
        match lines.is_empty() {
            true => Ok(()),
            false => self.tools.runner.ready(&self.profile.name, &lines),
        }
    }

    fn is_shared(&self, lock: &Lock) -> bool {
        self.folder.holders(Some(lock)).len() > 1
    }

    fn is_stopped(&self) -> bool {
        self.tools.cancel.is_cancelled() || self.talk.is_ending()
    }

    fn note(&self, level: Level, message: &str) {
        let message = format!("the tunnel `{}` {message}", self.profile.name);
        self.tools.events.note(level, None, &message);
    }

    fn fault(&self, reason: &str, message: impl std::fmt::Display) -> Error {
        fault(&self.profile.name, reason, message)
    }

    fn cancelled(&self) -> Error {
        let message = format!("the tunnel `{}` was given up", self.profile.name);
        Error::new(Kind::Cancelled, message)
    }
}

/// Runs what takes a tunnel down; gives what went wrong, for a person.
fn take_down(tools: &Tools, record: &Record) -> Option<String> {
    if record.is_held() {
        let name = &record.name;
        return match held::end(&record.folder) {
            true => None,
            false => Some(format!(
                "the tunnel `{name}` has a process that does not end"
            )),
        };
    }
    let mut problem = None;
    for kept in &record.down {
        let step = kept.step();
        let namespace = record.namespace.as_deref().filter(|_| kept.is_inside());
        let went = match tools.runner.run(&step, namespace, &|| false) {
            Ok(output) if output.is_success() || step.may_fail => continue,
            Ok(output) => bring::last_words(&output).unwrap_or_else(|| "it failed".to_owned()),
            Err(_) if step.may_fail => continue,
            Err(e) => e.message().to_owned(),
        };
        problem.get_or_insert_with(|| {
            let command = super::runner::shown(&step);
            format!(
                "the tunnel `{}` may not be down whole: `{command}`: {went}",
                record.name
            )
        });
    }
    problem
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// The address of a host that is one.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests;
