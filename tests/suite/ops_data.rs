//! Operations as data: what a call says and what the server's look answers, and the changes and
//! commands that must come of it. Nothing connects. A new case is a new entry of
//! `tests/golden/ops/NAME.toml`; `DIR` in it stands for a folder that holds what `[files]` says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use machineroom::fleet::RunOptions;
use machineroom::ssh::Ssh;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::sync::Arc;

use super::files::{files, root, shown};
use crate::support::room::Yard;
use crate::support::sshd::options;

/// Gets a case as JSON, prints what came of it as JSON.
const RUN: &str = r#"
local case = mr.json.decode((...))
local ops, perform, steps = require "mr.ops", require "mr.op.perform", require "mr.op.steps"
local told = { commands = mr.json.array {}, changes = mr.json.array {} }
local _, err = mr.try(function()
  local op = ops.load(case.op)
  local packed = table.pack(table.unpack(case.args))
  if case.options then
    packed.n = packed.n + 1
    packed[packed.n] = case.options
  end
  local o = perform.decode(op, packed)
  local memory = case.memory or {}
  for _, set in ipairs { "packages", "units", "users", "groups" } do
    memory[set] = memory[set] or {}
  end
  local key = perform.key(op, o)
  local is = case.check and memory[key] or case.is
  if is == nil then
    local asked = op.look(o, case.facts)
    assert(type(asked.script) == "string")
    steps.script(asked.script, asked.args)
    if case.answer == nil then
      error "the case has no `answer`"
    end
    is = op.read(case.answer, o, case.facts)
  end
  local plan
  told.status, plan = perform.predict(op, o, is, case.facts, memory, case.check)
  for _, word in ipairs(plan and plan.changes or {}) do
    told.changes[#told.changes + 1] = word
  end
  for _, step in ipairs(plan and plan.steps or {}) do
    told.commands[#told.commands + 1] = steps.tell(step)
  end
  told.why = plan and plan.unknown
  told.declares_diff, told.has_diff = op.diff == true, (plan and plan.diff) ~= nil
  -- What would be there is what was asked for: the operation has nothing left to do.
  if plan and plan.will and told.status == "changed" and op.verify ~= false then
    local left = op.plan(plan.will, o, case.facts, memory, true)
    told.left = left and table.concat(left.changes or { "something" }, ", ")
  end
end)
if err then
  told.status, told.error, told.hint = "error", err.message, err.hint
end
print(mr.json.encode(told))
"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    op: String,
    /// Local files that the cases use.
    #[serde(default)]
    files: BTreeMap<String, String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    args: Vec<Json>,
    options: Option<Json>,
    facts: Option<Json>,
    /// What the look's script prints.
    answer: Option<String>,
    /// What reading it gives, instead.
    is: Option<Json>,
    #[serde(default)]
    check: bool,
    memory: Option<Json>,
    status: String,
    changes: Option<Vec<String>>,
    commands: Option<Vec<String>>,
    /// A part of the error's message.
    error: Option<String>,
    /// A part of why nobody can know.
    why: Option<String>,
}

/// What came of a case.
#[derive(Deserialize, Debug)]
struct Told {
    status: String,
    changes: Vec<String>,
    commands: Vec<String>,
    error: Option<String>,
    why: Option<String>,
    left: Option<String>,
    /// The operation says of itself that it shows diffs.
    #[serde(default)]
    declares_diff: bool,
    /// This plan has one.
    #[serde(default)]
    has_diff: bool,
}

async fn run(yard: &Yard, op: &str, case: &Case) -> Told {
    let mut given = json!({
        "op": op, "args": case.args, "check": case.check,
    });
    for (key, value) in [
        ("options", &case.options),
        ("facts", &case.facts),
        ("is", &case.is),
        ("memory", &case.memory),
        ("answer", &case.answer.clone().map(Json::String)),
    ] {
        if let Some(value) = value {
            given[key] = value.clone();
        }
    }
    yard.printed.borrow_mut().clear();
    let args = [given.to_string()];
    let ran = yard.vm.exec(RUN.as_bytes(), "=ops_data", &args).await;
    ran.unwrap_or_else(|e| panic!("{op}: {}: {e}", case.name));
    serde_json::from_str(&yard.printed.borrow()).unwrap()
}

/// What is not as the case says.
fn wrong(case: &Case, told: &Told) -> Option<String> {
    let has = |is: &Option<String>, part: &Option<String>| match (is, part) {
        (Some(is), Some(part)) => is.contains(part.as_str()),
        (is, part) => is.is_none() && part.is_none(),
    };
    let same = |is: &[String], wanted: &Option<Vec<String>>| {
        wanted.as_ref().is_none_or(|wanted| is == wanted)
    };
    let is_right = told.status == case.status
        && same(&told.changes, &case.changes)
        && same(&told.commands, &case.commands)
        && has(&told.error, &case.error)
        && (case.why.is_none() || has(&told.why, &case.why))
        && told.left.is_none();
    (!is_right).then(|| format!("{told:#?}"))
}

fn yard(dir: &Path) -> Yard {
    let connector = Ssh::new(options(dir.join("known_hosts")));
    Yard::new(dir, RunOptions::default(), Arc::new(connector))
}

async fn run_file(path: &Path, failed: &mut Vec<String>) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let text = fs::read_to_string(path).unwrap().replace("DIR", &folder);
    let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", shown(path)));
    for (name, text) in &file.files {
        let place = dir.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    let yard = yard(dir.path());
    let mut diffs = (false, false);
    for case in &file.case {
        assert!(
            case.status != "changed" || (case.changes.is_some() && case.commands.is_some()),
            "{}: {}: a change needs `changes` and `commands`",
            shown(path),
            case.name
        );
        let told = run(&yard, &file.op, case).await;
        if let Some(what) = wrong(case, &told) {
            failed.push(format!("{}: {}: {what}", shown(path), case.name));
        }
        diffs.0 |= told.declares_diff;
        diffs.1 |= told.has_diff;
    }
    // What `mroom doc ops` and README.md say of diffs is what the cases show.
    if diffs.0 != diffs.1 {
        let (says, shows) = diffs;
        failed.push(format!(
            "{}: `diff` is {says}, a case shows one: {shows}",
            shown(path)
        ));
    }
    file.case.len()
}

#[tokio::test(flavor = "current_thread")]
async fn operations_do_what_their_cases_say() {
    let (mut failed, mut cases) = (Vec::new(), 0);
    for path in files("tests/golden/ops", &["toml"]) {
        cases += run_file(&path, &mut failed).await;
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    assert!(cases > 20, "only {cases} cases were found");
}

/// Every operation that ships is tried: one that is forgotten is a failure.
#[tokio::test(flavor = "current_thread")]
async fn every_operation_has_its_cases() {
    let dir = tempfile::tempdir().unwrap();
    let yard = yard(dir.path());
    let text = b"for _, name in ipairs(require 'mr.ops'.names()) do require 'mr.ops'.load(name) print(name) end";
    yard.vm.exec(text, "=ops_data", &[]).await.unwrap();
    let names = yard.printed.borrow().clone();
    assert!(names.contains("file\n"), "{names}");
    for name in names.lines() {
        let path = root().join(format!("tests/golden/ops/{name}.toml"));
        assert!(path.exists(), "there is no {}", shown(&path));
        let text = fs::read_to_string(&path).unwrap();
        for word in ["changed", "ok", "error"] {
            let status = format!("status = \"{word}\"");
            assert!(text.contains(&status), "{}: no {status}", shown(&path));
        }
    }
}
