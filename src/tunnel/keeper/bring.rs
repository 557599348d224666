//! From nothing to a tunnel that is up: what is made for it, in which order, and what is said when that
//! fails. Whatever was begun is taken down again.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::ends::{Ends, look_up, resolve};
use super::folder::Lock;
use super::record::{Kept, Record};
use super::{Choice, Keeper, Line, literal, now};
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::Output;
use crate::tunnel::backend::Backend;
use crate::tunnel::namespace::{self, Namespace};
use crate::tunnel::plan::{At, Facts, Plan, State, Step};
use crate::tunnel::routes::{Hop, questions, through, unfit};

/// How long a tunnel may take to come up unless its profile says.
const PATIENCE: u32 = 30;
/// Where name servers listen.
const DNS: u16 = 53;
/// How often one that is coming is asked.
const TICK: Duration = Duration::from_millis(150);
/// The folder of root's files of all tunnels.
const RUN: &str = if cfg!(target_os = "macos") {
    "/var/run/mroom"
} else {
    "/run/mroom"
};

/// A tunnel that is to come up.
pub(super) struct Draft {
    pub record: Record,
    pub plan: Plan,
    pub at: At,
    pub ends: Ends,
    pub backend: Arc<dyn Backend>,
    /// Before and outside of the plan.
    around: Vec<Step>,
}

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
        if let Some(line) = self.elsewhere(&draft, lock)? {
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

    /// What is to be done, with nothing done yet.
    fn draft(&self, ends: &[(String, u16)], backend: Arc<dyn Backend>) -> Result<Draft> {
        let gateway = self.gateway()?;
        let probe = self.probe_place();
        let dns = self
            .profile
            .list("dns")
            .into_iter()
            .map(|server| (server.to_owned(), DNS));
        let hosts: Vec<_> = probe
            .into_iter()
            .chain(ends.iter().cloned())
            .chain(dns)
            .collect();
        let mut found = resolve(&hosts);
        self.drop_unfit(&mut found.addresses, gateway.ip());
        let ranges: Vec<IpNet> = self
            .profile
            .list("routes")
            .iter()
            .filter_map(|r| range(r))
            .collect();
        if found.addresses.is_empty() && ranges.is_empty() && !found.unknown.is_empty() {
            let message = format!(
                "leads to `{}`, which does not resolve",
                found.unknown.join("`, `")
            );
            return Err(self.fault("routes", message).hint(
                "check the name, or name the servers that know it: `mroom tunnel set NAME dns=ADDRESS`",
            ));
        }
        let ranges = through(&self.profile.name, &ranges, &found.addresses, gateway.ip())?;
        let label = self.folder.label();
        let needs = backend.needs(&self.profile);
        let place = match self.profile.flag("isolate") {
            true => Some(self.namespace(&label, gateway.ip())?),
            false => None,
        };
        let at = At {
            folder: match needs.root || place.is_some() {
                true => PathBuf::from(RUN).join(&label),
                false => self.folder.path().join("run"),
            },
            label,
            namespace: place.as_ref().map(|p| p.label.clone()),
            gateway,
            ranges,
        };
        let plan = backend.plan(&self.profile, &at)?;
        let folder = at.folder.display().to_string();
        let own = |step: Step| {
            if needs.root || place.is_some() {
                step
            } else {
                step.as_self()
            }
        };
        let mut around = vec![own(Step::new(["install", "-d", "-m", "0700", &folder]))];
        around.extend(place.iter().flat_map(Namespace::up));
        let mut after: Vec<Step> = place.iter().flat_map(Namespace::down).collect();
        after.push(own(Step::new(["rm", "-rf", "--", &folder]).may_fail()));
        let profile = (&*self.profile.name, self.profile.kind.as_str());
        let mut record = Record::new(profile, backend.name(), &at, &plan, &after);
        record.wire = place.map(|p| IpNet::V4(p.wire));
        Ok(Draft {
            record,
            plan,
            at,
            ends: found,
            backend,
            around,
        })
    }

    /// The tunnel's server.
    fn gateway(&self) -> Result<SocketAddr> {
        let (host, port) = self.profile.endpoint(self.profile.kind.port())?;
        let isolate = self.profile.flag("isolate");
        let addresses = literal(&host).map_or_else(|| look_up(&host), |ip| vec![ip]);
        // An IPv4 address is reached from more places, and a namespace has no other way out.
        let best = addresses.iter().find(|a| a.is_ipv4());
        match best.or(addresses.first().filter(|_| !isolate)) {
            Some(address) => Ok(SocketAddr::new(*address, port)),
            None if isolate && !addresses.is_empty() => {
                let message =
                    format!("cannot be isolated: its server `{host}` has no IPv4 address");
                Err(self.fault("config", message))
            }
            None => {
                let message = format!("has no way to its server: `{host}` does not resolve");
                Err(self
                    .fault("gateway", message)
                    .hint("check the host's name, and that DNS works from here"))
            }
        }
    }

    /// `probe` of the profile, in parts.
    pub(super) fn probe_place(&self) -> Option<(String, u16)> {
        let text = self.profile.text("probe")?;
        crate::inventory::endpoint(text, 22).ok()
    }

    /// Leaves out what cannot be behind it, and says so.
    pub(super) fn drop_unfit(&self, addresses: &mut Vec<IpAddr>, gateway: IpAddr) {
        addresses.retain(|address| match unfit(*address, gateway) {
            Some(why) => {
                self.note(
                    Level::Warning,
                    &format!("is not the way to {address}, which is {why}"),
                );
                false
            }
            None => true,
        });
    }

    /// The namespace that it is to live in.
    fn namespace(&self, label: &str, gateway: IpAddr) -> Result<Namespace> {
        let IpAddr::V4(gateway) = gateway else {
            return Err(self.fault(
                "config",
                "cannot be isolated: its server has no IPv4 address",
            ));
        };
        let ask = |step: Step| {
            self.tools
                .runner
                .run(&step.as_self(), None, &|| self.is_stopped())
        };
        let way = Step::new(["ip", "-json", "-force", "-batch", "-"]);
        let questions = questions(&[gateway.into()]);
        let way = ask(way.stdin(crate::secret::Secret::new(questions)))?;
        let uplink = Hop::read(&way.stdout)
            .pop()
            .map(|hop| hop.dev)
            .unwrap_or_default();
        if uplink.is_empty() {
            let message = format!("has no way to its server {gateway}: no route leads there");
            return Err(self.fault("gateway", message));
        }
        let routes = ask(Step::new(["ip", "-json", "route", "show", "table", "all"]))?;
        let mut taken = namespace::known(&routes.stdout);
        taken.extend(self.others_wires());
        let wire = namespace::free(label, &taken).ok_or_else(|| {
            self.fault("conflict", "cannot be isolated: 100.127.0.0/16 is in use")
        })?;
        Ok(Namespace {
            label: label.to_owned(),
            gateway,
            uplink,
            wire,
        })
    }

    /// The same tunnel, brought up by somebody else: used and left as it is.
    fn elsewhere(&self, draft: &Draft, lock: &Lock) -> Result<Option<Line>> {
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
        let proven = self.prove(&mut line, &draft.ends);
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
            ends,
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
        self.prove(&mut line, &ends)?;
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
        loop {
            match self.state(record, backend) {
                State::Up(facts) => return Ok(facts),
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
        let name = crate::quote::word(&self.profile.name).unwrap_or_default();
        format!("`mroom doctor tunnel {name}` looks closer")
    }
}

/// A range as a profile writes it: `10.0.0.0/8`, or one address.
pub(super) fn range(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
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
