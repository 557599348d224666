-- Handlers of operations: once, at the end, and not lost by a failure.
---@type any
local pretended = dofile(require("mr.native").local_path "helpers/pretended.lua")
local web ---@type Fake
-- Not a `Server` to the type checker: some of what it is asked here is wrong on purpose.
local s ---@type any

before_each(function()
  web = fake "web-1"
  s = server "web-1"
end)

describe("handlers", function()
  local function two(on, order)
    for _, name in ipairs { "one", "two" } do
      on:handler(name, function()
        order[#order + 1] = name
      end)
    end
  end

  it("run once, at the end, in the order in which they are defined", function()
    pretended.looks(web, "/a", pretended.ABSENT, pretended.file "x")
    pretended.looks(web, "/b", pretended.ABSENT, pretended.file "x")
    pretended.looks(web, "/c", pretended.file "x")
    local order = {}
    pretended.map(function(t)
      local on = t:ops()
      two(on, order)
      on:file("/a", { content = "x", notify = "two" })
      on:file("/b", { content = "x", notify = { "two", "one" } })
      on:file("/c", { content = "x", notify = "one" })
      order[#order + 1] = "end"
    end)
    expect(order):is { "end", "one", "two" }
  end)

  it("do not run when nothing has changed", function()
    pretended.looks(web, "/a", pretended.file "x")
    local order = {}
    pretended.map(function(t)
      local on = t:ops()
      two(on, order)
      on:file("/a", { content = "x", notify = "one" })
    end)
    expect(order):is {}
  end)

  it("run at once when told so, and then not again", function()
    pretended.looks(web, "/a", pretended.ABSENT, pretended.file "x")
    local order = {}
    pretended.map(function(t)
      local on = t:ops()
      two(on, order)
      on:file("/a", { content = "x", notify = "one" })
      on:flush()
      order[#order + 1] = "end"
    end)
    expect(order):is { "one", "end" }
  end)

  it("that failed, or were not reached, run in the next run", function()
    pretended.looks(web, "/a", pretended.ABSENT, pretended.file "x")
    local order = {}
    local fails = "work" ---@type string?
    local function work(t)
      local on = t:ops()
      on:handler("reload", function()
        if fails == "handler" then
          mr.fail "no luck"
        end
        order[#order + 1] = "reload"
      end)
      on:file("/a", { content = "x", notify = "reload" })
      if fails == "work" then
        mr.fail "too bad"
      end
    end
    local outcome = pretended.map(work)
    expect(outcome.status):is "failed"
    expect(table.concat(fake.notes(), "\n")):has "these handlers wait for the next run of this session: reload"
    fails = "handler"
    outcome = pretended.map(work)
    expect(outcome.status):is "failed"
    expect(outcome.err.message):has "handler `reload`: "
    expect(order):is {}
    fails = nil
    expect(pretended.map(work).status):is "ok"
    expect(order):is { "reload" }
    pretended.map(work)
    expect(order):is { "reload" }
  end)

  it("that nobody defines are a mistake, and a warning when they are old", function()
    pretended.looks(web, "/a", pretended.ABSENT, pretended.file "x")
    local outcome = pretended.map(function(t)
      local on = t:ops()
      on:handler("reload", function() end)
      on:file("/a", { content = "x", notify = "relaod" })
    end)
    expect(outcome.err.message):has "notifies `relaod`, and there is no handler of that name"
    expect(outcome.err.hint):is "did you mean `reload`?"
    outcome = pretended.map(function(t)
      t:ops():file("/a", { content = "x" })
    end)
    expect(outcome.status):is "ok"
    expect(table.concat(fake.notes(), "\n")):has "the handler `relaod` waits since an earlier run"
  end)

  it("are predicted in check mode, which leaves none waiting", function()
    web:on_like("*mroom-path*", pretended.ABSENT)
    local ran = 0
    local function work(t)
      local on = t:ops()
      on:handler("reload", function()
        ran = ran + 1
        t:run "reload"
      end)
      on:file("/a", { content = "x", notify = "reload" })
    end
    pretended.map(work, { check = true })
    expect(ran):is(1)
    expect(pretended.writes(web)):is {}
    pretended.looks(web, "/a", pretended.file "x")
    expect(pretended.map(work).status):is "ok"
    expect(ran):is(1)
  end)
end)
