//! The end of a run: its tunnels go down, or stay.

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::oneshot;

use super::{Tunnels, Up, gone};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::tunnel::Way;
use crate::tunnel::keeper::watch::Order;

/// How long all tunnels together may take to go down.
const GOODBYE: Duration = Duration::from_secs(60);

impl Tunnels {
    /// Takes all of them out of this process, within a bounded time: also after Ctrl-C and errors.
    pub async fn close(&self) {
        let end_all = async {
            loop {
                let all: Vec<_> = self
                    .open
                    .borrow()
                    .iter()
                    .map(|(n, e)| (n.clone(), e.clone()))
                    .collect();
                // What others stand on goes last.
                let stands = |name: &String| all.iter().any(|(_, e)| e.needs.contains(name));
                let top: Vec<_> = all
                    .iter()
                    .filter(|(name, _)| !stands(name))
                    .cloned()
                    .collect();
                if top.is_empty() {
                    return;
                }
                join_all(top.into_iter().map(|(name, entry)| async move {
                    match entry.is_closing.get() {
                        true => self.changed.notified().await,
                        false => self.end(&name, entry).await,
                    }
                }))
                .await;
            }
        };
        if tokio::time::timeout(GOODBYE, end_all).await.is_err() {
            let left: Vec<String> = self.open.borrow().keys().cloned().collect();
            let message = format!(
                "not down yet: {}; the next `mroom` takes them down",
                left.join(", ")
            );
            self.tools.events.note(Level::Warning, None, &message);
        }
    }

    /// Lets a tunnel that is held here, and those that it stands on, stay up when this process is done.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for one that lives inside of this process; what the disk says.
    pub async fn keep(&self, name: &str) -> Result<()> {
        let entry = self.open.borrow().get(name).cloned();
        let needs = entry.map(|e| e.needs.clone()).unwrap_or_default();
        for each in needs.iter().map(String::as_str).chain([name]) {
            self.keep_one(each).await?;
        }
        Ok(())
    }

    async fn keep_one(&self, name: &str) -> Result<()> {
        let Some(entry) = self.open.borrow().get(name).cloned() else {
            let message =
                format!("the tunnel `{name}` lives inside of one process, and ends with it");
            return Err(Error::usage(message));
        };
        let Some(orders) = &entry.orders else {
            let Up { way, .. } = entry.attempt.clone().await?;
            return match way {
                Way::Dial(dial) => dial.keep().await,
                Way::Route => Ok(()),
            };
        };
        let (answer, answered) = oneshot::channel();
        let _ = orders.send(Order::Keep(answer));
        answered.await.unwrap_or_else(|_| Err(gone(name)))
    }
}
