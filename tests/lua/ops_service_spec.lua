-- How the operation `service` tells of what did not stay: the steps that start and watch something,
-- on pretended servers. What a service manager really says is tried on the virtual machine.
local service = require "mr.ops.service" ---@type any

local web ---@type Fake
local s ---@type any

before_each(function()
  web = fake "web-1"
  s = server "web-1"
end)

local function is(state)
  return { there = true, running = false, state = state, enabled = true, units = {}, reloads = true }
end

-- Does the one step of bringing `name` into that state.
local function act(name, state, facts, now)
  local o =
    { name = name, state = state, settle = 2, timeout = 60, user = false, runlevel = "default" }
  local plan = service.plan(is(now or "inactive/dead"), o, facts, nil)
  expect(#plan.steps):is(1)
  return plan.steps[1].call({ sudo = nil }, s)
end

describe("a service that is started", function()
  it("may stay", function()
    web:on("sh -s -- system app.service start 2", "ActiveState=active\nverdict=ok\n")
    act("app", "running", { init = "systemd" })
    web:on("sh -s -- openrc app start 2", "verdict=ok\n")
    act("app", "running", { init = "openrc" })
  end)

  it("may die, and then its end and its last lines are told", function()
    web:on(
      "sh -s -- system app.service start 2",
      "mroom-journal\n10:00 app: cannot bind\n10:01 app: \27[31mbye\nmroom-journal-end\n"
        .. "ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=3\nNRestarts=2\nverdict=restarts\n"
    )
    local err = expect(function()
      act("app", "running", { init = "systemd" })
    end):raises { kind = "script" }
    expect(err.message):has "`app.service` was started, died and is started again and again"
    expect(err.message):has ": exit-code, status 3, 2 restarts\n  10:00 app: cannot bind\n  10:01 app: "
    expect(err.hint):has "journalctl -u app.service"
  end)

  it("may be refused by its manager", function()
    web:on(
      "sh -s -- system app.service restart 2",
      "Job for app.service failed.\nmroom-journal\nmroom-journal-end\nResult=exit-code\nverdict=refused\n"
    )
    expect(function()
      local o = { name = "app", state = "restarted", settle = 2, timeout = 60, user = false }
      local running = is "active/running"
      running.running = true
      service.plan(running, o, { init = "systemd" }, nil).steps[1].call({}, s)
    end):raises "`app.service` could not be restarted: exit-code\n  Job for app.service failed."
    web:on("sh -s -- sysv app start 2", "no such file\nverdict=refused\n")
    expect(function()
      act("app", "running", { init = "init" }, "status 3")
    end):raises "`app`: `service app start` failed: no such file"
  end)

  it("may say nothing at all", function()
    web:on("sh -s -- system app.service start 2", { code = 1 })
    expect(function()
      act("app", "running", { init = "systemd" })
    end):raises "`app.service` was started and died"
    web:on("sh -s -- openrc app start 2", "crashed\nverdict=died\n")
    expect(function()
      act("app", "running", { init = "openrc" })
    end):raises "`app`: `rc-service app start` was done, and it died: crashed"
  end)
end)
