//! A network namespace for one tunnel: a wire out of it, translated (NAT), with a route to the tunnel's
//! server and nothing else. Pure: the steps that make it and take it away.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::plan::Step;
use super::routes::conflict;
use crate::secret::Secret;

/// Where the wires' addresses are from: the last /16 of the range for carriers' own networks (RFC 6598),
/// which nobody has at home.
const WIRES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 127, 0, 0), 16);

/// The programs that make one, each with the Debian package that has it.
pub const TOOLS: [(&str, &str); 2] = [("ip", "iproute2"), ("nft", "nftables")];

/// Lets packets of one interface pass through this machine, and remembers when that was not so before.
/// `$1` is the interface, `$2` the tunnel's label.
const FORWARD: &str = r#"set -e
key=/proc/sys/net/ipv4/conf/$1/forwarding marks=/run/mroom/forward/$1
mkdir -p -m 0700 /run/mroom
mkdir -p "$marks"
: >"$marks/$2"
[ "$(cat "$key")" = 1 ] || { : >"/run/mroom/forward/$1.off"; echo 1 >"$key"; }"#;

/// Takes that back when no other tunnel needs it.
const UNFORWARD: &str = r#"marks=/run/mroom/forward/$1
rm -f "$marks/$2"
rmdir "$marks" 2>/dev/null || exit 0
[ -e "/run/mroom/forward/$1.off" ] || exit 0
rm -f "/run/mroom/forward/$1.off"
echo 0 >"/proc/sys/net/ipv4/conf/$1/forwarding""#;

/// A namespace that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The tunnel's label: its name, and that of its ends of the wire.
    pub label: String,
    /// The tunnel's server.
    pub gateway: Ipv4Addr,
    /// The interface that leads to that.
    pub uplink: String,
    /// The wire's own four addresses.
    pub wire: Ipv4Net,
}

impl Namespace {
    fn outer(&self) -> String {
        format!("{}o", self.label)
    }

    fn inner(&self) -> String {
        format!("{}i", self.label)
    }

    fn ends(&self) -> (Ipv4Addr, Ipv4Addr) {
        let first = u32::from(self.wire.network());
        (Ipv4Addr::from(first + 1), Ipv4Addr::from(first + 2))
    }

    /// Makes it.
    pub fn up(&self) -> Vec<Step> {
        let (outer, inner, (here, there)) = (self.outer(), self.inner(), self.ends());
        let batch = format!(
            "link add {outer} type veth peer name {inner} netns {label}\n\
             addr add {here}/30 dev {outer}\n\
             link set {outer} up\n",
            label = self.label
        );
        let within = format!(
            "link set lo up\n\
             addr add {there}/30 dev {inner}\n\
             link set {inner} up\n\
             route add {gateway}/32 via {here}\n",
            gateway = self.gateway
        );
        vec![
            Step::new(["ip", "netns", "add", &self.label]),
            Step::new(["ip", "-batch", "-"]).stdin(Secret::new(batch)),
            Step::new(["ip", "-n", &self.label, "-batch", "-"]).stdin(Secret::new(within)),
            Step::new(["nft", "-f", "-"]).stdin(Secret::new(self.rules())),
            Step::new(["sh", "-c", FORWARD, "sh", &outer, &self.label]),
            Step::new(["sh", "-c", FORWARD, "sh", &self.uplink, &self.label]),
        ]
    }

    /// Takes it away, also when it was made in part.
    pub fn down(&self) -> Vec<Step> {
        vec![
            Step::new(["sh", "-c", UNFORWARD, "sh", &self.uplink, &self.label]).may_fail(),
            Step::new(["sh", "-c", UNFORWARD, "sh", &self.outer(), &self.label]).may_fail(),
            Step::new(["nft", "delete", "table", "ip", &self.label]).may_fail(),
            Step::new(["ip", "link", "del", &self.outer()]).may_fail(),
            Step::new(["ip", "netns", "del", &self.label]).may_fail(),
        ]
    }

    /// What leaves over the wire gets this machine's address, and only the tunnel's server is let out.
    fn rules(&self) -> String {
        let (outer, (_, there), gateway) = (self.outer(), self.ends(), self.gateway);
        format!(
            "table ip {label} {{\n\
             \tchain out {{\n\
             \t\ttype nat hook postrouting priority srcnat;\n\
             \t\tip saddr {there} ip daddr {gateway} masquerade\n\
             \t}}\n\
             \tchain through {{\n\
             \t\ttype filter hook forward priority filter;\n\
             \t\tiifname \"{outer}\" ip daddr != {gateway} drop\n\
             \t}}\n\
             }}\n",
            label = self.label
        )
    }
}

/// Four addresses for a wire that nobody has: `taken` are the ranges that this machine knows routes to.
/// Begins at a place that the label decides, so that two at once seldom want the same.
pub fn free(label: &str, taken: &[IpNet]) -> Option<Ipv4Net> {
    let digits = label.get(2..6).unwrap_or_default();
    let start = u32::from_str_radix(digits, 16).unwrap_or_default();
    let count = 1u32 << (30 - WIRES.prefix_len());
    let all = (0..count).map(|i| (start + i) % count);
    let wires = all.filter_map(|i| {
        let first = Ipv4Addr::from(u32::from(WIRES.network()) + 4 * i);
        Ipv4Net::new(first, 30).ok()
    });
    wires
        .into_iter()
        .find(|wire| conflict(&[IpNet::V4(*wire)], taken).is_none())
}

/// The ranges that `ip -json route show table all` tells of, the default route left out.
pub fn known(json: &[u8]) -> Vec<IpNet> {
    let routes: Vec<serde_json::Value> = serde_json::from_slice(json).unwrap_or_default();
    let range = |route: &serde_json::Value| {
        let text = route.get("dst")?.as_str()?;
        let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(one)
    };
    routes
        .iter()
        .filter_map(range)
        .filter(|r: &IpNet| r.prefix_len() > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn office() -> Namespace {
        Namespace {
            label: "mr0a1b2c3d".into(),
            gateway: Ipv4Addr::new(198, 51, 100, 7),
            uplink: "eth0".into(),
            wire: "100.127.4.8/30".parse().unwrap(),
        }
    }

    #[test]
    fn steps() {
        let up = office().up();
        let stdin = |i: usize| up[i].stdin.as_ref().unwrap().reveal().to_owned();
        assert_eq!(up[0].argv, ["ip", "netns", "add", "mr0a1b2c3d"]);
        assert!(stdin(1).contains("addr add 100.127.4.9/30 dev mr0a1b2c3do"));
        assert!(stdin(2).contains("addr add 100.127.4.10/30 dev mr0a1b2c3di"));
        assert!(stdin(2).ends_with("route add 198.51.100.7/32 via 100.127.4.9\n"));
        assert!(
            !stdin(2).contains("default"),
            "the namespace has no other way out"
        );
        assert!(stdin(3).contains("ip saddr 100.127.4.10 ip daddr 198.51.100.7 masquerade"));
        let down = office().down();
        assert!(
            down.iter()
                .all(|step| step.may_fail && step.stdin.is_none())
        );
        assert_eq!(
            down.last().unwrap().argv,
            ["ip", "netns", "del", "mr0a1b2c3d"]
        );
        let longest = format!("{}o", office().label);
        assert!(
            longest.len() < 16,
            "an interface's name has 15 letters at most"
        );
    }

    #[test]
    fn wires_that_nobody_has() {
        assert_eq!(free("mr0000ffff", &[]), "100.127.0.0/30".parse().ok());
        let taken: Vec<IpNet> = vec!["100.127.0.0/17".parse().unwrap()];
        assert_eq!(free("mr0000ffff", &taken), "100.127.128.0/30".parse().ok());
        assert_eq!(
            free("mr00000000", &["100.64.0.0/10".parse().unwrap()]),
            None
        );
        assert!(free("", &[]).is_some() && free("mrx", &[]).is_some());
    }

    #[test]
    fn routes_of_this_machine() {
        let json = br#"[{"dst":"default","gateway":"10.0.2.2"},{"dst":"10.0.2.0/24","dev":"eth0"},
            {"dst":"100.127.4.8/30"},{"type":"local","dst":"127.0.0.1"},{"dst":7},{}]"#;
        let found: Vec<String> = known(json).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.2.0/24", "100.127.4.8/30", "127.0.0.1/32"]);
        assert!(known(b"nonsense").is_empty());
    }

    proptest! {
        #[test]
        fn a_wire_is_free_whatever_is_there(label in "mr[0-9a-f]{8}", a: u16, len in 17u8..=32) {
            let taken = IpNet::new(Ipv4Addr::from(0x647f_0000 | u32::from(a)).into(), len).unwrap();
            let wire = free(&label, &[taken]).unwrap();
            prop_assert!(WIRES.contains(&wire) && !taken.contains(&IpNet::V4(wire)));
        }
    }
}
