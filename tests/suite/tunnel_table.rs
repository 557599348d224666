//! The table of tunnels in README.md says what the backends themselves say they need, and is whole; where it
//! says that one was tried, there is something that tries it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use machineroom::inventory::{Tunnel, TunnelKind};
use machineroom::tunnel::backend::Machine;
use machineroom::tunnel::backend::choose::{Candidate, candidates};

use super::files::root;

/// A machine that has nothing.
struct Bare(&'static str);

impl Machine for Bare {
    fn os(&self) -> &str {
        self.0
    }

    fn program(&self, _: &str) -> Option<PathBuf> {
        None
    }

    fn module(&self, _: &str) -> bool {
        false
    }

    fn file(&self, _: &str) -> bool {
        false
    }

    fn is_root(&self) -> bool {
        false
    }

    fn may_root(&self) -> bool {
        false
    }
}

/// What every Debian has.
const EVERYWHERE: [&str; 2] = ["iproute2", "util-linux"];

/// The backends of a type, each with what it lacks where nothing is.
fn backends(kind: TunnelKind, os: &'static str) -> Vec<Candidate> {
    let mut profile = Tunnel::new("office", kind, "vpn.example.org");
    profile.user = "ann".to_owned();
    let mut all = candidates(&profile, &Bare(os)).unwrap();
    // Those of the system's own services are asked when the profile names a connection there.
    if kind != TunnelKind::Ssh && os == "linux" {
        profile.set("service", "Office").unwrap();
        let services = candidates(&profile, &Bare(os)).unwrap();
        all.extend(services.into_iter().filter(|c| c.name == "networkmanager"));
    }
    all
}

/// What stands between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    let words = cell.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

/// The packages, modules and devices that it needs beside what every Debian has.
fn needs(candidate: &Candidate) -> BTreeSet<String> {
    let lacks = candidate.lacks.iter().map(|lack| match lack.package {
        Some(package) => package.to_owned(),
        None => lack.what.replace("the kernel module ", ""),
    });
    lacks
        .filter(|word| !EVERYWHERE.contains(&word.as_str()) && word != "root, or sudo")
        .collect()
}

/// The types and backends that the lab of two virtual machines tries: its lists, those that it has go through
/// all that a tunnel does.
fn tried_in_the_lab() -> BTreeSet<(&'static str, String)> {
    let read = |name: &str| fs::read_to_string(root().join("tests/lab/behind").join(name)).unwrap();
    let cases = read("cases");
    let types = cases.split_once("\ntypes=(").unwrap().1;
    let types: Vec<&str> = types.split(')').next().unwrap().split(' ').collect();
    let lists = read("lists");
    let mut tried = BTreeSet::new();
    for line in lists.lines() {
        let Some(("", rest)) = line.trim().split_once("list ") else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let name = words[0].trim_start_matches("\"$prefix\"");
        if !types.contains(&name) {
            continue;
        }
        let kind = TunnelKind::from_word(words[1]).unwrap();
        let named = words.iter().find_map(|w| w.strip_prefix("backend="));
        let first = || backends(kind, "linux")[0].name;
        tried.insert((kind.as_str(), named.unwrap_or_else(first).to_owned()));
    }
    assert!(tried.len() > 7, "{tried:?}");
    tried
}

#[test]
fn the_table_is_what_the_backends_say() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.lines().skip_while(|l| !l.starts_with("| type |"));
    let rows: Vec<Vec<&str>> = lines
        .skip(2)
        .take_while(|l| l.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let lab = tried_in_the_lab();
    let mut told = BTreeSet::new();
    for row in &rows {
        let [types, by, packages, rights, tried] = row[..] else {
            panic!("not five cells: {row:?}")
        };
        let (words, mac) = (
            types.trim_end_matches(" on macOS"),
            types.ends_with("macOS"),
        );
        let os = if mac { "macos" } else { "linux" };
        let kinds: Vec<TunnelKind> = match words {
            "all but SSH" => TunnelKind::usable()
                .filter(|kind| *kind != TunnelKind::Ssh)
                .collect(),
            word => vec![TunnelKind::from_word(word).unwrap()],
        };
        let name = by.trim_matches('`');
        for kind in kinds {
            let all = backends(kind, os);
            let one = all.iter().find(|c| c.name == name);
            let one = one.unwrap_or_else(|| panic!("{name} does not make {kind:?} on {os}"));
            assert_eq!(quoted(packages), needs(one), "{types}: {name}");
            let is_root = one.lacks.iter().any(|lack| lack.what.contains("root"));
            assert_eq!(rights == "root", is_root, "{types}: {name}: {rights}");
            let in_lab = lab.contains(&(kind.as_str(), name.to_owned()));
            assert_eq!(tried.contains("two VMs"), in_lab && !mac, "{types}: {name}");
            assert!(
                told.insert((kind.as_str(), name.to_owned(), os)),
                "{types}: {name} twice"
            );
        }
        for module in quoted(tried) {
            let file = root().join(format!("tests/suite/{module}.rs"));
            assert!(file.exists(), "{types}: {name}: no tests {module}");
        }
    }
    for kind in TunnelKind::usable() {
        for os in ["linux", "macos"] {
            for one in backends(kind, os) {
                let key = (kind.as_str(), one.name.to_owned(), os);
                // The two that need nothing of the system are the same everywhere.
                let everywhere = one.lacks.is_empty() && os == "macos";
                assert!(everywhere || told.contains(&key), "no row: {key:?}");
            }
        }
    }
}
