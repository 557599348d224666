//! Ports for something new: on which nobody listens, and nobody is likely to. Pure.

use std::collections::BTreeSet;

use super::top;

/// The ports from which Linux takes those of outgoing connections, unless told otherwise
/// (`net.ipv4.ip_local_port_range`).
pub const EPHEMERAL: (u16, u16) = (32_768, 60_999);
/// Where looking begins; below are mostly ports with a name.
const FROM: u16 = 8000;
/// Ports below need root.
const LOWEST: u16 = 1024;

/// The first `count` ports that are not in `taken`, in none of those ranges, and that no well-known
/// service uses: from 8000 upwards, then from 1024.
pub fn free(count: usize, taken: &BTreeSet<u16>, ranges: &[(u16, u16)]) -> Vec<u16> {
    let is_temporary = |port: u16| {
        ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&port))
    };
    let known: BTreeSet<u16> = top::ports().collect();
    (FROM..=u16::MAX)
        .chain(LOWEST..FROM)
        .filter(|port| !taken.contains(port) && !known.contains(port) && !is_temporary(*port))
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_or_known_is_not_free() {
        let taken = BTreeSet::from([8004, 8012]);
        let found = free(4, &taken, &[EPHEMERAL]);
        assert_eq!(found, [8011, 8013, 8014, 8015]);
        assert_eq!(free(0, &taken, &[]), Vec::<u16>::new());
    }

    #[test]
    fn there_may_be_fewer_than_wanted() {
        let all: BTreeSet<u16> = (1..=u16::MAX).collect();
        assert_eq!(free(3, &all, &[]), Vec::<u16>::new());
        let none = BTreeSet::new();
        assert!(
            free(100_000, &none, &[(1024, 50_000)])
                .iter()
                .all(|p| *p > 50_000)
        );
        assert_eq!(free(3, &none, &[(0, u16::MAX)]), Vec::<u16>::new());
    }
}
