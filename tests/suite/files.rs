//! Housekeeping: no forgotten test file, no overgrown file.

use std::fs;
use std::path::{Path, PathBuf};

/// Above this a file is listed: it may have two subjects.
const LISTED: usize = 300;
/// Above this a file fails the test.
const TOO_LONG: usize = 400;

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` (relative to the project) with one of these extensions, sorted.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, extensions, found);
            } else if path
                .extension()
                .is_some_and(|e| extensions.iter().any(|x| e == *x))
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), extensions, &mut found);
    found.sort();
    found
}

/// A path as people write it: relative to the project.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

#[test]
fn every_test_file_is_a_module_of_the_suite() {
    let suite = fs::read_to_string(root().join("tests/suite.rs")).unwrap();
    for folder in ["tests/suite", "tests/support"] {
        let here = fs::read_dir(root().join(folder)).into_iter().flatten();
        for entry in here {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let is_module = path.is_dir() || path.extension().is_some_and(|e| e == "rs");
            if !is_module || name == "mod" || name == "snapshots" {
                continue;
            }
            let line = format!("mod {name};");
            let listed = |text: &str| text.lines().any(|l| l.trim().ends_with(&line));
            let nearer = fs::read_to_string(root().join(folder).join("mod.rs"));
            assert!(
                listed(&suite) || nearer.is_ok_and(|text| listed(&text)),
                "`{}` is never compiled: add `{line}` to tests/suite.rs",
                shown(&path),
            );
        }
    }
}

#[test]
fn no_file_is_overgrown() {
    let mut too_long = Vec::new();
    let rust = ["src", "tests", "benches"].map(|folder| files(folder, &["rs"]));
    let lua = ["stdlib", "scripts", "tests"].map(|folder| files(folder, &["lua"]));
    for path in rust.iter().chain(&lua).flatten() {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        if lines > LISTED {
            println!(
                "{} has {lines} lines: look whether it has two subjects",
                shown(path)
            );
        }
        if lines > TOO_LONG {
            too_long.push(format!("{} ({lines})", shown(path)));
        }
    }
    assert!(
        too_long.is_empty(),
        "files over {TOO_LONG} lines: {}",
        too_long.join(", ")
    );
}
