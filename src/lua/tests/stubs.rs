//! `stdlib/meta` says what there is, and nothing else: held to the bindings both ways.

use std::collections::BTreeSet;

use super::*;

type Names = BTreeSet<String>;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What the stubs declare: `Server:run`, `server.get`, `Server.id` for a field.
fn declared() -> Names {
    declared_in(&["server", "fleet", "mr"])
}

fn declared_in(stubs: &[&str]) -> Names {
    let texts = stubs.iter().map(|f| read(&format!("stdlib/meta/{f}.lua")));
    let text: String = texts.collect();
    let mut class = String::new();
    let mut names = Names::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("---@class ") {
            class = rest.split([' ', ':']).next().unwrap().to_owned();
        } else if let Some(rest) = line.strip_prefix("---@field ") {
            let field = rest.split([' ', '?']).next().unwrap();
            names.insert(format!("{class}.{field}"));
        } else if let Some(rest) = line.strip_prefix("function ") {
            names.insert(rest.split('(').next().unwrap().to_owned());
        }
    }
    names
}

/// The names that a binding's source registers under these calls.
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

/// The keys of a table in the VM, `kind` only when given.
async fn keys(bench: &Bench, table: &str) -> Names {
    let text = format!(
        "local names = {{}} for key in pairs({table}) do names[#names + 1] = key end return table.concat(names, ' ')"
    );
    let values = bench.exec(&text).await.unwrap();
    let text = values[0].as_string().unwrap().to_string_lossy();
    text.split(' ')
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect()
}

fn prefixed(prefix: &str, names: Names) -> Names {
    names.into_iter().map(|n| format!("{prefix}{n}")).collect()
}

#[tokio::test]
async fn the_stubs_and_the_bindings_name_the_same_things() {
    let bench = bench();
    let methods = ["add_method", "add_async_method"];
    let mut real = Names::new();
    real.extend(prefixed("Remote:", registered("verbs", &methods)));
    real.extend(prefixed(
        "Remote:",
        keys(&bench, "require 'mr.server'").await,
    ));
    real.extend(prefixed("Server:", registered("server", &methods)));
    real.extend(prefixed(
        "Server.",
        registered("server", &["add_field_method_get"]),
    ));
    real.extend(prefixed("Ssh:", registered("ssh", &methods)));
    real.extend(prefixed(
        "Ssh.",
        registered("ssh", &["add_field_method_get"]),
    ));
    real.extend(prefixed("Fleet:", registered("fleet", &methods)));
    real.extend(prefixed("Fleet:", keys(&bench, "require 'mr.fleet'").await));
    for module in [
        "server", "ssh", "fleet", "mr", "mr.json", "mr.text", "mr.stage",
    ] {
        real.extend(prefixed(&format!("{module}."), keys(&bench, module).await));
    }
    for table in ["mr.json", "mr.text", "mr.stage"] {
        real.remove(table);
    }
    let data = |n: &&String| {
        // Plain tables: what Lua code hands over or gets, described for editors only.
        [
            "mr.NewServer",
            "mr.Result",
            "mr.ReadOpts",
            "mr.RunOpts",
            "mr.ScriptOpts",
            "mr.ConnectOpts",
            "mr.MapOpts",
            "mr.Outcome",
            "mr.StageOption",
            "mr.Stage",
            "mr.Workflow",
            "mr.Err",
        ]
        .iter()
        .any(|class| n.starts_with(&format!("{class}.")))
    };
    let declared: Names = declared().iter().filter(|n| !data(n)).cloned().collect();
    let missing: Vec<_> = real.difference(&declared).collect();
    let invented: Vec<_> = declared.difference(&real).collect();
    assert!(missing.is_empty(), "not in stdlib/meta: {missing:?}");
    assert!(invented.is_empty(), "in stdlib/meta only: {invented:?}");
    assert!(real.len() > 80, "{} names", real.len());
}

/// The keys of a run's result and of an outcome are those that the stubs describe.
#[tokio::test]
async fn the_tables_have_the_keys_that_the_stubs_describe() {
    let bench = bench();
    let fields = |class: &str| -> Names {
        let prefix = format!("{class}.");
        declared()
            .iter()
            .filter_map(|n| n.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect()
    };
    let connect = "ssh.connect { host = 'h', user = 'u' }";
    let mut result = keys(&bench, &format!("{connect}:run 'echo'")).await;
    result.insert("signal".into());
    assert_eq!(result, fields("mr.Result"));
    let err = keys(
        &bench,
        &format!("select(2, mr.try(function() {connect}:run 'false' end))"),
    )
    .await;
    assert_eq!(
        err,
        fields("mr.Err")
            .into_iter()
            .filter(|f| f != "hint")
            .collect()
    );
}

/// The words of specs, which are globals of their VM only.
#[test]
fn the_words_of_specs_are_those_that_the_stubs_describe() {
    let text = read("stdlib/mr/spec.lua");
    let mut real = Names::new();
    for line in text.lines() {
        if let Some(word) = line.strip_prefix("function ") {
            real.extend(word.split('(').next().map(str::to_owned));
        } else if line.starts_with("fake.") {
            let names = line.split('=').next().unwrap_or_default().split(',');
            real.extend(names.map(|n| n.trim().to_owned()));
        }
    }
    real.extend(prefixed(
        "Fake:",
        registered("spec/server", &["add_method"]),
    ));
    let data = |n: &&String| n.starts_with("mr.FakeEnd.");
    let declared = declared_in(&["spec"]);
    let functions: Names = declared.iter().filter(|n| !data(n)).cloned().collect();
    assert_eq!(real, functions);
    assert!(real.len() > 15, "{} names", real.len());
}
