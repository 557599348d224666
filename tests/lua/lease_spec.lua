-- Leases: what is made of the server's words, and what others are told.
local lease = require "mr.lease"
local state = require "mr.state"

local web ---@type Fake
local s ---@type Server

before_each(function()
  web = fake "web-1"
  s = server "web-1"
  web:on_like("*machineroom", "mroom-state\nway=login\nhome=/root\n")
end)

-- The lease script says these, one call after the other.
local function says(...)
  web:on_like("sh -s -- t*", ...)
  web:on_like("sh -s -- re*", "mroom-lease\nnow=100\nstate=released\n")
end

describe("a lease", function()
  it("is taken, and given back whatever happens", function()
    says "mroom-lease\nnow=100\nstate=taken\n"
    expect(lease.with(s, "shop", {}, function()
      return 42
    end)):is(42)
    expect(function()
      lease.with(s, "shop", {}, function()
        mr.fail "not today"
      end)
    end):raises "not today"
    local verbs = {}
    for _, command in ipairs(web:commands()) do
      verbs[#verbs + 1] = command:match "^sh %-s %-%- (%l+) /var/lib/machineroom shop"
    end
    expect(verbs):is { "take", "release", "take", "release" }
  end)

  it("of somebody else is told, and how to break it", function()
    says "mroom-lease\nnow=100\nstate=held\nholder=eve@desk\nwhat=deploy of shop\nsince=40\nuntil=130\n"
    local err = expect(function()
      lease.with(s, "shop", {}, print)
    end):raises "`shop` is held by eve@desk, deploy of shop, for 60 s"
    expect(err.hint):has "within 30 s"
    expect(err.hint):has "mroom docker web-1 unlock shop"
  end)

  it("that has expired is taken over, and that is said", function()
    says "mroom-lease\nnow=100\nstate=expired\nholder=eve@desk\nwhat=x\nsince=4\nuntil=9\nstate=taken\n"
    lease.with(s, "shop", {}, function() end)
    expect(table.concat(fake.notes(), "\n")):has "the lease of eve@desk, x, for 96 s on `shop` had expired"
  end)

  it("has a name that is a file's, too", function()
    for _, name in ipairs { "", "../x", "a b", ".x", "a/b", ("x"):rep(101), "a\nb" } do
      expect(function()
        lease.with(s, name, {}, print)
      end):raises { kind = "usage" }
    end
    expect(function()
      lease.with(s, "shop", { ttl = 1 }, print)
    end):raises "`ttl` must be at least 5 seconds"
  end)

  it("is not taken in check mode", function()
    fleet.select("web-1"):map(function(one)
      expect(lease.with(one, "shop", {}, function()
        return 1
      end)):is(1)
    end, { check = true })
    expect(web:commands()):is {}
  end)

  it("makes nothing of hostile words", function()
    for _, text in ipairs {
      "",
      "mroom-lease",
      "mroom-lease\nstate=taken\n",
      "mroom-lease\nnow=x\nstate=taken\n",
      "now=1\nstate=taken\n",
    } do
      expect(function()
        lease.read(text)
      end):raises { kind = "script" }
    end
    local said = lease.read "mroom-lease\nnow=1\nstate=held\nsince=abc\nuntil=\nholder=\n"
    expect(said.was):is(nil)
  end)

  it("is listed with what is left of it", function()
    web:on_like(
      "sh -s -- /var/lib/machineroom",
      "mroom-lease\nnow=100\nname=shop\nholder=eve@desk\nwhat=y\nsince=90\nuntil=130\nname=blog\nuntil=5\n"
    )
    local list = lease.list(s)
    expect(list[1]):is {
      name = "shop",
      holder = "eve@desk",
      what = "y",
      since = 90,
      until_ = 130,
      left = 30,
    }
    expect(list[2]):has { name = "blog", holder = "somebody", left = 0 }
  end)
end)

describe("what is kept on a server", function()
  it("is where everybody sees it, or in the login's own workspace", function()
    expect(state.read "mroom-state\nway=login\nhome=/root\n"):has {
      dir = "/var/lib/machineroom",
      is_shared = true,
    }
    expect(state.read("mroom-state\nway=sudo\nhome=/home/a\n").sudo):is(true)
    local own = state.read "mroom-state\nway=home\nhome=/home/a\n"
    expect(own):has { dir = "/home/a/machineroom", is_shared = false, sudo = false }
  end)

  it("is nowhere when the server's words make no sense", function()
    for _, text in ipairs {
      "",
      "mroom-state\n",
      "mroom-state\nway=up\nhome=/x\n",
      "mroom-state\nway=login\nhome=x\n",
    } do
      expect(function()
        state.read(text)
      end):raises()
    end
  end)
end)
