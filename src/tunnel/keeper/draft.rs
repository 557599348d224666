//! What a tunnel is to be: its server, what goes through it, where it lives, the steps. Nothing is done yet
//! but lookups.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;

use super::ends::{Ends, look_up, resolve};
use super::prove::setting;
use super::record::Record;
use super::{Keeper, literal};
use crate::error::Result;
use crate::events::Level;
use crate::secret::Secret;
use crate::tunnel::backend::Backend;
use crate::tunnel::namespace::{self, Namespace};
use crate::tunnel::plan::{At, Plan, Routing, Step};
use crate::tunnel::routes::{Hop, questions, through, unfit};

/// Where name servers listen.
const DNS: u16 = 53;
/// The folder of root's files of all tunnels.
const RUN: &str = if cfg!(target_os = "macos") {
    "/var/run/mroom"
} else {
    "/run/mroom"
};

/// Removes the tunnel's folder, and those around it when they are empty.
const CLEAN: &str = r#"rm -rf -- "$1"; rmdir -- "$2/forward" "$2" 2>/dev/null; exit 0"#;

/// A tunnel that is to come up.
pub(super) struct Draft {
    pub record: Record,
    pub plan: Plan,
    pub at: At,
    pub ends: Ends,
    pub backend: Arc<dyn Backend>,
    /// Before and outside of the plan.
    pub around: Vec<Step>,
}

impl Keeper {
    /// What would be run to bring it up by that backend, in order, and what would go through it. Nothing is
    /// done but lookups.
    ///
    /// # Errors
    /// As [`Keeper::acquire`], but for what only shows when it is done.
    pub fn rehearse(
        &self,
        ends: &[(String, u16)],
        backend: Arc<dyn Backend>,
    ) -> Result<(Vec<Step>, Vec<IpNet>)> {
        let Draft {
            around, plan, at, ..
        } = self.draft(ends, backend)?;
        let routes = match &plan.routing {
            Routing::Interface(interface) => Some(setting(&at.ranges, interface)),
            Routing::Own | Routing::Service => None,
        };
        let steps = around.into_iter().chain(plan.up).chain(routes);
        Ok((steps.collect(), at.ranges))
    }

    /// What is to be done, with nothing done yet.
    pub(super) fn draft(&self, ends: &[(String, u16)], backend: Arc<dyn Backend>) -> Result<Draft> {
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
                found.unknown_names()
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
        let made = match at
            .folder
            .parent()
            .filter(|parent| *parent == Path::new(RUN))
        {
            Some(_) => vec!["install", "-d", "-m", "0700", RUN, &folder],
            None => vec!["install", "-d", "-m", "0700", &folder],
        };
        let mut around = vec![own(Step::new(made))];
        around.extend(place.iter().flat_map(Namespace::up));
        let mut after: Vec<Step> = place.iter().flat_map(Namespace::down).collect();
        after.push(own(
            Step::new(["sh", "-c", CLEAN, "sh", &folder, RUN]).may_fail()
        ));
        let profile = (&*self.profile.name, self.profile.kind.as_str());
        let mut record = Record::new(profile, backend.name(), &at, &plan, &after);
        record.mark = Some(super::mark(&self.profile));
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
        let way = ask(way.stdin(Secret::new(questions)))?;
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
}

/// A range as a profile writes it: `10.0.0.0/8`, or one address.
fn range(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
