//! Tunnels in front of servers. One over SSH is a jump host that the profile describes.

use super::Room;
use super::route::{Way, circle, elsewhere};
use crate::error::{Error, Kind, Result};
use crate::inventory::{Server, Tunnel, TunnelKind, local_user};
use crate::ssh::Target;

/// What the ids of tunnels begin with; a server's id holds no space.
const PREFIX: &str = "tunnel ";

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

/// How an id is told: a server's, or ``tunnel `NAME` ``.
pub(super) fn quoted(id: &str) -> String {
    match id.strip_prefix(PREFIX) {
        Some(name) => format!("tunnel `{name}`"),
        None => format!("`{id}`"),
    }
}

impl Room {
    /// What stands before everything behind the tunnel `name`, the tunnel itself included, as
    /// `server` sees it.
    pub(super) fn front(&self, name: &str, server: &Server, path: &mut Vec<String>) -> Result<Way> {
        let tunnel = self.store()?.tunnel(name)?.ok_or_else(|| missing(name))?;
        if tunnel.kind != TunnelKind::Ssh {
            let message = format!("the server is behind the tunnel `{name}`");
            return Err(Error::new(Kind::Tunnel, message)
                .server(&server.id)
                .hint("`--no-tunnel` connects to it directly"));
        }
        // A list's tunnel stands before all of its servers, but not before the one that it goes to.
        if tunnel.server == server.id {
            return Ok(Way::default());
        }
        self.gate(&tunnel, path)
    }

    /// The way through a tunnel over SSH: its server is the last of the jump hosts.
    fn gate(&self, tunnel: &Tunnel, path: &mut Vec<String>) -> Result<Way> {
        let id = id(&tunnel.name);
        if path.contains(&id) {
            return Err(circle(path, &id));
        }
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
            None => (Way::default(), direct(tunnel)?),
        };
        path.pop();
        if !tunnel.user.is_empty() {
            target.user.clone_from(&tunnel.user);
        }
        if !tunnel.password.is_empty() {
            target.password = Some(tunnel.password.clone());
        }
        target.id = id;
        way.hops.push(target);
        way.is_fronted = true;
        Ok(way)
    }
}

/// The server of a tunnel that is not one of the inventory.
fn direct(tunnel: &Tunnel) -> Result<Target> {
    let user = match tunnel.user.is_empty() {
        true => local_user()?,
        false => tunnel.user.clone(),
    };
    elsewhere(&format!("{user}@{}", tunnel.server))
        .map_err(|e| e.context(format!("the tunnel `{}`", tunnel.name)))
}

fn missing(name: &str) -> Error {
    let command = crate::quote::words(&["mroom", "tunnel", "add", name]).unwrap_or_default();
    Error::new(Kind::Tunnel, format!("there is no tunnel `{name}`"))
        .reason("config")
        .hint(format!(
            "`{command} TYPE SERVER` adds it; `--no-tunnel` connects directly"
        ))
}
