-- mr.deploy.versions: the containers of an app's versions on a server: looked at, made, started,
-- tried, given their name, stopped, removed. `c` is the context of a run (mr.deploy.run).
local evidence = require "mr.deploy.evidence"
local found = require "mr.deploy.found"
local gate = require "mr.deploy.gate"
local place = require "mr.proxy.place"
local spec = require "mr.deploy.spec"
local switch = require "mr.deploy.switch"
local versions = {}

-- Ports of the loopback interface for the versions behind a proxy.
local FIRST_PORT, LAST_PORT = 20000, 29999

-- What there is, and with it what the proxy says of the app. Reads only.
function versions.look(c)
  -- First of all: who may not use docker is told that, and how to.
  local containers = found.containers(c.d, c.o.app)
  if c.way == "proxy" then
    c.proxy = place.look(c.s, c.o.sudo)
    if not c.proxy then
      mr.fail(("`%s` is to be behind a proxy, and there is none"):format(c.o.app), {
        hint = ("`mroom stage proxy %s` makes one"):format(c.s.id),
      })
    end
    if not c.proxy.is_writable then
      mr.fail("the proxy of the server cannot be changed by this login", {
        hint = "only root can when it runs on the host: `-b`, or `sudo = true`",
      })
    end
    c.record = place.record(c.proxy, c.o.app)
  end
  return found.judge(containers, c.record)
end

-- Stops one, which stays for `rollback`.
function versions.stop(c, version)
  c.d:stop(version.name, { timeout = c.o.stop_timeout })
end

-- A version that has proven itself loses its `-next`.
function versions.promote(c, version)
  if version.is_next then
    local name = found.name(c.o.app, version.deploy)
    c.d:rename(version.name, name)
    version.name, version.is_next = name, false
  end
end

-- The port of the server on which `o.port` of the container is reached.
function versions.fixed_port(o)
  for _, text in ipairs(o.ports) do
    if text:match ":(%d+)/?%l*$" == tostring(o.port) then
      return switch.host_port(text)
    end
  end
end

-- A free port of the loopback interface, never one that a stopped version has.
local function free_port(c, tried)
  local taken = {} ---@type table<integer, boolean>
  for _, port in ipairs(c.s:ports { all = true }) do
    taken[port] = true
  end
  for _, container in ipairs(c.d:ps { all = true, filter = { label = found.PORT } }) do
    local port = math.tointeger(tonumber((container.labels or {})[found.PORT] or ""))
    if port then
      taken[port] = true
    end
  end
  for port = FIRST_PORT, LAST_PORT do
    if not taken[port] and not tried[port] then
      return port
    end
  end
  mr.fail(("no port from %d to %d is free"):format(FIRST_PORT, LAST_PORT))
end

-- Makes the new container, and gives it as a version. `tried` are ports that were taken.
---@return any
function versions.create(c, ports, suffix, tried)
  local o = c.o
  local port = c.way == "proxy" and free_port(c, tried or {}) or nil
  local own, labels = spec.container_of(o), {}
  for key, value in pairs(o.labels or {}) do
    labels[key] = value
  end
  labels[found.APP], labels[found.DEPLOY] = o.app, c.deploy
  labels[found.SPEC], labels[found.KEEP] = spec.hash(o), "true"
  labels[found.PORT] = port and tostring(port) or nil
  own.labels, own.pull = labels, "never"
  own.name = found.name(o.app, c.deploy) .. (suffix or "-next")
  own.ports = port and { ("127.0.0.1:%d:%d"):format(port, o.port) } or ports
  local made, err = mr.try(c.d.create, c.d, own)
  if err then
    error(err, 0)
  end
  return {
    name = own.name,
    deploy = c.deploy,
    port = port,
    is_next = true,
    image = o.image,
    image_id = not c.s.check and made and made.image_id or nil,
  }
end

-- Starts it; a port that somebody took meanwhile is a reason to try another. Gives what started.
---@return any
function versions.start(c, version)
  local tried = {}
  for try = 1, 3 do
    local _, err = mr.try(c.d.start, c.d, version.name)
    if not err then
      break
    elseif try == 3 or c.way ~= "proxy" or err.reason ~= "port_taken" then
      if err.kind ~= "docker" then
        error(err, 0)
      end
      error({
        kind = "docker",
        reason = err.reason,
        message = ("`%s` does not start: %s"):format(version.name, err.message),
        hint = err.hint,
        evidence = evidence.gather(c.d, version.name),
        server = c.s.id,
      }, 0)
    end
    tried[version.port] = true
    c.d:rm(version.name, { force = true })
    version = versions.create(c, nil, nil, tried)
  end
  return version
end

-- Removes what has failed; that it cannot be removed is only told.
function versions.discard(c, version)
  local _, err = mr.try(c.d.rm, c.d, version.name, { force = true })
  if err then
    c.s:warn(("`%s` could not be removed: %s"):format(version.name, err.message))
  end
end

-- Before the ports change hands it is seen whether the new one works at all: on a port of its own.
function versions.rehearse(c)
  local o = c.o
  local ports = o.port and { ("127.0.0.1::%d"):format(o.port) } or nil
  local trial = versions.create(c, ports, "-trial")
  local _, err = mr.try(function()
    versions.start(c, trial)
    for _, container in
      ipairs(c.d:ps { all = true, filter = { label = found.DEPLOY .. "=" .. c.deploy } })
    do
      for _, port in ipairs(container.ports or {}) do
        if container.name == trial.name and port.port == o.port then
          trial.port = trial.port or port.host_port
        end
      end
    end
    gate.pass(c.s, c.d, o, trial)
  end)
  versions.discard(c, trial)
  if err then
    error(err, 0)
  end
end

-- Removes kept versions beyond `keep`, and their images where nothing else needs them and they can be
-- pulled again.
function versions.prune(c)
  local is = found.judge(found.containers(c.d, c.o.app), c.record)
  for i = c.o.keep + 1, #is.kept do
    local version = is.kept[i] ---@type any
    c.d:rm(version.name, {})
    if version.image_id and c.o.pull ~= "never" then
      -- Another container may need it: docker says no, and that is that.
      mr.try(c.d.rmi, c.d, version.image_id, {})
    end
  end
end

return versions
