//! What tunnels are made with outside of tests: this machine, and this program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::held::{Held, Spec};
use super::keeper::folder::Folder;
use super::machine::ThisMachine;
use super::runner::Here;
use super::tunnels::{LOOK, Settings, Within};
use super::{Dial, dns, fault};
use crate::cancel::Cancel;
use crate::error::Error;
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
        let folder = data.join("tunnels");
        let program = std::env::current_exe().unwrap_or_else(|_| "mroom".into());
        Settings {
            runner: Arc::new(Here::new(events.clone(), interact)),
            backends: Arc::new(ThisMachine),
            within: Arc::new(Inside {
                folder: folder.clone(),
                program: program.clone(),
                events: events.clone(),
            }),
            folder,
            events,
            cancel,
            program,
            serial,
            look: LOOK,
        }
    }
}

/// Tunnels that need no program but this.
struct Inside {
    folder: PathBuf,
    program: PathBuf,
    events: Arc<dyn Events>,
}

impl Within for Inside {
    fn open(&self, profile: &Tunnel, holder: &str) -> Reply<Arc<dyn Dial>> {
        let (profile, events) = (profile.clone(), self.events.clone());
        let folder = Folder::of(&self.folder, &profile.name);
        let (program, what) = (self.program.clone(), holder.to_owned());
        Box::pin(async move {
            if profile.kind == TunnelKind::Ssh {
                let name = crate::quote::typed(&profile.name);
                let message = format!(
                    "the tunnel `{}` is up while something goes through it",
                    profile.name
                );
                return Err(Error::usage(message).hint(format!(
                    "commands for servers behind it open it; `mroom tunnel socks {name}` lets \
                     other programs through"
                )));
            }
            let patience = Duration::from_secs(profile.number("timeout").unwrap_or(30).into());
            let (host, port) = profile.endpoint(profile.kind.port())?;
            let found = dns::resolve_here(&host, port, patience)
                .await
                .map_err(|e| {
                    let message = format!("does not come up: {}", e.message());
                    fault(&profile.name, "gateway", message).hint("is this machine online?")
                })?;
            let spec = Spec {
                gateway: found[0],
                profile,
                folder,
                program,
                what,
                events,
            };
            Ok(Arc::new(Held::open(spec).await?) as Arc<dyn Dial>)
        })
    }
}
