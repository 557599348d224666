//! The secrets of a [`Store`]: opening and sealing passwords, and who can.

use rusqlite::OptionalExtension as _;

use super::keys::{AskPassphrase, SecretsStatus};
use super::{Server, Store, pass_place, sudo_place};
use crate::error::Result;
use crate::secret::{Place, Secret};

impl Store {
    /// Sets or (with an empty one) removes a server's password.
    ///
    /// # Errors
    /// As [`Store::update`], and [`crate::error::Kind::Locked`] when the secrets are locked.
    pub fn set_password(&self, id: &str, password: &Secret) -> Result<()> {
        let sealed = self.seal(id, password)?;
        self.update(id, |server| {
            server.sealed_pass = sealed;
            Ok(())
        })
        .map(drop)
    }

    /// The server's password in the clear, `None` when it has none. The redactor learns it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Locked`] when the secrets are locked or the identity file is gone.
    pub fn password(&self, server: &Server) -> Result<Option<Secret>> {
        if server.sealed_pass.is_empty() {
            return Ok(None);
        }
        let opened = self.open_sealed(pass_place(&server.id), &server.sealed_pass);
        opened.map(Some).map_err(|e| e.server(&server.id))
    }

    /// Sets or (with an empty one) removes the passwords that sudo asks for on these servers, all or
    /// none.
    ///
    /// # Errors
    /// As [`Store::set_password`].
    pub fn set_sudo_password(&self, ids: &[String], password: &Secret) -> Result<()> {
        let mut sealed = Vec::new();
        if !password.is_empty() {
            self.redactor.add(password);
            let key = self.keys.key(&self.db)?;
            for id in ids {
                sealed.push(key.seal(sudo_place(id), password)?);
            }
        }
        self.db.write(|conn| {
            for (at, id) in ids.iter().enumerate() {
                match sealed.get(at) {
                    Some(sealed) => {
                        let sql = "INSERT OR REPLACE INTO sudo_password VALUES (?, ?)";
                        conn.execute(sql, [id, sealed])?;
                    }
                    None => {
                        conn.execute("DELETE FROM sudo_password WHERE server = ?", [id])?;
                    }
                }
            }
            Ok(())
        })
    }

    /// The password that sudo asks for on a server, as it is sealed; empty when it has none.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn sealed_sudo_password(&self, id: &str) -> Result<String> {
        let sql = "SELECT sealed FROM sudo_password WHERE server = ?";
        self.db.read(|conn| {
            let sealed = conn.query_row(sql, [id], |row| row.get(0)).optional()?;
            Ok(sealed.unwrap_or_default())
        })
    }

    /// The same in the clear. The redactor learns it.
    ///
    /// # Errors
    /// As [`Store::password`].
    pub fn sudo_password(&self, id: &str) -> Result<Option<Secret>> {
        let sealed = self.sealed_sudo_password(id)?;
        if sealed.is_empty() {
            return Ok(None);
        }
        let opened = self.open_sealed(sudo_place(id), &sealed);
        opened.map(Some).map_err(|e| e.server(id))
    }

    /// Opens a sealed value; the redactor learns it.
    pub(super) fn open_sealed(&self, place: Place<'_>, sealed: &str) -> Result<Secret> {
        if sealed.is_empty() {
            return Ok(Secret::new(""));
        }
        let secret = self.keys.key(&self.db)?.open(place, sealed)?;
        self.redactor.add(&secret);
        Ok(secret)
    }

    /// Seals a server's password; the redactor learns it.
    pub(super) fn seal(&self, id: &str, password: &Secret) -> Result<String> {
        if password.is_empty() {
            return Ok(String::new());
        }
        self.redactor.add(password);
        self.keys.key(&self.db)?.seal(pass_place(id), password)
    }

    /// Who gives the passphrase when the secrets are locked with one. Without it, locked secrets
    /// are an error of kind [`crate::error::Kind::Locked`].
    pub fn ask_passphrase_with(&self, ask: AskPassphrase) {
        self.keys.ask_with(ask);
    }

    /// Who can open the secrets, and how many there are. Opens nothing.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn secrets_status(&self) -> Result<SecretsStatus> {
        self.keys.status(&self.db)
    }

    /// From now on only `passphrase` opens the secrets: the identity file is removed, after the
    /// passphrase was proven to work. On locked secrets this changes the passphrase.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for an empty passphrase, [`crate::error::Kind::Locked`] when
    /// the secrets do not open now.
    pub fn secrets_lock(&self, passphrase: &Secret) -> Result<()> {
        self.keys.lock(&self.db, passphrase)
    }

    /// Back to an identity file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Locked`] for a wrong passphrase, [`crate::error::Kind::Usage`] when
    /// the secrets are not locked.
    pub fn secrets_unlock(&self, passphrase: &Secret) -> Result<()> {
        self.keys.unlock(&self.db, passphrase)
    }
}
