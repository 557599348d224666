//! Tunnels in front of servers. One over SSH is a jump host that the profile describes.

use super::Room;
use super::route::{Way, circle};
use crate::config::expand_tilde;
use crate::error::{Error, Kind, Result};
use crate::inventory::{Tunnel, TunnelKind, local_user};
use crate::ssh::{Route, Target};

/// What the ids of tunnels begin with; a server's id holds no space.
pub(super) const PREFIX: &str = "tunnel ";

/// The id of what a tunnel goes to, for messages and the log.
pub(super) fn id(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Whether an id is a tunnel's.
pub(super) fn is_tunnel(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// An error on the way to a tunnel's own server, as the tunnel's. What a person must decide stays what it is.
pub(super) fn failed(error: Error, id: &str) -> Error {
    let reason = match error.kind() {
        Kind::Connect | Kind::Timeout | Kind::Lost => "gateway",
        Kind::Auth => "auth",
        _ => return error.context(format!("the {}", quoted(id))),
    };
    let message = format!("the {}: {}", quoted(id), error.message());
    let told = Error::new(Kind::Tunnel, message).reason(reason);
    told.hint_of(&error).source(error)
}

/// What is wrong with a profile, for who wants to get behind it: that server is not reached.
pub(super) fn unusable(error: Error) -> Error {
    if error.kind() != Kind::Usage {
        return error;
    }
    let told = Error::new(Kind::Tunnel, error.message()).reason("config");
    let direct = "`--no-tunnel` connects directly";
    told.hint(match error.hint_text() {
        Some(hint) => format!("{hint}; {direct}"),
        None => direct.to_owned(),
    })
}

/// How an id is told: a server's, or ``tunnel `NAME` ``.
pub(super) fn quoted(id: &str) -> String {
    match id.strip_prefix(PREFIX) {
        Some(name) => format!("tunnel `{name}`"),
        None => format!("`{id}`"),
    }
}

impl Room {
    /// What stands before everything behind the tunnel `name`, the tunnel itself included, as the server
    /// of the id `server` sees it.
    pub(super) fn front(&self, name: &str, server: &str, path: &mut Vec<String>) -> Result<Way> {
        let tunnel = self.profile(name)?;
        tunnel.kind.check_usable().map_err(unusable)?;
        // A list's tunnel stands before all of its servers, but not before the one that it goes to.
        if tunnel.server == server {
            return Ok(Way::default());
        }
        if tunnel.kind != TunnelKind::Ssh {
            return Ok(Way {
                is_fronted: true,
                tunnel: Some(tunnel.name),
                ..Way::default()
            });
        }
        self.gate(&tunnel, path)
    }

    /// The profile of a tunnel that servers name.
    fn profile(&self, name: &str) -> Result<Tunnel> {
        let store = self.store()?;
        let profile = store.tunnel(name)?;
        profile.ok_or_else(|| unusable(store.no_tunnel(name)))
    }

    /// Sees to it that the tunnel of a way can be brought up by its name alone: what it is, which it
    /// needs, and what all is behind it.
    pub(super) fn learn(&self, way: &Way) -> Result<()> {
        let Some(name) = way.tunnel.as_deref().filter(|n| !self.fronts.knows(n)) else {
            return Ok(());
        };
        self.learn_profile(self.profile(name)?).map_err(unusable)
    }

    /// The same of a profile.
    pub(super) fn learn_profile(&self, profile: Tunnel) -> Result<()> {
        let mut needs = self.store()?.tunnel_chain(&profile)?;
        needs.pop();
        let name = Some(profile.name.as_str());
        let mut ends = Vec::new();
        for server in self.store()?.list()?.iter().filter(|s| s.tunnel() == name) {
            // What is wrong with another server's way is its own matter.
            let Ok(way) = self.way(server, &mut vec![server.id.clone()]) else {
                continue;
            };
            if way.tunnel.as_deref() == name {
                let first = way.hops.into_iter().next();
                let end = first.map(|hop| (hop.host, hop.port));
                ends.push(end.unwrap_or_else(|| (server.host.clone(), server.port)));
            }
        }
        self.fronts.know(profile, needs, ends);
        Ok(())
    }

    /// The way through a tunnel over SSH: its server is the last of the jump hosts.
    pub(super) fn gate(&self, tunnel: &Tunnel, path: &mut Vec<String>) -> Result<Way> {
        let id = id(&tunnel.name);
        if path.contains(&id) {
            return Err(circle(path, &id));
        }
        // Those that need each other, whichever way leads there.
        self.store()?.tunnel_chain(tunnel).map_err(unusable)?;
        path.push(id.clone());
        let known = self.store()?.get(&tunnel.server)?;
        let (mut way, mut target) = match &known {
            Some(server) if path.contains(&server.id) => return Err(circle(path, &server.id)),
            Some(server) => {
                path.push(server.id.clone());
                let way = self.way(server, path)?;
                path.pop();
                (way, self.direct_target(server)?)
            }
            None => {
                let words: Vec<String> = tunnel.list("jump").into_iter().map(Into::into).collect();
                (
                    self.way_of(&words, path)?,
                    direct(tunnel).map_err(unusable)?,
                )
            }
        };
        if let Some(needed) = tunnel.text("needs").filter(|_| !way.is_fronted) {
            let mut whole = self.front(needed, &tunnel.server, path)?;
            whole.hops.extend(way.hops);
            way = whole;
        }
        path.pop();
        if !tunnel.user.is_empty() {
            target.user.clone_from(&tunnel.user);
        }
        if !tunnel.password.is_empty() {
            target.password = Some(tunnel.password.clone());
        }
        if let Some(key) = tunnel.text("key") {
            target.key = Some(expand_tilde(key));
        }
        target.id = id;
        way.hops.push(target);
        way.is_fronted = true;
        Ok(way)
    }
}

/// The server of a tunnel that is not one of the inventory.
fn direct(tunnel: &Tunnel) -> Result<Target> {
    let (host, port) = tunnel.endpoint(tunnel.kind.port())?;
    Ok(Target {
        id: id(&tunnel.name),
        host,
        port,
        user: match tunnel.user.is_empty() {
            true => local_user()?,
            false => tunnel.user.clone(),
        },
        password: None,
        key: None,
        key_only: false,
        without: None,
        network: None,
        route: Route::Direct,
    })
}
