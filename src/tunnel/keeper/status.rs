//! Tunnels that are there, whoever brought them up: how they are, and their end by a person's word.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::folder::{Folder, Holder};
use super::record::{Kept, Record};
use super::{Tools, take_down};
use crate::error::Result;
use crate::inventory::Tunnel;
use crate::tunnel::held;
use crate::tunnel::plan::{Facts, State};
use crate::tunnel::runner::shown;

/// How a tunnel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It carries packets; or it did when it was last looked at, and this user cannot look.
    Up,
    /// A process brings it up, for the first time or again.
    Coming,
    /// A process that has ended left it.
    Left,
    /// It is kept, and does not carry packets any more.
    Lost,
}

impl Condition {
    /// The word that people and `--json` see.
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Up => "up",
            Condition::Coming => "coming",
            Condition::Left => "left",
            Condition::Lost => "lost",
        }
    }
}

/// One tunnel that is there.
#[derive(Debug, Clone)]
pub struct Status {
    /// What is written down of it.
    pub record: Record,
    /// How it is.
    pub condition: Condition,
    /// The processes that use it.
    pub holders: Vec<Holder>,
    /// What its backend tells, when it could be asked.
    pub facts: Option<Facts>,
}

/// All tunnels that are there, by name; nothing but files is looked at.
pub fn list(all: &Path) -> Vec<Status> {
    let folders = Folder::list(all);
    let mut found: Vec<Status> = folders.iter().filter_map(of_files).collect();
    found.sort_by(|a, b| a.record.name.cmp(&b.record.name));
    found
}

/// The tunnel `name`, if it is there; nothing but files is looked at.
pub fn of(all: &Path, name: &str) -> Option<Status> {
    of_files(&Folder::of(all, name))
}

fn of_files(folder: &Folder) -> Option<Status> {
    let record = folder.record()?;
    let holders = folder.holders(None);
    // Connections end with their process.
    if record.is_alone() && holders.is_empty() {
        return None;
    }
    // A process of its own ends by itself.
    let is_unused = holders.is_empty() && !held::is_alive(folder.path());
    let condition = match (record.since, record.keep, is_unused) {
        (0, _, false) => Condition::Coming,
        (0, _, true) | (_, false, true) => Condition::Left,
        _ => Condition::Up,
    };
    Some(Status {
        record,
        condition,
        holders,
        facts: None,
    })
}

/// How the tunnel of a profile is, if it is there. Its backend is asked on a thread of its own.
pub async fn asked(tools: Arc<Tools>, profile: Tunnel) -> Option<Status> {
    let mut status = of(&tools.folder, &profile.name)?;
    let unasked = status.clone();
    let (answer, answered) = oneshot::channel();
    let ask = move || {
        status.ask(&tools, &profile);
        let _ = answer.send(status);
    };
    let asking = std::thread::Builder::new().name("tunnel status".to_owned());
    match asking.spawn(ask) {
        Ok(_) => Some(answered.await.unwrap_or(unasked)),
        Err(_) => Some(unasked),
    }
}

impl Status {
    /// As an object: bytes, seconds since 1970, null for what nobody could tell.
    pub fn object(&self) -> Value {
        let record = &self.record;
        let facts = self.facts.as_ref();
        let interface = facts.and_then(|f| f.interface.as_ref());
        let holders = self.holders.iter();
        let holders = holders.map(|h| json!({"pid": h.pid, "for": h.what}));
        json!({
            "tunnel": record.name,
            "state": self.condition.as_str(),
            "type": record.kind,
            "backend": record.backend,
            "since": Some(record.since).filter(|since| *since > 0),
            "keep": record.keep,
            "ours": !record.foreign,
            "namespace": record.namespace,
            "gateway": record.place.clone().unwrap_or_else(|| record.gateway.to_string()),
            "interface": interface.or(record.interface.as_ref()),
            "address": facts.and_then(|f| f.address),
            "received": facts.and_then(|f| f.received),
            "sent": facts.and_then(|f| f.sent),
            "routes": record.ranges,
            "holders": holders.collect::<Vec<_>>(),
        })
    }

    /// Asks the tunnel's backend, as far as this user may. `profile` is what it was made of.
    pub fn ask(&mut self, tools: &Tools, profile: &Tunnel) {
        let record = &self.record;
        if self.condition == Condition::Coming {
            return;
        }
        if record.is_held() {
            let state = held::facts(&record.folder).map_or(State::Down, State::Up);
            return self.found(state);
        }
        if record.is_alone() {
            self.facts = Some(Facts::default());
            return;
        }
        let Some(backend) = tools.backends.named(&record.backend) else {
            return;
        };
        let step = record.status.step();
        let lines = [shown(&step)];
        if !step.as_self && tools.runner.ready(&record.name, &lines).is_err() {
            return;
        }
        let stop = || tools.cancel.is_cancelled();
        let namespace = record.namespace.as_deref();
        let Ok(answer) = tools.runner.run(&step, namespace, &stop) else {
            return;
        };
        let at = record.at();
        let state = match record.foreign {
            true => backend
                .is_elsewhere(profile, &at, &answer)
                .map_or(State::Down, State::Up),
            false => backend.read(profile, &at, &answer),
        };
        self.found(state);
    }

    fn found(&mut self, state: State) {
        match (state, self.holders.is_empty()) {
            (State::Up(facts), _) => self.facts = Some(facts),
            // Its holder sees that, too, and brings it up again.
            (_, false) => self.condition = Condition::Coming,
            (_, true) if self.record.keep => self.condition = Condition::Lost,
            (_, true) => self.condition = Condition::Left,
        }
    }
}

/// What became of a tunnel that is to go down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// There is none.
    None,
    /// It is down.
    Down,
    /// Somebody else had brought it up: it is left, and nothing of ours on it.
    Left,
    /// These use it. It is not kept any more: it goes down with the last.
    InUse(Vec<Holder>),
}

/// Takes the tunnel `name` down. One that is in use goes down with its last user, unless `force`.
///
/// # Errors
/// [`crate::error::Kind::Tunnel`], reason `rights`; what the disk says.
pub fn down(tools: &Tools, name: &str, force: bool) -> Result<Down> {
    let folder = Folder::of(&tools.folder, name);
    if folder.record().is_none() {
        return Ok(Down::None);
    }
    let lock = folder.lock(&|| tools.cancel.is_cancelled())?;
    let Some(mut record) = folder.record() else {
        return Ok(Down::None);
    };
    let holders = folder.holders(Some(&lock));
    if record.is_alone() {
        // Nobody else can end connections of a process.
        return Ok(match holders.is_empty() {
            true => Down::None,
            false => Down::InUse(holders),
        });
    }
    if !holders.is_empty() && !force {
        record.keep = false;
        folder.write(&record, &lock)?;
        return Ok(Down::InUse(holders));
    }
    let steps = record.down.iter().map(Kept::step).filter(|s| !s.as_self);
    let lines: Vec<String> = steps.map(|s| shown(&s)).collect();
    if !lines.is_empty() {
        tools.runner.ready(name, &lines)?;
    }
    let problem = take_down(tools, &record);
    folder.forget(&lock);
    match problem {
        Some(problem) => {
            tools
                .events
                .note(crate::events::Level::Warning, None, &problem);
            Ok(Down::Down)
        }
        None if record.foreign => Ok(Down::Left),
        None => Ok(Down::Down),
    }
}
