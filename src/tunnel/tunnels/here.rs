//! What the tunnels of a real run are made with: this machine's programs, and the WireGuard of this process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{LOOK, Settings, Within};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::events::{Events, Interact};
use crate::inventory::Tunnel;
use crate::ssh::Reply;
use crate::tunnel::backend::choose::{Choice, choose};
use crate::tunnel::machine::ThisMachine;
use crate::tunnel::runner::Here;
use crate::tunnel::{Dial, dns, fault, userspace};

/// How long the name of a tunnel's server may take.
const LOOKUP: Duration = Duration::from_secs(15);

impl Settings {
    /// Those of this machine; records are kept below `data`, the data folder.
    pub fn here(
        data: &Path,
        (events, interact): (Arc<dyn Events>, Arc<dyn Interact>),
        cancel: Cancel,
        serial: bool,
    ) -> Self {
        Settings {
            folder: data.join("tunnels"),
            runner: Arc::new(Here::new(events.clone(), interact)),
            backends: Arc::new(ThisMachine),
            within: Arc::new(InProcess(events.clone())),
            events,
            cancel,
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("mroom")),
            serial,
            look: LOOK,
        }
    }
}

/// Tunnels inside of this process.
struct InProcess(Arc<dyn Events>);

impl Within for InProcess {
    fn open(&self, profile: &Tunnel) -> Reply<Arc<dyn Dial>> {
        let (profile, events) = (profile.clone(), self.0.clone());
        Box::pin(async move {
            if !matches!(choose(&profile, &ThisMachine)?, Choice::Userspace) {
                let message = format!(
                    "the tunnel `{}` is one over SSH: sessions go through it",
                    profile.name
                );
                return Err(Error::usage(message));
            }
            let (host, port) = profile.endpoint(profile.kind.port())?;
            let address = match host.trim_matches(['[', ']']).parse() {
                Ok(address) => Some(address),
                Err(_) => {
                    let found = dns::resolve_here(&host, LOOKUP).await;
                    let found = found.map_err(|e| {
                        let message = format!("has no way to its server: {}", e.message());
                        fault(&profile.name, "gateway", message)
                    })?;
                    found.first().copied()
                }
            };
            let address = address.ok_or_else(|| {
                fault(
                    &profile.name,
                    "gateway",
                    format!("has no way to its server: `{host}` does not resolve"),
                )
            })?;
            let open = userspace::open(&profile, SocketAddr::new(address, port), events).await?;
            Ok(open as Arc<dyn Dial>)
        })
    }
}
