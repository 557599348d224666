-- Six servers, one for each way to end, and one that answers late.
local function room()
  for _, id in ipairs { "late", "good", "bad", "down", "cut", "buggy" } do
    if id == "down" then
      fake.down(id)
    else
      local one = fake(id, { tags = { id == "good" and "one" or "other" } })
      one:on("uptime", id .. "\n")
      if id == "bad" then
        one:on("uptime", { code = 1, stderr = "broken\n" })
      elseif id == "cut" then
        one:on("uptime", { lost = true })
      end
    end
  end
end

local function uptime(s)
  if s.id == "late" then
    mr.sleep(0.02)
  elseif s.id == "buggy" then
    local nothing ---@type any
    return nothing.x
  end
  return s:capture "uptime"
end

local function column(outcomes, key)
  local list = {}
  for i, outcome in ipairs(outcomes) do
    list[i] = outcome[key]
  end
  return list
end

describe("map", function()
  before_each(room)

  it("gives one outcome each, in inventory order", function()
    local outcomes = fleet.select("all"):map(uptime)
    expect(column(outcomes, "server")):is { "late", "good", "bad", "down", "cut", "buggy" }
    expect(column(outcomes, "status")):is {
      "ok",
      "ok",
      "failed",
      "unreachable",
      "unknown",
      "failed",
    }
    expect(outcomes[1].value):is "late"
    expect(outcomes[3].err):has { kind = "exit", code = 1, stderr = "broken\n", server = "bad" }
    expect(assert(outcomes[4].err).kind):is "connect"
    expect(assert(outcomes[6].err).message):has "fleet_spec.lua:"
    for _, outcome in ipairs(outcomes) do
      expect(math.type(outcome.duration)):is "float"
    end
  end)

  it("runs at most `forks` at once", function()
    local running, most = 0, 0
    fleet.select("all"):map(function()
      running = running + 1
      most = math.max(most, running)
      mr.sleep(0.002)
      running = running - 1
    end, { forks = 2 })
    expect(most):is(2)
  end)

  it("starts no more beyond max_fail, and loses nobody", function()
    local outcomes = fleet.select("bad down good late"):map(uptime, { forks = 1, max_fail = 0 })
    expect(column(outcomes, "status")):is { "ok", "ok", "failed", "skipped" }
  end)

  it("works in batches", function()
    local order, ended = {}, 0
    fleet.select("all"):map(function(s)
      order[#order + 1] = ended
      mr.sleep(s.id == "late" and 0.01 or 0.001)
      ended = ended + 1
    end, { serial = 2 })
    expect(order):is { 0, 0, 2, 2, 4, 4 }
  end)

  it("keeps closures, and values of any kind", function()
    local seen = {}
    local outcomes = fleet.select("good late"):map(function(s)
      seen[s.id] = true
      return { id = s.id, f = print }
    end)
    expect(seen):is { good = true, late = true }
    expect(assert(outcomes[1].value).f):is(print)
  end)
end)

describe("the other verbs of a fleet", function()
  before_each(room)

  it("are those of a server, with the options of both", function()
    local outcomes =
      fleet.select("good bad"):run("uptime", { check = false, forks = 1, label = "up" })
    expect(column(outcomes, "status")):is { "ok", "ok" }
    expect(outcomes[2].value):has { ok = false, code = 1 }
    expect(fleet.select("good"):capture("uptime")[1].value):is "good"
    expect(fleet.select("bad"):test("uptime")[1].value):is(false)
  end)

  it("each is one after the other and ends with the first error", function()
    local seen = {}
    expect(function()
      fleet.select("all"):each(function(s)
        seen[#seen + 1] = s.id
        s:capture "uptime"
      end)
    end):raises { kind = "exit", server = "bad" }
    expect(seen):is { "late", "good", "bad" }
  end)

  it("selections can be counted, walked, filtered", function()
    local all = fleet.select "all"
    expect({ #all, all[1].id, all[7] }):is { 6, "late" }
    expect(fleet.select("@one"):ids()):is { "good" }
    local filtered = all:filter(function(s)
      return s.id:find "^b" ~= nil
    end)
    expect(filtered:ids()):is { "bad", "buggy" }
    expect(tostring(filtered)):is "Fleet(bad buggy)"
  end)

  it("an empty selection is an error, never all", function()
    expect(function()
      fleet.select "nobody*"
    end):raises { kind = "usage" }
  end)
end)

describe("check mode", function()
  local web ---@type Fake

  before_each(function()
    web = fake "web-1"
    web:on_like("*", "out\n")
    web:put("/etc/motd", "hi")
  end)

  local function checked(work)
    return fleet.select("web-1"):map(work, { check = true })[1]
  end

  it("lets readers through and keeps every writing verb back", function()
    local outcome = checked(function(s)
      expect(s.check):is(true)
      s:run "reboot"
      s:script "reboot"
      s:write("/etc/motd", "ho")
      s:upload("/etc/passwd", "/tmp/x")
      s:meta_set("touched", true)
      s:tag "touched"
      return { s:capture "date", s:test "true", s:read "/etc/motd" }
    end)
    expect(outcome):has { status = "changed", value = { "out", true, "hi" } }
    expect(web:commands()):is { "date", "true" }
    expect((web:file "/etc/motd")):is "hi"
    expect(server("web-1").meta):is {}
    expect(server("web-1").tags):is {}
    expect(fake.notes()[1]):is "web-1: would run `reboot`"
  end)

  it("is ok when nothing would be written", function()
    local outcome = checked(function(s)
      return s:capture "date"
    end)
    expect(outcome.status):is "ok"
  end)

  it("is unknown when code looks at what was not run", function()
    for _, key in ipairs { "ok", "code", "signal", "stdout", "stderr", "duration" } do
      local outcome = checked(function(s)
        return s:run("reboot")[key]
      end)
      expect(outcome.status):is "unknown"
      expect(assert(outcome.err).message):has("`" .. key .. "`")
    end
  end)

  it("is unknown even when the code caught that", function()
    local outcome = checked(function(s)
      local result = s:run "reboot"
      mr.try(function()
        return result.code
      end)
      return "guess"
    end)
    expect(outcome.status):is "unknown"
  end)

  it("knows which command and server a result is of", function()
    local outcome = checked(function(s)
      local result = s:run "reboot"
      return { result.server, result.command }
    end)
    expect(outcome):has { status = "changed", value = { "web-1", "reboot" } }
  end)
end)
