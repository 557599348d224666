//! Which backend makes a tunnel on this machine: the first of those for its type that has all it needs.
//! Pure; what this machine has is asked of a [`Machine`].

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::inventory::{Tunnel, TunnelKind};

use super::{Backend, Machine};
use crate::tunnel::namespace::TOOLS;
use crate::tunnel::plan::Needs;

/// What makes a tunnel.
#[derive(Clone)]
pub enum Choice {
    /// Programs of this machine, by the backend's plan.
    Plan(Arc<dyn Backend>),
    /// The WireGuard of this process.
    Userspace,
    /// The SSH of this process.
    Builtin,
}

/// Something that a backend needs and this machine does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What: `wg`, `the kernel module wireguard`, `root`.
    pub what: String,
    /// The Debian package that has it.
    pub package: Option<&'static str>,
}

/// One that could make a tunnel.
#[derive(Clone)]
pub struct Candidate {
    /// What it is called in `backend=`.
    pub name: &'static str,
    /// What it is.
    pub choice: Choice,
    /// What it lacks here; with nothing it can do it.
    pub lacks: Vec<Lack>,
}

/// The backends of a type, the best first, on Linux and on macOS. Those of the system's own services need
/// a connection that was made there, so they are asked first when the profile names one (`service`), and
/// not at all on Linux when it does not.
fn order(kind: TunnelKind, os: &str) -> &'static [&'static str] {
    match (kind, os) {
        (TunnelKind::Ssh, _) => &["builtin"],
        (TunnelKind::WireGuard, "macos") => &["userspace", "vpnutil", "scutil"],
        (_, "macos") => &["vpnutil", "scutil"],
        (TunnelKind::WireGuard, _) => &["wg", "userspace", "wireguard-go", "networkmanager"],
        (TunnelKind::Ikev2, _) => &["swanctl", "networkmanager"],
        (TunnelKind::CiscoIpsec, _) => &["swanctl", "vpnc", "networkmanager"],
        (TunnelKind::L2tpIpsec, _) => &["l2tp", "networkmanager"],
        (TunnelKind::Pptp, _) => &["pptp", "networkmanager"],
        (TunnelKind::OpenVpn, _) => &["openvpn", "networkmanager"],
        (TunnelKind::Sstp | TunnelKind::Dae | TunnelKind::IpVanish, _) => &[],
    }
}

/// What is lacking for steps that only root may do.
const ROOT: &str = "root, or sudo";

/// Backends that use a connection of the system's own.
const SERVICES: [&str; 3] = ["networkmanager", "vpnutil", "scutil"];

/// The backend of that name that makes plans; also for a tunnel that another process began.
pub fn named(name: &str) -> Option<Arc<dyn Backend>> {
    Some(match name {
        "l2tp" => Arc::new(super::l2tp::L2tp),
        "networkmanager" => Arc::new(super::networkmanager::NetworkManager),
        "openvpn" => Arc::new(super::openvpn::OpenVpn),
        "pptp" => Arc::new(super::pptp::Pptp),
        "scutil" => Arc::new(super::scutil::ScUtil),
        "swanctl" => Arc::new(super::swanctl::Swanctl),
        "vpnc" => Arc::new(super::vpnc::Vpnc),
        "vpnutil" => Arc::new(super::vpnutil::VpnUtil),
        "wg" => Arc::new(super::wireguard::WireGuard { by_daemon: false }),
        "wireguard-go" => Arc::new(super::wireguard::WireGuard { by_daemon: true }),
        _ => return None,
    })
}

fn choice(name: &str) -> Option<Choice> {
    match name {
        "userspace" => Some(Choice::Userspace),
        "builtin" => Some(Choice::Builtin),
        _ => named(name).map(Choice::Plan),
    }
}

/// All that could make a tunnel, the best first, each with what it lacks here. With `backend=` only that.
///
/// # Errors
/// [`Kind::Usage`] for a type that is not made at all, and a backend that does not make this one here.
pub fn candidates(profile: &Tunnel, machine: &dyn Machine) -> Result<Vec<Candidate>> {
    profile.kind.check_usable()?;
    let names = order(profile.kind, machine.os());
    let wanted = profile.text("backend").filter(|name| *name != "auto");
    let named_service = profile.text("service").is_some();
    let is_service = |name: &&str| SERVICES.contains(name);
    let chosen: Vec<&'static str> = match wanted {
        Some(wanted) => names
            .iter()
            .copied()
            .filter(|name| *name == wanted)
            .collect(),
        None if named_service => {
            let services = names.iter().copied().filter(is_service);
            services
                .chain(names.iter().copied().filter(|name| !is_service(name)))
                .collect()
        }
        None => {
            let is_named = |name: &&str| *name != "networkmanager";
            names.iter().copied().filter(is_named).collect()
        }
    };
    let candidates: Vec<Candidate> = chosen
        .into_iter()
        .filter_map(|name| candidate(name, profile, machine))
        .collect();
    if candidates.is_empty() {
        let (name, kind) = (&profile.name, profile.kind.as_str());
        let message = match wanted {
            Some(wanted) => format!(
                "the tunnel `{name}`: its backend `{wanted}` does not make {kind} tunnels on {}",
                machine.os()
            ),
            None => format!(
                "the tunnel `{name}`: nothing makes {kind} tunnels on {}",
                machine.os()
            ),
        };
        let hint = format!(
            "mroom tunnel set {} backend=auto; for {kind} there are: auto {}",
            crate::quote::typed(name),
            names.join(" ")
        );
        return Err(Error::usage(message).hint(hint));
    }
    Ok(candidates)
}

fn candidate(name: &'static str, profile: &Tunnel, machine: &dyn Machine) -> Option<Candidate> {
    let choice = choice(name)?;
    let lacks = match &choice {
        Choice::Plan(backend) => {
            let mut needs = backend.needs(profile);
            if profile.flag("isolate") {
                needs.tools.retain(|tool| !TOOLS.contains(tool));
                needs.tools.extend(TOOLS);
                needs.root = true;
            }
            missing(&needs, machine)
        }
        Choice::Userspace | Choice::Builtin => Vec::new(),
    };
    Some(Candidate {
        name,
        choice,
        lacks,
    })
}

/// What of `needs` this machine does not have, in their order.
pub fn missing(needs: &Needs, machine: &dyn Machine) -> Vec<Lack> {
    let lack = |what: String, package| Lack { what, package };
    let tools = needs
        .tools
        .iter()
        .filter(|(tool, _)| machine.program(tool).is_none());
    let tools = tools.map(|(tool, package)| lack((*tool).to_owned(), Some(*package)));
    let files = needs
        .files
        .iter()
        .filter(|(paths, _)| !paths.iter().any(|path| machine.file(path)));
    let files = files.map(|(paths, package)| {
        let package = Some(*package).filter(|package| !package.is_empty());
        lack(
            paths.first().copied().unwrap_or_default().to_owned(),
            package,
        )
    });
    let modules = needs
        .modules
        .iter()
        .filter(|module| !machine.module(module));
    let modules = modules.map(|module| lack(format!("the kernel module {module}"), None));
    let root = (needs.root && !machine.may_root()).then(|| lack(ROOT.to_owned(), None));
    tools
        .chain(files)
        .chain(modules)
        .chain(root)
        .filter(|lack| !lack.what.is_empty())
        .collect()
}

/// The one that makes this tunnel on this machine.
///
/// # Errors
/// [`Kind::Tunnel`] with the reason `missing` (`rights` when only those are), which tells what each
/// candidate lacks and how to get it; those of [`candidates`].
pub fn choose(profile: &Tunnel, machine: &dyn Machine) -> Result<Choice> {
    let candidates = candidates(profile, machine)?;
    if let Some(able) = candidates
        .iter()
        .find(|candidate| candidate.lacks.is_empty())
    {
        return Ok(able.choice.clone());
    }
    // Where sudo is, whoever runs the plan may ask for its password.
    let rootless = |c: &&Candidate| c.lacks.iter().all(|lack| lack.what == ROOT);
    if let Some(asks) = candidates.iter().find(rootless)
        && machine.program("sudo").is_some()
    {
        return Ok(asks.choice.clone());
    }
    let each: Vec<String> = candidates.iter().map(told).collect();
    let message = format!(
        "the tunnel `{}` cannot be made here: {}",
        profile.name,
        each.join("; ")
    );
    if candidates.iter().any(|candidate| rootless(&candidate)) {
        let hint = "run mroom as root, or let this user use sudo";
        return Err(Error::new(Kind::Tunnel, message)
            .reason("rights")
            .hint(hint));
    }
    // The best of those that packages alone can help.
    let helped = candidates
        .iter()
        .find(|c| c.lacks.iter().any(|lack| lack.package.is_some()));
    let name = crate::quote::typed(&profile.name);
    let is_forced = profile.text("backend").is_some_and(|name| name != "auto");
    let hint = match helped {
        Some(candidate) => install(candidate, machine),
        None if is_forced => format!("mroom tunnel set {name} backend=auto"),
        None => format!("mroom doctor tunnel {name}"),
    };
    Err(Error::new(Kind::Tunnel, message)
        .reason("missing")
        .hint(hint))
}

fn told(candidate: &Candidate) -> String {
    let lacks: Vec<&str> = candidate.lacks.iter().map(|lack| &lack.what[..]).collect();
    format!("{} lacks {}", candidate.name, lacks.join(", "))
}

/// The command that installs what a candidate lacks, on Debian and its like, or by Homebrew.
pub fn install(candidate: &Candidate, machine: &dyn Machine) -> String {
    let mut packages: Vec<&str> = candidate
        .lacks
        .iter()
        .filter_map(|lack| lack.package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    let command = match machine.os() {
        "macos" => "brew install",
        _ => "sudo apt-get install -y",
    };
    format!("{command} {}", packages.join(" "))
}

#[cfg(test)]
mod tests;
