//! Tunnels and gates that somebody opens for themselves: a handle in Lua, a listener, a forward.

use std::rc::Rc;
use std::sync::Arc;

use super::Room;
use super::fronts::Fronts;
use super::gate::Gate;
use crate::error::{Error, Result};
use crate::inventory::{Server, Tunnel, TunnelKind};
use crate::ssh::Target;
use crate::tunnel::keeper::status::{Status, asked};
use crate::tunnel::plan::Facts;
use crate::tunnel::{Dial, Tunnels, Way};

/// A tunnel, or a server's own gate, that is up until it is closed.
pub struct Opened {
    /// The tunnel's name, or the server's id.
    pub name: String,
    fronts: Rc<Fronts>,
    /// For whom tunnels are held.
    holder: String,
    through: Through,
}

enum Through {
    /// SSH: sessions of its own.
    Gate(Arc<Gate>),
    Way(Way),
}

impl Opened {
    /// What connects through it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when programs of this machine reach it by themselves.
    pub fn dial(&self) -> Result<Arc<dyn Dial>> {
        match &self.through {
            Through::Gate(gate) => Ok(Arc::new(gate.clone())),
            Through::Way(Way::Dial(dial)) => Ok(dial.clone()),
            Through::Way(Way::Route) => {
                let name = &self.name;
                let message = format!("the tunnel `{name}` is a route of this machine");
                Err(Error::usage(message).hint(format!(
                    "programs reach what is behind it without SOCKS while it is up: \
                     `mroom tunnel up {}`",
                    crate::quote::typed(name)
                )))
            }
        }
    }

    /// What this process knows of it by itself.
    pub fn facts(&self) -> Facts {
        match &self.through {
            Through::Gate(gate) => gate.facts(),
            Through::Way(Way::Dial(dial)) => dial.facts(),
            Through::Way(Way::Route) => Facts::default(),
        }
    }

    /// How its tunnel is as everybody sees it; `None` for one that lives in this process alone. `profile` is
    /// what it was made of.
    pub fn status(&self, profile: &Tunnel) -> impl Future<Output = Option<Status>> + use<> {
        let (tools, profile) = (self.fronts.tunnels().tools().clone(), profile.clone());
        asked(tools, profile)
    }

    /// Closes it, and lets the tunnels go that it needed.
    pub async fn close(&self) {
        let gate = match &self.through {
            Through::Gate(gate) => Some(gate.clone()),
            Through::Way(_) => None,
        };
        self.fronts.clone().let_go(&self.holder, gate).await;
    }

    /// Begins to close it, from where nobody can wait. Whoever needs the same tunnel next waits for it,
    /// and so does [`Room::close`].
    pub fn close_soon(&self) {
        let gate = match &self.through {
            Through::Gate(gate) => Some(gate.clone()),
            Through::Way(_) => None,
        };
        self.fronts.let_go_soon(&self.holder, gate);
    }
}

impl Room {
    /// The tunnels of this run.
    pub fn tunnels(&self) -> &Rc<Tunnels> {
        self.fronts.tunnels()
    }

    /// Brings a tunnel of the inventory up for `holder`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Tunnel`], and [`crate::error::Kind::Usage`] for a profile that lacks something.
    pub async fn open_tunnel(&self, name: &str, holder: &str) -> Result<Opened> {
        let store = self.store()?;
        let tunnel = store.tunnel(name)?.ok_or_else(|| store.no_tunnel(name))?;
        self.open_profile(&tunnel, holder).await
    }

    /// Brings the tunnel of a profile up, which the inventory need not have.
    ///
    /// # Errors
    /// As [`Room::open_tunnel`].
    pub async fn open_profile(&self, tunnel: &Tunnel, holder: &str) -> Result<Opened> {
        tunnel.kind.check_usable()?;
        let through = match tunnel.kind {
            TunnelKind::Ssh => {
                let mut way = self.gate(tunnel, &mut Vec::new())?;
                self.learn(&way)?;
                // The tunnel's own server is always the last.
                let Some(mut target) = way.hops.pop() else {
                    return Err(Error::usage("a tunnel without a server"));
                };
                target.route = way.route();
                Through::Gate(self.own_gate(target, holder).await?)
            }
            _ if self.options.no_tunnel => {
                let message = format!("the tunnel `{}` does not come up", tunnel.name);
                return Err(Error::usage(message).hint("`--no-tunnel` keeps tunnels down"));
            }
            _ => {
                if !self.fronts.knows_it(tunnel)? {
                    self.learn_profile(tunnel.clone())?;
                }
                Through::Way(self.fronts.hold(&tunnel.name, holder, None).await?)
            }
        };
        Ok(Opened {
            name: tunnel.name.clone(),
            fronts: self.fronts.clone(),
            holder: holder.to_owned(),
            through,
        })
    }

    /// Opens a gate to a server of the inventory, with sessions of its own.
    ///
    /// # Errors
    /// As [`Room::transport`].
    pub async fn open_gate(&self, server: &Server, holder: &str) -> Result<Opened> {
        let target = self.target(server)?;
        let gate = self.own_gate(target, holder).await;
        Ok(Opened {
            name: server.id.clone(),
            fronts: self.fronts.clone(),
            holder: holder.to_owned(),
            through: Through::Gate(gate.map_err(|e| e.server(&server.id))?),
        })
    }

    async fn own_gate(&self, target: Target, holder: &str) -> Result<Arc<Gate>> {
        let gate = self.reach().gate(target, holder).await?;
        let ready = gate.ready().await;
        if let Err(error) = ready {
            self.let_go(holder).await;
            return Err(error);
        }
        Ok(gate)
    }
}
