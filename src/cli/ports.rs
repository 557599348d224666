//! The ports of a server that the inventory keeps (the metadata `ports`), and how they change.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::App;
use crate::error::Result;
use crate::inventory::Server;

/// The metadata key.
const KEY: &str = "ports";

/// The ports now, and what has come and gone since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// All.
    pub now: BTreeSet<u16>,
    /// Those that are new.
    pub come: Vec<u16>,
    /// Those that are no more.
    pub gone: Vec<u16>,
}

impl Kept {
    /// From then to now.
    pub fn between(old: &BTreeSet<u16>, now: BTreeSet<u16>) -> Self {
        Kept {
            come: now.difference(old).copied().collect(),
            gone: old.difference(&now).copied().collect(),
            now,
        }
    }

    /// Whether anything has changed.
    pub fn is_new(&self) -> bool {
        !self.come.is_empty() || !self.gone.is_empty()
    }

    /// Writes them into the inventory.
    pub fn keep(&self, app: &App, id: &str) -> Result<()> {
        app.room.store()?.meta_set(id, KEY, &json!(self.now))
    }

    /// What has changed, for a person: `  +80  -443`.
    pub fn signs(&self) -> String {
        let come = self.come.iter().map(|port| format!("  +{port}"));
        let gone = self.gone.iter().map(|port| format!("  -{port}"));
        come.chain(gone).collect()
    }
}

/// The ports that the inventory knows: numbers, or texts as the original wrote them.
pub(super) fn known(server: &Server) -> BTreeSet<u16> {
    let ports = server.field(KEY);
    let port = |value: &Value| match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|n| u16::try_from(n).ok()),
    };
    ports
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(port)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_original_wrote_is_understood() {
        let mut server = Server::new("a", "h", "root", 22);
        assert!(known(&server).is_empty());
        for (value, ports) in [
            (json!(["22", " 80 ", "x", ""]), &[22, 80][..]),
            (json!([443, 70000, -1, 22]), &[22, 443]),
            (json!("22"), &[]),
        ] {
            server.set_meta("ports", value);
            assert_eq!(known(&server).into_iter().collect::<Vec<_>>(), ports);
        }
    }
}
