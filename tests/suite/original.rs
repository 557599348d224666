//! The names of the original: each is in the README's table, and what the table says is so.

use std::collections::BTreeSet;

use crate::support::home::Home;

const NAMES: &str = include_str!("../golden/original.txt");
const README: &str = include_str!("../../README.md");

/// The cells of a row of the table.
struct Row {
    names: Vec<&'static str>,
    here: &'static str,
    proof: &'static str,
}

fn rows() -> Vec<Row> {
    let section = README.split("## Coming from the original").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let table = section.lines().filter(|line| line.starts_with("| `"));
    let rows = table.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [names, here, proof] = cells[..] else {
            panic!("not three cells: {line}")
        };
        Row {
            names: quoted(names),
            here,
            proof,
        }
    });
    rows.collect()
}

/// What stands between backticks.
fn quoted(text: &'static str) -> Vec<&'static str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The original's names of a kind, a list for each line.
fn original(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = NAMES.lines().filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    let lines = words.filter(|words| words[0] == kind);
    lines.map(|words| words[1..].to_vec()).collect()
}

#[test]
fn every_name_is_in_the_table() {
    let told: Vec<&str> = rows().iter().flat_map(|row| row.names.clone()).collect();
    let set: BTreeSet<&str> = told.iter().copied().collect();
    // An alias that is a mark as well, and a setting that is a column as well.
    let twice = |name: &&&str| told.iter().filter(|t| t == name).count() > 1;
    let repeated: Vec<&str> = set.iter().filter(twice).copied().collect();
    assert_eq!(repeated, ["DOCKER", "retired"]);
    let kinds = ["command", "setting", "mark", "column", "type"];
    let names: BTreeSet<&str> = kinds.into_iter().flat_map(original).flatten().collect();
    assert!(names.len() > 70, "{names:?}");
    assert_eq!(set, names);
}

#[test]
fn every_proof_is_a_test() {
    for row in rows() {
        let [proof] = quoted(row.proof)[..] else {
            panic!("{:?}: one test: {}", row.names, row.proof)
        };
        let (module, name) = proof.split_once("::").unwrap();
        let path = format!("{}/tests/suite/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let (before, _) = source
            .split_once(&format!("fn {name}("))
            .unwrap_or_else(|| panic!("no {proof}"));
        let attribute = before.lines().rev().find(|line| line.starts_with("#["));
        assert!(
            attribute.is_some_and(|a| a.contains("test")),
            "{proof} is no test"
        );
    }
}

#[test]
fn every_alias_is_its_command() {
    let home = Home::new();
    for names in original("command") {
        let row = rows()
            .into_iter()
            .find(|row| row.names.contains(&names[0]))
            .unwrap();
        if names[0] == "ID" {
            continue;
        }
        let command = quoted(row.here)[0].strip_prefix("mroom ").unwrap();
        let command = command.split(' ').next().unwrap();
        let usage = |name: &str| {
            let page = home.ok(&[name, "--help"]);
            page.lines()
                .find(|l| l.starts_with("Usage:"))
                .unwrap()
                .to_owned()
        };
        let expected = usage(command);
        for name in names {
            // These two stand for more than one: see the table.
            if name != "show" && name != "remove-custom-cert" {
                assert_eq!(usage(name), expected, "{name}");
            }
        }
    }
    // `show` without an id is the list, as it was.
    home.ok(&["add", "web", "root@10.0.0.1"]);
    assert_eq!(home.ok(&["show"]), home.ok(&["ls"]));
}

#[test]
fn every_type_of_tunnel_is_read() {
    for words in original("type") {
        let row = rows().into_iter().find(|row| row.names == words).unwrap();
        for word in words {
            let kind = machineroom::inventory::TunnelKind::from_word(word).unwrap();
            assert_eq!(
                kind.refusal().is_some(),
                row.here.contains("not made"),
                "{word}"
            );
        }
    }
}

#[test]
fn every_setting_is_one() {
    let home = Home::new();
    for name in original("setting").concat() {
        let row = rows()
            .into_iter()
            .find(|row| row.names.contains(&name))
            .unwrap();
        let is_setting =
            !row.here.contains("nothing") && !row.here.contains("--set") && name != "HOME";
        if is_setting {
            home.ok(&["config", quoted(row.here)[0]]);
        }
    }
}

#[test]
fn marks_are_columns() {
    let home = Home::new();
    let mut line = vec![
        "add",
        "web",
        "root@10.0.0.1",
        "retired=true",
        "tunnel_profile=office",
    ];
    for mark in [
        "docker_compose_installed",
        "daed_installed",
        "yacht_installed",
        "python3_installed",
    ] {
        line.push(Box::leak(format!("{mark}=true").into_boxed_str()));
    }
    line.push("watchtower_installed=true");
    line.push("clash_installed=true");
    home.ok(&line);
    let table = home.ok(&["ls"]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "ID", "HOST", "TUNNEL", "RETIRED", "CERT", "DOCKER", "DAED", "YACHT", "PY", "TAGS"
        ]
    );
    assert_eq!(
        rows[1],
        [
            "web", "10.0.0.1", "office", "yes", "compose", "yes", "yes", "yes"
        ],
        "no CERT, no tags"
    );
    let whole = home.ok(&["show", "web"]);
    assert!(whole.contains("watchtower_installed") && whole.contains("clash_installed"));
}
