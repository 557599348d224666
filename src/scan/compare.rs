//! What a scan found, beside what the server itself says and what is expected. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Found, Ports, State};

/// A port on which a server says that it listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listener {
    /// The port.
    pub port: u16,
    /// The addresses to which it is bound; `0.0.0.0` and `::` are all.
    pub addresses: Vec<String>,
    /// Only the server itself reaches it.
    pub is_local: bool,
}

/// What is remarkable about a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// The server listens on it for others, and they do not get in.
    Hidden,
    /// It is open, and the server itself does not listen on it: a proxy, a forward, another machine.
    Foreign,
    /// It is open, and nobody expects that.
    Unexpected,
    /// It is expected, and not open.
    Missing,
}

impl Remark {
    /// The word in `--json` and Lua.
    pub fn as_str(self) -> &'static str {
        match self {
            Remark::Hidden => "hidden",
            Remark::Foreign => "foreign",
            Remark::Unexpected => "unexpected",
            Remark::Missing => "missing",
        }
    }

    /// For a person.
    pub fn explained(self) -> &'static str {
        match self {
            Remark::Hidden => "listening, but not reached from here",
            Remark::Foreign => "open, but the server does not listen: a forward or a proxy",
            Remark::Unexpected => "open, but not expected",
            Remark::Missing => "expected, but not open",
        }
    }
}

/// What is known of one port worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The port.
    pub port: u16,
    /// From outside.
    pub outside: Option<State>,
    /// From inside.
    pub inside: Option<Listener>,
    /// What is remarkable about it.
    pub remarks: Vec<Remark>,
}

/// The ports that are to be asked, too: whoever asks for the usual ones wants to hear of all on which
/// the server says that it listens for others.
pub fn also(listeners: Option<&[Listener]>, ports: &Ports) -> Vec<u16> {
    let listeners = listeners.filter(|_| ports.is_top());
    let others = listeners.into_iter().flatten().filter(|l| !l.is_local);
    others.map(|l| l.port).collect()
}

/// The ports that are open, listened on for others, or expected, by number. A side that was not
/// asked is `None`, and nothing is said about it.
pub fn rows(
    found: Option<&Found>,
    listeners: Option<&[Listener]>,
    expected: Option<&BTreeSet<u16>>,
) -> Vec<Row> {
    let inside: BTreeMap<u16, &Listener> = listeners
        .into_iter()
        .flatten()
        .map(|l| (l.port, l))
        .collect();
    let open = found.iter().flat_map(|f| f.open_ports());
    let heard = inside.values().filter(|l| !l.is_local).map(|l| l.port);
    let wanted = expected.into_iter().flatten().copied();
    let worth: BTreeSet<u16> = open.chain(heard).chain(wanted).collect();
    let row = |port: u16| {
        let outside = found.and_then(|found| found.state(port));
        let listener = inside.get(&port).copied();
        let serves = listener.is_some_and(|l| !l.is_local);
        // From outside is what counts, where that is known.
        let is_open = match (found, listeners) {
            (Some(_), _) => outside.map(|state| state == State::Open),
            (None, Some(_)) => Some(serves),
            (None, None) => None,
        };
        let expects = expected.map(|ports| ports.contains(&port));
        let checks = [
            (
                Remark::Hidden,
                serves && outside.is_some_and(|s| s != State::Open),
            ),
            (
                Remark::Foreign,
                outside == Some(State::Open) && listeners.is_some() && listener.is_none(),
            ),
            (
                Remark::Unexpected,
                is_open == Some(true) && expects == Some(false),
            ),
            (
                Remark::Missing,
                is_open == Some(false) && expects == Some(true),
            ),
        ];
        let remarks = checks
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(remark, _)| remark);
        Row {
            port,
            outside,
            inside: listener.cloned(),
            remarks: remarks.collect(),
        }
    };
    worth.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Open, Ports};
    use super::*;

    fn found(open: &[u16], filtered: &[u16], asked: &str) -> Found {
        let ports: Ports = asked.parse().unwrap();
        let open = open.iter().map(|port| Open {
            port: *port,
            ..Open::default()
        });
        Found {
            address: [192, 0, 2, 1].into(),
            closed: ports.list().len() - open.len() - filtered.len(),
            open: open.collect(),
            filtered: filtered.to_vec(),
            ports,
            unknown: 0,
            barred: None,
            round_trip: None,
            duration: std::time::Duration::ZERO,
        }
    }

    fn listener(port: u16, is_local: bool) -> Listener {
        let address = if is_local { "127.0.0.1" } else { "0.0.0.0" };
        Listener {
            port,
            addresses: vec![address.to_owned()],
            is_local,
        }
    }

    fn told(rows: &[Row]) -> String {
        let row = |row: &Row| {
            let remarks: Vec<&str> = row.remarks.iter().map(|r| r.as_str()).collect();
            format!("{}:{}", row.port, remarks.join("+"))
        };
        rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_two_sides_and_what_is_expected() {
        let seen = found(&[22, 80, 9000], &[5432], "1-10000");
        let inside = [
            listener(22, false),
            listener(80, true),
            listener(5432, false),
            listener(6379, true),
            listener(8443, false),
            listener(20000, false),
        ];
        let expected = BTreeSet::from([22, 80, 443]);
        for (outside, inside, expected, wanted) in [
            (Some(&seen), None, None, "22: 80: 9000:"),
            (
                Some(&seen),
                Some(&inside[..]),
                None,
                "22: 80: 5432:hidden 8443:hidden 9000:foreign 20000:",
            ),
            (
                Some(&seen),
                Some(&inside[..]),
                Some(&expected),
                "22: 80: 443:missing 5432:hidden 8443:hidden 9000:foreign+unexpected 20000:",
            ),
            (
                None,
                Some(&inside[..]),
                Some(&expected),
                "22: 80:missing 443:missing 5432:unexpected 8443:unexpected 20000:unexpected",
            ),
            (None, None, Some(&expected), "22: 80: 443:"),
        ] {
            assert_eq!(told(&rows(outside, inside, expected)), wanted);
        }
    }

    #[test]
    fn of_a_scan_that_was_stopped_nothing_is_guessed() {
        let mut part = found(&[22], &[], "22,80");
        part.unknown = 1;
        let expected = BTreeSet::from([22, 80]);
        let inside = [listener(80, false)];
        assert_eq!(
            told(&rows(Some(&part), Some(&inside), Some(&expected))),
            "22:foreign 80:"
        );
    }
}
