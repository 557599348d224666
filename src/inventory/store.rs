//! [`Store`]: the inventory's rows in the database.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::Server;
use crate::error::Result;
use crate::secret::{Redactor, Secret};

/// The inventory in its database.
pub struct Store {}

/// How [`Store::select`] reads a pattern.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection {
    /// Include retired servers even when they are not named.
    pub retired: bool,
}

impl Store {
    /// Opens (or makes) the database.
    pub fn open(_path: &Path, _redactor: Arc<Redactor>) -> Result<Self> {
        Ok(Store {})
    }
    /// All servers in inventory order.
    pub fn list(&self) -> Result<Vec<Server>> {
        Ok(Vec::new())
    }
    /// One server by its id.
    pub fn get(&self, _id: &str) -> Result<Option<Server>> {
        Ok(None)
    }
    /// The servers that a pattern selects, in inventory order; none is an error.
    pub fn select(&self, _pattern: &str, _how: Selection) -> Result<Vec<Server>> {
        Ok(Vec::new())
    }
    /// Adds or replaces one server; a new password is sealed.
    pub fn put(&self, _server: &Server, _password: Option<&Secret>) -> Result<()> {
        Ok(())
    }
    /// Removes one server; false when it was not there.
    pub fn remove(&self, _id: &str) -> Result<bool> {
        Ok(false)
    }
    /// The server's password in the clear, `None` when it has none.
    pub fn password(&self, _server: &Server) -> Result<Option<Secret>> {
        Ok(None)
    }
    /// Sets one metadata key (`Value::Null` removes it) and its `updated_at`.
    pub fn meta_set(&self, _id: &str, _key: &str, _value: &Value) -> Result<()> {
        Ok(())
    }
}
