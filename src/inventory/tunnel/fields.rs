//! [`FIELDS`]: all that a profile may hold beside type, server, user and password. Pure data; every
//! reader, writer, help page and completion of fields goes by it.

use super::{TunnelKind, checks};
use crate::config::nearest;
use crate::error::{Error, Result};

use TunnelKind::{CiscoIpsec, Ikev2, L2tpIpsec, OpenVpn, Pptp, Ssh, WireGuard};

/// One key that profiles of some types may have.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// What it is called.
    pub key: &'static str,
    /// The types that have it.
    pub kinds: &'static [TunnelKind],
    /// Its value is sealed, and shown to nobody.
    pub is_secret: bool,
    /// Its value is the content of a file, which is read when the profile is written.
    pub is_file: bool,
    check: fn(&str) -> Result<()>,
    /// What it is, in a few words.
    pub help: &'static str,
    /// A good value.
    pub example: &'static str,
}

impl Field {
    const fn open(
        key: &'static str,
        kinds: &'static [TunnelKind],
        check: fn(&str) -> Result<()>,
        help: &'static str,
        example: &'static str,
    ) -> Self {
        Field {
            key,
            kinds,
            is_secret: false,
            is_file: false,
            check,
            help,
            example,
        }
    }

    const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    const fn file(mut self) -> Self {
        self.is_file = true;
        self
    }

    /// Whether a value is the path of the file that holds the value: contents have several lines.
    pub(super) fn is_path(&self, value: &str) -> bool {
        self.is_file && !value.contains('\n')
    }

    /// Checks a value, the content where it is that of a file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the key; the value is not shown.
    pub fn check(&self, value: &str) -> Result<()> {
        let checked = match self.is_path(value) {
            true => Err(Error::usage("the file was not read")),
            false => (self.check)(value),
        };
        checked.map_err(|e| {
            let error = e.context(format!("`{}`", self.key));
            match (error.hint_text(), self.is_file) {
                (None, false) => error.hint(format!("such as {}={}", self.key, self.example)),
                _ => error,
            }
        })
    }
}

/// The fields of a type.
pub(super) fn of(kind: TunnelKind) -> impl Iterator<Item = &'static Field> {
    FIELDS
        .iter()
        .filter(move |field| field.kinds.contains(&kind))
}

/// The field of that key.
pub(super) fn find(kind: TunnelKind, key: &str) -> Option<&'static Field> {
    of(kind).find(|field| field.key == key)
}

/// Whether any type has such a key.
pub(super) fn is_known(key: &str) -> bool {
    FIELDS.iter().any(|field| field.key == key)
}

/// The field of that key, or what may have been meant.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub(super) fn get(kind: TunnelKind, key: &str) -> Result<&'static Field> {
    if let Some(field) = find(kind, key) {
        return Ok(field);
    }
    let shown: String = key.chars().take(40).collect();
    let (shown, word) = (shown.escape_debug(), kind.as_str());
    if let Some(other) = FIELDS.iter().find(|field| field.key == key) {
        let kinds: Vec<_> = other.kinds.iter().map(|kind| kind.as_str()).collect();
        let message = format!(
            "`{shown}` is a field of {} tunnels, not of {word}",
            kinds.join(", ")
        );
        return Err(Error::usage(message).hint(format!("its fields: {}", keys(kind))));
    }
    let error = Error::usage(format!("{word} tunnels have no field `{shown}`"));
    // wg's own word, and no field: it is kept where passwords are.
    if kind == WireGuard && matches!(key, "private_key" | "PrivateKey" | "private-key") {
        return Err(error.hint(
            "the private key is the profile's password: --password-stdin < KEYFILE, or --ask-password",
        ));
    }
    Err(match nearest(key, of(kind).map(|field| field.key)) {
        Some(near) => error.hint(format!("did you mean `{near}`? Its fields: {}", keys(kind))),
        None => error.hint(format!("its fields: {}", keys(kind))),
    })
}

fn keys(kind: TunnelKind) -> String {
    of(kind)
        .map(|field| field.key)
        .collect::<Vec<_>>()
        .join(" ")
}

const ALL: &[TunnelKind] = &[L2tpIpsec, CiscoIpsec, Ikev2, Ssh, WireGuard, Pptp, OpenVpn];
const IPSEC: &[TunnelKind] = &[L2tpIpsec, CiscoIpsec, Ikev2];
const SERVICES: &[TunnelKind] = &[L2tpIpsec, CiscoIpsec, Ikev2, WireGuard, Pptp, OpenVpn];

/// Names of backends; which of them make a type is theirs to say.
const BACKENDS: &[&str] = &[
    "auto",
    "swanctl",
    "vpnc",
    "l2tp",
    "pptp",
    "wg",
    "wireguard-go",
    "userspace",
    "openvpn",
    "networkmanager",
    "vpnutil",
    "scutil",
    "builtin",
];

/// Ways of an IKEv2 client to prove itself.
const AUTH: &[&str] = &[
    "eap-mschapv2",
    "eap-md5",
    "eap-gtc",
    "eap-tls",
    "psk",
    "pubkey",
];

/// Ways of PPP to prove a password.
const PPP_AUTH: &[&str] = &["mschapv2", "mschap", "chap", "pap"];

/// Transports of OpenVPN.
const PROTOS: &[&str] = &["udp", "udp4", "udp6", "tcp", "tcp4", "tcp6"];

/// Every key that a profile may have; one key may mean different things in different types.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    Field::open("backend", ALL, |v| checks::one_of(v, BACKENDS), "what makes it; auto: the first that can", "auto"),
    Field::open("routes", ALL, checks::routes, "ranges behind it, beside the servers' own addresses", "10.20.0.0/16"),
    Field::open("dns", ALL, checks::servers, "name servers behind it, for names only known there", "10.20.0.53"),
    Field::open("probe", ALL, checks::probe, "what is asked to prove that it carries", "10.20.0.5:22"),
    Field::open("isolate", ALL, checks::flag, "in a network namespace of its own (Linux)", "true"),
    Field::open("needs", ALL, crate::inventory::check::id, "another profile, which must be up first", "office"),
    Field::open("timeout", ALL, |v| checks::number(v, 1, 3600), "seconds that it may take to come up; 30 unless set", "60"),
    Field::open("keepalive", ALL, |v| checks::number(v, 0, 3600), "seconds between signs of life; 0 for none", "25"),
    Field::open("mtu", ALL, |v| checks::number(v, 576, 9216), "largest packet in it, in bytes", "1400"),
    Field::open("key", &[Ssh], checks::word, "path of the private key", "~/.ssh/gate"),
    Field::open("jump", &[Ssh], checks::word, "servers to go through first", "bastion"),
    Field::open("public_key", &[WireGuard], checks::wireguard_key, "the server's key", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="),
    Field::open("address", &[WireGuard], checks::addresses, "our addresses in it", "10.9.0.2/32"),
    Field::open("allowed", &[WireGuard], checks::ranges, "what the server may send from; everything unless set", "10.9.0.0/24"),
    Field::open("listen_port", &[WireGuard], |v| checks::number(v, 1, 65535), "our UDP port; a free one unless set", "51820"),
    Field::open("auth", &[Ikev2], |v| checks::one_of(v, AUTH), "how we prove ourselves; eap-mschapv2 with a user", "eap-mschapv2"),
    Field::open("auth", &[L2tpIpsec, Pptp], |v| checks::one_of(v, PPP_AUTH), "how the password is proven", "mschapv2"),
    Field::open("psk", &[L2tpIpsec, CiscoIpsec, Ikev2, WireGuard], checks::plain, "the pre-shared key", "@psk.txt").secret(),
    Field::open("id", IPSEC, checks::word, "our identity", "me@example.org"),
    Field::open("remote_id", IPSEC, checks::word, "the server's identity; its host name unless set", "vpn.example.org"),
    Field::open("group", &[CiscoIpsec], checks::word, "the group's name", "staff"),
    Field::open("mode", &[CiscoIpsec], |v| checks::one_of(v, &["aggressive", "main"]), "of phase one; aggressive with a group", "main"),
    Field::open("domain", &[CiscoIpsec], checks::word, "the login's domain", "CORP"),
    Field::open("proposals", IPSEC, checks::algorithms, "algorithms of phase one", "aes256-sha256-modp2048"),
    Field::open("esp_proposals", IPSEC, checks::algorithms, "algorithms of phase two", "aes256-sha256"),
    Field::open("mppe", &[Pptp], |v| checks::one_of(v, &["require", "off"]), "encryption; required unless off", "require"),
    Field::open("config", &[WireGuard], checks::text_file, "a wg-quick file, taken apart into the fields", "wg0.conf").secret().file(),
    Field::open("config", &[OpenVpn], checks::text_file, "an .ovpn file, kept whole", "office.ovpn").secret().file(),
    Field::open("ca", &[L2tpIpsec, CiscoIpsec, Ikev2, OpenVpn], |v| checks::pem(v, "CERTIFICATE"), "certificates that the server's must come from", "ca.pem").file(),
    Field::open("cert", &[L2tpIpsec, CiscoIpsec, Ikev2, OpenVpn], |v| checks::pem(v, "CERTIFICATE"), "our certificate", "me.pem").file(),
    Field::open("key", &[L2tpIpsec, CiscoIpsec, Ikev2, OpenVpn], |v| checks::pem(v, "PRIVATE KEY"), "the key of our certificate", "me.key").secret().file(),
    Field::open("tls_auth", &[OpenVpn], |v| checks::pem(v, "OpenVPN Static key V1"), "the key that signs all packets", "ta.key").secret().file(),
    Field::open("tls_crypt", &[OpenVpn], |v| checks::pem(v, "OpenVPN Static key V1"), "the key that hides all packets", "tc.key").secret().file(),
    Field::open("proto", &[OpenVpn], |v| checks::one_of(v, PROTOS), "udp or tcp", "udp"),
    Field::open("cipher", &[OpenVpn], checks::algorithms, "ciphers, the best first", "AES-256-GCM"),
    Field::open("service", SERVICES, checks::word, "the connection's name in NetworkManager or macOS", "Office VPN"),
];
