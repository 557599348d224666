//! The keys of tables: the options that a call takes, and the data that it gives, are those that
//! the stubs describe. The calls tell: an option that no call has is refused with a list of those
//! that it has.

use super::*;
use crate::lua::doc::Param;

/// Lua that stands for a parameter of that type.
fn argument(param: &Param) -> &'static str {
    match param.ty.trim_end_matches('?') {
        "Fleet" => "fleet.select 'all'",
        "Server" => "server 'web'",
        "integer" | "number" => "1",
        ty if ty.starts_with("fun(") => "print",
        "string[]" | "table[]" => "{ 'x' }",
        ty if ty.starts_with("table") => "{}",
        // A path for those that want one.
        _ => "'/env'",
    }
}

/// What a method is called on.
fn receiver(item: &Item) -> &'static str {
    match item.owner.as_deref() {
        Some("Fleet") => "fleet.select 'all'",
        Some("Fake") => "web",
        Some("Ssh") => "server('web'):connect()",
        Some("Tunnel") => "tunnel.open { name = 'x', type = 'SSH', server = 'h', user = 'u' }",
        Some("mr.Ops") => "server('web'):ops()",
        Some("Docker") => "server('web'):docker()",
        Some("Compose") => "server('web'):docker():compose { folder = '/srv' }",
        _ => "server 'web'",
    }
}

/// Lua that calls an item with an option that it does not have.
fn call(item: &Item) -> String {
    let wrong = "{ no_such_option = 1 }";
    let count = item.params.len().saturating_sub(1);
    let mut args: Vec<&str> = item.params.iter().take(count).map(argument).collect();
    args.push(wrong);
    let args = args.join(", ");
    match item.kind {
        ItemKind::Method => format!("({}):{}({args})", receiver(item), item.last()),
        _ => format!("{}({args})", item.name),
    }
}

/// The calls of the stubs that take a table of options, with its keys.
fn calls(reference: &Reference) -> Vec<(&Item, Names)> {
    let items = reference.items().iter().filter(|i| i.kind.is_call());
    let taking = items.filter_map(|item| {
        let last = item.params.last()?;
        let keys = reference.keys(&last.ty).into_iter().map(|k| k.name);
        let keys: Names = keys.collect();
        // The data of a run is a parameter too, as in `show(outcomes)`.
        let is_table = matches!(last.name.as_str(), "opts" | "new");
        (is_table && !keys.is_empty()).then_some((item, keys))
    });
    taking.collect()
}

const HELPERS: &str = r#"
local web
before_each(function()
  web = fake "web"
  web:on_like("*", "")
end)
local function listed(err)
  local set = {}
  for key in (err.hint or tostring(err)):match("options of `[^`]+`: (.*)$"):gmatch "[%w_]+" do
    set[key] = true
  end
  return set
end
-- What a verb of many servers takes is told by the verb, and by the map.
local function taken(f)
  local given, err = mr.try(f)
  if err then
    return listed(err)
  end
  local keys = listed(given[1].err)
  local _, of_map = mr.try(function()
    fleet.select("all"):map(print, { no_such_option = 1 })
  end)
  for key in pairs(listed(of_map)) do
    keys[key] = true
  end
  return keys
end
"#;

#[tokio::test]
async fn calls_take_the_options_that_the_stubs_describe() {
    let reference = Reference::bundled();
    let calls = calls(&reference);
    let mut text = HELPERS.to_owned();
    for (item, keys) in &calls {
        let keys: Vec<String> = keys
            .iter()
            .map(|k| format!("[{}] = true", quoted(k)))
            .collect();
        text += &format!(
            "it({}, function()\n  expect(taken(function() return {} end)):is {{ {} }}\nend)\n",
            quoted(&item.name),
            call(item),
            keys.join(", ")
        );
    }
    let failed = failures(&text).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(calls.len() > 25, "{} calls", calls.len());
}

/// Every table of options that Rust code decodes is one of a stub; Lua code's is found by its call.
#[test]
fn no_call_takes_options_in_secret() {
    let reference = Reference::bundled();
    let known: Names = calls(&reference)
        .iter()
        .map(|(i, _)| i.last().to_owned())
        .collect();
    let mut seen = 0;
    let folder = format!("{}/src/lua", env!("CARGO_MANIFEST_DIR"));
    for file in [
        "verbs",
        "fleet",
        "server",
        "ssh",
        "mr",
        "request",
        "spec/server",
        "tunnel/forward",
        "tunnel/handle",
    ] {
        let text = std::fs::read_to_string(format!("{folder}/{file}.rs")).unwrap();
        for (at, _) in text.match_indices("Options::new(\"") {
            let name = text[at + 14..].split('"').next().unwrap();
            let last = name.rsplit('.').next().unwrap();
            assert!(
                known.contains(last),
                "{file}.rs: the options of `{name}` have no stub"
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// An operation's arguments and options have the types that it declares.
#[tokio::test]
async fn operations_take_the_types_that_the_stubs_describe() {
    let reference = Reference::bundled();
    let mut text = r#"
local ops = require "mr.ops"
local PLAIN = {
  string = "string", path = "string", mode = "string", boolean = "boolean", integer = "integer",
  number = "number", owner = "string|integer", secret = "string|Secret",
}
local function fits(ty, option)
  if option.choices then
    local names = {}
    for i, choice in ipairs(option.choices) do
      names[i] = type(choice) == "string" and ('"%s"'):format(choice) or tostring(choice)
    end
    return ty == table.concat(names, "|")
  elseif option.type == "list" then
    return ty:find("[]", 1, true) ~= nil
  elseif option.type == "any" or option.type == "table" then
    return true
  end
  return ty == PLAIN[option.type]
end
local function check(name, takes, options)
  local op = ops.load(name)
  for i, take in ipairs(op.takes) do
    expect({ take[1], takes[i] and takes[i][1] }):is { take[1], take[1] }
    if not fits(takes[i][2], take) then
      mr.fail(("`%s` is %s, its stub says %s"):format(take[1], take.type, takes[i][2]))
    end
  end
  expect(#takes):is(#op.takes)
  for key, option in pairs(op.options or {}) do
    if options[key] and not fits(options[key], option) then
      local kind = option.choices and table.concat(option.choices, "|") or option.type
      mr.fail(("`%s` is %s, its stub says %s"):format(key, kind, options[key]))
    end
  end
end
"#
    .to_owned();
    let of_ops = |i: &&Item| i.owner.as_deref() == Some("mr.Ops");
    let is_operation = |i: &&Item| i.returns.first().is_some_and(|r| r.ty == "mr.OpResult");
    let operations = reference.items().iter().filter(of_ops).filter(is_operation);
    let mut seen = 0;
    for item in operations {
        let bare = |ty: &str| quoted(ty.trim_end_matches('?'));
        let takes = item.params.iter().filter(|p| p.name != "opts");
        let takes = takes.map(|p| format!("{{ {}, {} }}", quoted(&p.name), bare(&p.ty)));
        let options = reference.options(&item.name).into_iter();
        let options = options.map(|o| format!("[{}] = {}", quoted(&o.name), bare(&o.ty)));
        text += &format!(
            "it({}, function()\n  check({}, {{ {} }}, {{ {} }})\nend)\n",
            quoted(&item.name),
            quoted(item.last()),
            takes.collect::<Vec<_>>().join(", "),
            options.collect::<Vec<_>>().join(", ")
        );
        seen += 1;
    }
    let failed = failures(&text).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(seen > 1, "{seen} operations");
}

/// Tables that code gets: the class that describes each, and Lua that gives one.
const DATA: &[(&str, &str)] = &[
    ("mr.Result", "server('web'):run 'x'"),
    (
        "mr.Result",
        "server('web'):run('killed', { check = false })",
    ),
    ("mr.Outcome", "fleet.select('web'):capture('x')[1]"),
    ("mr.Outcome", "fleet.select('web'):capture('bad')[1]"),
    (
        "mr.Err",
        "select(2, mr.try(server('web').run, server 'web', 'bad'))",
    ),
    ("mr.Config", "mr.config"),
    ("mr.ConfigCommands", "mr.config.commands"),
    ("mr.ConfigLua", "mr.config.lua"),
    ("mr.ConfigHealth", "mr.config.health"),
    ("mr.Health", "health()"),
    ("mr.HealthCheck", "health().checks[1]"),
    ("mr.Space", "health().memory"),
    ("mr.MountSpace", "health().disks[1]"),
    ("mr.Update", "health().updates[1]"),
    ("mr.RebootNeed", "health().reboot"),
    ("mr.Clock", "health().clock"),
    ("mr.Certificate", "health().certs[1]"),
    ("mr.Vulnerabilities", "health().vulnerabilities"),
    ("mr.ImageScan", "health().vulnerabilities.images[1]"),
    ("mr.Engine", "health().docker"),
    ("mr.Engine", "server('web'):scan_docker()"),
    ("mr.ScannedContainer", "health().docker.containers[1]"),
    ("mr.UnwellContainer", "health().docker.unwell[1]"),
    ("mr.ScannedImages", "health().docker.images"),
    ("mr.EngineDisk", "server('web'):scan_docker().disk[1]"),
    (
        "mr.StageResult",
        "fleet.select('web'):stage('one')[1].value",
    ),
    (
        "mr.StageStep",
        "fleet.select('web'):stage('one')[1].value.steps[1]",
    ),
    ("mr.PlanStep", "mr.stage.plan({ 'one' })[1]"),
    ("mr.Stage", "mr.stage.load 'one'"),
    ("mr.FakeCall", "web:calls()[1]"),
    ("mr.Facts", "facts()"),
    ("mr.OsFacts", "facts().os"),
    ("mr.KernelFacts", "facts().kernel"),
    ("mr.CpuFacts", "facts().cpu"),
    ("mr.MemoryFacts", "facts().memory"),
    ("mr.SwapFacts", "facts().swap"),
    ("mr.DiskFacts", "facts().disk"),
    ("mr.DockerFacts", "facts().docker"),
    ("mr.MountFacts", "facts().disks[1]"),
    ("mr.AddressFacts", "facts().addresses[1]"),
    ("mr.UserFacts", "facts().users[1]"),
];

/// A server that tells all that can be told: as many keys as there are.
const WORLD: &str = include_str!("world.lua");

#[tokio::test]
async fn tables_have_the_keys_that_the_stubs_describe() {
    let reference = Reference::bundled();
    let fields = |class: &str| {
        let keys = reference.keys(class).into_iter();
        let keys = keys.filter(|k| !k.name.starts_with('['));
        let keys = keys.map(|k| {
            format!(
                "[{}] = {}",
                quoted(&k.name),
                k.optional || k.ty.ends_with('?')
            )
        });
        let keys: Vec<String> = keys.collect();
        assert!(!keys.is_empty(), "{class}");
        format!("{{ {} }}", keys.join(", "))
    };
    let mut text = WORLD.to_owned();
    for (class, lua) in DATA {
        text += &format!(
            "it({}, function()\n  describes({}, {lua})\nend)\n",
            quoted(&format!("{class} {lua}")),
            fields(class)
        );
    }
    // Files that people write: what they may have is told where a key is refused.
    for (class, lua) in [
        (
            "mr.Stage",
            "fake.module('stages.x', 'return { no = 1 }') mr.stage.load 'x'",
        ),
        (
            "mr.StageOption",
            "fake.module('stages.x', 'return { name = \"x\", apply = print, options = { a = { type = \"string\", no = 1 } } }') mr.stage.load 'x'",
        ),
        (
            "mr.Operation",
            "fake.module('ops.x', 'return { no = 1 }') require('mr.ops').load 'x'",
        ),
    ] {
        text += &format!(
            "it({}, function()\n  local err = expect(function() {lua} end):raises()\n  local data = told(err.hint or err.message)\n  describes({}, data)\nend)\n",
            quoted(&format!("{class} in a file")),
            fields(class)
        );
    }
    let failed = failures(&text).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
