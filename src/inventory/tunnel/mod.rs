//! Tunnel profiles: what is known of a tunnel, how it is written and read, and where it is kept.
//! Bringing one up is the tunnels' business.
//!
//! [`fields`] says what a profile may hold beside type, server, user and password; [`line`] and
//! [`json`] are its two written forms, [`files`] takes in the files that it names, [`store`] keeps it, [`relations`] tells who needs whom.
//! Everything but [`store`], [`relations`] and [`files`] is pure.

mod checks;
mod endpoint;
mod fields;
mod files;
pub(super) mod json;
mod kind;
pub(super) mod line;
mod ovpn;
mod relations;
mod store;
mod wg_quick;

use std::collections::BTreeMap;

pub use endpoint::endpoint;
pub use fields::{FIELDS, Field};
pub use kind::TunnelKind;
pub use ovpn::{Part as OvpnPart, parts as ovpn_parts};
pub use relations::TunnelUsers;
pub use store::Outline;

use super::check;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A tunnel profile with its secrets in the clear, as a file carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// The name that servers refer to by `tunnel_profile`.
    pub name: String,
    /// What it is.
    pub kind: TunnelKind,
    /// The server that it goes to, with or without a port; of SSH also a server of the inventory.
    pub server: String,
    /// Login name; may be empty.
    pub user: String,
    /// Password, or WireGuard's private key; may be empty.
    pub password: Secret,
    /// What else there is, by the keys of [`FIELDS`].
    fields: BTreeMap<&'static str, Secret>,
}

impl Tunnel {
    /// A profile with nothing but name, type and server.
    pub fn new(name: impl Into<String>, kind: TunnelKind, server: impl Into<String>) -> Self {
        Tunnel {
            name: name.into(),
            kind,
            server: server.into(),
            user: String::new(),
            password: Secret::new(""),
            fields: BTreeMap::new(),
        }
    }

    /// The value of a field, secret or not; `None` when it is not set.
    pub fn field(&self, key: &str) -> Option<&Secret> {
        self.fields.get(key)
    }

    /// The value of a field that is no secret; `None` when it is not set.
    pub fn text(&self, key: &str) -> Option<&str> {
        let open = fields::find(self.kind, key).is_some_and(|field| !field.is_secret);
        self.field(key).filter(|_| open).map(Secret::reveal)
    }

    /// Whether a field says `true`.
    pub fn flag(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// The values of a field that holds several, separated by commas; empty when it is not set.
    pub fn list(&self, key: &str) -> Vec<&str> {
        let text = self.text(key).unwrap_or_default();
        let words = text.split(',').map(str::trim);
        words.filter(|word| !word.is_empty()).collect()
    }

    /// A field that is a number; `None` when it is not set.
    pub fn number(&self, key: &str) -> Option<u32> {
        self.text(key)?.parse().ok()
    }

    /// The fields that are set, in the order of [`FIELDS`].
    pub fn fields(&self) -> impl Iterator<Item = (&'static Field, &Secret)> {
        fields::of(self.kind).filter_map(|field| Some((field, self.fields.get(field.key)?)))
    }

    /// Sets a field; an empty value removes it. A field that holds a file takes its content, or the
    /// path of the file until [`Tunnel::absorb`] has read it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a key that tunnels of this type do not have and for a value that
    /// does not pass. No secret is shown.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let field = fields::get(self.kind, key)?;
        let value = value.trim_matches([' ', '\t']);
        if value.is_empty() {
            self.fields.remove(field.key);
            return Ok(());
        }
        match field.is_path(value) {
            true => checks::plain(value).map_err(|e| e.context(format!("`{key}`")))?,
            false => field.check(value)?,
        }
        self.fields.insert(field.key, Secret::new(value));
        Ok(())
    }

    /// Host and port of [`Tunnel::server`].
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when it is neither `host`, `host:port` nor `[address]:port`.
    pub fn endpoint(&self, default_port: u16) -> Result<(String, u16)> {
        endpoint(&self.server, default_port).map_err(|e| {
            let name = crate::quote::typed(&self.name);
            let hint = format!("`mroom tunnel set {name} server=HOST:PORT`");
            e.context(format!("the server of the tunnel `{}`", self.name))
                .hint(hint)
        })
    }

    /// Checks all of it, as it is about to be kept.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming what is wrong.
    pub fn check(&self) -> Result<()> {
        check::id(&self.name).map_err(|e| e.context("the tunnel's name"))?;
        endpoint(&self.server, self.kind.port()).map_err(|e| e.context("the tunnel's server"))?;
        self.check_login()?;
        for (field, value) in self.fields() {
            field.check(value.reveal())?;
        }
        Ok(())
    }

    /// User and password.
    fn check_login(&self) -> Result<()> {
        if self.user.starts_with('-') {
            return Err(Error::usage("the tunnel's user may not begin with `-`"));
        }
        checks::plain(&self.user).map_err(|e| e.context("the tunnel's user"))?;
        match self.kind {
            TunnelKind::WireGuard if !self.password.is_empty() => {
                checks::wireguard_key(self.password.reveal())
                    .map_err(|e| e.context("the tunnel's password (its private key)"))
            }
            _ => checks::plain(self.password.reveal())
                .map_err(|e| e.context("the tunnel's password")),
        }
    }

    /// What a tunnel of its type cannot do without and the profile does not have: names of fields,
    /// `user` and `password`. Backends may need more.
    pub fn lacks(&self) -> Vec<&'static str> {
        let (has_psk, has_cert) = (self.field("psk").is_some(), self.field("cert").is_some());
        let needed: &[&'static str] = match (self.kind, self.text("auth")) {
            (TunnelKind::WireGuard, _) => &["password", "public_key", "address"],
            (TunnelKind::L2tpIpsec | TunnelKind::CiscoIpsec, _) if has_cert && !has_psk => {
                &["user", "password", "key"]
            }
            (TunnelKind::L2tpIpsec | TunnelKind::CiscoIpsec, _) => &["user", "password", "psk"],
            (TunnelKind::Pptp, _) => &["user", "password"],
            (TunnelKind::Ikev2, Some("psk")) => &["psk"],
            (TunnelKind::Ikev2, Some("pubkey" | "eap-tls")) => &["cert", "key"],
            (TunnelKind::Ikev2, None) if self.user.is_empty() && has_psk => &[],
            (TunnelKind::Ikev2, None) if self.user.is_empty() && has_cert => &["key"],
            (TunnelKind::Ikev2, _) => &["user", "password"],
            (TunnelKind::OpenVpn, _) if self.field("config").is_none() => &["ca"],
            _ => &[],
        };
        let is_missing = |key: &&&str| match **key {
            "user" => self.user.is_empty(),
            "password" => self.password.is_empty(),
            key => self.field(key).is_none(),
        };
        // The system's own services keep what they need themselves.
        let is_kept_there = self.field("service").is_some();
        let missing = needed.iter().filter(is_missing).copied();
        missing.filter(|_| !is_kept_there).collect()
    }
}

#[cfg(test)]
mod tests;
