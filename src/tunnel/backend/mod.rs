//! The programs that make tunnels, one small file each: what it needs, what is run, how its answers read.
//! All pure: they give data, and whoever holds tunnels runs it.

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
