local SSH = { name = "office", type = "SSH", server = "gate.example.org:2222", user = "ann" }

---@return mr.Err
local function raised(f)
  local _, err = mr.try(f)
  return assert(err)
end

describe("tunnel profiles", function()
  it("are added, read, changed and removed", function()
    local profile = tunnel.add(SSH)
    expect(profile):is {
      name = "office",
      type = "SSH",
      server = "gate.example.org:2222",
      user = "ann",
      has_password = false,
      fields = {},
    }
    expect(tunnel.get "office"):is(profile)
    local wg = tunnel.add {
      name = "lab",
      type = "wireguard",
      server = "198.51.100.7",
      password = mr.secret("YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="),
      public_key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
      address = { "10.9.0.2/32", "fd00::2/128" },
      psk = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=",
      isolate = true,
    }
    expect(wg.has_password):is(true)
    expect(wg.fields.address):is "10.9.0.2/32,fd00::2/128"
    expect(wg.fields.psk):is "set"
    expect(wg.fields.isolate):is "true"
    expect(#tunnel.list()):is(2)
    expect(tunnel.set("office", { user = "bob", jump = { "a", "b" } }).fields.jump):is "a,b"
    expect(assert(tunnel.get "office").user):is "bob"
    expect(tunnel.set("office", { jump = "" }).fields.jump):is(nil)
    tunnel.remove "office"
    expect(tunnel.get "office"):is(nil)
  end)

  it("refuse what they do not know", function()
    local function refused(f, text)
      local err = raised(f)
      expect(err.kind):is "usage"
      expect(err.message):has(text)
    end
    refused(function()
      tunnel.add { name = "x", type = "SSTP", server = "h" }
    end, "SSTP")
    refused(function()
      tunnel.add { name = "x", type = "carrier pigeon", server = "h" }
    end, "no tunnel type")
    refused(function()
      tunnel.add { name = "a b", type = "SSH", server = "h" }
    end, "space")
    refused(function()
      tunnel.add { name = "x", type = "SSH", server = "h", psk = "s" }
    end, "psk")
    refused(function()
      tunnel.set("nobody", { user = "x" })
    end, "no tunnel profile `nobody`")
    refused(function()
      tunnel.open "nobody"
    end, "no tunnel profile `nobody`")
  end)
end)

describe("tunnel.open", function()
  it("is a handle that closes", function()
    tunnel.add(SSH)
    local t = tunnel.open "office"
    expect({ t.name, t.type, t.is_open }):is { "office", "SSH", true }
    local status = t:status()
    expect({ status.name, status.type, status.state }):is { "office", "SSH", "up" }
    expect(status.routes):is {}
    expect({ math.type(status.received), math.type(status.sent) }):is { "integer", "integer" }
    expect(status.duration >= 0):is(true)
    expect(tostring(t)):is "Tunnel(office SSH: up)"
    t:close()
    t:close()
    expect(t.is_open):is(false)
    expect(t:status().state):is "closed"
    local err = raised(function()
      t:socks { listen = "0" }
    end)
    expect(err.kind):is "tunnel"
  end)

  it("closes with its scope, also when that raises", function()
    local seen = {}
    local err = raised(function()
      local t <close> = tunnel.open(SSH)
      seen.t = t
      error "on the way"
    end)
    expect(err.message):has "on the way"
    expect(seen.t.is_open):is(false)
  end)

  it("takes a profile that nobody keeps", function()
    local t <close> = tunnel.open(SSH)
    expect(t:socks { listen = "0" }):has "127.0.0.1:"
    expect(tunnel.get "office"):is(nil)
  end)

  it("listens where it is told, or not at all", function()
    local t <close> = tunnel.open(SSH)
    for _, listen in ipairs { "x", "localhost:1", "70000" } do
      local err = raised(function()
        t:socks { listen = listen }
      end)
      expect(err.kind):is "usage"
    end
    local address = t:socks { listen = "0" }
    local err = raised(function()
      t:socks { listen = address }
    end)
    expect(err.message):has "cannot listen on"
  end)

  it("brings nothing up on this machine for a spec", function()
    local err = raised(function()
      tunnel.open { name = "v", type = "PPTP", server = "h", user = "u", password = "p" }
    end)
    expect(err.kind):is "usage"
  end)
end)

describe("tunnel.with", function()
  it("gives what the function gives, and closes", function()
    local kept = {}
    local a, b = tunnel.with(SSH, function(t)
      kept.t = t
      return t.name, 7
    end)
    expect({ a, b, kept.t.is_open }):is { "office", 7, false }
  end)

  it("closes when the function raises", function()
    local kept = {}
    local err = raised(function()
      tunnel.with(SSH, function(t)
        kept.t = t
        mr.fail "no"
      end)
    end)
    expect(err.message):has "no"
    expect(kept.t.is_open):is(false)
  end)
end)

describe("tunnel.forward", function()
  it("listens until it is closed", function()
    fake "web"
    local f = tunnel.forward { server = "web", to = "127.0.0.1:5432" }
    expect(f.address):is("127.0.0.1:" .. f.port)
    expect({ f.server, f.to }):is { "web", "127.0.0.1:5432" }
    f:close()
    local again <close> =
      tunnel.forward { server = server "web", to = "[::1]:22", listen = f.address }
    expect(again.port):is(f.port)
  end)

  it("refuses what is no place", function()
    fake "web"
    for _, to in ipairs { "db", "db:0", "d b:1", "-x:1", "a\nb:1" } do
      local err = raised(function()
        tunnel.forward { server = "web", to = to }
      end)
      expect(err.kind):is "usage"
    end
  end)
end)
