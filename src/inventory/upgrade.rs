//! What the upgrade of an original database does to its rows: it seals their passwords.
//!
//! Runs inside the upgrade's transaction. The database keeps the order of its rows, and every
//! column but `pass` stays as it is.

use rusqlite::{Connection, params};

use super::{keys, pass_place, rows};
use crate::error::Result;
use crate::secret::{IdentityFile, Secret};

/// Seals every password of an original database.
pub(super) fn upgrade(conn: &Connection, identity: &IdentityFile) -> Result<()> {
    let mut query = conn.prepare("SELECT rowid, id, pass FROM server_room WHERE pass <> ''")?;
    let found = query.query_map([], |row| {
        let pass = Secret::new(rows::text(row.get_ref(2)?));
        Ok((row.get(0)?, rows::text(row.get_ref(1)?), pass))
    })?;
    let found: Vec<(i64, String, Secret)> = found.collect::<rusqlite::Result<_>>()?;
    if found.is_empty() {
        return Ok(());
    }
    // Taken out before the key is made: what is there is in the clear, not sealed without a key.
    conn.execute("UPDATE server_room SET pass = ''", [])?;
    let key = keys::make(conn, identity)?;
    let mut update = conn.prepare("UPDATE server_room SET pass = ? WHERE rowid = ?")?;
    for (rowid, id, pass) in found {
        update.execute(params![key.seal(pass_place(&id), &pass)?, rowid])?;
    }
    Ok(())
}
