//! Holds the source to the import rules that `src/lib.rs` draws.
//!
//! The drawing is the rule: this test reads it. `<` separates layers, `|` separates groups of
//! one layer that must not know each other, and within a group a module may import only what
//! stands to its left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::files::{files, root, shown};

/// Third-party crates that have one home, and the modules that are it.
const HOMES: &[(&str, &[&str])] = &[
    ("age", &["secret"]),
    ("boringtun", &["tunnel"]),
    ("chacha20poly1305", &["secret"]),
    ("clap", &["cli"]),
    ("etcetera", &["config"]),
    ("rust_embed", &["lua"]),
    ("indicatif", &["ui"]),
    ("libssh2_sys", &["ssh"]),
    ("minijinja", &["lua"]),
    ("mlua", &["lua"]),
    ("openssl", &["scan"]),
    ("rusqlite", &["db", "inventory", "journal"]),
    ("rusqlite_migration", &["db"]),
    ("rustyline", &["ui"]),
    ("similar", &["ui"]),
    ("smoltcp", &["tunnel"]),
    ("ssh2", &["ssh"]),
    ("toml", &["cli", "config"]),
];

/// Where a module stands: layer, group within the layer, place within the group.
type Place = (usize, usize, usize);

/// The drawing in the crate's documentation.
fn drawing() -> BTreeMap<String, Place> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let text: Vec<&str> = lib
        .lines()
        .skip_while(|line| *line != "//! ```text")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!"))
        .collect();
    let text = text.join(" ");
    let mut places = BTreeMap::new();
    for (layer, words) in text.split('<').enumerate() {
        for (group, words) in words.split('|').enumerate() {
            for (place, module) in words.split_whitespace().enumerate() {
                let before = places.insert(module.to_owned(), (layer, group, place));
                assert_eq!(before, None, "`{module}` is drawn twice");
            }
        }
    }
    places
}

/// May a module at `from` import the one at `to`?
fn allowed(from: Place, to: Place) -> bool {
    to.0 < from.0 || (to.0 == from.0 && to.1 == from.1 && to.2 < from.2)
}

/// The top-level module that a file under `src/` belongs to.
fn module_of(file: &str) -> &str {
    file.trim_start_matches("src/")
        .split('/')
        .next()
        .unwrap()
        .trim_end_matches(".rs")
}

/// The code of a line: without what follows `//`, unless that stands in a string.
fn code(line: &str) -> &str {
    match line.find("//") {
        Some(at) if line[..at].matches('"').count().is_multiple_of(2) => &line[..at],
        _ => line,
    }
}

/// Modules that follow `prefix` (`crate::` or `machineroom::`) in a text, `{a, b::c}` included.
fn imports(text: &str, prefix: &str) -> BTreeSet<String> {
    let word = |s: &str| -> String {
        s.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (1, 0);
        for (i, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (c == ',' && depth == 1) {
                found.insert(word(&inside[start..i]));
                start = i + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// A whole word followed by `::`, not part of a longer path.
fn uses_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

fn sources() -> Vec<(String, String)> {
    files("src", &["rs"])
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let text: Vec<&str> = text.lines().map(code).collect();
            (shown(path), text.join("\n"))
        })
        .filter(|(file, _)| file != "src/build.rs")
        .collect()
}

#[test]
fn modules_import_only_from_their_left() {
    let places = drawing();
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for (file, text) in sources() {
        let module = module_of(&file);
        if module == "lib" {
            continue;
        }
        seen.insert(module.to_owned());
        let Some(from) = places.get(module) else {
            broken.push(format!("{file}: `{module}` is not drawn in src/lib.rs"));
            continue;
        };
        let prefix = if module == "main" {
            "machineroom::"
        } else {
            "crate::"
        };
        for name in imports(&text, prefix) {
            match places.get(&name) {
                Some(to) if name == module || allowed(*from, *to) => {}
                Some(_) => broken.push(format!("{file}: `{module}` must not import `{name}`")),
                None => broken.push(format!("{file}: import of `{name}`, which is not drawn")),
            }
        }
    }
    let drawn: BTreeSet<String> = places.into_keys().collect();
    for gone in drawn.difference(&seen) {
        broken.push(format!("src/lib.rs draws `{gone}`, which is not there"));
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn third_party_crates_stay_at_home() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        for (i, line) in text.lines().enumerate() {
            for (name, homes) in HOMES {
                if uses_crate(line, name) && !homes.contains(&module_of(&file)) {
                    broken.push(format!("{file}:{}: `{name}` lives in {homes:?}", i + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn unsafe_code_has_one_place() {
    for (file, text) in sources() {
        let found = text.lines().position(|line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "unsafe")
        });
        if let Some(line) = found {
            assert!(
                file.starts_with("src/ssh/ffi"),
                "{file}: `unsafe` in line {}",
                line + 1
            );
        }
    }
}

#[test]
fn the_reader_of_imports_sees_all_forms() {
    let text =
        "use crate::{error::{Error, Kind}, quote, config::Config};\nlet x = crate::db::open();";
    let found = imports(text, "crate::");
    assert_eq!(
        found.iter().map(String::as_str).collect::<Vec<_>>(),
        ["config", "db", "error", "quote"]
    );
    assert!(allowed((1, 0, 1), (1, 0, 0)) && !allowed((1, 0, 0), (1, 0, 1)));
    assert!(!allowed((1, 1, 0), (1, 0, 0)) && allowed((1, 0, 0), (0, 3, 9)));
    assert!(uses_crate("use mlua::Lua;", "mlua") && !uses_crate("crate::mlua::x", "mlua"));
}
