//! From nothing to a tunnel that is up: what is made for it, in which order, and what is said when that
//! fails. Whatever was begun is taken down again.

use std::time::{Duration, Instant};

use super::draft::Draft;
use super::folder::Lock;
use super::record::{Kept, Record};
use super::{Choice, Keeper, Line, now};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::Output;
use crate::tunnel::backend::Backend;
use crate::tunnel::plan::{Facts, State, Step};

/// How long a tunnel may take to come up unless its profile says.
const PATIENCE: u32 = 30;
/// How long a daemon has to look like itself.
const SETTLE: Duration = Duration::from_secs(1);
/// How often one that is coming is asked.
const TICK: Duration = Duration::from_millis(150);

impl Keeper {
    /// Brings it up from nothing.
    pub(super) fn begin(&self, ends: &[(String, u16)], keep: bool, lock: &Lock) -> Result<Line> {
        let backend = match self.tools.backends.choose(&self.profile)? {
            Choice::Plan(backend) => backend,
            Choice::Userspace | Choice::Builtin => {
                return Err(Error::usage(format!(
                    "the tunnel `{}` lives inside of one process: others cannot use it",
                    self.profile.name
                )));
            }
        };
        let begun = Instant::now();
        let mut draft = self.draft(ends, backend)?;
        draft.record.keep = keep;
        if let Some(line) = self.elsewhere(&mut draft, lock)? {
            return Ok(line);
        }
        self.ready(
            draft
                .around
                .iter()
                .chain(&draft.plan.up)
                .chain(&draft.plan.down),
        )?;
        self.claim(&draft.record, lock)?;
        self.note(
            Level::Info,
            &format!("is coming up by {}", draft.record.backend),
        );
        let record = draft.record.clone();
        let up = self
            .bring(draft, lock)
            .inspect_err(|_| self.take_away(&record, lock))?;
        let seconds = begun.elapsed().as_secs_f32();
        self.note(Level::Info, &format!("is up after {seconds:.1} s"));
        Ok(up)
    }

    /// The same tunnel, brought up by somebody else: used and left as it is.
    fn elsewhere(&self, draft: &mut Draft, lock: &Lock) -> Result<Option<Line>> {
        let step = draft.backend.elsewhere(&self.profile, &draft.at);
        let Some(step) = step.filter(|_| draft.at.namespace.is_none()) else {
            return Ok(None);
        };
        self.ready(
            [&step]
                .into_iter()
                .chain(&draft.plan.up)
                .chain(&draft.plan.down),
        )?;
        let Ok(answer) = self.tools.runner.run(&step, None, &|| self.is_stopped()) else {
            return Ok(None);
        };
        let Some(facts) = draft
            .backend
            .is_elsewhere(&self.profile, &draft.at, &answer)
        else {
            return Ok(None);
        };
        let mut record = draft.record.clone();
        (record.foreign, record.since) = (true, now());
        (record.status, record.down) = (Kept::inside(&step), Vec::new());
        record.interface.clone_from(&facts.interface);
        self.claim(&record, lock)?;
        let by = facts
            .interface
            .as_deref()
            .map(|i| format!(" as `{i}`"))
            .unwrap_or_default();
        self.note(
            Level::Info,
            &format!("is up already{by}: it is used, and left up"),
        );
        let mut line = Line {
            record,
            facts,
            names: draft.ends.names.clone(),
            backend: draft.backend.clone(),
        };
        let proven = self.prove(&mut line, &mut draft.ends);
        match proven.and_then(|()| self.folder.write(&line.record, lock)) {
            Ok(()) => Ok(Some(line)),
            Err(e) => {
                self.take_away(&line.record, lock);
                Err(e)
            }
        }
    }

    /// Runs the plan until it is up and packets go through.
    fn bring(&self, draft: Draft, lock: &Lock) -> Result<Line> {
        let Draft {
            mut record,
            plan,
            at,
            mut ends,
            backend,
            around,
        } = draft;
        let seconds = self.profile.number("timeout").unwrap_or(PATIENCE);
        let until = Instant::now() + Duration::from_secs(u64::from(seconds));
        for step in &around {
            self.step(step, None, until, |_| None)?;
        }
        for step in &plan.up {
            let told = |output: &Output| backend.failure(&self.profile, &at, output);
            self.step(step, at.namespace.as_deref(), until, told)?;
        }
        let facts = self.wait(&record, &*backend, until, seconds)?;
        if facts.interface.is_some() && record.interface.is_none() && !record.is_own {
            record.interface.clone_from(&facts.interface);
        }
        record.since = now();
        let mut line = Line {
            record,
            facts,
            names: ends.names.clone(),
            backend,
        };
        self.prove(&mut line, &mut ends)?;
        self.folder.write(&line.record, lock)?;
        Ok(line)
    }

    /// One step, which must end well.
    fn step(
        &self,
        step: &Step,
        namespace: Option<&str>,
        until: Instant,
        told: impl Fn(&Output) -> Option<State>,
    ) -> Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        let step = step
            .clone()
            .patience(step.patience.min(left.max(Duration::from_secs(1))));
        self.note(
            Level::Debug,
            &format!("runs `{}`", crate::tunnel::runner::shown(&step)),
        );
        let went = self
            .tools
            .runner
            .run(&step, namespace, &|| self.is_stopped());
        let program = step.argv.first().map(String::as_str).unwrap_or_default();
        let output = match went {
            Ok(output) => output,
            Err(e) if e.kind() == Kind::Cancelled => return Err(self.cancelled()),
            Err(_) if step.may_fail => return Ok(()),
            Err(e) => {
                let failed = e.remote_output().and_then(&told);
                return Err(match failed {
                    Some(State::Failed { reason, message }) => self.fault(reason, said(&message)),
                    _ if e.kind() == Kind::Timeout && Instant::now() >= until => {
                        let message =
                            format!("did not come up in its time: `{program}` was still at work");
                        let name = crate::quote::typed(&self.profile.name);
                        let hint = format!("`mroom tunnel set {name} timeout=120` gives it more");
                        self.fault("timeout", message).hint(hint)
                    }
                    _ if e.kind() == Kind::Timeout => {
                        let message = format!("does not come up: {}", e.message());
                        self.fault("timeout", message).hint(self.doctor())
                    }
                    _ => {
                        let reason = e.reason_word().unwrap_or("config").to_owned();
                        let message = format!("does not come up: {}", e.message());
                        self.fault(&reason, message).hint(self.doctor())
                    }
                });
            }
        };
        if output.is_success() || step.may_fail {
            return Ok(());
        }
        if let Some(State::Failed { reason, message }) = told(&output) {
            return Err(self.fault(reason, said(&message)).output(output));
        }
        let why = last_words(&output).unwrap_or_else(|| "it said nothing".to_owned());
        let message = format!("does not come up: `{program}` failed: {why}");
        Err(self
            .fault("config", message)
            .hint(self.doctor())
            .output(output))
    }

    /// Asks until it is up.
    pub(super) fn wait(
        &self,
        record: &Record,
        backend: &dyn Backend,
        until: Instant,
        seconds: u32,
    ) -> Result<Facts> {
        let mut is_settled = false;
        loop {
            match self.state(record, backend) {
                State::Up(facts) => return Ok(facts),
                // A daemon that has just begun may not look like itself yet.
                State::Failed { reason, .. }
                    if !is_settled && matches!(reason, "config" | "dropped") =>
                {
                    is_settled = true;
                    std::thread::sleep(SETTLE);
                    continue;
                }
                State::Failed { reason, message } => {
                    return Err(self.fault(reason, said(&message)).hint(self.doctor()));
                }
                State::Down | State::Coming => {}
            }
            if self.is_stopped() {
                return Err(self.cancelled());
            }
            if Instant::now() > until {
                let message = format!(
                    "did not come up within {seconds} s: no answer from {}",
                    record.gateway
                );
                return Err(self.fault("timeout", message).hint(self.doctor()));
            }
            std::thread::sleep(TICK);
        }
    }

    pub(super) fn doctor(&self) -> String {
        let name = crate::quote::typed(&self.profile.name);
        format!("`mroom doctor tunnel {name}` looks closer")
    }
}

/// What a backend tells, as it goes on after the tunnel's name.
fn said(message: &str) -> String {
    format!("does not come up: {message}")
}

/// The last line that a program printed, for a message.
pub(super) fn last_words(output: &Output) -> Option<String> {
    let texts =
        [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines = texts
        .iter()
        .find_map(|text| text.lines().rev().map(str::trim).find(|l| !l.is_empty()));
    lines.map(|line| line.chars().filter(|c| !c.is_control()).take(300).collect())
}
