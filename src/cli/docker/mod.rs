//! `mroom docker`: docker's own words, on many servers at once.
//!
//! Verbs that list are parsed and become one table; all others go to docker as they are typed, each
//! word quoted, and their output comes back as that of `exec` does. A verb of ours is a line in
//! [`run`].

mod deploys;
mod lists;
mod login;
mod pass;
mod prune;
mod words;

use super::App;
use crate::docker::engine::{Docker, Found, Place};
use crate::error::{Error, Result};
use crate::inventory::Server;

/// Ask docker on servers.
///
/// VERB and what follows are docker's own words; our flags stand before PATTERN. `ps images stats
/// networks volumes version info` become one table, `logs` and the rest are shown as they come.
/// As whom is found out: as the login, by sudo, or by a rootless socket; `-b` says root.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom docker @web ps -a
  mroom docker 'web-*' logs -f --tail 20 shop
  mroom docker web-01 run -d --name shop -p 80:80 shop:41
  mroom docker @web deploy shop --image shop:42
  mroom docker web-01 compose -f /srv/shop/compose.yml up -d --wait
  mroom -C docker all prune --all")]
pub struct Args {
    /// Which servers.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// ps images stats networks volumes version info, logs events inspect, run exec start stop
    /// restart kill rm rename, pull push tag rmi login logout prune, compose, and others of docker's;
    /// ours are deploy rollback deploys locks unlock.
    #[arg(
        value_name = "VERB",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub words: Vec<String>,
}

/// Runs it; the exit code is that of the run.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    let (verb, rest) = args
        .words
        .split_first()
        .ok_or_else(|| Error::usage("the verb is missing"))?;
    let pattern = &args.pattern;
    match &verb[..] {
        "ps" | "images" | "stats" | "networks" | "volumes" | "version" | "info" => {
            lists::run(app, pattern, verb, rest)
        }
        verb if deploys::is_verb(verb) => deploys::run(app, pattern, verb, rest),
        "prune" => prune::run(app, pattern, rest),
        "login" => login::run(app, pattern, rest),
        _ => pass::run(app, pattern, &args.words),
    }
}

/// Docker on a server of the run.
async fn docker(app: &App, server: &Server) -> Result<Docker> {
    let room = &app.room;
    // A person is asked before anything is connected.
    let sudo = room.default_sudo(server)?;
    Ok(Docker {
        transport: room.transport(server).await?,
        may_seek: sudo.is_none(),
        sudo,
        place: Place::default(),
        found: Found::default(),
        timeout: room.options.command_timeout,
    })
}
