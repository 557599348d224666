local answer = require "mr.confirm.answer"
local confirm = require "mr.confirm"

local END = "mroom-confirm end\n"
local MINE = "mroom-confirm mine 7-1\n" .. END
local DONE = "mroom-confirm confirmed 7-1\n" .. END
local FIRED =
  "mroom-confirm fired 7-1 3 trial\nmroom-said 7-1 put back /etc/a\nmroom-said 7-1 end\n"

local web ---@type Fake

before_each(function()
  web = fake "web-1"
  web:on_like("sh -s -- arm *", MINE)
  web:on_like("sh -s -- disarm 7-1", DONE)
  web:on_like("sh -s -- now 7-1", FIRED .. END)
  web:on_like("sh -s -- forget 7-1", END)
  web:on_like("touch *", "")
end)

local function guard(opts, change)
  opts = opts or {}
  opts.name = opts.name or "trial"
  return confirm.guard(server "web-1", opts, change or function()
    server("web-1"):run "touch x"
    return "made", 7
  end)
end

describe("a guard", function()
  it("is armed before the change, and confirmed through a new connection after it", function()
    local made, more = guard { files = { "/etc/a" }, undo = "reload it", timeout = 30 }
    expect({ made, more }):is { "made", 7 }
    expect(web:commands()):is {
      "sh -s -- arm trial 30 'reload it' /etc/a",
      "touch x",
      "sh -s -- disarm 7-1",
    }
    expect(web:calls()[1].sudo):is "root"
  end)

  it("undoes at once what broke off, and raises what broke it", function()
    local err = expect(function()
      guard({}, function()
        server("web-1"):run "gone"
      end)
    end):raises { kind = "exit", code = 127 }
    expect(err.message):is "undone by the server itself (put back /etc/a): command exited with 127"
    expect(web:commands()):has_no "sh -s -- disarm 7-1"
    expect(web:commands()):has "sh -s -- forget 7-1"
  end)

  it("undoes what a lost connection left half done, through another one", function()
    web:on("cut", { lost = true })
    local err = expect(function()
      guard({}, function()
        server("web-1"):run "cut"
      end)
    end):raises { kind = "script" }
    expect(err.message):has "undone by the server itself (put back /etc/a): connection lost"
    expect(web:commands()):has "sh -s -- now 7-1"
  end)

  it("says how it was undone when no new connection came in time", function()
    web:on_like("sh -s -- disarm 7-1", { kind = "connect", message = "refused" })
    web:on_like("sh -s -- look", FIRED .. END)
    local now = 0 ---@type number
    local sleep, clock = mr.sleep, mr.now
    mr.sleep = function(seconds)
      now = now + seconds
    end
    mr.now = function()
      return now
    end
    local _, err = mr.try(guard)
    mr.sleep, mr.now = sleep, clock
    err = assert(err)
    expect(err.kind):is "script"
    expect(err.message):has "undone by the server itself (put back /etc/a): after this change no new"
    expect(err.message):has "connection came: refused"
    expect(now >= 60):is(true)
  end)

  it("tells of one that was undone before the last start", function()
    local line =
      "mroom-confirm fired 6-1 -50 trial\nmroom-said 6-1 put back /etc/a\nmroom-said 6-1 end\n"
    web:on_like("sh -s -- arm *", line .. MINE)
    guard()
    expect(fake.notes()[1]):has "undone by the server before it was last started, because nobody"
  end)

  it("is not begun while another one is armed", function()
    web:on_like("sh -s -- arm *", "mroom-confirm armed 5-1 40 60 daed ada\n" .. END)
    local err = expect(guard):raises { kind = "script" }
    expect(err.message):has "a change of `daed` by `ada` waits to be confirmed"
    expect(err.hint):has "41 s"
    expect(#web:commands()):is(1)
  end)

  for what, left in pairs { ["has died"] = -100, ["died in a restart"] = 90000 } do
    it("undoes another one whose timer " .. what, function()
      local line = ("mroom-confirm armed 7-1 %d 60 daed ada\n"):format(left)
      web:on_like("sh -s -- arm *", line .. END)
      local err = expect(guard):raises "it is undone now: put back /etc/a"
      expect(err.hint):is "run it again"
      expect(web:commands()):has_no "touch x"
    end)
  end

  it("tells of one that fired since", function()
    web:on_like("sh -s -- arm *", FIRED .. MINE)
    guard()
    expect(table.concat(fake.notes(), "\n")):has "`trial` was undone by the server 3 s ago"
  end)

  it("refuses bad options before anything is done", function()
    for message, opts in pairs {
      ["`name` must be a word"] = { name = "a b" },
      ["5 to 3600"] = { timeout = 1 },
      ["`files[1]` must be an absolute path"] = { files = { "etc" } },
      ["control character"] = { files = { "/etc/\27x" } },
      ["unknown option `file`"] = { file = "/etc/a" },
      ["`timeout` must be a whole number"] = { timeout = "x" },
    } do
      expect(function()
        guard(opts)
      end):raises { kind = "usage" }
      local _, err = mr.try(guard, opts)
      expect(assert(err).message):has(message)
    end
    expect(web:calls()):is {}
  end)
end)

describe("the answer", function()
  it("is refused when it is not whole", function()
    for _, text in ipairs { "", "mroom-confirm mine 7-1", "sh: not found", "mroom-confirm ends" } do
      expect(function()
        answer.read(text)
      end):raises "did not say which changes it guards"
    end
  end)

  it("is data, whatever it holds", function()
    local is = answer.read(
      "mroom-confirm mine $(reboot)\nmroom-confirm fired ../x 1 y\nmroom-confirm armed 1-1 x 2 y z\n"
        .. "mroom-confirm fired 1-1 99999999999999999999 y\nmroom-said 9-9 lost\n"
        .. "mroom-confirm fired 2-2 1 y\nmroom-said 2-2 a\27[31m\n"
        .. END
    )
    expect(is.mine):is(nil)
    expect(is.armed):is(nil)
    expect(#is.fired):is(1)
    expect(is.fired[1].said):is { "a?[31m" }
    local seed = 3
    local whole = FIRED .. MINE
    for _ = 1, 300 do
      seed = (seed * 1103515245 + 12345) % 2147483648
      local at = seed // 65536 % #whole + 1
      local text = whole:sub(1, at) .. string.char(seed // 256 % 256) .. whole:sub(at + seed % 5)
      local _, err = mr.try(answer.read, text .. END)
      expect(err == nil or err.kind == "script"):is(true)
    end
  end)
end)
