-- The functions of these stages say that they were called; `made` is what a stage makes.
local function stage(name, body)
  fake.module("stages." .. name, ("return { name = %q, %s }"):format(name, body))
end

local TOUCH = [[
  check = function(s, o) return s:test("test -e made"), "seen" end,
  apply = function(s, o, found) s:run("touch made " .. tostring(found)) end,
]]

local web ---@type Fake

before_each(function()
  web = fake "web-1"
  web:on_like "touch *"
end)

local function run(names, opts)
  return fleet.select("web-1"):stage(names, opts)[1]
end

describe("a stage", function()
  it("applies what check found missing, hands over what it found, and marks", function()
    stage("touch", TOUCH .. "marks = 'touched'")
    web:on("test -e made", { code = 1 })
    local outcome = run "touch"
    expect(outcome.status):is "changed"
    expect(assert(outcome.value).steps[1]):has { stage = "touch", status = "changed" }
    expect(web:commands()):is { "test -e made", "touch made seen" }
    expect(server("web-1").meta.touched):is(true)
  end)

  it("does nothing when check says that it is done, and marks that too", function()
    stage("touch", TOUCH .. "marks = 'touched'")
    web:on "test -e made"
    expect(run("touch").status):is "ok"
    expect(web:commands()):is { "test -e made" }
    expect(server("web-1").meta.touched):is(true)
  end)

  it("is ok when apply says that nothing was different", function()
    stage("same", "apply = function() return false end")
    expect(run("same").status):is "ok"
  end)

  it("fails with its name when apply raises, and marks nothing", function()
    stage("broken", "marks = 'whole', apply = function(s) s:run 'gone' end")
    local outcome = run "broken"
    expect(outcome.status):is "failed"
    expect(outcome.err):has { kind = "exit", code = 127, server = "web-1" }
    expect(assert(outcome.err).message):has "stage `broken`: "
    expect(server("web-1").meta.whole):is(nil)
  end)

  it("fails when verify says false", function()
    stage("vain", "apply = function() end, verify = function() return false end")
    local outcome = run "vain"
    expect(outcome.status):is "failed"
    expect(assert(outcome.err).message):is "stage `vain`: the result could not be verified"
  end)

  it("is unreachable when the server is", function()
    stage("touch", TOUCH)
    fake.down "db-1"
    local outcome = fleet.select("db-1"):stage("touch")[1]
    expect(outcome.status):is "unreachable"
  end)
end)

describe("stages", function()
  it("run after what they need, each once", function()
    local say = "apply = function(s) s:run('touch %s') end"
    stage("a", say:format "a" .. ", needs = { 'b', 'c' }")
    stage("b", say:format "b" .. ", needs = { 'c' }")
    stage("c", say:format "c")
    local outcome = run { "a", "c" }
    expect(web:commands()):is { "touch c", "touch b", "touch a" }
    expect(tostring(outcome.value)):is "c changed, b changed, a changed"
  end)

  it("stop on a server at the first that fails, the others go on", function()
    fake("web-2"):on_like "touch *"
    stage("first", "apply = function(s) if s.id == 'web-1' then mr.fail 'no' end end")
    stage("second", "needs = { 'first' }, apply = function(s) s:run 'touch x' end")
    local outcomes = fleet.select("all"):stage "second"
    expect({ outcomes[1].status, outcomes[2].status }):is { "failed", "changed" }
    expect(web:commands()):is {}
  end)

  it("are all prepared before the server is touched", function()
    stage("touch", TOUCH)
    stage("late", "needs = { 'touch' }, prepare = function() mr.fail 'no key' end, apply = print")
    local outcome = run "late"
    expect(assert(outcome.err).message):is "stage `late`: no key"
    expect(web:calls()):is {}
  end)

  it("are all valid before any server is touched", function()
    stage("touch", TOUCH)
    for body, message in pairs {
      ["aply = print"] = "unknown key `aply`",
      ["summary = 'x'"] = "`apply` is missing",
      ["apply = 1"] = "`apply` must be a function, not a number",
      ["apply = print, needs = { 'bad' }"] = "`needs` is a circle: bad -> bad",
      ["apply = print, needs = { 'nowhere' }"] = "no stage `nowhere`",
      ["apply = print, options = { a = { type = 'int' } }"] = "`options.a.type` must be one of",
    } do
      package.loaded["stages.bad"] = nil
      stage("bad", body)
      local err = expect(function()
        run { "touch", "bad" }
      end):raises { kind = "usage" }
      expect(err.message):has(message)
    end
    expect(web:calls()):is {}
  end)
end)

describe("the options of a stage", function()
  before_each(function()
    stage(
      "opts",
      [[
        options = {
          name = { type = "string", default = "x" },
          size = { type = "number" },
          all = { type = "boolean", default = false },
          words = { type = "list" },
          how = { type = "string", default = "soft", choices = { "soft", "hard" } },
        },
        apply = function(s, o) s:meta_set("got", o) end
      ]]
    )
  end)

  it("have defaults, and are read from the words of a command line", function()
    run("opts", { options = { opts = { size = "1.5", all = "yes", words = "a,b" } } })
    expect(server("web-1").meta.got):is {
      name = "x",
      size = 1.5,
      all = true,
      words = { "a", "b" },
      how = "soft",
    }
  end)

  it("are refused when they are wrong", function()
    for _, case in ipairs {
      { { opts = { sise = 1 } }, "unknown option `opts.sise`" },
      { { opts = { size = "big" } }, "`opts.size` must be a number" },
      { { opts = { all = "perhaps" } }, "`opts.all` must be true or false" },
      { { opts = { how = "wild" } }, "`opts.how` must be one of: soft, hard" },
      { { other = { a = 1 } }, "options are given for `other`, which is not in this run" },
    } do
      expect(function()
        run("opts", { options = case[1] })
      end):raises(case[2])
    end
    expect(web:calls()):is {}
  end)

  it("are each server's own", function()
    fake "web-2"
    stage(
      "own",
      [[
        options = { seen = { type = "string", default = "" } },
        prepare = function(s, o) o.seen = o.seen .. s.id end,
        apply = function(s, o) s:meta_set("seen", o.seen) end
      ]]
    )
    fleet.select("all"):stage "own"
    expect(server("web-1").meta.seen):is "web-1"
    expect(server("web-2").meta.seen):is "web-2"
  end)
end)

describe("stages in check mode", function()
  it("say what would change and touch nothing", function()
    stage("touch", TOUCH .. "marks = 'touched', verify = function() return false end")
    web:on("test -e made", { code = 1 })
    local outcome = run("touch", { check = true })
    expect(outcome.status):is "changed"
    expect(web:commands()):is { "test -e made" }
    expect(server("web-1").meta.touched):is(nil)
    expect(fake.notes()):has "web-1: would run `touch made seen`"
  end)

  it("do not guess what depends on an earlier stage", function()
    stage("touch", TOUCH)
    web:on("test -e made", { code = 1 })
    stage("next", "needs = { 'touch' }, apply = function(s) s:capture 'cat made' end")
    local outcome = run("next", { check = true })
    expect(outcome.status):is "unknown"
    expect(assert(outcome.err).message):has "stage `next` depends on what check mode did not do"
  end)
end)

describe("an override", function()
  it("may build on the shipped stage", function()
    fake.module(
      "stages.env",
      [[
        local shipped = require "bundled.stages.env"
        return setmetatable({ summary = "mine" }, { __index = shipped })
      ]]
    )
    local env = mr.stage.load "env"
    expect({ env.summary, env.name }):is { "mine", "env" }
    ---@diagnostic disable-next-line: unresolved-require
    expect(require("bundled.stages.env").summary):is_not "mine"
  end)
end)
