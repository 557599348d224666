//! Handlers of operations that wait: something has changed on a server, and what was to follow has
//! not been done yet. They survive the run that has left them.

use rusqlite::params;

use super::Store;
use super::rows::now;
use crate::error::Result;

impl Store {
    /// From now on these handlers wait. `server` is an id, of the inventory or not; `scope` the
    /// playbook or stage that defines them.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the database fails, here and below.
    pub fn add_handlers(&self, server: &str, scope: &str, names: &[String]) -> Result<()> {
        let sql = "INSERT INTO pending_handler (server, scope, name, since) VALUES (?, ?, ?, ?)
                   ON CONFLICT DO NOTHING";
        self.db.write(|conn| {
            let mut insert = conn.prepare_cached(sql)?;
            for name in names {
                insert.execute(params![server, scope, name, now()])?;
            }
            Ok(())
        })
    }

    /// This handler has ended well.
    ///
    /// # Errors
    /// As [`Store::add_handlers`].
    pub fn remove_handler(&self, server: &str, scope: &str, name: &str) -> Result<()> {
        let sql = "DELETE FROM pending_handler WHERE server = ? AND scope = ? AND name = ?";
        self.db.write(|conn| {
            let mut delete = conn.prepare_cached(sql)?;
            delete.execute(params![server, scope, name])?;
            Ok(())
        })
    }

    /// The handlers that wait, the oldest first.
    ///
    /// # Errors
    /// As [`Store::add_handlers`].
    pub fn handlers(&self, server: &str, scope: &str) -> Result<Vec<String>> {
        let sql = "SELECT name FROM pending_handler WHERE server = ? AND scope = ?
                   ORDER BY since, name";
        self.db.read(|conn| {
            let mut query = conn.prepare_cached(sql)?;
            let rows = query.query_map([server, scope], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::Server;
    use crate::secret::Redactor;

    #[test]
    fn handlers_wait_for_their_server_and_scope_and_go_with_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("cache.db"), Arc::new(Redactor::new())).unwrap();
        let web = Server::new("web", "h", "root", 22);
        store.put(&web, None).unwrap();
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        store
            .add_handlers("web", "play.lua", &names(&["b", "a"]))
            .unwrap();
        store
            .add_handlers("web", "play.lua", &names(&["a"]))
            .unwrap();
        store
            .add_handlers("root@else", "play.lua", &names(&["c"]))
            .unwrap();
        assert_eq!(store.handlers("web", "play.lua").unwrap().len(), 2);
        assert!(store.handlers("web", "other.lua").unwrap().is_empty());
        store.remove_handler("web", "play.lua", "b").unwrap();
        store.remove_handler("web", "play.lua", "none").unwrap();
        assert_eq!(store.handlers("web", "play.lua").unwrap(), ["a"]);
        store.put(&web, None).unwrap();
        assert_eq!(store.handlers("web", "play.lua").unwrap(), ["a"]);
        store.remove("web").unwrap();
        assert!(store.handlers("web", "play.lua").unwrap().is_empty());
        assert_eq!(store.handlers("root@else", "play.lua").unwrap(), ["c"]);
    }
}
