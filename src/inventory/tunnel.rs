//! Tunnel profiles: what line 1 of a list file declares, and what the table `tunnel` keeps.
//! Opening one is the tunnels' business.

use rusqlite::{Connection, OptionalExtension as _};

use super::Store;
use crate::error::{Error, Result};
use crate::secret::{DataKey, Place, Secret};

/// The sorts of tunnel that a list file may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// L2TP over IPsec.
    L2tpIpsec,
    /// Cisco's IPsec with XAuth.
    CiscoIpsec,
    /// IKEv2; the original spelled it `ikv2`.
    Ikev2,
    /// A forward through an SSH server.
    Ssh,
    /// WireGuard.
    WireGuard,
    /// PPTP.
    Pptp,
    /// OpenVPN.
    OpenVpn,
    /// SSTP.
    Sstp,
    /// The dae proxy.
    Dae,
    /// IPVanish.
    IpVanish,
}

impl TunnelKind {
    /// All, with the word that is written for each.
    const WORDS: [(TunnelKind, &'static str); 10] = [
        (TunnelKind::L2tpIpsec, "L2TP/IPsec"),
        (TunnelKind::CiscoIpsec, "Cisco/IPsec"),
        (TunnelKind::Ikev2, "IKEv2"),
        (TunnelKind::Ssh, "SSH"),
        (TunnelKind::WireGuard, "WireGuard"),
        (TunnelKind::Pptp, "PPTP"),
        (TunnelKind::OpenVpn, "OpenVPN"),
        (TunnelKind::Sstp, "SSTP"),
        (TunnelKind::Dae, "DAE"),
        (TunnelKind::IpVanish, "IPVANISH"),
    ];

    /// The words for all of them.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().map(|(_, word)| *word)
    }

    /// The word that is written for it.
    pub fn as_str(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(kind, _)| *kind == self);
        word.map_or("", |(_, word)| word)
    }

    /// The kind that a word means, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case("ikv2") {
            return Some(TunnelKind::Ikev2);
        }
        let known = Self::WORDS
            .iter()
            .find(|(_, w)| w.eq_ignore_ascii_case(word));
        known.map(|(kind, _)| *kind)
    }
}

/// A tunnel profile with its password in the clear, as a file carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// The name that servers refer to by `tunnel_profile`.
    pub name: String,
    /// What it is.
    pub kind: TunnelKind,
    /// The server that it goes to.
    pub server: String,
    /// Login name; may be empty.
    pub user: String,
    /// Password or key; may be empty.
    pub password: Secret,
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

    /// A stored tunnel profile, its password opened.
    ///
    /// # Errors
    /// [`crate::error::Kind::Locked`] when the secrets are locked.
    pub fn tunnel(&self, name: &str) -> Result<Option<Tunnel>> {
        let sql = "SELECT type, server, user, pass FROM tunnel WHERE name = ?";
        let row: Option<[String; 4]> = self.db.read(|conn| {
            let mut query = conn.prepare_cached(sql)?;
            let row = query.query_row([name], |r| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?]));
            Ok(row.optional()?)
        })?;
        let Some([word, server, user, sealed]) = row else {
            return Ok(None);
        };
        let kind = TunnelKind::from_word(&word).ok_or_else(|| {
            Error::local(format!("tunnel `{name}` has the unknown type `{word}`"))
        })?;
        Ok(Some(Tunnel {
            name: name.to_owned(),
            kind,
            server,
            user,
            password: self.open_sealed(tunnel_place(name), &sealed)?,
        }))
    }

    /// Writes a profile inside the caller's transaction. `key` is there when there is a password,
    /// except in check mode, which undoes this.
    pub(super) fn write_tunnel(
        &self,
        conn: &Connection,
        tunnel: &Tunnel,
        key: Option<&DataKey>,
    ) -> Result<()> {
        let Tunnel {
            name,
            kind,
            server,
            user,
            password,
        } = tunnel;
        if key.is_some() && self.tunnel(name)?.as_ref() == Some(tunnel) {
            return Ok(());
        }
        let sealed = key.map_or(Ok(String::new()), |k| k.seal(tunnel_place(name), password))?;
        conn.prepare_cached(
            "INSERT OR REPLACE INTO tunnel (name, type, server, user, pass) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute([name, kind.as_str(), server, user, &sealed])?;
        Ok(())
    }
}

fn tunnel_place(name: &str) -> Place<'_> {
    Place {
        table: "tunnel",
        id: name,
        column: "pass",
    }
}
