//! [`RunOptions`]: what the command line says about a run. Pure data.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Policy;
use crate::journal::Run;

/// What the command line says about this run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// `--forks`, `--serial`, `--max-fail`.
    pub policy: Policy,
    /// `--check`: no writing verb may reach a server.
    pub check: bool,
    /// `--step`: a person is asked before each change.
    pub step: bool,
    /// `--command-timeout`.
    pub command_timeout: Option<Duration>,
    /// `--retired`: selections include retired servers.
    pub retired: bool,
    /// `--limit`: a pattern that every selection is intersected with.
    pub limit: Option<String>,
    /// `--no-tunnel`: connect directly to servers that have a tunnel profile.
    pub no_tunnel: bool,
    /// `--serial-tunnels`: tunnels whose ranges overlap are up one after the other.
    pub serial_tunnels: bool,
    /// `--jump`: the jump hosts of every connection, the nearest first; an empty list goes
    /// directly. Without it servers say for themselves.
    pub jump: Option<Vec<String>>,
    /// `--become`: the user that everything runs as, unless a call says otherwise.
    pub sudo: Option<String>,
    /// `--ask-become-pass`: a person is asked for the password of sudo, once.
    pub ask_sudo_password: bool,
    /// `-e`: the playbook's `vars`.
    pub vars: Map<String, Value>,
    /// Who runs what, for the command log; without it nothing is logged.
    pub run: Option<Run>,
}
