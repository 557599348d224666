//! The tunnels beside one: those in its way, and what ended processes have left.

use std::time::Duration;

use ipnet::IpNet;

use super::folder::{Folder, Lock};
use super::record::Record;
use super::{Keeper, Tools, take_down};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::tunnel::plan::Step;
use crate::tunnel::routes::conflict;
use crate::tunnel::runner::shown;

/// How often a tunnel that waits for another looks whether that has gone.
const TICK: Duration = Duration::from_millis(100);

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
                match self.check_conflict(record) {
                    Ok(()) => return self.folder.write(record, lock),
                    Err(e) if !self.tools.serial => return Err(e),
                    Err(e) => {
                        if !is_told {
                            let message = e.message().to_owned();
                            self.tools.events.note(
                                Level::Info,
                                None,
                                &format!("{message}: it waits"),
                            );
                            is_told = true;
                        }
                    }
                }
            }
            if self.is_stopped() {
                return Err(self.cancelled());
            }
            std::thread::sleep(TICK);
        }
    }

    /// Fails when another tunnel of this machine leads to the same addresses.
    pub(super) fn check_conflict(&self, record: &Record) -> Result<()> {
        if record.namespace.is_some() {
            return Ok(());
        }
        let others = self.others().into_iter().filter(|r| r.namespace.is_none());
        for other in others {
            if let Some((ours, theirs)) = conflict(&record.ranges, &other.ranges) {
                return Err(self.in_conflict(&other, ours, theirs));
            }
        }
        Ok(())
    }

    fn in_conflict(&self, other: &Record, ours: IpNet, theirs: IpNet) -> Error {
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
        let message = format!("is in conflict with the tunnel `{}`: {what}", other.name);
        let name = crate::quote::typed(&self.profile.name);
        self.fault("conflict", message).hint(format!(
            "`--serial-tunnels` has one after the other, `mroom tunnel set {name} isolate=true` both at once"
        ))
    }

    /// The wires of other tunnels' namespaces, also of those that are just being made.
    pub(super) fn others_wires(&self) -> Vec<IpNet> {
        self.others().into_iter().filter_map(|r| r.wire).collect()
    }

    /// What is written down of others that are held or kept.
    fn others(&self) -> Vec<Record> {
        let folders = Folder::list(&self.tools.folder);
        let others = folders.iter().filter(|f| f.path() != self.folder.path());
        let alive = |f: &&Folder| !f.holders(None).is_empty() || f.record().is_some_and(|r| r.keep);
        others.filter(alive).filter_map(Folder::record).collect()
    }
}

/// Takes down what an ended process has left of one tunnel, if it has.
fn sweep(tools: &Tools, folder: &Folder) {
    let is_left = || folder.holders(None).is_empty() && folder.record().is_some_and(|r| !r.keep);
    if !is_left() {
        return;
    }
    let Ok(Some(lock)) = folder.try_lock() else {
        return;
    };
    let Some(record) = folder.record().filter(|_| is_left()) else {
        return;
    };
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
