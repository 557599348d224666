-- mr.deploy.recover: brings to an end what a run that broke off has left, so that something serves
-- and nothing half-done stays. All is told from the containers and the proxy.
local gate = require "mr.deploy.gate"
local place = require "mr.proxy.place"
local switch = require "mr.deploy.switch"
local versions = require "mr.deploy.versions"

-- Brings back something that serves, when nothing does.
local function revive(c, is)
  local choices = { is.serving }
  table.move(is.kept, 1, #is.kept, #choices + 1, choices)
  for _, version in ipairs(choices) do
    c.s:log(("`%s` serves nothing: brings back `%s`"):format(c.o.app, version.name))
    local _, err = mr.try(function()
      c.d:start(version.name)
      version.port = c.way == "ports" and versions.fixed_port(c.o) or version.port
      gate.pass(c.s, c.d, c.o, version)
      if c.way == "proxy" and not (c.record and c.record.deploy == version.deploy) then
        switch.to(c, version)
      end
      versions.promote(c, version)
    end)
    if not err then
      return
    elseif not gate.is_verdict(err) then
      error(err, 0)
    end
    c.s:warn(("`%s` cannot be brought back: %s"):format(version.name, err.message))
  end
end

-- The ports had changed hands when the run broke off: is what has them now well?
local function adopt(c, is)
  local half = is.halves[1]
  if c.way ~= "ports" or not (half and half.is_next and half.is_running) then
    return false
  end
  half.port = versions.fixed_port(c.o)
  local _, err = mr.try(gate.pass, c.s, c.d, c.o, half)
  if err and not gate.is_verdict(err) then
    error(err, 0)
  elseif err then
    c.d:rm(half.name, { force = true })
    return false
  end
  versions.promote(c, half)
  c.s:log(("`%s` had taken over in a run that broke off"):format(half.name))
  return true
end

-- Brings to an end what a run that broke off has left; gives what there is then.
return function(c)
  if c.way == "ports" then
    switch.settle(c)
  end
  local is = versions.look(c)
  if c.s.check then
    return is
  end
  if c.way == "proxy" then
    place.settle(c.s, c.d, c.proxy)
  end
  if is.serving and is.serving.is_running and is.serving.is_next then
    versions.promote(c, is.serving)
    c.s:log(("`%s` had been switched to by a run that broke off"):format(is.serving.name))
  elseif not (is.serving and is.serving.is_running) then
    if not adopt(c, is) then
      revive(c, is)
    end
    is = versions.look(c)
  end
  for _, version in ipairs(is.halves) do
    c.s:log(("removes `%s`, left by a run that broke off"):format(version.name))
    c.d:rm(version.name, { force = true })
  end
  for _, version in ipairs(is.extra) do
    c.s:log(("stops `%s`, left running by a run that broke off"):format(version.name))
    if c.way == "proxy" and version.port then
      place.drain(c.s, version.port, c.o.drain)
    end
    versions.stop(c, version)
  end
  if is.halves[1] or is.extra[1] then
    is = versions.look(c)
  end
  return is
end
