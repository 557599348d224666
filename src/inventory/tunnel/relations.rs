//! Who needs whom: the profiles behind a profile, and the servers and profiles that name one.

use super::Tunnel;
use crate::config::nearest;
use crate::error::{Error, Result};
use crate::inventory::Store;
use crate::quote::typed;

/// Who names a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TunnelUsers {
    /// Ids of servers that are reached through it, in inventory order.
    pub servers: Vec<String>,
    /// Profiles that need it, sorted.
    pub tunnels: Vec<String>,
}

impl Store {
    /// The profiles that a profile needs to be up, outermost first, and itself last. The inventory need not
    /// have the last.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for one that does not exist and for a circle,
    /// [`crate::error::Kind::Locked`] when the secrets are locked.
    pub fn tunnel_chain(&self, profile: &Tunnel) -> Result<Vec<Tunnel>> {
        let mut chain = vec![profile.clone()];
        while let Some(inner) = chain.last()
            && let Some(name) = inner.text("needs")
        {
            let word = typed(name);
            if chain.iter().any(|tunnel| tunnel.name == name) {
                let names: Vec<&str> = chain.iter().map(|t| t.name.as_str()).collect();
                let message = format!("tunnels that need each other: {} {name}", names.join(" "));
                let hint = format!("`mroom tunnel set {word} needs=` breaks the circle");
                return Err(Error::usage(message).hint(hint));
            }
            let outer = self.tunnel(name)?.ok_or_else(|| {
                Error::usage(format!(
                    "the tunnel `{}` needs the tunnel `{name}`, and there is no such profile",
                    inner.name
                ))
                .hint(format!("`mroom tunnel add {word} TYPE SERVER` makes it"))
            })?;
            chain.push(outer);
        }
        chain.reverse();
        Ok(chain)
    }

    /// The error for a profile that does not exist; it names the nearest.
    pub fn no_tunnel(&self, name: &str) -> Error {
        let error = Error::usage(format!("there is no tunnel profile `{name}`"));
        let known = self.tunnels().unwrap_or_default();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!(
                "did you mean `{near}`? `mroom tunnel ls` lists them"
            )),
            None => error.hint(format!(
                "`mroom tunnel add {} TYPE SERVER` makes it",
                typed(name)
            )),
        }
    }

    /// The servers and the profiles that name a profile.
    ///
    /// # Errors
    /// As [`Store::tunnels`].
    pub fn tunnel_users(&self, name: &str) -> Result<TunnelUsers> {
        let servers = self.list()?;
        let servers = servers.into_iter().filter(|s| s.tunnel() == Some(name));
        let tunnels = self.db.read(|conn| {
            let sql =
                "SELECT tunnel FROM tunnel_field WHERE key = 'needs' AND value = ? ORDER BY tunnel";
            let mut query = conn.prepare_cached(sql)?;
            let names = query.query_map([name], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })?;
        Ok(TunnelUsers {
            servers: servers.map(|s| s.id).collect(),
            tunnels,
        })
    }
}
