//! The types of tunnel: how they are spelled, where they listen, and which are not made here. Pure.

use crate::error::{Error, Result};

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
    /// All, with the word that is written for each, and the port on which its servers listen.
    const WORDS: [(TunnelKind, &'static str, u16); 10] = [
        (TunnelKind::L2tpIpsec, "L2TP/IPsec", 500),
        (TunnelKind::CiscoIpsec, "Cisco/IPsec", 500),
        (TunnelKind::Ikev2, "IKEv2", 500),
        (TunnelKind::Ssh, "SSH", 22),
        (TunnelKind::WireGuard, "WireGuard", 51820),
        (TunnelKind::Pptp, "PPTP", 1723),
        (TunnelKind::OpenVpn, "OpenVPN", 1194),
        (TunnelKind::Sstp, "SSTP", 443),
        (TunnelKind::Dae, "DAE", 0),
        (TunnelKind::IpVanish, "IPVANISH", 0),
    ];

    /// Other spellings; the first is the original's.
    const ALSO: [(&'static str, TunnelKind); 7] = [
        ("ikv2", TunnelKind::Ikev2),
        ("l2tp", TunnelKind::L2tpIpsec),
        ("l2tp-ipsec", TunnelKind::L2tpIpsec),
        ("cisco", TunnelKind::CiscoIpsec),
        ("cisco-ipsec", TunnelKind::CiscoIpsec),
        ("wg", TunnelKind::WireGuard),
        ("ovpn", TunnelKind::OpenVpn),
    ];

    /// The words for all of them.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().map(|(_, word, _)| *word)
    }

    /// Those that can be made.
    pub fn usable() -> impl Iterator<Item = TunnelKind> {
        let kinds = Self::WORDS.iter().map(|(kind, ..)| *kind);
        kinds.filter(|kind| kind.refusal().is_none())
    }

    /// The word that is written for it.
    pub fn as_str(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(kind, ..)| *kind == self);
        word.map_or("", |(_, word, _)| word)
    }

    /// The port on which its servers listen, unless told.
    pub fn port(self) -> u16 {
        let known = Self::WORDS.iter().find(|(kind, ..)| *kind == self);
        known.map_or(0, |(.., port)| *port)
    }

    /// The kind that a word means, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        let words = Self::WORDS.iter().map(|(kind, word, _)| (*word, *kind));
        let mut known = words.chain(Self::ALSO);
        let known = known.find(|(w, _)| w.eq_ignore_ascii_case(word));
        known.map(|(_, kind)| kind)
    }

    /// Why a tunnel of this type is not made, and what does its work; `None` for those that are.
    pub fn refusal(self) -> Option<(&'static str, &'static str)> {
        match self {
            TunnelKind::Sstp => Some((
                "SSTP is PPP in TLS, which no program of a usual system speaks",
                "its gateways (Windows, SoftEther) speak IKEv2 or L2TP/IPsec as well, or OpenVPN",
            )),
            TunnelKind::Dae => Some((
                "dae is a proxy for all that a machine does, not a way to a network",
                "a server that it reaches needs no tunnel profile; through a proxy's host, use SSH",
            )),
            TunnelKind::IpVanish => Some((
                "IPVANISH is a company, not a protocol",
                "it gives out configurations for WireGuard, IKEv2 and OpenVPN",
            )),
            _ => None,
        }
    }

    /// Whether it can be made.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] with the reason, and what to use instead as the hint.
    pub fn check_usable(self) -> Result<()> {
        match self.refusal() {
            None => Ok(()),
            Some((why, instead)) => {
                let message = format!("tunnels of type {} are not made: {why}", self.as_str());
                Err(Error::usage(message).hint(instead))
            }
        }
    }
}
