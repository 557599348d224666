//! The profiles in the database: `tunnel`, and `tunnel_field` for what else they hold.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Tunnel, TunnelKind, fields};
use crate::error::{Error, Result};
use crate::inventory::Store;
use crate::secret::{DataKey, Place, Secret};

/// A profile as it can be shown to anybody: nothing was opened for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TunnelKind,
    /// The server that it goes to.
    pub server: String,
    /// Login name; may be empty.
    pub user: String,
    /// Whether it has a password.
    pub has_password: bool,
    /// Its fields; a secret one has no value here.
    pub fields: Vec<(&'static str, Option<String>)>,
}

impl Store {
    /// The names of the stored tunnel profiles, sorted.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] when the database fails.
    pub fn tunnels(&self) -> Result<Vec<String>> {
        self.db.read(|conn| {
            let mut query = conn.prepare_cached("SELECT name FROM tunnel ORDER BY name")?;
            let names = query.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// A stored tunnel profile, its secrets opened.
    ///
    /// # Errors
    /// [`crate::error::Kind::Locked`] when the secrets are locked.
    pub fn tunnel(&self, name: &str) -> Result<Option<Tunnel>> {
        let Some(row) = self.tunnel_row(name)? else {
            return Ok(None);
        };
        let mut tunnel = Tunnel::new(name, row.kind, row.server);
        tunnel.user = row.user;
        tunnel.password = self.open_sealed(tunnel_place(name), &row.sealed)?;
        for field in row.fields {
            let value = match field.is_sealed {
                true => self.open_sealed(field_place(name, field.key), &field.value)?,
                false => Secret::new(field.value),
            };
            if field.is_sealed {
                self.redact_lines(&value);
            }
            tunnel.fields.insert(field.key, value);
        }
        Ok(Some(tunnel))
    }

    /// A profile without its secrets, which stay sealed.
    ///
    /// # Errors
    /// As [`Store::tunnels`].
    pub fn tunnel_outline(&self, name: &str) -> Result<Option<Outline>> {
        let row = self.tunnel_row(name)?;
        Ok(row.map(|row| {
            let shown = |f: StoredField| (f.key, (!f.is_sealed).then_some(f.value));
            let mut fields: Vec<_> = row.fields.into_iter().map(shown).collect();
            let order = |key: &str| fields::of(row.kind).position(|f| f.key == key);
            fields.sort_by_key(|(key, _)| order(key));
            Outline {
                name: name.to_owned(),
                kind: row.kind,
                server: row.server,
                user: row.user,
                has_password: !row.sealed.is_empty(),
                fields,
            }
        }))
    }

    /// Adds a profile or replaces the one of its name.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for one that [`Tunnel::check`] does not pass,
    /// [`crate::error::Kind::Locked`] when it has secrets and they are locked.
    pub fn put_tunnel(&self, tunnel: &Tunnel) -> Result<()> {
        tunnel.check()?;
        // Opened before the write lock is taken: it may take a person's time.
        let key = match tunnel.secrets().next() {
            Some(_) => Some(self.keys.key(&self.db)?),
            None => None,
        };
        self.db
            .write(|conn| self.write_tunnel(conn, tunnel, key.as_ref()))
    }

    /// Removes a profile; whether it was there.
    ///
    /// # Errors
    /// As [`Store::tunnels`].
    pub fn remove_tunnel(&self, name: &str) -> Result<bool> {
        let sql = "DELETE FROM tunnel WHERE name = ?";
        self.db.write(|conn| Ok(conn.execute(sql, [name])? > 0))
    }

    /// Writes a profile inside the caller's transaction. `key` is there when there is a secret,
    /// except in check mode, which undoes this.
    pub(in crate::inventory) fn write_tunnel(
        &self,
        conn: &Connection,
        tunnel: &Tunnel,
        key: Option<&DataKey>,
    ) -> Result<()> {
        if key.is_some() && self.tunnel(&tunnel.name)?.as_ref() == Some(tunnel) {
            return Ok(());
        }
        let name = &tunnel.name;
        let seal = |place: Place<'_>, secret: &Secret| match (key, secret.is_empty()) {
            (Some(key), false) => {
                self.redactor.add(secret);
                key.seal(place, secret)
            }
            _ => Ok(String::new()),
        };
        let sealed = seal(tunnel_place(name), &tunnel.password)?;
        conn.prepare_cached(
            "INSERT OR REPLACE INTO tunnel (name, type, server, user, pass) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute([
            name,
            tunnel.kind.as_str(),
            &tunnel.server,
            &tunnel.user,
            &sealed,
        ])?;
        // Those of the profile that was replaced went with it.
        let sql = "INSERT INTO tunnel_field (tunnel, key, value, is_sealed) VALUES (?, ?, ?, ?)";
        let mut insert = conn.prepare_cached(sql)?;
        for (field, value) in tunnel.fields() {
            let stored = match field.is_secret {
                true => seal(field_place(name, field.key), value)?,
                false => value.reveal().to_owned(),
            };
            insert.execute(params![name, field.key, stored, field.is_secret])?;
        }
        Ok(())
    }

    fn tunnel_row(&self, name: &str) -> Result<Option<StoredTunnel>> {
        let sql = "SELECT type, server, user, pass FROM tunnel WHERE name = ?";
        let fields = "SELECT key, value, is_sealed FROM tunnel_field WHERE tunnel = ?";
        self.db.read(|conn| {
            let mut query = conn.prepare_cached(sql)?;
            let row = query.query_row([name], |r| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?]));
            let row: Option<[String; 4]> = row.optional()?;
            let Some([word, server, user, sealed]) = row else {
                return Ok(None);
            };
            let kind = TunnelKind::from_word(&word).ok_or_else(|| {
                Error::local(format!("tunnel `{name}` has the unknown type `{word}`"))
            })?;
            let mut query = conn.prepare_cached(fields)?;
            let mut rows = query.query([name])?;
            let mut fields = Vec::new();
            while let Some(row) = rows.next()? {
                // One that this version does not know is left where it is.
                if let Some(field) = fields::find(kind, &row.get::<_, String>(0)?) {
                    fields.push(StoredField {
                        key: field.key,
                        value: row.get(1)?,
                        is_sealed: row.get(2)?,
                    });
                }
            }
            Ok(Some(StoredTunnel {
                kind,
                server,
                user,
                sealed,
                fields,
            }))
        })
    }

    /// The redactor learns the lines of a key file one by one: programs print them so.
    fn redact_lines(&self, content: &Secret) {
        let is_key = |line: &&str| line.len() >= 24 && !line.contains([' ', '-']);
        let lines = content.reveal().lines().skip(1).filter(is_key);
        lines.for_each(|line| self.redactor.add(&Secret::new(line)));
    }
}

impl Tunnel {
    /// Its secrets that are not empty.
    pub(in crate::inventory) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let fields = self.fields().filter(|(field, _)| field.is_secret);
        let all = fields.map(|(_, value)| value).chain([&self.password]);
        all.filter(|secret| !secret.is_empty())
    }
}

struct StoredTunnel {
    kind: TunnelKind,
    server: String,
    user: String,
    sealed: String,
    fields: Vec<StoredField>,
}

struct StoredField {
    key: &'static str,
    value: String,
    is_sealed: bool,
}

fn tunnel_place(name: &str) -> Place<'_> {
    Place {
        table: "tunnel",
        id: name,
        column: "pass",
    }
}

fn field_place<'a>(name: &'a str, key: &'a str) -> Place<'a> {
    Place {
        table: "tunnel_field",
        id: name,
        column: key,
    }
}
