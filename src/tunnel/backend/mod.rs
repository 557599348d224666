//! The programs that make tunnels, one small file each: what it needs, what is run, how its answers read.
//! All pure: they give data, and whoever holds tunnels runs it. [`choose`] says which one makes a tunnel.

pub mod choose;
mod l2tp;
mod look;
mod networkmanager;
mod openvpn;
mod ppp;
mod pptp;
mod processes;
mod scutil;
mod swanctl;
#[cfg(test)]
mod testing;
mod value;
mod vpnc;
mod vpnutil;
mod wireguard;
mod words;

use std::path::PathBuf;

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;

use super::plan::{At, Facts, Needs, Plan, State, Step};

/// One way to make one type of tunnel.
pub trait Backend: Send + Sync {
    /// What it is called in `backend=` and in messages.
    fn name(&self) -> &'static str;

    /// What must be on this machine for this profile.
    fn needs(&self, profile: &Tunnel) -> Needs;

    /// What is to be done.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a profile that lacks something, or holds what cannot be written
    /// into the program's files; it names the field and the command that mends it.
    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan>;

    /// What the answer to [`Plan::status`] means.
    fn read(&self, profile: &Tunnel, at: &At, answer: &Output) -> State;

    /// What it means that a step of [`Plan::up`] ended badly with this answer: always
    /// [`State::Failed`]; `None` when its text says nothing that is known.
    fn failure(&self, _profile: &Tunnel, _at: &At, _answer: &Output) -> Option<State> {
        None
    }

    /// Asks whether the same tunnel was brought up by somebody else; `None` when that cannot be asked.
    fn elsewhere(&self, _profile: &Tunnel, _at: &At) -> Option<Step> {
        None
    }

    /// What the answer to [`Backend::elsewhere`] means: the tunnel that is up already.
    fn is_elsewhere(&self, _profile: &Tunnel, _at: &At, _answer: &Output) -> Option<Facts> {
        None
    }
}

/// What a machine has for backends. Asked again for each tunnel, so answers should be quick.
pub trait Machine: Send + Sync {
    /// `linux`, `macos` or another word of [`std::env::consts::OS`].
    fn os(&self) -> &str;

    /// Where a program is: in `$PATH` or among the system's own (`/usr/local/sbin`, `/usr/sbin`, `/sbin`).
    fn program(&self, name: &str) -> Option<PathBuf>;

    /// Whether the kernel has a module: loaded, built in, or to be loaded. `-` and `_` are one.
    fn module(&self, name: &str) -> bool;

    /// Whether a file is there.
    fn file(&self, path: &str) -> bool;

    /// Whether this process is root.
    fn is_root(&self) -> bool;

    /// Whether it can run something as root without asking.
    fn may_root(&self) -> bool;
}
