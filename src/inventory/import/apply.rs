//! Writing records over what the inventory holds: only what differs.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use super::Summary;
use super::input::Input;
use crate::error::Result;
use crate::inventory::store::check_fields;
use crate::inventory::{Server, pass_place, rows, sudo_place};
use crate::secret::{DataKey, Secret};

/// Writes what differs. A record that cannot be applied becomes an error of its line.
pub(super) fn records(
    conn: &Connection,
    input: &mut Input,
    key: Option<&DataKey>,
    summary: &mut Summary,
) -> Result<()> {
    let old = rows::all(conn)?.into_iter().map(|s| (s.id.clone(), s));
    let old: HashMap<String, Server> = old.collect();
    for (at, record) in &input.records {
        let old = old.get(&record.id);
        let applied = record.apply(old).and_then(|mut server| {
            check_fields(&server, old)?;
            seal_into(&mut server, record.password.as_ref(), old, key)?;
            Ok(server)
        });
        let server = match applied {
            Ok(server) => server,
            Err(e) => {
                input.errors.push((*at, e));
                continue;
            }
        };
        if old != Some(&server) {
            rows::write(conn, &server, old)?;
        }
        let sudo = record.sudo_password.as_ref();
        let has_new_sudo =
            sudo.map_or(Ok(false), |sudo| write_sudo(conn, &server.id, sudo, key))?;
        match old {
            None => summary.added.push(server.id.clone()),
            Some(old) if *old == server && !has_new_sudo => summary.unchanged += 1,
            Some(old) => {
                let mut words = differences(old, &server);
                words.extend(has_new_sudo.then(|| "sudo password".to_owned()));
                summary.changed.push(server.id.clone());
                summary.differences.push(words.join(", "));
            }
        }
        for (key, time) in &record.updated_at {
            if server.meta.contains_key(key) {
                rows::write_time(conn, &server.id, key, *time)?;
            }
        }
    }
    Ok(())
}

/// Puts the record's password into the server, sealed; the stored one stays when it is the same.
fn seal_into(
    server: &mut Server,
    password: Option<&Secret>,
    old: Option<&Server>,
    key: Option<&DataKey>,
) -> Result<()> {
    let place = pass_place(&server.id);
    server.sealed_pass = match (password, key) {
        (None, _) => return Ok(()),
        (Some(password), _) if password.is_empty() => String::new(),
        (Some(password), Some(key)) => {
            let stored = old.and_then(|o| key.open(place, &o.sealed_pass).ok());
            if stored.as_ref() == Some(password) {
                return Ok(());
            }
            key.seal(place, password)?
        }
        // Check mode on a database without a key: counted, then undone.
        (Some(_), None) => "unsealed".to_owned(),
    };
    Ok(())
}

/// Writes what sudo asks for on a server, sealed, unless it is what is stored. True when it differs.
fn write_sudo(
    conn: &Connection,
    id: &str,
    password: &Secret,
    key: Option<&DataKey>,
) -> Result<bool> {
    let mut query = conn.prepare_cached("SELECT sealed FROM sudo_password WHERE server = ?")?;
    let old: Option<String> = query.query_row([id], |row| row.get(0)).optional()?;
    if password.is_empty() {
        let mut query = conn.prepare_cached("DELETE FROM sudo_password WHERE server = ?")?;
        return Ok(query.execute([id])? > 0);
    }
    let place = sudo_place(id);
    let stored = old
        .zip(key)
        .and_then(|(old, key)| key.open(place, &old).ok());
    if stored.as_ref() == Some(password) {
        return Ok(false);
    }
    // Without a key this is check mode, which undoes it.
    let sealed = key.map_or(Ok(String::new()), |key| key.seal(place, password))?;
    conn.prepare_cached("INSERT OR REPLACE INTO sudo_password VALUES (?, ?)")?
        .execute([id, &sealed])?;
    Ok(true)
}

/// What is different, in words; of a password only that it is.
fn differences(old: &Server, new: &Server) -> Vec<String> {
    let mut words = Vec::new();
    let mut differ = |name: &str, old: &str, new: &str| {
        if old != new {
            words.push(match (old, new) {
                ("", new) => format!("{name} {new}"),
                (old, "") => format!("{name} {old} removed"),
                (old, new) => format!("{name} {old} -> {new}"),
            });
        }
    };
    differ("host", &old.host, &new.host);
    differ("user", &old.user, &new.user);
    differ("port", &old.port.to_string(), &new.port.to_string());
    let description = |s: &Server| s.description.clone().unwrap_or_default();
    differ("description", &description(old), &description(new));
    let keys: BTreeSet<&String> = old.meta.keys().chain(new.meta.keys()).collect();
    for key in keys {
        let text = |s: &Server| match s.meta.get(key) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let name = if key == "local_cert_path" { "key" } else { key };
        differ(name, &text(old), &text(new));
    }
    if old.sealed_pass != new.sealed_pass {
        words.push("password".to_owned());
    }
    words.extend(new.tags.difference(&old.tags).map(|tag| format!("+@{tag}")));
    words.extend(old.tags.difference(&new.tags).map(|tag| format!("-@{tag}")));
    if old.next_action != new.next_action {
        words.push("next_action".to_owned());
    }
    words
}
