-- mr.deploy.run: a new version beside the old, the switch, and the way back.
--
-- One run on a server at a time (mr.lease). Each begins by bringing to an end what an earlier one
-- left half-done, and each step leaves something that the next run can tell from the containers and
-- the proxy alone: a version that has proven nothing is called APP-ID-next, one that has is APP-ID.
local found = require "mr.deploy.found"
local gate = require "mr.deploy.gate"
local history = require "mr.deploy.history"
local lease = require "mr.lease"
local place = require "mr.proxy.place"
local recover = require "mr.deploy.recover"
local spec = require "mr.deploy.spec"
local switch = require "mr.deploy.switch"
local versions = require "mr.deploy.versions"
local run = {}

local Result = { __name = "DeployResult" }

function Result:__tostring()
  if not self.deploy then
    return ("%s would get %s"):format(self.app, self.image or "the version before")
  end
  local gap = self.gap and (", gap %.2f s"):format(self.gap) or ""
  local verb = self.status == "ok" and "serves already" or "serves"
  return ("%s %s %s (%s)%s"):format(self.app, self.deploy, verb, self.image or "?", gap)
end

-- A step begins: for the progress display, and for whoever listens.
local function step(c, name)
  c.s:phase(("%s: %s"):format(c.o.app, name))
  if c.o.on_step then
    c.o.on_step(name, c.s)
  end
end

-- `new`, which runs already unless ports change hands, serves instead of `old`.
local function hand_over(c, old, new)
  local o = c.o
  if c.way == "ports" then
    c.s:log(("`%s` has no proxy: it does not answer while its ports change hands"):format(o.app))
    new.port = versions.fixed_port(o)
    local gap, why, is_back = switch.swap(c, old, new)
    if not gap then
      local back = is_back and "the old version is back" or "and nothing serves now"
      gate.fail(c.s, c.d, new.name, ("`%s` did not take over: %s; %s"):format(new.name, why, back))
    end
    c.gap = gap
    local _, err = mr.try(gate.pass, c.s, c.d, o, new)
    if err then
      if old then
        switch.swap(c, new, old)
      end
      error(err, 0)
    end
    versions.promote(c, new)
    return
  end
  gate.pass(c.s, c.d, o, new)
  step(c, "switch")
  local was = c.record
  local _, err = mr.try(function()
    if c.way == "proxy" then
      switch.to(c, new)
    end
    step(c, "promote")
    versions.promote(c, new)
    if old then
      step(c, "drain")
      if c.way == "proxy" and old.port then
        c.left = place.drain(c.s, old.port, o.drain)
      end
      -- What falls ill now is seen while the old one still runs.
      gate.pass(c.s, c.d, o, new)
    end
  end)
  if err then
    if c.way == "proxy" and gate.is_verdict(err) then
      if c.record ~= was then
        c.s:log(
          was and ("leads back to `%s`"):format(found.name(o.app, was.deploy))
            or "leads nowhere again"
        )
      end
      place.put(c.s, c.d, c.proxy, o.app, was)
      c.record = was
    end
    error(err, 0)
  end
  if old then
    step(c, "stop")
    versions.stop(c, old)
  end
end

-- Pulls the image; gives its digest where that is known.
local function pulled(c)
  local o = c.o
  if o.pull == "never" then
    return nil
  end
  local got = c.d:pull(o.image, { policy = o.pull, platform = o.platform })
  return not c.s.check and got.digest or nil
end

-- The id of the image that the name means on the server now.
local function image_id(c)
  local image = c.d:inspect(c.o.image, { type = "image" })
  return image and image.Id
end

local function result_of(c, action, fields)
  local result = { app = c.o.app, action = action, server = c.s.id, way = c.way, gap = c.gap }
  for key, value in pairs(fields) do
    result[key] = value
  end
  return setmetatable(result, Result)
end

-- The whole under the lease, with a line in the history whatever happens.
local function guarded(c, action, work)
  local o = c.o
  local begun = mr.now()
  local what = ("%s of %s"):format(action, o.app)
  return lease.with(c.s, o.app, { ttl = 120, what = what, sudo = o.sudo }, function()
    local result, err = mr.try(work)
    if c.s.check then
      if err then
        error(err, 0)
      end
      return result
    end
    if err or (result and result.status == "changed") then
      local is = result or {}
      history.add(c.s, {
        app = o.app,
        action = action,
        outcome = err and "failed" or "ok",
        deploy = is.deploy or c.deploy,
        image = is.image or o.image,
        digest = is.digest or c.digest,
        was = is.was,
        gap = is.gap,
        message = err and err.message or nil,
        seconds = math.floor((mr.now() - begun) * 10 + 0.5) / 10,
      }, o.sudo)
    end
    if err then
      error(err, 0)
    end
    return result
  end)
end

local function context(s, d, o)
  return { s = s, d = d, o = o, way = switch.way(o) }
end

-- In check mode: what would be done, without any look at what was not.
local function predicted(c, is)
  local o, serving = c.o, is.serving
  local is_same = serving and serving.is_running and serving.spec == spec.hash(o) and not o.force
  if is_same and o.pull ~= "always" and serving.image_id == image_id(c) then
    return result_of(c, "deploy", { status = "ok", deploy = serving.deploy, image = o.image })
  end
  pulled(c)
  c.deploy = "TIME"
  versions.create(c, o.ports)
  return result_of(
    c,
    "deploy",
    { status = "changed", image = o.image, was = serving and serving.deploy }
  )
end

-- Deploys what `o` (decoded by mr.deploy.spec) says.
function run.deploy(s, d, o)
  local c = context(s, d, o)
  return guarded(c, "deploy", function()
    step(c, "recover")
    local is = recover(c)
    if s.check then
      return predicted(c, is)
    end
    step(c, "pull")
    c.digest = pulled(c)
    local serving, id = is.serving, image_id(c)
    if not id then
      mr.fail(("there is no image `%s` on the server"):format(o.image), {
        hint = "`pull` says when it is pulled",
      })
    end
    local is_same = serving and serving.image_id == id and serving.spec == spec.hash(o)
    if is_same and serving.is_running and not o.force then
      if c.way ~= "proxy" or (c.record and c.record.deploy == serving.deploy) then
        versions.prune(c)
        return result_of(
          c,
          "deploy",
          { status = "ok", deploy = serving.deploy, image = o.image, digest = c.digest }
        )
      end
    end
    c.deploy = os.date "!%Y%m%d-%H%M%S" .. ("-%03x"):format(math.random(0, 0xfff))
    if c.way == "ports" then
      step(c, "rehearse")
      versions.rehearse(c)
    end
    step(c, "create")
    local new = versions.create(c, o.ports)
    local _, err = mr.try(function()
      if c.way ~= "ports" then
        step(c, "start")
        new = versions.start(c, new)
      end
      step(c, "prove")
      hand_over(c, serving, new)
    end)
    if err then
      -- A lost connection says nothing about the new version: the next run looks at it.
      if gate.is_verdict(err) then
        versions.discard(c, new)
      end
      error(err, 0)
    end
    step(c, "prune")
    versions.prune(c)
    return result_of(c, "deploy", {
      status = "changed",
      deploy = new.deploy,
      image = o.image,
      digest = c.digest,
      was = serving and serving.deploy,
    })
  end)
end

-- Which kept version is meant.
local function kept(c, is, to)
  for _, version in ipairs(is.kept) do
    if not to or version.deploy == to or version.name == to then
      return version
    end
  end
  local names = {}
  for i, version in ipairs(is.kept) do
    names[i] = version.deploy
  end
  mr.fail(
    to and ("no version `%s` of `%s` is kept"):format(to, c.o.app)
      or ("no earlier version of `%s` is kept"):format(c.o.app),
    { hint = names[1] and "kept: " .. table.concat(names, ", ") or "`keep` says how many are" }
  )
end

-- Goes back to the version that served before, or to the deployment `to`.
function run.rollback(s, d, o, to)
  local c = context(s, d, o)
  return guarded(c, "rollback", function()
    step(c, "recover")
    local is = recover(c)
    local target = kept(c, is, to)
    c.deploy = target.deploy
    if s.check then
      d:start(target.name)
      return result_of(c, "rollback", { status = "changed", deploy = target.deploy })
    end
    local _, err = mr.try(function()
      if c.way ~= "ports" then
        step(c, "start")
        d:start(target.name)
      end
      step(c, "prove")
      hand_over(c, is.serving, target)
    end)
    if err then
      if gate.is_verdict(err) then
        mr.try(versions.stop, c, target)
      end
      error(err, 0)
    end
    return result_of(c, "rollback", {
      status = "changed",
      deploy = target.deploy,
      image = target.image,
      was = is.serving and is.serving.deploy,
    })
  end)
end

return run
