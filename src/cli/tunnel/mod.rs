//! `mroom tunnel`: the profiles of tunnels, and the tunnels themselves. Each verb is a file.

mod add;
mod down;
mod forward;
mod listening;
mod ls;
mod rm;
mod set;
pub(super) mod shape;
mod show;
mod socks;
mod status;
mod up;
mod words;

use std::collections::BTreeSet;

use super::App;
use crate::error::Result;
use crate::events::Level;
use crate::inventory::{Server, Tunnel};
use crate::quote::typed;
use crate::tunnel::{machine::ThisMachine, stand};

/// Tunnels in front of servers: their profiles, and what is up.
///
/// A server whose `tunnel` names a profile is reached through it by every command, which brings it up
/// and takes it down again. `mroom help tunnels` lists the types and their fields.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mroom tunnel add office IKEv2 vpn.example.org --user ann --ask-password
  mroom tunnel set office routes=10.20.0.0/16 psk=@psk.txt
  mroom set 'db-*' tunnel=office")]
pub struct Args {
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do. Adding one: a file beside this one, a line here, one in [`run`].
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    Add(add::Args),
    Set(set::Args),
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    Show(show::Args),
    Rm(rm::Args),
    Socks(socks::Args),
    Forward(forward::Args),
    Up(up::Args),
    Down(down::Args),
    Status(status::Args),
}

/// Does it.
pub fn run(app: &App, args: &Args) -> Result<u8> {
    match &args.verb {
        Verb::Add(args) => add::run(app, args),
        Verb::Set(args) => set::run(app, args),
        Verb::Ls(args) => ls::run(app, args),
        Verb::Show(args) => show::run(app, args),
        Verb::Rm(args) => rm::run(app, args),
        Verb::Socks(args) => socks::run(app, args),
        Verb::Forward(args) => forward::run(app, args),
        Verb::Up(args) => up::run(app, args),
        Verb::Down(args) => down::run(app, args),
        Verb::Status(args) => status::run(app, args),
    }
}

/// The stored profile of that name, its secrets opened.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when there is none, [`crate::error::Kind::Locked`].
pub(super) fn find(app: &App, name: &str) -> Result<Tunnel> {
    let store = app.room.store()?;
    store.tunnel(name)?.ok_or_else(|| store.no_tunnel(name))
}

/// Tells of profiles that servers name and that do not exist: one may be made later.
pub(super) fn tell_missing<'a>(
    app: &App,
    servers: impl IntoIterator<Item = &'a Server>,
) -> Result<()> {
    let named: BTreeSet<&str> = servers.into_iter().filter_map(Server::tunnel).collect();
    if named.is_empty() {
        return Ok(());
    }
    let known = app.room.store()?.tunnels()?;
    for name in named {
        if !known.iter().any(|k| k == name) {
            let message = format!(
                "there is no tunnel profile `{name}` yet: `mroom tunnel add {} TYPE SERVER` makes it",
                typed(name)
            );
            app.screen.note(Level::Warning, None, &message);
        }
    }
    Ok(())
}

/// Tells what a profile still lacks.
fn tell_lacks(app: &App, tunnel: &Tunnel) {
    let name = typed(&tunnel.name);
    let lacks = tunnel.lacks();
    if !lacks.is_empty() {
        let words: Vec<String> = lacks
            .iter()
            .map(|key| shape::how(tunnel.kind, key))
            .collect();
        let message = format!(
            "it lacks {}: `mroom tunnel set {name} {}`",
            lacks.join(", "),
            words.join(" ")
        );
        app.screen.note(Level::Warning, None, &message);
    }
    if let Some(outer) = tunnel.text("needs")
        && let Ok(store) = app.room.store()
        && let Err(e) = store
            .tunnel_chain(tunnel)
            .and_then(|chain| stand::check(&chain, &ThisMachine))
        && e.kind() == crate::error::Kind::Usage
    {
        let message = format!("`needs={outer}`: {}", e.message());
        app.screen.note(Level::Warning, None, &message);
    }
}
