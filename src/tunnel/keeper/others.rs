//! Who else there is beside one: tunnels in its way, what ended processes have left, other users.

use std::time::Duration;

use ipnet::IpNet;

use super::folder::{Folder, Holder, Lock};
use super::record::Record;
use super::{Keeper, Tools, take_down};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::quote::typed;
use crate::tunnel::held;
use crate::tunnel::plan::Step;
use crate::tunnel::routes::conflict;
use crate::tunnel::runner::shown;
use crate::tunnel::tunnels::changed_since;

/// How often a tunnel that waits for another looks whether that has gone.
const TICK: Duration = Duration::from_millis(100);

/// A tunnel that leads to the same addresses.
struct Other {
    record: Record,
    holders: Vec<Holder>,
    /// The range of this one, and the other's.
    ranges: (IpNet, IpNet),
}

impl Keeper {
    /// Takes down what ended processes have left of other tunnels. What cannot be is told, and no
    /// reason to stop.
    pub(super) fn sweep(&self) {
        for folder in Folder::list(&self.tools.folder) {
            if folder.path() != self.folder.path() {
                sweep(&self.tools, &folder);
            }
        }
    }

    /// Writes down that it is about to come up, unless another tunnel is in its way; with `serial` it
    /// waits for that one's end.
    pub(super) fn claim(&self, record: &Record, lock: &Lock) -> Result<()> {
        let mut is_told = false;
        loop {
            {
                // Two that claim at the same time see each other.
                let all = Folder::at(self.tools.folder.clone());
                let _turn = all.lock(&|| self.is_stopped())?;
                let Some(other) = self.in_the_way(record) else {
                    self.talk.wait_for(None);
                    return self.folder.write(record, lock);
                };
                let error = self.in_conflict(&other);
                // One that is kept does not go by itself.
                if !self.tools.serial || other.holders.is_empty() {
                    return Err(error);
                }
                if !is_told {
                    let message = format!("{}: it waits", error.message());
                    self.tools.events.note(Level::Info, None, &message);
                    is_told = true;
                }
                let ours = std::process::id();
                let is_ours = other.holders.iter().all(|h| h.pid == ours);
                self.talk.wait_for(is_ours.then_some(other.record.name));
            }
            if self.is_stopped() {
                return Err(self.cancelled());
            }
            std::thread::sleep(TICK);
        }
    }

    /// Fails when another tunnel of this machine leads to the same addresses.
    pub(super) fn check_conflict(&self, record: &Record) -> Result<()> {
        match self.in_the_way(record) {
            Some(other) => Err(self.in_conflict(&other)),
            None => Ok(()),
        }
    }

    fn in_the_way(&self, record: &Record) -> Option<Other> {
        if record.namespace.is_some() {
            return None;
        }
        let others = self.others().into_iter();
        let mut others = others.filter(|(r, _)| r.namespace.is_none() && !r.is_held());
        others.find_map(|(other, holders)| {
            let ranges = conflict(&record.ranges, &other.ranges)?;
            Some(Other {
                record: other,
                holders,
                ranges,
            })
        })
    }

    fn in_conflict(&self, other: &Other) -> Error {
        let (ours, theirs) = other.ranges;
        let shown = |range: IpNet| match range.prefix_len() == range.max_prefix_len() {
            true => range.addr().to_string(),
            false => range.to_string(),
        };
        let what = match ours == theirs {
            true => format!("both lead to {}", shown(ours)),
            false => format!(
                "{} is in {}",
                shown(ours.min(theirs)),
                shown(ours.max(theirs))
            ),
        };
        let theirs = &other.record.name;
        let message = format!("is in conflict with the tunnel `{theirs}`: {what}");
        let first = match other.holders.is_empty() {
            true => format!(
                "that one is kept: `mroom tunnel down {}` ends it",
                typed(theirs)
            ),
            false => "`--serial-tunnels` has one after the other".to_owned(),
        };
        let name = typed(&self.profile.name);
        let hint = format!("{first}, `mroom tunnel set {name} isolate=true` both at once");
        self.fault("conflict", message).hint(hint)
    }

    /// What is up was made of the profile as it was: it goes, unless somebody else uses it.
    pub(super) fn replace(&self, lock: &Lock) -> Result<()> {
        let ours = std::process::id();
        let mut users = self.folder.holders(Some(lock));
        users.retain(|h| h.pid != ours);
        if !users.is_empty() {
            let users = users.iter().map(|h| format!("{} ({})", h.pid, h.what));
            let users: Vec<String> = users.collect();
            return Err(changed_since(&self.profile.name, &users.join(", ")));
        }
        let message = "was changed since it came up: it is brought up anew";
        self.note(Level::Notice, message);
        Ok(())
    }

    /// The wires of other tunnels' namespaces, also of those that are just being made.
    pub(super) fn others_wires(&self) -> Vec<IpNet> {
        let others = self.others().into_iter();
        others.filter_map(|(record, _)| record.wire).collect()
    }

    /// What is written down of others that are held or kept, and by whom.
    fn others(&self) -> Vec<(Record, Vec<Holder>)> {
        let folders = Folder::list(&self.tools.folder);
        let others = folders.iter().filter(|f| f.path() != self.folder.path());
        let all = others.filter_map(|f| Some((f.record()?, f.holders(None))));
        all.filter(|(record, holders)| record.keep || !holders.is_empty())
            .collect()
    }
}

/// Takes down what an ended process has left of one tunnel, if it has.
fn sweep(tools: &Tools, folder: &Folder) {
    let is_left = || {
        let is_held = !folder.holders(None).is_empty() || held::is_alive(folder.path());
        !is_held && folder.record().is_some_and(|r| !r.keep)
    };
    if !is_left() {
        return;
    }
    let Ok(Some(lock)) = folder.try_lock() else {
        return;
    };
    let Some(record) = folder.record().filter(|_| is_left()) else {
        return;
    };
    if record.is_alone() {
        return folder.forget(&lock);
    }
    let steps: Vec<Step> = record.down.iter().map(super::record::Kept::step).collect();
    let lines: Vec<String> = steps.iter().filter(|s| !s.as_self).map(shown).collect();
    let name = &record.name;
    if !lines.is_empty()
        && let Err(e) = tools.runner.ready(name, &lines)
    {
        let message = format!("what is left of the tunnel `{name}` stays: {}", e.message());
        tools.events.note(Level::Warning, None, &message);
        return;
    }
    let told = take_down(tools, &record);
    folder.forget(&lock);
    let message = format!("the tunnel `{name}`, left by a process that has ended, was taken down");
    tools.events.note(Level::Notice, None, &message);
    if let Some(problem) = told {
        tools.events.note(Level::Warning, None, &problem);
    }
}
