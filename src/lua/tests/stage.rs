//! Stages: what is refused, what runs in which order, and what check mode says.

use super::*;
use crate::fleet::{Outcome, Status};
use crate::lua::StageResult;
use serde_json::{Value as Json, json};

/// Puts stage files into the user's folder.
fn with_stages(bench: &Bench, stages: &[(&str, &str)]) {
    let dir = bench.room.config.config_dir().join("stages");
    std::fs::create_dir_all(&dir).unwrap();
    for (name, text) in stages {
        std::fs::write(dir.join(format!("{name}.lua")), text).unwrap();
    }
}

fn add(bench: &Bench, id: &str, meta: &Json) {
    let mut row = crate::inventory::Server::new(id, "up", "root", 22);
    row.meta = meta.as_object().cloned().unwrap_or_default();
    bench.room.store().unwrap().put(&row, None).unwrap();
}

async fn stage(bench: &Bench, names: &[&str], options: Json) -> Result<Vec<Outcome<StageResult>>> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let options = options.as_object().cloned().unwrap_or_default();
    let servers = bench.room.select("all")?;
    bench.vm.stage(&names, &options, servers, |_| {}).await
}

#[tokio::test]
async fn a_file_that_is_no_stage_is_refused_before_any_server_is_touched() {
    let apply = "apply = function(s) s:run 'touch' end";
    for (text, message) in [
        (
            "return 1",
            "x.lua: a stage file must return a table, not number",
        ),
        ("return {", "x.lua:1: "),
        ("error 'oh'", "x.lua:1: oh"),
        ("server('s').run 'x'", "x.lua"),
        (
            &format!("return {{ name = 'x', aply = 1, {apply} }}"),
            "x.lua: unknown key `aply`",
        ),
        (
            &format!("return {{ name = 'y', {apply} }}"),
            "x.lua: `name` must be `x`",
        ),
        ("return { name = 'x' }", "x.lua: `apply` is missing"),
        (
            "return { name = 'x', apply = 1 }",
            "x.lua: `apply` must be a function, not a number",
        ),
        (
            &format!("return {{ name = 'x', needs = 'cert', {apply} }}"),
            "x.lua: `needs` must be a table",
        ),
        (
            &format!("return {{ name = 'x', needs = {{ 1 }}, {apply} }}"),
            "x.lua: `needs[1]` must be a stage's name",
        ),
        (
            &format!("return {{ name = 'x', needs = {{ 'gone' }}, {apply} }}"),
            "x.lua: `needs`: no stage `gone`",
        ),
        (
            &format!("return {{ name = 'x', needs = {{ 'y' }}, {apply} }}"),
            "`needs` is a circle: x -> y -> x",
        ),
        (
            &format!("return {{ name = 'x', options = {{ a = 1 }}, {apply} }}"),
            "x.lua: `options.a` must be a table",
        ),
        (
            &format!("return {{ name = 'x', options = {{ a = {{ type = 'int' }} }}, {apply} }}"),
            "x.lua: `options.a.type` must be one of",
        ),
        (
            &format!(
                "return {{ name = 'x', options = {{ a = {{ type = 'string', hlep = '' }} }}, {apply} }}"
            ),
            "unknown key `options.a.hlep`",
        ),
    ] {
        let bench = bench();
        add(&bench, "s", &json!({}));
        let y = format!("return {{ name = 'y', needs = {{ 'x' }}, {apply} }}");
        with_stages(&bench, &[("x", text), ("y", &y)]);
        let error = stage(&bench, &["x"], json!({})).await.unwrap_err();
        assert!(error.message().contains(message), "{text}\n{error}");
        assert!(bench.fake.calls.lock().unwrap().is_empty(), "{text}");
    }
}

#[tokio::test]
async fn options_are_checked_and_converted() {
    let text = "return { name = 'x', options = { n = { type = 'number', default = 1 }, b = { type = 'boolean' },
        l = { type = 'list' }, c = { type = 'string', choices = { 'a', 'b' } } },
        apply = function(s, o) print(mr.inspect(o)) end }";
    for (options, result) in [
        (json!({}), "{ n = 1 }"),
        (
            json!({"x": {"n": "2", "b": "yes", "l": "a,b", "c": "b"}}),
            r#"{ b = true, c = "b", l = { "a", "b" }, n = 2 }"#,
        ),
        (json!({"x": {"n": "two"}}), "`x.n` must be a number"),
        (json!({"x": {"b": 1}}), "`x.b` must be true or false"),
        (json!({"x": {"c": "z"}}), "`x.c` must be one of: a, b"),
        (json!({"x": {"m": 1}}), "unknown option `x.m`"),
        (json!({"y": {"m": 1}}), "options are given for `y`"),
    ] {
        let bench = bench();
        add(&bench, "s", &json!({}));
        with_stages(&bench, &[("x", text)]);
        let shown = match stage(&bench, &["x"], options).await {
            Ok(_) => bench.printed.borrow().trim_end().to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(result), "{result}\n{shown}");
    }
}

#[tokio::test]
async fn the_order_the_marks_and_the_statuses() {
    let one = |name: &str, rest: &str| {
        format!("return {{ name = '{name}', marks = 'did_{name}', {rest} }}")
    };
    let stages = [
        (
            "a",
            one(
                "a",
                "check = function() return true end, apply = function() error 'never' end",
            ),
        ),
        (
            "b",
            one(
                "b",
                "needs = { 'a' }, apply = function(s) s:run 'echo' end, verify = function(s) return s:test 'echo' end",
            ),
        ),
        ("c", one("c", "apply = function() return false end")),
        (
            "bad",
            one(
                "bad",
                "apply = function() end, verify = function() return false end",
            ),
        ),
    ];
    let stages: Vec<(&str, &str)> = stages.iter().map(|(n, t)| (*n, t.as_str())).collect();
    let bench = bench();
    with_stages(&bench, &stages);
    add(&bench, "s", &json!({}));
    let outcomes = stage(&bench, &["c", "b"], json!({})).await.unwrap();
    let steps = &outcomes[0].value.as_ref().unwrap().steps;
    let shown: Vec<_> = steps
        .iter()
        .map(|s| format!("{} {}", s.stage, s.status))
        .collect();
    assert_eq!(shown, ["c ok", "a ok", "b changed"]);
    assert_eq!(outcomes[0].status, Status::Changed);
    let row = bench.room.store().unwrap().get("s").unwrap().unwrap();
    assert_eq!(
        Json::Object(row.meta),
        json!({"did_c": true, "did_a": true, "did_b": true})
    );
    let prepared =
        "prepare = function(s, o) o.id = s.id end, apply = function(_, o) print(o.id) end";
    let unprepared = "needs = { 'c' }, prepare = function() mr.fail 'no key' end, apply = error";
    let more = [("p", one("p", prepared)), ("q", one("q", unprepared))];
    let more: Vec<(&str, &str)> = more.iter().map(|(n, t)| (*n, t.as_str())).collect();
    with_stages(&bench, &more);
    stage(&bench, &["p"], json!({})).await.unwrap();
    assert_eq!(*bench.printed.borrow(), "s\n");
    bench.fake.calls.lock().unwrap().clear();
    let outcomes = stage(&bench, &["b", "q"], json!({})).await.unwrap();
    let error = outcomes[0].error.as_ref().unwrap();
    assert_eq!(error.to_string(), "s: stage `q`: no key");
    assert!(bench.fake.calls.lock().unwrap().is_empty());
    let outcomes = stage(&bench, &["bad"], json!({})).await.unwrap();
    let error = outcomes[0].error.as_ref().unwrap();
    assert_eq!(
        error.to_string(),
        "s: stage `bad`: the result could not be verified"
    );
    assert_eq!(outcomes[0].status, Status::Failed);
}

#[tokio::test]
async fn check_mode_says_what_it_cannot_know() {
    let bench = Bench::new(RunOptions {
        check: true,
        ..RunOptions::default()
    });
    with_stages(
        &bench,
        &[
            (
                "a",
                "return { name = 'a', marks = 'm', apply = function(s) s:run 'make' end, verify = error }",
            ),
            (
                "b",
                "return { name = 'b', check = function(s) s:capture 'false' end, apply = error }",
            ),
        ],
    );
    add(&bench, "s", &json!({}));
    let outcomes = stage(&bench, &["a"], json!({})).await.unwrap();
    assert_eq!(outcomes[0].status, Status::Changed);
    assert!(bench.fake.calls.lock().unwrap().is_empty());
    assert!(
        bench
            .room
            .store()
            .unwrap()
            .get("s")
            .unwrap()
            .unwrap()
            .meta
            .is_empty()
    );
    assert_eq!(
        stage(&bench, &["b"], json!({})).await.unwrap()[0].status,
        Status::Failed
    );
    let outcomes = stage(&bench, &["a", "b"], json!({})).await.unwrap();
    assert_eq!(
        outcomes[0].status,
        Status::Unknown,
        "{:?}",
        outcomes[0].error
    );
}

#[tokio::test]
async fn an_override_extends_the_shipped_stage() {
    let bench = bench();
    with_stages(
        &bench,
        &[(
            "env",
            "local env = require 'bundled.stages.env' env.summary = 'mine' return env",
        )],
    );
    let stages = bench.vm.stages().unwrap();
    let env = stages.iter().find(|s| s.name == "env").unwrap();
    assert_eq!(env.summary, "mine");
    assert!(env.options.contains_key("strict"));
}

#[tokio::test]
async fn a_stage_may_extend_the_shipped_one_with_a_metatable() {
    let bench = bench();
    let text =
        "return setmetatable({ summary = 'mine' }, { __index = require 'bundled.stages.env' })";
    with_stages(&bench, &[("env", text)]);
    let planned = bench.vm.planned(&["env".to_owned()]).unwrap();
    let env = planned.iter().find(|s| s.name == "env").unwrap();
    assert_eq!(env.summary, "mine");
    assert!(env.options.contains_key("strict"), "{:?}", env.options);
}
