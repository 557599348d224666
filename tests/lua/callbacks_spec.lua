-- Functions of the user's own that raise: what is told of it, and that nothing else suffers.

before_each(function()
  for _, id in ipairs { "a", "b", "c" } do
    fake(id):on "true"
  end
end)

local function statuses(outcomes)
  local words = {}
  for i, outcome in ipairs(outcomes) do
    words[i] = outcome.status
  end
  return table.concat(words, " ")
end

describe("a map whose function raises", function()
  it("fails that server alone, with file and line", function()
    local outcomes = fleet.select("all"):map(function(s)
      if s.id == "b" then
        error "not here"
      end
      return s:run("true").code
    end)
    expect(statuses(outcomes)):is "ok failed ok"
    expect(assert(outcomes[2].err).kind):is "script"
    expect(assert(outcomes[2].err).message):has "callbacks_spec.lua:"
    expect(assert(outcomes[2].err).message):has "not here"
    expect(outcomes[3].value):is(0)
  end)

  it("keeps whatever was raised apart", function()
    local odd = {
      a = setmetatable({}, {
        __tostring = function()
          error "in tostring"
        end,
      }),
      b = false,
      c = print,
    }
    local outcomes = fleet.select("all"):map(function(s)
      error(odd[s.id])
    end)
    expect(statuses(outcomes)):is "failed failed failed"
    expect(assert(outcomes[1].err).message):is "a table was raised as an error"
    expect(assert(outcomes[2].err).message):is "a boolean was raised as an error"
    expect(assert(outcomes[3].err).message):is "a function was raised as an error"
  end)

  it("closes what the function had open", function()
    local closed = 0
    fleet.select("all"):map(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          closed = closed + 1
        end,
      })
      error "no"
    end)
    expect(closed):is(3)
  end)

  it("tells of an error while closing, too", function()
    local outcomes = fleet.select("a"):map(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          error "while closing"
        end,
      })
      return 1
    end)
    expect(statuses(outcomes)):is "failed"
    expect(assert(outcomes[1].err).message):has "while closing"
  end)
end)

describe("other callbacks", function()
  it("are told with what they raised", function()
    local servers = fleet.select "all"
    expect(function()
      servers:filter(function()
        error "in filter"
      end)
    end):raises "in filter"
    expect(function()
      servers:each(function(s)
        error("in each of " .. s.id)
      end)
    end):raises "in each of a"
    expect(function()
      mr.wait(function()
        error "in wait"
      end)
    end):raises "in wait"
    local tries = 0
    expect(function()
      mr.retry(function()
        tries = tries + 1
        error "in retry"
      end, { tries = 2, delay = 0 })
    end):raises "in retry"
    expect(tries):is(2)
  end)
end)

describe("a stage whose functions raise", function()
  for _, case in ipairs {
    { "prepare", "prepare = function() error 'oh' end, apply = print" },
    { "check", "check = function() error 'oh' end, apply = print" },
    { "apply", "apply = function() error 'oh' end" },
    { "verify", "apply = print, verify = function() error 'oh' end" },
  } do
    it("names the stage and the place: " .. case[1], function()
      fake.module("stages.bad", "return { name = 'bad', " .. case[2] .. " }")
      local outcomes = fleet.select("all"):stage "bad"
      expect(statuses(outcomes)):is "failed failed failed"
      expect(assert(outcomes[1].err).message):has "stage `bad`: "
      expect(assert(outcomes[1].err).message):has "stages/bad.lua:1: oh"
    end)
  end

  it("is refused before any server when its file is no stage", function()
    for text, told in pairs {
      [""] = "the file gives nothing back",
      ["return nil"] = "the file gives nothing back",
      ["return 1"] = "must return a table, not number",
      ["return { name = 'bad' }"] = "`apply` is missing",
      ["return { name = 'bad', apply = 1 }"] = "`apply` must be a function, not a number",
      ["return { name = 'bad', apply = print, options = { n = { type = 'number', default = '1' } } }"] = "`options.n.default` must be a number",
      ["error 'at load'"] = "bad.lua:1: at load",
    } do
      package.loaded["stages.bad"] = nil
      fake.module("stages.bad", text)
      expect(function()
        fleet.select("all"):stage "bad"
      end):raises(told)
    end
  end)

  it("is told the same by mr.stage.validate", function()
    local stage = { name = "x", apply = print }
    expect(mr.stage.validate(stage, "x", "x.lua")):is(stage)
    expect(function()
      mr.stage.validate({ name = "x" }, "x", "x.lua")
    end):raises { kind = "usage", message = "x.lua: `apply` is missing" }
  end)
end)

describe("skip", function()
  it("leaves a case with its reason", function()
    skip "this is what it is for"
    error "never reached"
  end)
end)
