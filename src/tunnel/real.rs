//! What tunnels are made with outside of tests: this machine, and this process.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::machine::ThisMachine;
use super::runner::Here;
use super::tunnels::{LOOK, Settings, Within};
use super::{Dial, fault, userspace};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::events::{Events, Interact};
use crate::inventory::{Tunnel, TunnelKind};
use crate::ssh::Reply;

impl Settings {
    /// Those of a run on this machine. `data` is the data folder; with `serial` tunnels in conflict wait for
    /// each other.
    pub fn real(
        data: &Path,
        (events, interact): (Arc<dyn Events>, Arc<dyn Interact>),
        cancel: Cancel,
        serial: bool,
    ) -> Self {
        Settings {
            folder: data.join("tunnels"),
            runner: Arc::new(Here::new(events.clone(), interact)),
            backends: Arc::new(ThisMachine),
            within: Arc::new(Inside(events.clone())),
            events,
            cancel,
            program: std::env::current_exe().unwrap_or_else(|_| "mroom".into()),
            serial,
            look: LOOK,
        }
    }
}

/// Tunnels that live in this process.
struct Inside(Arc<dyn Events>);

impl Within for Inside {
    fn open(&self, profile: &Tunnel) -> Reply<Arc<dyn Dial>> {
        let (profile, events) = (profile.clone(), self.0.clone());
        Box::pin(async move {
            if profile.kind == TunnelKind::Ssh {
                let name = &profile.name;
                let message = format!("the tunnel `{name}` is up while something goes through it");
                return Err(Error::usage(message).hint(format!(
                    "commands for servers behind it open it; `mroom tunnel socks {name}` lets \
                     other programs through"
                )));
            }
            let gateway = resolve(&profile).await?;
            let up: Arc<dyn Dial> = userspace::open(&profile, gateway, events).await?;
            Ok(up)
        })
    }
}

/// The address of a tunnel's server. A thread asks: resolvers take their time.
async fn resolve(profile: &Tunnel) -> Result<SocketAddr> {
    let (host, port) = profile.endpoint(profile.kind.port())?;
    let (answer, answered) = oneshot::channel();
    let name = host.clone();
    let asking = move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Nobody waits any more: then nobody wants it.
        let _ = answer.send(found.map(|mut all| all.next()));
    };
    std::thread::Builder::new()
        .name("resolve".to_owned())
        .spawn(asking)
        .map_err(|e| Error::local(format!("cannot start a thread: {e}")).source(e))?;
    let unknown = || {
        let message = format!("does not come up: its server `{host}` has no address");
        fault(&profile.name, "gateway", message).hint("is this machine online?")
    };
    match answered.await {
        Ok(Ok(Some(address))) => Ok(address),
        Ok(Err(e)) => Err(unknown().source(e)),
        _ => Err(unknown()),
    }
}
