//! What is to go through a tunnel, and whether it does: ranges, their conflicts, and what `ip` says of
//! routes. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;

use super::fault;
use crate::error::Result;

/// Ranges that are no place of their own behind any tunnel: this network, loopback, link-local, multicast
/// and broadcast (RFC 6890, RFC 4291).
const NOWHERE: [(IpAddr, u8); 8] = [
    (IpAddr::V4(Ipv4Addr::new(0, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 3),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 128),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
    (IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8),
];

/// What goes through the tunnel `name`: `ranges` of its profile, and the addresses of servers (those that
/// are not [`unfit`]); sorted, none within another.
///
/// # Errors
/// [`crate::error::Kind::Tunnel`], reason `routes`: a range that takes everything, that holds the
/// `gateway` or an address that is nowhere behind a tunnel, and nothing at all.
pub fn through(
    name: &str,
    ranges: &[IpNet],
    ends: &[IpAddr],
    gateway: IpAddr,
) -> Result<Vec<IpNet>> {
    let refuse = |message: String| fault(name, "routes", message);
    for range in ranges {
        let range = range.trunc();
        if range.prefix_len() == 0 || holds_all(range) {
            let message =
                format!("cannot take `{range}`: all of this machine's traffic would go there");
            return Err(refuse(message).hint(set_routes(name)));
        }
        if range.contains(&gateway) {
            let message = format!("cannot take `{range}`: its own server {gateway} is in it");
            return Err(refuse(message).hint(set_routes(name)));
        }
        if let Some(nowhere) = nowhere(range) {
            let message =
                format!("cannot take `{range}`: `{nowhere}` is on this side of every tunnel");
            return Err(refuse(message).hint(set_routes(name)));
        }
    }
    let ends = ends.iter().map(|end| IpNet::from(*end));
    let mut all: Vec<IpNet> = ranges.iter().map(IpNet::trunc).chain(ends).collect();
    all.sort();
    all.dedup();
    let wide = all.clone();
    all.retain(|range| {
        !wide
            .iter()
            .any(|other| other != range && other.contains(range))
    });
    if all.is_empty() {
        let message = "has nothing that is to go through it".to_owned();
        return Err(refuse(message).hint(set_routes(name)));
    }
    Ok(all)
}

/// Why an address cannot be behind a tunnel whose server is `gateway`; `None` when it can.
pub fn unfit(end: IpAddr, gateway: IpAddr) -> Option<&'static str> {
    match end == gateway {
        true => Some("the tunnel's own server"),
        false => nowhere(IpNet::from(end)).map(|_| "on this side of every tunnel"),
    }
}

fn set_routes(name: &str) -> String {
    let name = crate::quote::typed(name);
    format!("`mroom tunnel set {name} routes=10.0.0.0/8` names the ranges behind it")
}

/// Half of all addresses is as much as all of them: two halves make a default route.
fn holds_all(range: IpNet) -> bool {
    range.prefix_len() < if range.addr().is_ipv4() { 3 } else { 4 }
}

fn nowhere(range: IpNet) -> Option<IpNet> {
    let places = NOWHERE
        .iter()
        .filter_map(|(ip, len)| IpNet::new(*ip, *len).ok());
    places.into_iter().find(|place| overlap(place, &range))
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The first two of these ranges that hold the same address.
pub fn conflict(ours: &[IpNet], theirs: &[IpNet]) -> Option<(IpNet, IpNet)> {
    let pairs = ours
        .iter()
        .flat_map(|a| theirs.iter().map(move |b| (*a, *b)));
    pairs.into_iter().find(|(a, b)| overlap(a, b))
}

/// One address in a range that a packet could go to.
pub fn sample(range: &IpNet) -> IpAddr {
    range.hosts().next().unwrap_or(range.addr())
}

/// The way of packets to an address, as `ip -json route get` tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Hop {
    /// The address that was asked for.
    pub dst: String,
    /// The interface.
    #[serde(default)]
    pub dev: String,
    /// Our address there.
    #[serde(default)]
    pub prefsrc: Option<IpAddr>,
}

impl Hop {
    /// Reads the answers to any number of questions; what is no route is left out.
    pub fn read(json: &[u8]) -> Vec<Hop> {
        let answers = serde_json::Deserializer::from_slice(json).into_iter::<Vec<Value>>();
        let hops = answers.map_while(|answer| answer.ok()).flatten();
        hops.filter_map(|hop| serde_json::from_value(hop).ok())
            .collect()
    }
}

/// The questions for [`Hop::read`], for `ip -json -force -batch -`.
pub fn questions(ends: &[IpAddr]) -> String {
    ends.iter()
        .map(|end| format!("route get {end}\n"))
        .collect()
}

/// Routes to these ranges, for `ip -force -batch -`.
pub fn batch(verb: &str, ranges: &[IpNet], interface: &str) -> String {
    let line = |range: &IpNet| format!("route {verb} {range} dev {interface}\n");
    ranges.iter().map(line).collect()
}

/// Whether a text can be an interface's name (Linux, `dev_valid_name`): it goes into a batch of `ip`.
pub fn is_interface(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':');
    (1..=15).contains(&name.len()) && !name.starts_with(['-', '.']) && name.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nets(text: &str) -> Vec<IpNet> {
        text.split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect()
    }

    fn ips(text: &str) -> Vec<IpAddr> {
        text.split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect()
    }

    #[test]
    fn ranges_and_addresses() {
        let gateway: IpAddr = "198.51.100.7".parse().unwrap();
        for (ranges, ends, expected) in [
            ("", "10.1.2.3", "10.1.2.3/32"),
            ("10.0.0.0/8", "10.1.2.3 10.1.2.4", "10.0.0.0/8"),
            (
                "10.1.2.3/24",
                "10.1.3.1 10.1.3.1",
                "10.1.2.0/24 10.1.3.1/32",
            ),
            (
                "10.0.0.0/8 10.2.0.0/16",
                "fd00::1",
                "10.0.0.0/8 fd00::1/128",
            ),
            ("fd00::/8", "", "fd00::/8"),
        ] {
            let all = through("office", &nets(ranges), &ips(ends), gateway).unwrap();
            assert_eq!(all, nets(expected), "{ranges} {ends}");
        }
        for (ranges, ends, word) in [
            ("", "", "nothing"),
            ("0.0.0.0/0", "", "all of this machine's traffic"),
            ("::/0", "", "all of this machine's traffic"),
            ("0.0.0.0/1 128.0.0.0/1", "", "all of this machine's traffic"),
            ("198.51.100.0/24", "", "its own server"),
            ("127.0.0.0/16", "", "this side"),
            ("96.0.0.0/3", "", "this side"),
            ("2000::/3", "", "all of this machine's traffic"),
            ("fe80::/64", "", "this side"),
        ] {
            let error = through("office", &nets(ranges), &ips(ends), gateway).unwrap_err();
            assert!(error.message().contains(word), "{ranges} {ends}: {error}");
            assert_eq!(error.reason_word(), Some("routes"));
        }
    }

    #[test]
    fn unfit_addresses() {
        let gateway: IpAddr = "198.51.100.7".parse().unwrap();
        for end in [
            "127.1.1.1",
            "::1",
            "224.0.0.5",
            "255.255.255.255",
            "0.0.0.0",
            "fe80::1",
        ] {
            assert!(
                unfit(end.parse().unwrap(), gateway)
                    .unwrap()
                    .contains("this side"),
                "{end}"
            );
        }
        assert!(unfit(gateway, gateway).unwrap().contains("own server"));
        assert_eq!(unfit("198.51.100.8".parse().unwrap(), gateway), None);
    }

    #[test]
    fn conflicts() {
        for (ours, theirs, clash) in [
            ("10.1.2.3/32", "10.1.2.3/32", true),
            ("10.0.0.0/8", "10.1.2.3/32", true),
            ("10.1.2.3/32", "192.168.0.0/16 10.1.0.0/16", true),
            ("10.1.2.3/32", "10.1.2.4/32", false),
            ("10.0.0.0/8", "fd00::/8", false),
        ] {
            let found = conflict(&nets(ours), &nets(theirs)).is_some();
            assert_eq!(found, clash, "{ours} {theirs}");
            assert_eq!(conflict(&nets(theirs), &nets(ours)).is_some(), clash);
        }
    }

    #[test]
    fn what_ip_says() {
        let text = br#"[{"dst":"10.77.0.2","dev":"mr0a1b2c3d","prefsrc":"10.8.0.2","flags":[],"uid":0,"cache":[]}]
[{"dst":"10.77.0.3","gateway":"10.0.2.2","dev":"eth0","table":"220","prefsrc":"10.9.0.1","flags":[]}]
[{"type":"unreachable","dst":"10.77.0.4","dev":"lo"}]"#;
        let seen: Vec<_> = Hop::read(text)
            .into_iter()
            .map(|h| (h.dst, h.dev))
            .collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let expected = [
            pair("10.77.0.2", "mr0a1b2c3d"),
            pair("10.77.0.3", "eth0"),
            pair("10.77.0.4", "lo"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(Hop::read(text)[1].prefsrc, "10.9.0.1".parse().ok());
        for bad in [
            &b""[..],
            b"[]",
            b"{}",
            b"[{}]",
            b"[1]",
            b"RTNETLINK answers: x",
            b"[{\"dev\":1}]",
        ] {
            assert_eq!(Hop::read(bad), []);
        }
        let ends = ips("10.0.0.1 fd00::1");
        assert_eq!(questions(&ends), "route get 10.0.0.1\nroute get fd00::1\n");
    }

    #[test]
    fn interfaces() {
        for good in ["mr0a1b2c3d", "eth0", "wg-office", "ppp0.1"] {
            assert!(is_interface(good), "{good}");
        }
        for bad in [
            "",
            "-x",
            "..",
            "a b",
            "a\nroute",
            "a/b",
            "sixteen-letters-",
            "\u{fc}",
        ] {
            assert!(!is_interface(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_from_ip_is_read_or_refused(text in ".{0,60}") {
            let _ = Hop::read(text.as_bytes());
        }

        /// What goes through covers every address, and never the gateway.
        #[test]
        fn the_gateway_stays_outside(a: u32, len in 3u8..=32, end: u32, gateway: u32) {
            let range = IpNet::new(Ipv4Addr::from(a).into(), len).unwrap();
            let (end, gateway) = (IpAddr::from(Ipv4Addr::from(end)), IpAddr::from(Ipv4Addr::from(gateway)));
            let ends: Vec<IpAddr> = Some(end).into_iter().filter(|e| unfit(*e, gateway).is_none()).collect();
            if let Ok(all) = through("x", &[range], &ends, gateway) {
                prop_assert!(ends.iter().all(|end| all.iter().any(|n| n.contains(end))));
                prop_assert!(!all.iter().any(|n| n.contains(&gateway)));
                prop_assert!(conflict(&all, &[range]).is_some());
            }
        }
    }
}
