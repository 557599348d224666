//! Which jump hosts stand before a server: what `--jump` says, or its own metadata.

use serde_json::Value;

use super::Room;
use crate::error::{Error, Result};
use crate::inventory::{Server, place};
use crate::ssh::{Route, Target};

/// The metadata key that names a server's jump host.
const KEY: &str = "jump";
/// The port of a place that names none.
const PORT: u16 = 22;

impl Room {
    /// The way to a server of the inventory. A jump host may have one itself.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a jump host that is neither in the inventory nor
    /// `user@host`, and for ways that lead in a circle; [`crate::error::Kind::Locked`] as
    /// [`Room::target`].
    pub(super) fn route(&self, server: &Server) -> Result<Route> {
        let words = self.words(server)?;
        let mut path = vec![server.id.clone()];
        let hops = self.hops_of(&server.id, &words, &mut path)?;
        Ok(route(hops))
    }

    /// What stands between this machine and a server of the inventory, when it is not the network
    /// alone: nothing but a session comes through.
    ///
    /// # Errors
    /// Those of a jump host that is named wrongly, as [`Room::target`].
    pub fn behind(&self, server: &Server) -> Result<Option<String>> {
        if let Some(profile) = server.tunnel().filter(|_| !self.options.no_tunnel) {
            return Ok(Some(format!("behind the tunnel `{profile}`")));
        }
        let words = self.words(server)?;
        let last = words
            .last()
            .map(|word| format!("behind the jump host `{word}`"));
        Ok(last)
    }

    /// The way to what is not in the inventory; `jump` goes before `--jump`.
    ///
    /// # Errors
    /// As [`Room::target`].
    pub fn route_to(&self, id: &str, jump: Option<&str>) -> Result<Route> {
        let words = match jump {
            Some(text) => split(text),
            None => self.options.jump.clone().unwrap_or_default(),
        };
        let hops = self.hops_of(id, &words, &mut vec![id.to_owned()])?;
        Ok(route(hops))
    }

    /// Refuses a `--jump` that is wrong whatever the server, before any is touched.
    pub(super) fn check_jump(&self) -> Result<()> {
        for word in self.options.jump.iter().flatten() {
            if self.store()?.get(word)?.is_none() {
                elsewhere(word)?;
            }
        }
        Ok(())
    }

    /// What the command line or else the server says.
    fn words(&self, server: &Server) -> Result<Vec<String>> {
        if let Some(words) = &self.options.jump {
            // A jump host is itself reached by what stands before it.
            let own = words.iter().position(|word| *word == server.id);
            if own != Some(0) {
                return Ok(words[..own.unwrap_or(words.len())].to_vec());
            }
        }
        match server.meta.get(KEY) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(split(text)),
            Some(other) => {
                let message = format!("`{KEY}` must be an id or `user@host`, not `{other}`");
                Err(Error::usage(message).server(&server.id))
            }
        }
    }

    /// The targets of these jump hosts; the first one's own come before it. `path` is who wants
    /// them, from the server on.
    fn hops_of(&self, id: &str, words: &[String], path: &mut Vec<String>) -> Result<Vec<Target>> {
        let mut hops = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let circle = || {
                let way = path.join("` behind `");
                Error::usage(format!(
                    "the jump hosts go in a circle: `{way}` behind `{word}`"
                ))
                .server(&path[0])
                .hint(format!("`mroom set ID {KEY}=` takes a jump host away"))
            };
            if path.contains(word) || hops.iter().any(|hop: &Target| hop.id == *word) {
                return Err(circle());
            }
            let Some(server) = self.store()?.get(word)? else {
                hops.push(elsewhere(word).map_err(|e| e.server(id))?);
                continue;
            };
            if at == 0 {
                let before = self.words(&server)?;
                path.push(word.clone());
                hops = self.hops_of(id, &before, path)?;
                path.pop();
            }
            let target = self.direct_target(&server);
            hops.push(target.map_err(|e| e.context(format!("jump host `{word}`")))?);
        }
        Ok(hops)
    }
}

fn route(hops: Vec<Target>) -> Route {
    match hops.is_empty() {
        true => Route::Direct,
        false => Route::Through(hops),
    }
}

fn split(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim);
    words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// A jump host that is not in the inventory.
fn elsewhere(word: &str) -> Result<Target> {
    // A mistyped id must not become the name of a host.
    if !word.contains('@') {
        return Err(Error::usage(format!("no server `{word}` to jump through"))
            .hint("write `user@host` for one that is not in the inventory"));
    }
    let (user, host, port) = place(word)?;
    let port =
        match port {
            None => PORT,
            Some(text) => text.parse().ok().filter(|p| *p > 0).ok_or_else(|| {
                Error::usage(format!("`{word}`: the port must be from 1 to 65535"))
            })?,
        };
    Ok(Target {
        id: word.to_owned(),
        host: host.to_owned(),
        port,
        user,
        password: None,
        key: None,
        key_only: false,
        without: None,
        route: Route::Direct,
    })
}
