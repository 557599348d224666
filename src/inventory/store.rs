//! [`Store`]: the inventory in its database.
//!
//! Every change is one transaction under the write lock, made on the row as it is then, so that
//! two processes do not undo each other's work.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use super::keys::Keyring;
use super::{Pattern, Selection, Server, Source, check, rows, upgrade};
use crate::config::nearest;
use crate::db::{BUSY_TIMEOUT, Db};
use crate::error::{Error, Result};
use crate::secret::{IdentityFile, Redactor, Secret};

/// Most bytes of ids that are read from standard input.
const LARGEST_ID_LIST: u64 = 16 << 20;

/// The inventory in its database.
pub struct Store {
    pub(super) db: Db,
    pub(super) keys: Keyring,
    pub(super) redactor: Arc<Redactor>,
}

impl Store {
    /// Opens (or makes) the database. An original `cache.db` is backed up and upgraded; then
    /// [`Store::notice`] says so.
    ///
    /// # Errors
    /// Those of [`Db::open`].
    pub fn open(path: &Path, redactor: Arc<Redactor>) -> Result<Self> {
        Self::open_within(path, redactor, BUSY_TIMEOUT)
    }

    /// The same, waiting at most `busy` for a lock of another process.
    ///
    /// # Errors
    /// Those of [`Db::open`].
    pub fn open_within(path: &Path, redactor: Arc<Redactor>, busy: Duration) -> Result<Self> {
        let identity = IdentityFile::beside(path);
        let db = Db::open(path, busy, &|conn| upgrade::upgrade(conn, &identity))?;
        let keys = Keyring::beside(path);
        Ok(Store { db, keys, redactor })
    }

    /// What a person must know about the opening just now: an original database was upgraded, and
    /// where the copy is that still holds its passwords in the clear.
    pub fn notice(&self) -> Option<String> {
        let backup = self.db.backup()?.display();
        Some(format!(
            "upgraded the original database; its copy `{backup}` still holds the passwords in the clear: \
             remove it when all is well"
        ))
    }

    /// All servers in inventory order (the order in which they were added).
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the database fails, here and below.
    pub fn list(&self) -> Result<Vec<Server>> {
        self.db.read(rows::all)
    }

    /// One server by its id.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn get(&self, id: &str) -> Result<Option<Server>> {
        self.db.read(|conn| rows::one(conn, id))
    }

    /// The servers that a pattern selects, in inventory order; none is an error.
    ///
    /// # Errors
    /// Those of [`Pattern`]; [`crate::error::Kind::Usage`] for an id file that cannot be read.
    pub fn select(&self, pattern: &str, how: Selection) -> Result<Vec<Server>> {
        self.select_from(pattern, how, &self.list()?)
    }

    /// The same among `servers`, which need not be those of the inventory.
    ///
    /// # Errors
    /// As [`Store::select`].
    pub fn select_from(
        &self,
        pattern: &str,
        how: Selection,
        servers: &[Server],
    ) -> Result<Vec<Server>> {
        let pattern = Pattern::parse(pattern)?;
        let with_facts = match pattern.needs_facts() {
            false => None,
            true => {
                let mut servers = servers.to_vec();
                self.load_facts(&mut servers)?;
                Some(servers)
            }
        };
        let servers = with_facts.as_deref().unwrap_or(servers);
        pattern.evaluate(servers, how, &mut |source| {
            let read = match source {
                Source::File(path) => std::fs::read(path),
                Source::Stdin => {
                    let mut bytes = Vec::new();
                    let limited = std::io::stdin().take(LARGEST_ID_LIST);
                    { limited }.read_to_end(&mut bytes).map(|_| bytes)
                }
            };
            read.map_err(|e| Error::usage(format!("`{source}`: {e}")).source(e))
        })
    }

    /// Adds or replaces one server. `password` is sealed (an empty one removes it); `None` keeps
    /// `server.sealed_pass`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a field that may not be, else as [`Store::list`].
    pub fn put(&self, server: &Server, password: Option<&Secret>) -> Result<()> {
        self.put_all(&[(server.clone(), password.cloned())])
    }

    /// [`Store::put`] for many in one transaction: all or none.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_all(&self, servers: &[(Server, Option<Secret>)]) -> Result<()> {
        let mut sealed = Vec::with_capacity(servers.len());
        for (server, password) in servers {
            let mut server = server.clone();
            if let Some(password) = password {
                server.sealed_pass = self.seal(&server.id, password)?;
            }
            sealed.push(server);
        }
        self.db.write(|conn| {
            for server in &sealed {
                let old = rows::one(conn, &server.id)?;
                check_fields(server, old.as_ref())?;
                rows::write(conn, server, old.as_ref())?;
            }
            Ok(())
        })
    }

    /// Puts each second server in the place of the first, all or none, as long as the first ones
    /// are what the database holds; else gives the id of one that is not.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn swap(&self, pairs: &[(Server, Server)]) -> Result<Option<String>> {
        self.db.write(|conn| {
            for (old, _) in pairs {
                if rows::one(conn, &old.id)?.as_ref() != Some(old) {
                    return Ok(Some(old.id.clone()));
                }
            }
            for (old, new) in pairs {
                check_fields(new, Some(old))?;
                rows::write(conn, new, Some(old))?;
            }
            Ok(None)
        })
    }

    /// Changes one server as it is now; gives what it became.
    ///
    /// # Errors
    /// Those of `change`; [`crate::error::Kind::Usage`] when there is no such server.
    pub fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut Server) -> Result<()>,
    ) -> Result<Server> {
        self.db.write(|conn| {
            let old = required(conn, id)?;
            let mut server = old.clone();
            change(&mut server)?;
            server.id.clone_from(&old.id);
            check_fields(&server, Some(&old))?;
            rows::write(conn, &server, Some(&old))?;
            Ok(server)
        })
    }

    /// Sets one metadata key (`Value::Null` removes it) and its `updated_at`, even when the value
    /// is the one that it had.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn meta_set(&self, id: &str, key: &str, value: &Value) -> Result<()> {
        check::key(key)?;
        self.db.write(|conn| {
            let old = required(conn, id)?;
            let mut server = old.clone();
            server.set_meta(key, value.clone());
            rows::write(conn, &server, Some(&old))?;
            match value {
                Value::Null => Ok(()),
                _ => rows::write_time(conn, id, key, rows::now()),
            }
        })
    }

    /// When each metadata key of a server was last set; seconds since 1970.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn updated_at(&self, id: &str) -> Result<BTreeMap<String, i64>> {
        self.db.read(|conn| rows::times(conn, id))
    }

    /// Adds tags to a server; gives what it became.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn tag(&self, id: &str, names: &[impl AsRef<str>]) -> Result<Server> {
        self.update(id, |server| {
            server
                .tags
                .extend(names.iter().map(|n| n.as_ref().to_owned()));
            Ok(())
        })
    }

    /// Takes tags off a server; gives what it became.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn untag(&self, id: &str, names: &[impl AsRef<str>]) -> Result<Server> {
        self.update(id, |server| {
            server
                .tags
                .retain(|t| !names.iter().any(|n| n.as_ref() == t));
            Ok(())
        })
    }

    /// Removes one server; false when it was not there.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn remove(&self, id: &str) -> Result<bool> {
        let sql = "DELETE FROM server_room WHERE id = ?";
        self.db.write(|conn| Ok(conn.execute(sql, [id])? > 0))
    }
}

/// Checks the fields that are new or changed: what an original database holds may stay.
pub(super) fn check_fields(server: &Server, old: Option<&Server>) -> Result<()> {
    let check = || {
        if old.is_none() {
            check::id(&server.id)?;
        }
        if old.is_none_or(|o| o.host != server.host) {
            check::host(&server.host)?;
        }
        if old.is_none_or(|o| o.user != server.user) {
            check::user(&server.user)?;
        }
        if server.port == 0 && old.is_none_or(|o| o.port != 0) {
            return Err(Error::usage("the port must be from 1 to 65535"));
        }
        let new_tags = server
            .tags
            .iter()
            .filter(|t| old.is_none_or(|o| !o.tags.contains(*t)));
        new_tags.map(String::as_str).try_for_each(check::tag)?;
        let new_keys = server
            .meta
            .keys()
            .filter(|k| old.is_none_or(|o| !o.meta.contains_key(*k)));
        new_keys.map(String::as_str).try_for_each(check::key)
    };
    check().map_err(|e: Error| match server.id.is_empty() {
        true => e,
        false => e.server(&server.id),
    })
}

fn required(conn: &Connection, id: &str) -> Result<Server> {
    if let Some(server) = rows::one(conn, id)? {
        return Ok(server);
    }
    let ids: Vec<String> = rows::all(conn)?.into_iter().map(|s| s.id).collect();
    Err(unknown(id, ids.iter().map(String::as_str)))
}

/// What to do about an inventory without a server.
pub(super) const EMPTY: &str =
    "the inventory is empty: `mroom import FILE` or `mroom add` fills it";

/// The error for an id that is not in the inventory.
pub(super) fn unknown<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let error = Error::usage(format!("no server `{}`", id.escape_debug()));
    let mut known = known.peekable();
    if known.peek().is_none() {
        return error.hint(EMPTY);
    }
    match nearest(id, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`mroom ls` lists the servers"),
    }
}
