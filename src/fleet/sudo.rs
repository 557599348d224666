//! As whom commands run on a server, and with which password sudo is answered.

use super::Room;
use crate::error::{Error, Kind, Result};
use crate::inventory::Server;
use crate::secret::Secret;
use crate::ssh::Sudo;

impl Room {
    /// What `--become` says for a server; `None` when it does not.
    ///
    /// # Errors
    /// As [`Room::sudo`].
    pub fn default_sudo(&self, server: &Server) -> Result<Option<Sudo>> {
        let user = self.options.sudo.as_deref();
        user.map(|user| self.sudo(user, Some(server))).transpose()
    }

    /// How to become `user` on a server. The password is the one that a person is asked for once,
    /// when that is wanted; else the server's own for sudo; else that of its login, which is what
    /// sudo asks for as a rule.
    ///
    /// # Errors
    /// [`Kind::Locked`] when there is nobody to ask, else as [`crate::inventory::Store::password`].
    pub fn sudo(&self, user: &str, server: Option<&Server>) -> Result<Sudo> {
        let password = match (self.options.ask_sudo_password, server) {
            (true, _) => Some(self.asked_password()?),
            (false, Some(server)) => self.known_password(server)?,
            (false, None) => None,
        };
        Ok(Sudo {
            user: user.to_owned(),
            password,
        })
    }

    fn asked_password(&self) -> Result<Secret> {
        if let Some(password) = self.asked.get() {
            return Ok(password.clone());
        }
        let typed = self.interact.secret("Password for sudo").ok_or_else(|| {
            let message = "there is no terminal to ask for the password of sudo";
            Error::new(Kind::Locked, message)
                .hint("`mroom set ID --sudo-password-stdin` keeps one sealed")
        })?;
        self.redactor.add(&typed);
        Ok(self.asked.get_or_init(|| typed).clone())
    }

    fn known_password(&self, server: &Server) -> Result<Option<Secret>> {
        let store = self.store()?;
        let known = || match store.sudo_password(&server.id)? {
            None => store.password(server),
            known => Ok(known),
        };
        match known() {
            // sudo may not ask at all; when it does, it says so.
            Err(e) if e.kind() == Kind::Locked => Ok(None),
            known => known,
        }
    }
}
