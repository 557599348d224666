-- One container of a stage: is it the wanted one, and what is done when it is not.
local container = require "mr.container"

local WANT = { name = "web", image = "nginx:1", ports = { "80:80" }, env = { A = "1", B = 2 } }

-- A pretended engine that has these containers.
local function engine(list)
  local d = { did = {} } ---@type any
  function d:ps(opts)
    expect(opts):is { all = true, filter = { name = "web" } }
    return list
  end
  function d:inspect()
    return nil
  end
  for _, verb in ipairs { "pull", "run", "start", "restart" } do
    d[verb] = function(self, what)
      self.did[#self.did + 1] = verb .. " " .. (type(what) == "table" and what.on_conflict or what)
      self.last = what
    end
  end
  return d
end

local function one(label, more)
  local is = { name = "web", state = "running", labels = { [container.label] = label } }
  for key, value in pairs(more or {}) do
    is[key] = value
  end
  return is
end

describe("a container's hash", function()
  it("is of what it is, not of how that is written", function()
    local other = { env = { B = 2, A = "1" }, ports = { "80:80" }, image = "nginx:1", name = "web" }
    expect(container.hash(other)):is(container.hash(WANT))
    for _, differs in ipairs {
      { name = "web", image = "nginx:1", ports = { "80:80" }, env = { A = 1, B = 2 } },
      { name = "web", image = "nginx:1", ports = { "80:80" }, env = { A = "1;B=2" } },
      { name = "web", image = "nginx:1", ports = {}, env = { A = "1", B = 2 } },
      {
        name = "web",
        image = "nginx:1",
        ports = { "80:80" },
        env = { A = mr.secret "one-9f", B = 2 },
      },
      {
        name = "web",
        image = "nginx:1",
        ports = { "80:80" },
        env = { A = mr.secret "two-9f", B = 2 },
      },
    } do
      expect(container.hash(differs)):is_not(container.hash(WANT))
    end
  end)
end)

describe("a container", function()
  local hash = container.hash(WANT)

  it("is right, stopped, another or absent", function()
    for _, case in ipairs {
      { {}, "absent" },
      { { { name = "web-2", state = "running", labels = {} } }, "absent" },
      { { one(hash) }, "right" },
      { { one(hash, { health = "unhealthy" }) }, "stopped" },
      { { one(hash, { state = "exited" }) }, "stopped" },
      { { one "other" }, "other" },
    } do
      expect(container.look(engine(case[1]), WANT).state):is(case[2])
    end
    expect(function()
      container.look(engine { one(nil) }, WANT)
    end):raises "there is a container `web` already, made by somebody else"
    expect(container.look(engine { one(nil) }, WANT, true).state):is "other"
  end)

  it("is made, replaced or started, and pulled before", function()
    for _, case in ipairs {
      { {}, { "pull nginx:1", "run fail" } },
      { { one "other" }, { "pull nginx:1", "run replace" } },
      { { one(hash, { state = "exited" }) }, { "start web" } },
      { { one(hash, { health = "unhealthy" }) }, { "restart web" } },
    } do
      local d = engine(case[1])
      container.bring(d, WANT, container.look(d, WANT))
      expect(d.did):is(case[2])
    end
    local d = engine {}
    container.bring(d, WANT, { state = "absent" })
    expect(d.last.labels):is { [container.label] = hash }
    expect(WANT.labels):is(nil)
  end)

  it("has a port that is one", function()
    expect(container.port({ port = 80, bind = "127.0.0.1" }, "port", 8000)):is "127.0.0.1:80:8000"
    expect(container.port({ port = 80, bind = "::1" }, "port", 8000)):is "[::1]:80:8000"
    for _, port in ipairs { 0, 65536, 1.5, "80; reboot" } do
      expect(function()
        container.port({ port = port, bind = "x" }, "port", 1)
      end):raises "`port` must be a port"
    end
  end)
end)
