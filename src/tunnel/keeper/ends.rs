//! What is to be reached through a tunnel: names become addresses.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use super::literal;

/// Host names and what they stand for behind a tunnel.
pub type Names = HashMap<String, IpAddr>;

/// Lookups at the same time.
const AT_ONCE: usize = 16;

/// What became of a list of hosts.
#[derive(Debug, Default, PartialEq)]
pub struct Ends {
    /// All addresses that they have.
    pub addresses: Vec<IpAddr>,
    /// The first of each host that is a name.
    pub names: Names,
    /// The first of each host, with its port.
    pub places: Vec<SocketAddr>,
    /// Names that do not resolve here, with their ports.
    pub unknown: Vec<(String, u16)>,
}

/// Looks them up.
pub fn resolve(hosts: &[(String, u16)]) -> Ends {
    let mut found = Ends::default();
    let mut names: Vec<(&str, u16)> = Vec::new();
    for (host, port) in hosts {
        let host = host.as_str();
        match literal(host) {
            Some(address) => found.addresses.push(address),
            None if names.iter().any(|(name, _)| *name == host) => {}
            None => names.push((host, *port)),
        }
    }
    for some in names.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let lookups: Vec<_> = some
                .iter()
                .map(|(name, port)| (name, port, scope.spawn(|| look_up(name))))
                .collect();
            for (name, port, lookup) in lookups {
                let addresses = lookup.join().unwrap_or_default();
                match addresses.first() {
                    Some(first) => {
                        found.names.insert((*name).to_owned(), *first);
                        found.addresses.extend(addresses);
                    }
                    None => found.unknown.push(((*name).to_owned(), *port)),
                }
            }
        });
    }
    found.addresses.sort();
    found.addresses.dedup();
    let places = hosts.iter().filter_map(|(host, port)| {
        let address = literal(host).or_else(|| found.names.get(host).copied());
        Some(SocketAddr::new(address?, *port))
    });
    found.places = places.collect();
    found
}

/// The addresses of a name, in the resolver's order; none when it has none.
pub fn look_up(name: &str) -> Vec<IpAddr> {
    let answers = (name, 0).to_socket_addrs();
    answers
        .map(|found| found.map(|a| a.ip()).collect())
        .unwrap_or_default()
}

impl Ends {
    /// The names that do not resolve here, for a message.
    pub fn unknown_names(&self) -> String {
        let names: Vec<&str> = self.unknown.iter().map(|(name, _)| &**name).collect();
        names.join("`, `")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_addresses() {
        let hosts = [
            "10.0.0.2",
            "[fd00::1]",
            "10.0.0.2",
            "localhost",
            "localhost",
            "nowhere.invalid",
            "a b",
        ];
        let hosts = hosts.map(|host| (host.to_owned(), 22));
        let found = resolve(&hosts);
        assert!(found.addresses.contains(&"10.0.0.2".parse().unwrap()));
        assert!(found.addresses.contains(&"fd00::1".parse().unwrap()));
        assert!(found.names["localhost"].is_loopback());
        let unknown: Vec<&str> = found.unknown.iter().map(|(name, _)| &**name).collect();
        assert_eq!(unknown, ["nowhere.invalid", "a b"]);
        assert_eq!(found.places.len(), 5);
    }
}
