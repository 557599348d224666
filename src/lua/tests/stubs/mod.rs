//! `stdlib/meta` says what there is, and nothing else: held to the bindings both ways.
//!
//! Names here; the keys of tables in [`tables`], the documented examples in [`examples`].

mod examples;
mod tables;

use std::collections::BTreeSet;

use super::*;
use crate::lua::doc::{Item, ItemKind};
use crate::lua::{Reference, SpecOptions, run_specs};

type Names = BTreeSet<String>;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Does the class have functions, or is it somebody's parent that has? The others are plain tables.
fn is_handle(reference: &Reference, class: &str) -> bool {
    let members = reference.members(class);
    let value = |i: &Item| i.kind == ItemKind::Value && i.ty == class;
    members.iter().any(|m| m.kind.is_call()) || reference.items().iter().any(value)
}

/// What the stubs declare: `Server:run`, `server.get`, `Server.id` for a field.
fn declared(reference: &Reference) -> Names {
    let mut names = Names::new();
    for item in reference.items() {
        if item.kind.is_call() {
            names.insert(item.name.clone());
        }
        let owner = item.owner.as_deref().unwrap_or_default();
        let is_named = item.kind == ItemKind::Field && !item.last().starts_with('[');
        if is_named && is_handle(reference, owner) {
            // A field of what a variable holds is reached by the variable.
            let of = |i: &&Item| i.kind == ItemKind::Value && i.ty == owner;
            let value = reference.items().iter().find(of);
            let place = value.map_or(owner, |v| v.name.as_str());
            names.insert(format!("{place}.{}", item.last()));
        }
    }
    names
}

/// The names that a source registers under these calls: `.add_method("run", …)`.
fn registered(file: &str, calls: &[&str]) -> Names {
    let text = read(&format!("src/lua/{file}.rs"));
    let mut names = Names::new();
    for call in calls {
        for (at, _) in text.match_indices(&format!(".{call}(")) {
            let rest = text[at + call.len() + 2..].trim_start();
            let name = rest.strip_prefix('"').and_then(|r| r.split('"').next());
            names.extend(name.filter(|n| !n.starts_with("__")).map(str::to_owned));
        }
    }
    names
}

/// What a Lua file defines as `function PREFIX…`.
fn defined(file: &str, prefix: &str) -> Names {
    let text = read(file);
    let names = text.lines().filter_map(|line| {
        let name = line.strip_prefix("function ")?.strip_prefix(prefix)?;
        Some(name.split('(').next()?.to_owned())
    });
    names.collect()
}

/// The words of a list that Lua code gives as one text.
async fn words(bench: &Bench, list: &str) -> Names {
    let text = format!("return table.concat({list}, ' ')");
    let values = bench.exec(&text).await.unwrap();
    let text = values[0].as_string().unwrap().to_string_lossy();
    text.split_whitespace().map(str::to_owned).collect()
}

/// The keys of a table in the VM.
async fn keys(bench: &Bench, table: &str) -> Names {
    words(bench, &format!("require('mr.args').keys({table})")).await
}

fn prefixed(prefix: &str, names: Names) -> Names {
    names.into_iter().map(|n| format!("{prefix}{n}")).collect()
}

/// What there really is.
async fn real() -> Names {
    let bench = bench();
    let methods = ["add_method", "add_async_method"];
    let fields = ["add_field_method_get"];
    let mut real = Names::new();
    let lua_written = keys(&bench, "require 'mr.server'").await;
    real.extend(prefixed("Remote:", registered("verbs", &methods)));
    real.extend(prefixed("Remote:", lua_written));
    for (class, file) in [
        ("Server", "server"),
        ("Ssh", "ssh"),
        ("Fleet", "fleet"),
        ("Tunnel", "tunnel/handle"),
        ("Forward", "tunnel/forward"),
    ] {
        real.extend(prefixed(&format!("{class}:"), registered(file, &methods)));
        real.extend(prefixed(&format!("{class}."), registered(file, &fields)));
    }
    real.extend(prefixed("Fleet:", keys(&bench, "require 'mr.fleet'").await));
    for file in ["containers", "images", "engine", "copies"] {
        let file = format!("docker/{file}");
        real.extend(prefixed("Docker:", registered(&file, &methods)));
    }
    real.insert("Docker:compose".to_owned());
    let mut compose = registered("docker/compose", &methods);
    compose.remove("compose");
    real.extend(prefixed("Compose:", compose));
    real.extend(prefixed("Compose.", registered("docker/compose", &fields)));
    real.extend(prefixed(
        "Docker:",
        keys(&bench, "require 'mr.docker'").await,
    ));
    for module in [
        "server", "ssh", "fleet", "tunnel", "mr", "mr.json", "mr.text", "mr.stage",
    ] {
        real.extend(prefixed(&format!("{module}."), keys(&bench, module).await));
    }
    for table in ["mr.json", "mr.text", "mr.stage"] {
        real.remove(table);
    }
    let operations = words(&bench, "require('mr.ops').names()").await;
    assert!(operations.contains("file"), "{operations:?}");
    real.extend(prefixed("Ops:", operations));
    real.extend(prefixed("Ops:", defined("stdlib/mr/ops.lua", "methods.")));
    // The words of specs, which are globals of their VM only.
    let spec = "stdlib/mr/spec.lua";
    // A real server in a sandbox stands in for a pretended one.
    let globals = defined(spec, "").into_iter();
    let globals = globals.filter(|n| n.starts_with("fake.") || !n.contains('.'));
    real.extend(globals.map(|n| n.replace("Real:", "Fake:")));
    for line in read(spec).lines().filter(|l| l.starts_with("fake.")) {
        let names = line.split('=').next().unwrap_or_default().split(',');
        real.extend(names.map(|n| n.trim().to_owned()));
    }
    real.extend(prefixed("Fake:", registered("spec/server", &methods)));
    real
}

/// Those that only the code knows, and those that only the stubs know.
fn differences(real: &Names, declared: &Names) -> (Vec<String>, Vec<String>) {
    let only = |a: &Names, b: &Names| a.difference(b).cloned().collect();
    (only(real, declared), only(declared, real))
}

#[tokio::test]
async fn the_stubs_and_the_bindings_name_the_same_things() {
    let (real, declared) = (real().await, declared(&Reference::bundled()));
    let (missing, invented) = differences(&real, &declared);
    assert!(missing.is_empty(), "not in stdlib/meta: {missing:?}");
    assert!(invented.is_empty(), "in stdlib/meta only: {invented:?}");
    assert!(real.len() > 110, "{} names", real.len());
}

/// The test itself: a stub of what is not there is found, and so is one that is not there.
#[tokio::test]
async fn a_stub_that_lies_is_found() {
    let real = real().await;
    let lies = [
        (
            "---@class Server : mr.Remote\nlocal Server = {}\nfunction Server:explode() end",
            "Server:explode",
        ),
        ("function server.guess() end", "server.guess"),
        ("---@class Server\n---@field mood string", "Server.mood"),
        (
            "---@class mr.Ops\nlocal Ops = {}\nfunction Ops:miracle() end",
            "Ops:miracle",
        ),
        ("function whenever() end", "whenever"),
    ];
    for (text, name) in lies {
        let mut reference = Reference::bundled();
        reference.add("meta/lie.lua", text);
        let (_, invented) = differences(&real, &declared(&reference));
        assert!(invented.contains(&name.to_owned()), "{name}: {invented:?}");
    }
    let mut half = Reference::default();
    half.add("meta/server.lua", &read("stdlib/meta/server.lua"));
    let (missing, _) = differences(&real, &declared(&half));
    assert!(missing.contains(&"fleet.select".to_owned()), "{missing:?}");
}

/// Runs the text of a spec; gives what failed.
async fn failures(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stubs_spec.lua");
    std::fs::write(&path, text).unwrap();
    let folder = dir.path().join("room");
    std::fs::create_dir(&folder).unwrap();
    match run_specs(&path, &folder, &SpecOptions::default()).await {
        Ok(results) => {
            let failed = |r: crate::lua::SpecResult| Some(format!("{}: {}", r.name, r.failure?));
            results.into_iter().filter_map(failed).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

/// Lua text that is this text.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}
