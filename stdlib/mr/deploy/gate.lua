-- mr.deploy.gate: waits until a container is well, and stays so. What is asked is the probe of the
-- deployment, else the health check of the container, else only whether it stays up.
local evidence = require "mr.deploy.evidence"
local probe = require "mr.probe"
local gate = {}

-- How long a container without a health check must stay up.
local UP = 3

-- Kinds of errors that tell of the way to the server, and nothing of what is there.
---@type table<string, boolean>
local AWAY = { connect = true, auth = true, host_key = true, tunnel = true, cancelled = true }

-- Does an error say something about the new version? A lost connection does not: the next run looks.
function gate.is_verdict(err)
  return not AWAY[err.kind]
end

-- What one look says of a container: "well", "waits" or "ill", and why. Pure, but for the probe,
-- which is a function.
function gate.judge(inspected, is_probed, asks)
  local state = type(inspected) == "table" and inspected.State
  if not state then
    return "ill", "it is gone"
  elseif state.Status == "restarting" or (inspected.RestartCount or 0) > 0 then
    return "ill", ("it ended with %s and was restarted"):format(tostring(state.ExitCode))
  elseif state.Status ~= "running" then
    local why = state.OOMKilled and ", out of memory" or ""
    return "ill", ("it ended with %s%s"):format(tostring(state.ExitCode), why)
  end
  local health = state.Health and state.Health.Status
  if health == "unhealthy" then
    return "ill", "its health check failed"
  elseif health == "starting" then
    return "waits", "its health check is still starting"
  elseif is_probed then
    local is_well, answer = asks(inspected)
    return is_well and "well" or "waits", answer
  end
  return "well"
end

-- The function that asks the probe of `o` at a container: true, or false and what was said.
local function asker(s, d, o, at)
  local p = o.probe
  if p.http then
    return function()
      local answer =
        probe.http(s, { port = at.port, path = p.http, host = p.host, timeout = 5, sudo = false })
      local fits = answer.code >= p.status[1] and answer.code <= p.status[2]
      fits = fits and (not p.body or answer.body:find(p.body, 1, true) ~= nil)
      local said = answer.code == 0 and "no answer" or "answered " .. answer.code
      return fits, ("%s: %s %s"):format(p.http, said, answer.body:sub(1, 200))
    end
  elseif p.tcp then
    return function(inspected)
      local pid = inspected.State.Pid or 0
      return pid > 0 and probe.listens(s, pid, o.port), ("nothing listens on %d"):format(o.port)
    end
  elseif p.command ~= nil then
    return function()
      local result = d:exec(at.name, p.command, { check = false, timeout = 30 })
      local said = mr.text.trim(result.stdout .. result.stderr):sub(1, 200)
      return result.code == 0, ("the command ended with %s %s"):format(tostring(result.code), said)
    end
  end
end

-- Raises that a container is not well, with all that it says for itself.
function gate.fail(s, d, name, message, answer)
  error({
    kind = "docker",
    message = message,
    reason = "unhealthy",
    evidence = evidence.gather(d, name, answer),
    server = s.id,
  }, 0)
end

-- Waits until the container `at` { name, port } is well; raises with evidence when it is not. `port`
-- is that of the server's loopback interface.
function gate.pass(s, d, o, at)
  local asks = asker(s, d, o, at)
  local deadline, since, answer = mr.now() + o.probe.timeout, nil, nil
  local is_checked = asks ~= nil
  while true do
    local inspected = d:inspect(at.name, { type = "container" })
    local verdict, why = gate.judge(inspected, asks ~= nil, asks)
    is_checked = is_checked or (inspected and inspected.State and inspected.State.Health ~= nil)
    if verdict == "ill" then
      gate.fail(s, d, at.name, ("`%s` is not well: %s"):format(at.name, why), answer)
    end
    answer = why or answer
    since = verdict == "well" and (since or mr.now()) or nil
    local settle = is_checked and o.probe.settle or math.max(UP, o.probe.settle)
    if since and mr.now() - since >= settle then
      if not is_checked then
        s:warn(
          ("`%s` has no health check and no probe: it stayed up, no more is known"):format(o.app)
        )
      end
      return
    elseif mr.now() > deadline then
      local text = "`%s` was not well within %d s"
      gate.fail(s, d, at.name, text:format(at.name, o.probe.timeout), answer)
    end
    mr.sleep(o.probe.interval)
  end
end

return gate
