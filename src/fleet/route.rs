//! What stands before a server: tunnels, and the jump hosts that `--jump` or its own metadata name.

use serde_json::Value;

use super::Room;
use crate::error::{Error, Result};
use crate::inventory::{Server, place};
use crate::ssh::{Route, Target};

/// The metadata key that names a server's jump host.
const KEY: &str = "jump";
/// The port of a place that names none.
const PORT: u16 = 22;

/// What stands before somebody.
#[derive(Default)]
pub(super) struct Way {
    /// Jump hosts, the nearest first; a tunnel over SSH is one.
    pub hops: Vec<Target>,
    /// A tunnel stands before them.
    pub is_fronted: bool,
    /// Its name, when it is not one over SSH.
    pub tunnel: Option<String>,
}

impl Way {
    /// The same as a connection goes it.
    pub fn route(mut self) -> Route {
        let outer = self.tunnel.map_or(Route::Direct, Route::Behind);
        match self.hops.first_mut() {
            None => outer,
            Some(first) => {
                first.route = outer;
                Route::Through(self.hops)
            }
        }
    }
}

/// The jump hosts of a server, by their words.
struct Words {
    list: Vec<String>,
    /// By `--jump`: then they are the whole way.
    is_given: bool,
}

impl Room {
    /// The way to a server of the inventory. A jump host may have one itself.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a jump host that is neither in the inventory nor
    /// `user@host`, and for ways that lead in a circle; [`crate::error::Kind::Locked`] as
    /// [`Room::target`]; [`crate::error::Kind::Tunnel`] for a tunnel that is not there.
    pub(super) fn route(&self, server: &Server) -> Result<Route> {
        let mut path = vec![server.id.clone()];
        let way = self.way(server, &mut path);
        let way = way.map_err(|e| e.server(&server.id))?;
        self.learn(&way)?;
        Ok(way.route())
    }

    /// What stands before a server of the inventory. Its own tunnel counts where its jump hosts
    /// have none: a tunnel is always what begins at this machine. `path` is who wants to know, from
    /// the first on.
    pub(super) fn way(&self, server: &Server, path: &mut Vec<String>) -> Result<Way> {
        let words = self.words(server, path)?;
        let way = self.way_of(&words.list, path)?;
        let profile = server.tunnel().filter(|_| !self.options.no_tunnel);
        match profile.filter(|_| !way.is_fronted && !words.is_given) {
            None => Ok(way),
            Some(profile) => {
                let mut whole = self.front(profile, &server.id, path)?;
                whole.hops.extend(way.hops);
                Ok(whole)
            }
        }
    }

    /// What stands between this machine and a server of the inventory, when it is not the network
    /// alone: nothing but a session comes through.
    ///
    /// # Errors
    /// Those of a jump host that is named wrongly, as [`Room::target`].
    pub fn behind(&self, server: &Server) -> Result<Option<String>> {
        let words = self.words(server, &[])?;
        let profile = server.tunnel().filter(|_| !self.options.no_tunnel);
        if let Some(profile) = profile.filter(|_| !words.is_given) {
            return Ok(Some(format!("behind the tunnel `{profile}`")));
        }
        let last = words.list.last();
        Ok(last.map(|word| format!("behind the jump host `{word}`")))
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
        let way = self.way_of(&words, &mut vec![id.to_owned()])?;
        self.learn(&way)?;
        Ok(way.route())
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
    fn words(&self, server: &Server, path: &[String]) -> Result<Words> {
        // A tunnel's own way is its own: `--jump` is meant for what is behind.
        let in_tunnel = path.iter().any(|id| super::tunnels::is_tunnel(id));
        if let Some(words) = self.options.jump.as_ref().filter(|_| !in_tunnel) {
            // A jump host is itself reached by what stands before it.
            let own = words.iter().position(|word| *word == server.id);
            if own != Some(0) {
                let list = words[..own.unwrap_or(words.len())].to_vec();
                let is_given = !list.is_empty();
                return Ok(Words { list, is_given });
            }
        }
        let list = match server.meta.get(KEY) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => split(text),
            Some(other) => {
                let message = format!("`{KEY}` must be an id or `user@host`, not `{other}`");
                return Err(Error::usage(message).server(&server.id));
            }
        };
        let is_given = false;
        Ok(Words { list, is_given })
    }

    /// These jump hosts as targets; what stands before the first comes before it.
    pub(super) fn way_of(&self, words: &[String], path: &mut Vec<String>) -> Result<Way> {
        let mut way = Way::default();
        for (at, word) in words.iter().enumerate() {
            if path.contains(word) || way.hops.iter().any(|hop| hop.id == *word) {
                return Err(circle(path, word));
            }
            let Some(server) = self.store()?.get(word)? else {
                way.hops
                    .push(elsewhere(word).map_err(|e| e.server(&path[0]))?);
                continue;
            };
            if at == 0 {
                path.push(word.clone());
                way = self.way(&server, path)?;
                path.pop();
            }
            let target = self.direct_target(&server);
            way.hops
                .push(target.map_err(|e| e.context(format!("jump host `{word}`")))?);
        }
        Ok(way)
    }
}

/// Who stands before itself.
pub(super) fn circle(path: &[String], word: &str) -> Error {
    let way = path.join("` behind `");
    let error = Error::usage(format!(
        "the jump hosts go in a circle: `{way}` behind `{word}`"
    ));
    error
        .server(&path[0])
        .hint(format!("`mroom set ID {KEY}=` takes a jump host away"))
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
        network: None,
        route: Route::Direct,
    })
}

/// The tunnel whose far end is the network of what comes next.
pub(super) fn network(route: &Route) -> Option<String> {
    match route {
        Route::Behind(name) => Some(name.clone()),
        Route::Through(hops) => hops
            .last()?
            .id
            .strip_prefix(super::tunnels::PREFIX)
            .map(str::to_owned),
        _ => None,
    }
}

/// The tunnel, not one over SSH, at the beginning of a way.
pub(super) fn outermost(route: &Route) -> Option<&str> {
    match route {
        Route::Behind(name) => Some(name),
        Route::Through(hops) => outermost(&hops.first()?.route),
        _ => None,
    }
}
