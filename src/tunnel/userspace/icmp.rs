//! What routers and servers say of a connection that cannot be: ICMP and ICMPv6 "destination unreachable"
//! (RFC 792, RFC 4443). Pure; reads hostile bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One connection that goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable {
    /// Where it was to go.
    pub to: SocketAddr,
    /// Our port.
    pub from: u16,
    /// Why, in our words.
    pub why: &'static str,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const ICMPV6: u8 = 58;

/// Reads a packet; `None` for everything else, and for what is cut short.
pub fn unreachable(packet: &[u8]) -> Option<Unreachable> {
    let (protocol, message) = inside(packet)?;
    let (kind, code) = (*message.first()?, *message.get(1)?);
    let why = match (protocol, kind, code) {
        (ICMP, 3, 0 | 6) | (ICMPV6, 1, 0) => "the network is unreachable",
        (ICMP, 3, 1 | 5 | 7) | (ICMPV6, 1, 2 | 3) => "no route to the host",
        (ICMP, 3, 2 | 3) | (ICMPV6, 1, 4) => "connection refused",
        (ICMP, 3, 9 | 10 | 13) | (ICMPV6, 1, 1 | 5 | 6) => "a firewall on the way refuses it",
        _ => return None,
    };
    let ours = message.get(8..)?;
    let (protocol, segment) = inside(ours)?;
    if protocol != TCP {
        return None;
    }
    let port = |at| {
        Some(u16::from_be_bytes([
            *segment.get(at)?,
            *segment.get(at + 1)?,
        ]))
    };
    Some(Unreachable {
        to: SocketAddr::new(destination(ours)?, port(2)?),
        from: port(0)?,
        why,
    })
}

/// The protocol of a packet and what it carries. IPv6 with extension headers is not looked into.
fn inside(packet: &[u8]) -> Option<(u8, &[u8])> {
    let first = *packet.first()?;
    match first >> 4 {
        4 => {
            let header = usize::from(first & 0xf) * 4;
            let protocol = *packet.get(9)?;
            (header >= 20).then_some((protocol, packet.get(header..)?))
        }
        6 => Some((*packet.get(6)?, packet.get(40..)?)),
        _ => None,
    }
}

fn destination(packet: &[u8]) -> Option<IpAddr> {
    Some(match packet.first()? >> 4 {
        4 => IpAddr::V4(Ipv4Addr::from(
            <[u8; 4]>::try_from(packet.get(16..20)?).ok()?,
        )),
        _ => IpAddr::V6(Ipv6Addr::from(
            <[u8; 16]>::try_from(packet.get(24..40)?).ok()?,
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An ICMP message about a segment from port 50000 to 10.1.2.3:22.
    fn v4(kind: u8, code: u8) -> Vec<u8> {
        let header = |protocol: u8, to: [u8; 4]| {
            let mut h = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 1, 0, 1];
            h.extend(to);
            h
        };
        let mut packet = header(ICMP, [10, 9, 0, 2]);
        packet.extend([kind, code, 0, 0, 0, 0, 0, 0]);
        packet.extend(header(TCP, [10, 1, 2, 3]));
        packet.extend(50_000u16.to_be_bytes());
        packet.extend(22u16.to_be_bytes());
        packet.extend([0; 4]);
        packet
    }

    fn v6(kind: u8, code: u8) -> Vec<u8> {
        let header = |next: u8, last: u8| {
            let mut h = vec![0x60, 0, 0, 0, 0, 0, next, 64];
            h.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            h.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            h
        };
        let mut packet = header(ICMPV6, 2);
        packet.extend([kind, code, 0, 0, 0, 0, 0, 0]);
        packet.extend(header(TCP, 9));
        packet.extend(50_000u16.to_be_bytes());
        packet.extend(22u16.to_be_bytes());
        packet
    }

    #[test]
    fn tells_why_a_connection_cannot_be() {
        for (packet, to, why) in [
            (v4(3, 1), "10.1.2.3:22", "no route to the host"),
            (v4(3, 0), "10.1.2.3:22", "the network is unreachable"),
            (v4(3, 3), "10.1.2.3:22", "connection refused"),
            (v4(3, 13), "10.1.2.3:22", "a firewall on the way refuses it"),
            (v6(1, 3), "[fd00::9]:22", "no route to the host"),
            (v6(1, 0), "[fd00::9]:22", "the network is unreachable"),
            (v6(1, 1), "[fd00::9]:22", "a firewall on the way refuses it"),
        ] {
            let to = to.parse().unwrap();
            let from = 50_000;
            assert_eq!(unreachable(&packet), Some(Unreachable { to, from, why }));
        }
        // A packet that is too large may still get there in pieces; the rest is no word about a connection.
        for packet in [
            v4(3, 4),
            v4(11, 0),
            v4(8, 0),
            v6(2, 0),
            v6(128, 0),
            v4(3, 200),
        ] {
            assert_eq!(unreachable(&packet), None, "{packet:?}");
        }
        let mut udp = v4(3, 1);
        udp[28 + 9] = 17;
        assert_eq!(unreachable(&udp), None);
        let mut short = v4(3, 1);
        short[28] = 0x41;
        assert_eq!(unreachable(&short), None, "a header of four bytes");
    }

    proptest! {
        #[test]
        fn survives_anything(packet in proptest::collection::vec(any::<u8>(), 0..120), cut in 0usize..64, is_six: bool) {
            unreachable(&packet);
            let whole = if is_six { v6(1, 0) } else { v4(3, 1) };
            unreachable(&whole[..cut.min(whole.len())]);
        }
    }
}
