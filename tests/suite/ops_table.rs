//! The table of operations in README.md says what the operations' own files say, and is whole.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::files::root;
use crate::support::home::Home;

/// The text behind `key = "` in Lua source; empty for `false`.
fn field<'a>(source: &'a str, key: &str) -> &'a str {
    let rest = source
        .split_once(&format!("{key} = \""))
        .map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
}

/// Operations by name: their source.
fn operations() -> BTreeMap<String, String> {
    let entries = fs::read_dir(root().join("stdlib/mr/ops")).unwrap();
    let files = entries.map(|e| e.unwrap().path()).filter(|p| p.is_file());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .filter(|(name, text)| text.contains(&format!("\n  name = \"{name}\"")))
        .collect()
}

/// The playbooks that the virtual machine is brought through, as one text.
fn playbooks() -> String {
    let entries = fs::read_dir(root().join("tests/lab/playbooks")).unwrap();
    entries
        .map(|e| fs::read_to_string(e.unwrap().path().join("play.lua")).unwrap())
        .collect()
}

#[test]
fn the_table_is_what_the_operations_say() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme
        .lines()
        .skip_while(|l| !l.starts_with("| operation |"));
    let rows: BTreeMap<String, Vec<String>> = lines
        .skip(2)
        .take_while(|l| l.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            let cells: Vec<String> = cells.map(|c| c.trim().replace('`', "")).collect();
            (cells[0].clone(), cells)
        })
        .collect();
    let (all, plays) = (operations(), playbooks());
    // What they declare to the program itself; the cases of `ops_data` hold them to it.
    let declared: BTreeMap<String, Value> = Home::new()
        .ok(&["--json", "doc", "ops"])
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|op| (op["name"].as_str().unwrap_or_default().to_owned(), op))
        .collect();
    assert!(all.len() > 20, "{:?}", all.keys());
    let names = |set: &BTreeMap<String, _>| set.keys().cloned().collect::<Vec<_>>();
    assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), names(&all));
    for (name, source) in &all {
        let row = &rows[name];
        let says = |key: &str| match declared[name][key].as_bool() {
            Some(true) => "yes",
            _ => "–",
        };
        assert_eq!(row[2], says("check"), "{name}: check");
        assert_eq!(row[3], says("diff"), "{name}: diff");
        // One that does not look again is so on a condition, which the table names.
        assert_eq!(
            row[1] == "yes",
            says("idempotent") == "yes",
            "{name}: idempotent"
        );
        assert!(row[1] != "–", "{name}: idempotent");
        let or_dash = |text: &str| if text.is_empty() { "–" } else { text }.to_owned();
        assert_eq!(row[4], field(source, "platforms"), "{name}: for");
        assert_eq!(row[6], or_dash(field(source, "ansible")), "{name}: Ansible");
        assert_eq!(row[7], or_dash(field(source, "pyinfra")), "{name}: pyinfra");
        let is_played =
            plays.contains(&format!("on:{name}(")) || plays.contains(&format!("on:{name} "));
        assert_eq!(row[5] == "VM", is_played, "{name}: tried on");
        let data = root().join(format!("tests/golden/ops/{name}.toml"));
        let cases = fs::read_to_string(data).unwrap();
        // Each has been seen to change something, to find nothing to do, and to predict.
        for part in [
            "status = \"changed\"",
            "status = \"ok\"",
            "status = \"error\"",
        ] {
            assert!(cases.contains(part), "{name}: no case with {part}");
        }
    }
}
