//! WireGuard by the programs `ip` and `wg`: in the kernel (`wg`), or by `wireguard-go` where the kernel has
//! no module and the whole machine is to have the tunnel.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::error::Result;
use crate::inventory::Tunnel;
use crate::output::Output;
use crate::secret::Secret;

use super::Backend;
use super::value::{lacking, needed, refused};
use crate::tunnel::plan::{At, Facts, Needs, Plan, Routing, State, Step};

/// Bytes in a packet of usual size that WireGuard leaves for what goes in it.
const MTU: u32 = 1420;

/// Seconds between signs of life: those open the way through NAT, and make the first handshake.
const KEEPALIVE: u32 = 25;

/// Seconds after the last handshake after which no key is good any more: `REJECT_AFTER_TIME` of the
/// protocol. With signs of life a new one is made two minutes after the last.
const STALE: u64 = 180;

/// The time here, then all peers of all interfaces in three views. Not `dump`, which has the private keys.
const LOOK: &str = r#"date +%s
for view in latest-handshakes transfer allowed-ips; do
  wg show all "$view" | while IFS= read -r line; do printf '%s\t%s\n' "$view" "$line"; done
done"#;

/// Makes the interface, and waits for the socket by which `wg` talks to the daemon. `$1` is its name.
const START_GO: &str = r#"wireguard-go "$1" || exit
for i in 1 2 3 4 5 6 7 8 9 10; do [ -S "/var/run/wireguard/$1.sock" ] && exit 0; sleep 0.2; done
echo "wireguard-go did not begin" >&2; exit 1"#;

/// The backends `wg` and `wireguard-go`.
pub struct WireGuard {
    /// By the daemon, not by the kernel.
    pub by_daemon: bool,
}

impl Backend for WireGuard {
    fn name(&self) -> &'static str {
        if self.by_daemon { "wireguard-go" } else { "wg" }
    }

    fn needs(&self, _profile: &Tunnel) -> Needs {
        let mut needs = Needs {
            tools: vec![("wg", "wireguard-tools"), ("ip", "iproute2")],
            modules: vec!["wireguard"],
            files: vec![],
            root: true,
        };
        if self.by_daemon {
            needs.tools.push(("wireguard-go", "wireguard-go"));
            needs.modules.clear();
            needs.files.push((&["/dev/net/tun"], ""));
        }
        needs
    }

    fn plan(&self, profile: &Tunnel, at: &At) -> Result<Plan> {
        let label = &at.label;
        let make = match self.by_daemon {
            true => Step::new(["sh", "-c", START_GO, "sh", label]),
            false => Step::new(["ip", "link", "add", "dev", label, "type", "wireguard"]),
        };
        let config = Step::new(["wg", "setconf", label, "/dev/stdin"]).stdin(config(profile, at)?);
        let mut up = vec![make.patience(Duration::from_secs(20)), config];
        for address in addresses(profile)? {
            // Its own network would come along as a route, and only the servers' are wanted.
            let text = address.to_string();
            let mut step = vec!["ip", "address", "add", &text, "dev", label, "noprefixroute"];
            if address.addr().is_ipv6() {
                step.push("nodad");
            }
            up.push(Step::new(step));
        }
        let mtu = profile.number("mtu").unwrap_or(MTU).to_string();
        up.push(Step::new([
            "ip", "link", "set", "dev", label, "mtu", &mtu, "up",
        ]));
        Ok(Plan {
            up,
            status: Step::new(["sh", "-c", LOOK]),
            // The daemon ends with its interface.
            down: vec![Step::new(["ip", "link", "delete", "dev", label]).may_fail()],
            routing: Routing::Interface(label.clone()),
        })
    }

    /// It is up once there was a handshake. Without signs of life there is none before the first packet,
    /// so that the interface has to do.
    fn read(&self, profile: &Tunnel, at: &At, answer: &Output) -> State {
        let (now, peers) = peers(answer);
        let Some(peer) = peers.into_iter().find(|peer| peer.interface == at.label) else {
            return State::Down;
        };
        let address = addresses(profile).ok();
        let address = address.and_then(|all| all.first().map(IpNet::addr));
        match peer.is_fresh(now) || profile.number("keepalive") == Some(0) {
            true => State::Up(peer.facts(address)),
            false => State::Coming,
        }
    }

    fn failure(&self, _profile: &Tunnel, _at: &At, answer: &Output) -> Option<State> {
        let said = String::from_utf8_lossy(&answer.stderr);
        let failed = |reason, message: &str| Some(State::failed(reason, message));
        if said.contains("Unknown device type") || said.contains("Operation not supported") {
            failed(
                "missing",
                "the kernel has no WireGuard, or no IPv6 for one of the addresses",
            )
        } else if said.contains("Operation not permitted") {
            failed("rights", "no right to make an interface")
        } else if said.contains("Configuration parsing error") {
            failed(
                "config",
                "wg does not take the keys or ranges of the profile",
            )
        } else {
            None
        }
    }

    fn elsewhere(&self, _profile: &Tunnel, _at: &At) -> Option<Step> {
        Some(Step::new(["sh", "-c", LOOK]))
    }

    /// An interface that is not ours with the same peer, to whom it may send all that we want.
    fn is_elsewhere(&self, profile: &Tunnel, at: &At, answer: &Output) -> Option<Facts> {
        let (now, peers) = peers(answer);
        let wanted = profile.text("public_key")?;
        let carries =
            |peer: &Peer, range| peer.allowed.iter().any(|allowed| allowed.contains(range));
        let mut fitting = peers.into_iter().filter(|peer| {
            peer.key == wanted
                && peer.is_fresh(now)
                && at.ranges.iter().all(|range| carries(peer, range))
                && !super::processes::is_ours(&peer.interface)
        });
        fitting.next().map(|peer| peer.facts(None))
    }
}

/// The addresses or ranges of a field; a lone address is a range of its own.
fn ranges(profile: &Tunnel, field: &str) -> Result<Vec<IpNet>> {
    let wrong = || {
        refused(
            profile,
            field,
            "holds something else than addresses and ranges",
        )
    };
    let all = profile.list(field).into_iter().map(|text| {
        let lone = text.parse::<IpAddr>().map(IpNet::from);
        text.parse().ok().or(lone.ok()).ok_or_else(wrong)
    });
    all.collect()
}

/// Our addresses in it.
fn addresses(profile: &Tunnel) -> Result<Vec<IpNet>> {
    let all = ranges(profile, "address")?;
    match all.is_empty() {
        true => Err(lacking(profile, "address")),
        false => Ok(all),
    }
}

/// A key as `wg` writes it: 44 letters, so that nothing but a key is in the file.
fn key<'a>(profile: &Tunnel, field: &str, value: &'a str) -> Result<&'a str> {
    let value = needed(profile, field, value)?;
    let is_one = value.len() == 44
        && value.ends_with('=')
        && value[..43]
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    match is_one {
        true => Ok(value),
        false => Err(refused(profile, field, "is no WireGuard key")),
    }
}

/// What `wg setconf` reads (wg(8), "CONFIGURATION FILE FORMAT").
fn config(profile: &Tunnel, at: &At) -> Result<Secret> {
    let private = key(profile, "password", profile.password.reveal())?;
    let public = profile.text("public_key").unwrap_or_default();
    let public = key(profile, "public_key", public)?;
    let mut text = format!("[Interface]\nPrivateKey = {private}\n");
    if let Some(port) = profile.number("listen_port") {
        text += &format!("ListenPort = {port}\n");
    }
    text += &format!("\n[Peer]\nPublicKey = {public}\n");
    if let Some(psk) = profile.field("psk") {
        let psk = key(profile, "psk", psk.reveal())?;
        text += &format!("PresharedKey = {psk}\n");
    }
    let allowed = allowed(profile)?;
    text += &format!("AllowedIPs = {allowed}\nEndpoint = {}\n", at.gateway);
    let keepalive = profile.number("keepalive").unwrap_or(KEEPALIVE);
    text += &format!("PersistentKeepalive = {keepalive}\n");
    Ok(Secret::new(text))
}

/// What the peer may send from.
fn allowed(profile: &Tunnel) -> Result<String> {
    let ranges = ranges(profile, "allowed")?;
    let ranges: Vec<String> = ranges.iter().map(IpNet::to_string).collect();
    Ok(match ranges.is_empty() {
        true => "0.0.0.0/0, ::/0".to_owned(),
        false => ranges.join(", "),
    })
}

/// A peer of an interface.
#[derive(Default)]
struct Peer {
    interface: String,
    key: String,
    allowed: Vec<IpNet>,
    /// Seconds of the epoch; 0 before the first.
    handshake: u64,
    received: u64,
    sent: u64,
}

/// The time there, and the peers. Each view has interface and public key first, then: the latest
/// handshake; bytes that came and went; ranges, with blanks between.
fn peers(answer: &Output) -> (u64, Vec<Peer>) {
    let text = String::from_utf8_lossy(&answer.stdout);
    let (now, views) = text.split_once('\n').unwrap_or(("", ""));
    let mut peers: Vec<Peer> = Vec::new();
    for line in views.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [view, interface, key, ref rest @ ..] = columns[..] else {
            continue;
        };
        let at = peers
            .iter()
            .position(|peer| peer.interface == interface && peer.key == key);
        let at = at.unwrap_or_else(|| {
            peers.push(Peer {
                interface: interface.to_owned(),
                key: key.to_owned(),
                ..Peer::default()
            });
            peers.len() - 1
        });
        let number = |n: usize| rest.get(n).and_then(|text| text.parse().ok()).unwrap_or(0);
        let Some(peer) = peers.get_mut(at) else {
            continue;
        };
        match view {
            "latest-handshakes" => peer.handshake = number(0),
            "transfer" => (peer.received, peer.sent) = (number(0), number(1)),
            "allowed-ips" => {
                let ranges = rest.iter().flat_map(|text| text.split(' '));
                peer.allowed = ranges.filter_map(|range| range.parse().ok()).collect();
            }
            _ => {}
        }
    }
    (now.trim().parse().unwrap_or(0), peers)
}

impl Peer {
    fn is_fresh(&self, now: u64) -> bool {
        self.handshake != 0 && now.saturating_sub(self.handshake) <= STALE
    }

    fn facts(self, address: Option<IpAddr>) -> Facts {
        Facts {
            address,
            interface: Some(self.interface),
            received: Some(self.received),
            sent: Some(self.sent),
        }
    }
}

#[cfg(test)]
mod tests;
