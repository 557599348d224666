//! Every documented example runs, in a room of pretended servers that answer nothing to any command.

use super::*;

/// What an example may count on: three servers, and this machine.
const WORLD: &str = r#"
local script = require "mr.facts.script"
local PROBES = [[
--mroom-status--
load 0.1 0.1 0.1
--mroom-status-end--
--mroom-health--
--mroom-engine--
engine=direct
--mroom-engine-end--
--mroom-health-end--
]]
before_each(function()
  for _, id in ipairs { "web-01", "web-02", "db-01", "root@203.0.113.9" } do
    local one = fake(id, { tags = { "edge" } })
    one:on_like("*", "")
    one:on_like("sh -s -- *", script.first .. "\nos_id=debian\n" .. script.last .. "\n" .. PROBES)
    one:on("sh -s", "--mroom-ports--\n--mroom-ports-end--\n")
    one:on_like("d() {*network*", "[]")
    one:on_like("d() {*volume*", "[]")
    one:on_like("d() {*d version*", "{}\n[]\n")
    one:on_like("d() {*image inspect*", '\n[{"Id":"sha256:aa","Size":1}]')
    one:on_like("d() {*container inspect*", '\n[{"Id":"aa","Name":"/web"}]')
    one:on_like("docker inspect *", "[]")
  end
end)

-- Through a tunnel over SSH, whose server is a pretended one, too.
before_each(function()
  tunnel.add { name = "office", type = "SSH", server = "gate.example.org", user = "ann" }
end)

-- No machine but this one is scanned.
local scan = mr.scan
before_each(function()
  mr.scan = function(_, opts)
    return scan("127.0.0.1", opts)
  end
end)

-- Deployments that decode what they are given: what they do is tried on a real engine.
before_each(function()
  local run = require "mr.deploy.run"
  run.deploy = function(_, _, o)
    return { app = o.app }
  end
  run.rollback = run.deploy
end)

-- Operations that decode what they are given, and then say that all is well. What is not on this
-- machine is not what an example is about.
local function operation(name, ...)
  local ops, perform = require "mr.ops", require "mr.op.perform"
  local op = ops.load(name)
  local o, err = mr.try(perform.decode, op, table.pack(...))
  if not o and not err.message:find("on this machine", 1, true) then
    error(err, 0)
  end
  return { op = name, target = "", status = "ok", changed = false, changes = {} }
end
before_each(function()
  require("mr.ops").of = function()
    return setmetatable({}, {
      __index = function(_, name)
        return function(_, ...)
          if name == "handler" then
            return select(2, ...)()
          elseif name ~= "flush" then
            return operation(name, ...)
          end
        end
      end,
    })
  end
end)
"#;

#[tokio::test]
async fn every_example_runs() {
    let reference = Reference::bundled();
    let mut text = WORLD.to_owned();
    let mut seen = 0;
    for example in reference.items().iter().flat_map(|i| &i.examples) {
        let on = match example.place.starts_with("meta/ops_") {
            true => "local on = server('web-01'):ops() ",
            false => "",
        };
        text += &format!(
            "it({}, function() {on}\n{}end)\n",
            quoted(&example.place),
            example.text
        );
        seen += 1;
    }
    let failed = failures(&text).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(seen > 20, "{seen} examples");
}

/// The test itself: an example that does not hold fails, by its place.
#[tokio::test]
async fn an_example_that_does_not_hold_fails() {
    for wrong in [
        "server('web-01'):rum 'x'",
        "operations():file('/x', { mood = 1 })",
        "local x =",
    ] {
        let text = format!("{WORLD}it('meta/x.lua:1', function()\n{wrong}\nend)");
        assert!(!failures(&text).await.is_empty(), "{wrong}");
    }
}
