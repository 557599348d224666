-- Deployments: what is decoded, what is made of containers and answers; no engine has a part here.
local command = require "mr.deploy.command"
local evidence = require "mr.deploy.evidence"
local found = require "mr.deploy.found"
local gate = require "mr.deploy.gate"
local history = require "mr.deploy.history"
local probe = require "mr.probe"
local spec = require "mr.deploy.spec"
local switch = require "mr.deploy.switch"

local function decoded(more)
  local all = { app = "shop", image = "demo:1" }
  for key, value in pairs(more or {}) do
    all[key] = value
  end
  return spec.decode(all)
end

describe("what is deployed", function()
  it("has sensible defaults", function()
    local o = decoded { port = 8080, proxy = true, probe = { http = "/health" } }
    expect(o):has { keep = 1, drain = 30, restart = "unless-stopped", pull = "always" }
    expect(o.proxy):has { listen = 80, path = "/", mode = "http" }
    expect(o.probe):has { timeout = 60, status = { 200, 399 } }
    expect(switch.way(o)):is "proxy"
    expect(switch.way(decoded { ports = { "80:80" } })):is "ports"
    expect(switch.way(decoded())):is "none"
    expect(decoded({ proxy = false }).proxy):is(nil)
    expect(decoded({ port = 1, probe = { http = "/", status = 204 } }).probe.status):is { 204, 204 }
  end)

  it("is refused when it makes no sense, with the key named", function()
    local cases = {
      { { app = "Shop" }, "is no name of an app" },
      { { app = "../x" }, "is no name of an app" },
      { { app = false }, "`app` must be a string" },
      { { image = "" }, "is no name of an image" },
      { { image = "-x" }, "is no name of an image" },
      { { image = "a b" }, "is no name of an image" },
      { { compose = "x" }, "needs an `image`, or a `compose` folder" },
      { { imagee = "x" }, "unknown option `imagee`" },
      { { port = 0 }, "`port` must be" },
      { { port = "80" }, "`port` must be a whole number" },
      { { restart = "always" }, "would bring back" },
      { { keep = -1 }, "must not be negative" },
      { { proxy = true }, "`port` is missing" },
      { { proxy = 5, port = 1 }, "`proxy` must be true or a table" },
      { { proxy = { host = "x" }, port = 1 }, "unknown option `host`" },
      { { proxy = true, port = 1, ports = { "80:80" } }, "exclude each other" },
      { { ports = { "80" } }, "`ports[1]`" },
      { { ports = { "a:b" } }, "`ports[1]`" },
      { { ports = { "80:80;x" } }, "`ports[1]`" },
      { { ports = { 80 } }, "`ports[1]`" },
      { { labels = { ["machineroom.app"] = "x" } }, "not yours to set" },
      { { labels = { 1 } }, "not yours to set" },
      { { probe = { http = "/" } }, "`port` is missing" },
      { { port = 1, probe = { http = "x" } }, "`probe.http`" },
      { { port = 1, probe = { http = "/a b" } }, "`probe.http`" },
      { { port = 1, probe = { http = "/", tcp = true } }, "one of" },
      { { port = 1, probe = { http = "/", host = "a\nb" } }, "`probe.host`" },
      { { port = 1, probe = { http = "/", status = "ok" } }, "`probe.status`" },
      { { probe = { timeout = 0 } }, "too short" },
      { { probe = { url = "/" } }, "unknown option `url`" },
      { { on_step = 1 }, "`on_step` must be a function" },
    }
    for _, case in ipairs(cases) do
      expect(function()
        decoded(case[1])
      end):raises(case[2])
    end
    expect(function()
      spec.decode { app = "shop" }
    end):raises "needs an `image`"
    expect(spec.decode({ app = "shop" }, true).app):is "shop"
  end)

  it("takes fixed ports as docker writes them", function()
    for text, port in pairs {
      ["80:8080"] = 80,
      ["127.0.0.1:80:8080"] = 80,
      ["53:53/udp"] = 53,
      ["[::1]:80:8080"] = 80,
    } do
      expect(decoded({ ports = { text } }).ports):is { text }
      expect(switch.host_port(text)):is(port)
    end
  end)

  it("has one hash for one definition, and another for another", function()
    local a = spec.hash(decoded { env = { A = "1", B = "2" } })
    expect(a):is(spec.hash(decoded { env = { B = "2", A = "1" } }))
    expect(a):is_not(spec.hash(decoded { env = { A = "1", B = 2 } }))
    expect(spec.hash(decoded { keep = 3, drain = 1 })):is(spec.hash(decoded()))
    local secret = spec.hash(decoded { env = { A = mr.secret "x" } })
    expect(secret):is_not(spec.hash(decoded { env = { A = mr.secret "y" } }))
    expect(secret):is_not(spec.hash(decoded { env = { A = "x" } }))
  end)

  it("comes from a file, and the command line has the last word", function()
    fake.module("deploys.shop", "return { image = 'demo:1', port = 8080, drain = 9 }")
    local plan = command.plan("deploy", { app = "shop", set = { image = "demo:2", keep = "3" } })
    expect(plan.given):is { app = "shop", image = "demo:2", port = 8080, drain = 9, keep = 3 }
    for text, told in pairs {
      ["return 5"] = "it must return a table",
      ["return { app = 'blog', image = 'x' }"] = "`app` must be `shop`",
      ["return { image = 'x', nope = 1 }"] = "unknown option `nope`",
    } do
      package.loaded["deploys.shop"] = nil
      fake.module("deploys.shop", text)
      expect(function()
        spec.load("shop", {})
      end):raises(told)
    end
    for _, given in ipairs {
      { app = "none" },
      { app = "../x" },
      { app = "shop", set = { nope = "1" } },
      { app = "shop", set = { keep = "many" } },
    } do
      expect(function()
        command.plan("deploy", given)
      end):raises { kind = "usage" }
    end
  end)
end)

local function container(name, state, started, more)
  local c = {
    name = "shop-" .. name,
    id = name,
    state = state,
    started = started,
    created = started,
    labels = { ["machineroom.deploy"] = name:gsub("%-next$", ""):gsub("%-trial$", "") },
  }
  c.labels["machineroom.deploy"] = name:gsub("%-next$", ""):gsub("%-trial$", "")
  for key, value in pairs(more or {}) do
    c[key] = value
  end
  return c
end

-- `serving | kept | halves | extra` as one text.
local function judged(containers, record)
  local is = found.judge(containers, record)
  local words = {}
  for _, list in ipairs { { is.serving }, is.kept, is.halves, is.extra } do
    local names = {}
    for i, version in ipairs(list) do
      names[i] = version.name:gsub("^shop%-", "")
    end
    words[#words + 1] = table.concat(names, " ")
  end
  return table.concat(words, "|")
end

describe("what there is of an app", function()
  it("is told from its containers, and from what the proxy leads to", function()
    local a, b = container("a", "running", 1), container("b", "running", 2)
    local off = container("c", "exited", 3)
    local next_up, next_made = container("d-next", "running", 4), container("d-next", "created", 4)
    expect(judged {}):is "|||"
    expect(judged { a }):is "a|||"
    expect(judged { off, container("o", "exited", 1) }):is "|c o||"
    expect(judged { a, off, next_made }):is "a|c|d-next|"
    expect(judged { a, next_up }):is "a||d-next|"
    expect(judged { a, b }):is "b|||a"
    -- The proxy has the last word.
    expect(judged({ a, b }, { deploy = "a" })):is "a|||b"
    expect(judged({ a, next_up }, { deploy = "d" })):is "d-next|||a"
    expect(judged({ off, b }, { deploy = "c" })):is "c|||b"
    expect(judged({ a }, { deploy = "gone" })):is "|||a"
    expect(judged { container("t-trial", "running", 9), a }):is "a||t-trial|"
    expect(judged { container("r", "restarting", 9) }):is "r|||"
  end)

  it("stands hostile labels", function()
    local odd = container("x", "running", 1, { labels = { ["machineroom.port"] = "80; reboot" } })
    local is = found.judge({ odd }, nil)
    expect(is.serving.port):is(nil)
    expect(is.serving.deploy):is "shop-x"
  end)
end)

describe("the gate", function()
  local function judge(state, restarts, is_probed, asks)
    return gate.judge({ State = state, RestartCount = restarts or 0 }, is_probed, asks)
  end

  it("knows who is well, who is not yet, and who never will be", function()
    local up, health =
      { Status = "running" }, function(status)
        return { Status = "running", Health = { Status = status } }
      end
    local cases = {
      { "well", up },
      { "well", health "healthy" },
      { "waits", health "starting" },
      { "ill", health "unhealthy" },
      { "ill", { Status = "exited", ExitCode = 7 } },
      { "ill", { Status = "restarting", ExitCode = 1 } },
      { "ill", { Status = "dead" } },
      { "ill", up, 2 },
    }
    for _, case in ipairs(cases) do
      expect((judge(case[2], case[3]))):is(case[1])
    end
    expect((gate.judge(nil))):is "ill"
    expect((gate.judge {})):is "ill"
    local no = function()
      return false, "not yet"
    end
    expect({ judge(up, 0, true, no) }):is { "waits", "not yet" }
    local _, why = judge { Status = "exited", ExitCode = 137, OOMKilled = true }
    expect(why):has "out of memory"
  end)

  it("takes a lost connection for no verdict", function()
    for kind, is in pairs {
      connect = false,
      auth = false,
      cancelled = false,
      docker = true,
      script = true,
      timeout = true,
    } do
      expect(gate.is_verdict { kind = kind }):is(is)
    end
  end)
end)

describe("evidence", function()
  it("has state, health checks and what else there is", function()
    local is = evidence.read {
      RestartCount = 2,
      State = {
        Status = "exited",
        ExitCode = 7,
        OOMKilled = false,
        Error = "",
        Health = { Status = "unhealthy", Log = { { ExitCode = 1, Output = " no route\n" } } },
      },
    }
    expect(is):is {
      state = "exited",
      exit_code = 7,
      restarts = 2,
      health = "unhealthy",
      health_checks = { "1 -> no route" },
    }
  end)

  it("stands what makes no sense", function()
    for _, inspected in ipairs {
      {},
      { State = {} },
      { State = { Health = {} } },
      { State = { Health = { Log = 5 } } },
    } do
      expect(type(evidence.read(inspected))):is "table"
    end
  end)
end)

describe("what a server says", function()
  it("of a page is its code and its beginning", function()
    expect(probe.read "mroom-probe\ncode=200\nbody=well\nbody=done"):is {
      code = 200,
      body = "well\ndone",
    }
    expect(probe.read("mroom-probe\ncode=000\n").code):is(0)
  end)

  it("of the past are lines of JSON, and nothing else", function()
    local list = history.read(table.concat({
      '{"time":"2026-01-02","app":"b"}',
      "not json",
      "5",
      "[]",
      '{"time":5,"app":"x"}',
      '{"time":"2026-01-01","app":"a"}',
      "",
    }, "\n"))
    expect(#list):is(2)
    expect(list[1].app):is "a"
  end)
end)

describe("what people are told", function()
  it("is a line a server, or a table", function()
    local outcomes = {
      {
        server = "web-1",
        status = "changed",
        value = { app = "shop", deploy = "7", image = "demo:2", status = "changed", gap = 0.5 },
      },
      { server = "web-22", status = "failed", message = "it is not well" },
    }
    expect(command.show("deploy", outcomes)):is(
      "web-1   changed      shop 7 serves (demo:2) after a gap of 0.50 s\nweb-22  failed       it is not well"
    )
    local locks = {
      {
        server = "web-1",
        value = { { name = "shop", holder = "eve@desk", what = "deploy of shop", left = 0 } },
      },
    }
    expect(command.show("locks", locks)):has "expired"
    expect(command.show("locks", { { server = "web-1", value = {} } })):is(nil)
    local unlocked =
      { { server = "web-1", value = { app = "shop", broken = { holder = "eve@desk" } } } }
    expect(command.show("unlock", unlocked)):is "web-1: the lease of eve@desk is broken"
  end)
end)
