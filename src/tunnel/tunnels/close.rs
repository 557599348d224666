//! The end of all tunnels of a run.

use std::time::Duration;

use futures::future::join_all;

use super::Tunnels;
use crate::events::Level;

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
}
