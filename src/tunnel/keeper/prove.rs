//! Packets for what is behind a tunnel go through it: routes are set and looked at, and names are asked for
//! behind it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ipnet::IpNet;

use super::ends::{Ends, resolve};
use super::{Keeper, Line, literal};
use crate::error::Result;
use crate::events::Level;
use crate::secret::Secret;
use crate::tunnel::inside::{Inside, InsideDial};
use crate::tunnel::plan::Step;
use crate::tunnel::routes::{Hop, batch, is_interface, questions, sample};
use crate::tunnel::{Way, dns};

/// How long the tunnel's name servers may take.
const LOOKUP: Duration = Duration::from_secs(8);
/// So many ways are looked at.
const LOOKED: usize = 256;

/// Sets routes. Those that are there already are no fault; where they lead is looked at afterwards.
pub(super) fn setting(ranges: &[IpNet], interface: &str) -> Step {
    let text = Secret::new(batch("add", ranges, interface));
    Step::new(["ip", "-force", "-batch", "-"])
        .stdin(text)
        .may_fail()
}

impl Keeper {
    /// Sets the routes of a tunnel that is up, sees that they lead into it, and asks for a sign of life
    /// from behind. Without one it is up all the same, and a person hears of it.
    pub(super) fn prove(&self, line: &mut Line, ends: &mut Ends) -> Result<()> {
        let ranges = line.record.ranges.clone();
        self.route(line, &ranges)?;
        self.check(line, &ranges)?;
        self.learn(line, ends)?;
        if !self.answers(line, ends) && !self.is_stopped() {
            self.note(Level::Notice, "is up, and nothing behind it answers yet");
        }
        Ok(())
    }

    /// Adds what else is to be reached to a tunnel that is up.
    pub(super) fn extend(&self, mut line: Line, ends: &[(String, u16)]) -> Result<Line> {
        let mut found = resolve(ends);
        line.names.extend(found.names.clone());
        self.widen(&mut line, std::mem::take(&mut found.addresses))?;
        self.learn(&mut line, &mut found)?;
        Ok(line)
    }

    /// Has these addresses go through it, too.
    fn widen(&self, line: &mut Line, mut addresses: Vec<IpAddr>) -> Result<()> {
        self.drop_unfit(&mut addresses, line.record.gateway.ip());
        addresses.retain(|ip| !line.record.ranges.iter().any(|r| r.contains(ip)));
        let more: Vec<IpNet> = addresses.into_iter().map(IpNet::from).collect();
        let Some(first) = more.first() else {
            return Ok(());
        };
        if line.record.is_own {
            let message = format!("is up without a way to {}", first.addr());
            let name = crate::quote::typed(&self.profile.name);
            return Err(self.fault("routes", message).hint(format!(
                "`mroom tunnel set {name} routes=10.0.0.0/8` names all that is behind it"
            )));
        }
        let mut wider = line.record.clone();
        wider.ranges.extend(&more);
        self.check_conflict(&wider)?;
        self.route(line, &more)?;
        self.check(line, &more)?;
        line.record.ranges.extend(more);
        Ok(())
    }

    /// Sets routes into its interface. Those of one that is not ours are taken away after it.
    fn route(&self, line: &mut Line, ranges: &[IpNet]) -> Result<()> {
        let Some(interface) = line
            .record
            .interface
            .clone()
            .filter(|_| !line.record.is_own)
        else {
            return Ok(());
        };
        if !is_interface(&interface) {
            let message = format!(
                "has the interface `{}`, which is no name of one",
                interface.escape_debug()
            );
            return Err(self.fault("config", message));
        }
        let lead = |hop: &Hop| hop.dev == interface;
        let missing: Vec<IpNet> = match line.record.foreign {
            false => ranges.to_vec(),
            true => {
                let hops = self.ways(line, ranges)?;
                let leads = |r: &&IpNet| {
                    hops.iter()
                        .any(|h| h.dst == sample(r).to_string() && lead(h))
                };
                ranges.iter().filter(|r| !leads(r)).copied().collect()
            }
        };
        if missing.is_empty() {
            return Ok(());
        }
        let step = setting(&missing, &interface);
        self.ready([&step].into_iter())?;
        let stop = || self.is_stopped();
        self.tools
            .runner
            .run(&step, line.record.namespace.as_deref(), &stop)?;
        if line.record.foreign {
            let back = missing.iter().map(|range| {
                let range = range.to_string();
                Step::new(["ip", "route", "del", &range, "dev", &interface]).may_fail()
            });
            line.record
                .down
                .extend(back.map(|step| super::record::Kept::inside(&step)));
        }
        Ok(())
    }

    /// The ways that the kernel would take to these.
    fn ways(&self, line: &Line, ranges: &[IpNet]) -> Result<Vec<Hop>> {
        let ends: Vec<IpAddr> = ranges.iter().take(LOOKED).map(sample).collect();
        let step = Step::new(["ip", "-json", "-force", "-batch", "-"])
            .stdin(Secret::new(questions(&ends)))
            .may_fail()
            .as_self();
        let stop = || self.is_stopped();
        let answer = self
            .tools
            .runner
            .run(&step, line.record.namespace.as_deref(), &stop)?;
        Ok(Hop::read(&answer.stdout))
    }

    /// Sees that each of these really goes through.
    fn check(&self, line: &Line, ranges: &[IpNet]) -> Result<()> {
        let record = &line.record;
        let by_interface = record.interface.as_ref().filter(|_| !record.is_own);
        let by_address = line.facts.address.filter(|_| record.is_own);
        if (by_interface.is_none() && by_address.is_none()) || cfg!(target_os = "macos") {
            return Ok(());
        }
        let hops = self.ways(line, ranges)?;
        for range in ranges.iter().take(LOOKED) {
            let end = sample(range).to_string();
            let hop = hops.iter().find(|hop| hop.dst == end);
            let leads = hop.is_some_and(|hop| match (by_interface, by_address) {
                (Some(interface), _) => hop.dev == *interface,
                (None, Some(address)) => hop.prefsrc == Some(address),
                (None, None) => true,
            });
            if !leads {
                let way = match hop {
                    Some(hop) if !hop.dev.is_empty() => format!("goes through `{}`", hop.dev),
                    _ => "goes nowhere".to_owned(),
                };
                let message = format!("is up, and what is for {end} {way} instead");
                let hint = "`ip route get ADDRESS` tells which route is in the way";
                return Err(self.fault("routes", message).hint(hint));
            }
        }
        Ok(())
    }

    /// Asks behind the tunnel for the names that nobody here knows. Those that nobody there knows
    /// either are told of.
    fn learn(&self, line: &mut Line, ends: &mut Ends) -> Result<()> {
        if ends.unknown.is_empty() {
            return Ok(());
        }
        let servers: Vec<IpAddr> = self
            .profile
            .list("dns")
            .iter()
            .filter_map(|s| literal(s))
            .collect();
        let way = self.way(line);
        let ask = async |name: &str| match servers.is_empty() {
            true => Vec::new(),
            false => dns::resolve(&way, &servers, name, LOOKUP)
                .await
                .unwrap_or_default(),
        };
        let unknown = std::mem::take(&mut ends.unknown);
        let lookups = unknown.iter().map(|(name, _)| ask(name));
        let answers = futures::executor::block_on(join_all(lookups));
        for ((name, port), addresses) in unknown.into_iter().zip(answers) {
            let Some(first) = addresses.first().copied() else {
                self.note(
                    Level::Warning,
                    &format!("leads to `{name}`, which does not resolve"),
                );
                continue;
            };
            // A connection goes to the first: the others need no route.
            self.widen(line, vec![first])?;
            line.names.insert(name, first);
            ends.places.push(SocketAddr::new(first, port));
        }
        Ok(())
    }

    /// How to get to what is behind it.
    pub(super) fn way(&self, line: &Line) -> Way {
        match self.inside(line) {
            Some(inside) => Way::Dial(Arc::new(InsideDial(Arc::new(inside)))),
            None => Way::Route,
        }
    }

    /// Connections from its namespace, when it has one.
    pub(super) fn inside(&self, line: &Line) -> Option<Inside> {
        line.record.namespace.clone().map(|namespace| Inside {
            namespace,
            program: self.tools.program.clone(),
            runner: self.tools.runner.clone(),
            names: line.names.clone(),
        })
    }
}
