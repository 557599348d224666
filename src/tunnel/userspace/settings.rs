//! What a WireGuard profile says, in the forms that the tunnel needs. Pure.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use boringtun::x25519::{PublicKey, StaticSecret};
use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::inventory::Tunnel;
use crate::quote::typed;
use crate::secret::Secret;

/// The size of packets in a tunnel over a way of 1500 bytes, as wg-quick has it.
const MTU: usize = 1420;
/// What every network must carry (RFC 791), and what is larger than any that carries it.
const MTU_RANGE: std::ops::RangeInclusive<usize> = 576..=9000;
/// Patience with a gateway, seconds.
const TIMEOUT: u64 = 30;

/// A profile, read.
pub struct Settings {
    /// The profile's name.
    pub name: String,
    /// Our key.
    pub private: StaticSecret,
    /// The gateway's.
    pub peer: PublicKey,
    /// The key that both know beside those.
    pub preshared: Option<Zeroizing<[u8; 32]>>,
    /// Our addresses behind the tunnel: at most one of each family.
    pub addresses: Vec<IpNet>,
    /// What may go through, in both directions.
    pub allowed: Vec<IpNet>,
    /// Servers that know names behind the tunnel.
    pub dns: Vec<IpAddr>,
    /// The gateway as the profile names it, and its port.
    pub gateway: (String, u16),
    /// Our UDP port; 0: any.
    pub port: u16,
    /// Bytes of a packet.
    pub mtu: usize,
    /// Seconds between signs of life without traffic.
    pub keepalive: Option<u16>,
    /// How long the gateway, and a server behind it, may take.
    pub timeout: Duration,
}

impl Settings {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`Kind::Usage`] for what is missing or wrong; it names the field and how to set it.
    pub fn of(profile: &Tunnel) -> Result<Settings> {
        let name = &profile.name;
        if profile.password.is_empty() {
            let message = format!("the tunnel `{name}` has no private key");
            let hint = format!(
                "mroom tunnel set {} --password-stdin < KEYFILE",
                typed(name)
            );
            return Err(Error::usage(message).hint(hint));
        }
        let bad = |field: &str, what: &str| bad(name, field, what);
        let private = key(&profile.password).ok_or_else(|| bad("password", NOT_A_KEY))?;
        let peer = profile.text("public_key").unwrap_or_default();
        let peer = key(&Secret::new(peer)).ok_or_else(|| match peer {
            "" => bad("public_key", "is missing: it is the gateway's key"),
            _ => bad("public_key", NOT_A_KEY),
        })?;
        let preshared = match profile.field("psk") {
            Some(psk) => Some(key(psk).ok_or_else(|| bad("psk", NOT_A_KEY))?),
            None => None,
        };
        let number = |field: &str, default: usize, range: std::ops::RangeInclusive<usize>| {
            let Some(text) = profile.text(field) else {
                return Ok(default);
            };
            let number = text.parse().ok().filter(|n| range.contains(n));
            let wrong = format!("is not a number from {} to {}", range.start(), range.end());
            number.ok_or_else(|| bad(field, &wrong))
        };
        let seconds = number("timeout", TIMEOUT as usize, 1..=86_400)?;
        let keepalive = number("keepalive", 0, 0..=65_535)?;
        let allowed = ranges(profile, "allowed")?;
        let dns = profile.list("dns").into_iter().map(str::parse);
        let dns = dns.collect::<Result<_, _>>();
        Ok(Settings {
            name: name.clone(),
            private: StaticSecret::from(*private),
            peer: PublicKey::from(*peer),
            preshared,
            addresses: addresses(profile)?,
            allowed: match allowed.is_empty() {
                true => everything(),
                false => allowed,
            },
            dns: dns.map_err(|_| bad("dns", "is not a list of addresses"))?,
            gateway: profile.endpoint(profile.kind.port())?,
            port: number("listen_port", 0, 0..=65_535)? as u16,
            mtu: number("mtu", MTU, MTU_RANGE)?,
            keepalive: (keepalive > 0).then_some(keepalive as u16),
            timeout: Duration::from_secs(seconds as u64),
        })
    }

    /// Our key as the gateway must know it.
    pub fn public_key(&self) -> String {
        BASE64_STANDARD.encode(PublicKey::from(&self.private).as_bytes())
    }

    /// Why a connection to this address cannot be, when it cannot.
    pub fn refusal(&self, to: IpAddr) -> Option<Error> {
        let name = &self.name;
        let tunnel = |message: String| Error::new(Kind::Tunnel, message);
        if !self.allowed.iter().any(|range| range.contains(&to)) {
            let message = format!("the tunnel `{name}` is not allowed to carry anything to {to}");
            let hint = format!("widen it: mroom tunnel set {} allowed=RANGE,…", typed(name));
            return Some(tunnel(message).reason("routes").hint(hint));
        }
        let is_ours = |own: &IpNet| own.addr().is_ipv4() == to.is_ipv4();
        if !self.addresses.iter().any(is_ours) {
            let family = if to.is_ipv4() { "IPv4" } else { "IPv6" };
            let message = format!(
                "the tunnel `{name}` does not reach {to}: we have no {family} address in it"
            );
            let hint = format!("mroom tunnel set {} address=ADDRESS/BITS,…", typed(name));
            return Some(tunnel(message).reason("config").hint(hint));
        }
        None
    }

    /// The gateway as messages have it.
    pub fn gateway_shown(&self, at: SocketAddr) -> String {
        let (host, port) = &self.gateway;
        match host.parse::<IpAddr>() {
            Ok(_) => at.to_string(),
            Err(_) => format!("{host}:{port} ({})", at.ip()),
        }
    }
}

const NOT_A_KEY: &str =
    "is not a WireGuard key: 44 characters of base64, as `wg genkey` prints them";

fn bad(name: &str, field: &str, what: &str) -> Error {
    let set = match field {
        "password" => format!(
            "mroom tunnel set {} --password-stdin < KEYFILE",
            typed(name)
        ),
        "psk" => format!("mroom tunnel set {} psk=@FILE", typed(name)),
        _ => format!("mroom tunnel set {} {field}=…", typed(name)),
    };
    Error::usage(format!("the tunnel `{name}`: `{field}` {what}")).hint(set)
}

/// 32 bytes in base64.
fn key(text: &Secret) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.reveal().trim()).ok()?);
    Some(Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?))
}

/// Ranges, and addresses as ranges of one.
fn ranges(profile: &Tunnel, field: &str) -> Result<Vec<IpNet>> {
    let read = |text: &str| {
        let range = text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        range.map_err(|_| bad(&profile.name, field, "is not a list of ADDRESS/BITS"))
    };
    profile.list(field).into_iter().map(read).collect()
}

/// Ours: the first of each family, since one is enough to be reached at.
fn addresses(profile: &Tunnel) -> Result<Vec<IpNet>> {
    let mut own: Vec<IpNet> = Vec::new();
    for address in ranges(profile, "address")? {
        let ip = address.addr();
        let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        if ip.is_multicast() || ip.is_unspecified() || ip.is_loopback() || is_broadcast {
            let what = format!("has {ip}, which no machine can have in a tunnel");
            return Err(bad(&profile.name, "address", &what));
        }
        if !own.iter().any(|a| a.addr().is_ipv4() == ip.is_ipv4()) {
            own.push(address);
        }
    }
    if own.is_empty() {
        let what = "is missing: it is our own address behind the tunnel";
        return Err(bad(&profile.name, "address", what));
    }
    Ok(own)
}

fn everything() -> Vec<IpNet> {
    let any = |ip| IpNet::new(ip, 0).ok();
    [IpAddr::from([0u8; 4]), IpAddr::from([0u8; 16])]
        .into_iter()
        .filter_map(any)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::TunnelKind;

    const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn profile(fields: &[(&str, &str)]) -> Tunnel {
        let mut profile = Tunnel::new("lab", TunnelKind::WireGuard, "gw.example");
        profile.password = Secret::new(KEY);
        for (key, value) in [("public_key", KEY), ("address", "10.7.0.2/24,fd07::2")] {
            profile.set(key, value).unwrap();
        }
        for (key, value) in fields {
            profile.set(key, value).unwrap();
        }
        profile
    }

    #[test]
    fn reads_a_profile_and_its_defaults() {
        let plain = Settings::of(&profile(&[])).unwrap();
        assert_eq!(plain.gateway, ("gw.example".to_owned(), 51_820));
        assert_eq!((plain.mtu, plain.port, plain.keepalive), (1420, 0, None));
        assert_eq!(plain.timeout, Duration::from_secs(30));
        assert!(plain.refusal("192.0.2.9".parse().unwrap()).is_none());
        assert!(plain.refusal("2001:db8::9".parse().unwrap()).is_none());
        assert_eq!(
            plain.public_key(),
            "pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk="
        );
        let full = Settings::of(&profile(&[
            ("psk", KEY),
            ("allowed", "10.7.0.0/24, 10.8.0.1"),
            ("dns", "10.7.0.53"),
            ("mtu", "1280"),
            ("keepalive", "25"),
            ("timeout", "5"),
            ("listen_port", "40000"),
        ]));
        let full = full.unwrap();
        assert_eq!(
            (full.mtu, full.port, full.keepalive),
            (1280, 40_000, Some(25))
        );
        assert_eq!(full.preshared.as_deref(), Some(&[1; 32]));
        assert!(full.refusal("10.8.0.1".parse().unwrap()).is_none());
        assert!(full.refusal("10.8.0.2".parse().unwrap()).is_some());
        assert_eq!(full.dns, ["10.7.0.53".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn says_what_is_missing_and_how_to_set_it() {
        let error = |change: fn(&mut Tunnel)| {
            let mut profile = profile(&[]);
            change(&mut profile);
            let error = Settings::of(&profile).err().unwrap();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(
                error
                    .hint_text()
                    .unwrap()
                    .starts_with("mroom tunnel set lab "),
                "{error:?}"
            );
            error.message().to_owned()
        };
        let no_key = error(|p| p.password = Secret::new(""));
        assert_eq!(no_key, "the tunnel `lab` has no private key");
        let bad_key = error(|p| p.password = Secret::new("hunter2"));
        assert!(bad_key.starts_with("the tunnel `lab`: `password` is not a WireGuard key"));
        assert!(!bad_key.contains("hunter2"));
        let no_peer = error(|p| p.set("public_key", "").unwrap());
        assert_eq!(
            no_peer,
            "the tunnel `lab`: `public_key` is missing: it is the gateway's key"
        );
        let no_address = error(|p| p.set("address", "").unwrap());
        assert!(no_address.contains("`address` is missing"), "{no_address}");
    }
}
