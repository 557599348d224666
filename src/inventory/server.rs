//! [`Server`]: one row of the inventory.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One server as the inventory knows it. The password stays sealed in here; only
/// [`super::Store::password`] opens it.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The name by which people call it; unique.
    pub id: String,
    /// Host name or address.
    pub host: String,
    /// Login name.
    pub user: String,
    /// The password as stored: sealed text, or empty for none.
    pub sealed_pass: String,
    /// TCP port of its sshd.
    pub port: u16,
    /// Free text.
    pub description: Option<String>,
    /// The original's `res`: marks and metadata. Unknown keys are kept as they are.
    pub meta: Map<String, Value>,
    /// The original's `next_action`, kept verbatim.
    pub next_action: Value,
    /// Tags, without the `@`.
    pub tags: BTreeSet<String>,
}

impl Server {
    /// A server with nothing known but where it is.
    pub fn new(
        id: impl Into<String>,
        host: impl Into<String>,
        user: impl Into<String>,
        port: u16,
    ) -> Self {
        Server {
            id: id.into(),
            host: host.into(),
            user: user.into(),
            sealed_pass: String::new(),
            port,
            description: None,
            meta: Map::new(),
            next_action: Value::Object(Map::new()),
            tags: BTreeSet::new(),
        }
    }

    /// A metadata value that is a non-empty text.
    pub fn meta_str(&self, key: &str) -> Option<&str> {
        self.meta
            .get(key)
            .and_then(Value::as_str)
            .filter(|s| !s.is_empty())
    }

    /// A mark: true when the key is there and true.
    pub fn has_mark(&self, key: &str) -> bool {
        self.meta.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Taken out of service; left out of selections unless named.
    pub fn is_retired(&self) -> bool {
        self.has_mark("retired")
    }

    /// The tunnel profile in front of it.
    pub fn tunnel(&self) -> Option<&str> {
        self.meta_str("tunnel_profile")
    }

    /// Its own private key file, as written (`~` not expanded).
    pub fn key(&self) -> Option<&str> {
        self.meta_str("local_cert_path")
    }

    /// The folder in which sessions start.
    pub fn home(&self) -> Option<&str> {
        self.meta_str("home_path")
    }
}
