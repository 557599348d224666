-- mr.deploy.evidence: what a container that is not well has to say for itself, kept before it is
-- removed: its state, the answers of its health check, its last lines.
local evidence = {}

-- Lines of the log that are kept.
local LINES = 40
-- Answers of the health check that are kept.
local ANSWERS = 5

---@param most integer
local function short(text, most)
  text = mr.text.trim(tostring(text or ""))
  return #text > most and "…" .. text:sub(#text - most + 1) or text
end

-- What docker's `inspect` says, as plain words. Pure.
function evidence.read(inspected)
  local state = type(inspected) == "table" and inspected.State or {}
  local is = {
    state = state.Status,
    exit_code = state.Status ~= "running" and state.ExitCode or nil,
    out_of_memory = state.OOMKilled == true or nil,
    restarts = (inspected.RestartCount or 0) > 0 and inspected.RestartCount or nil,
    error = type(state.Error) == "string" and state.Error ~= "" and state.Error or nil,
  }
  local health = type(state.Health) == "table" and state.Health or nil
  if health then
    is.health = health.Status
    local answers = type(health.Log) == "table" and health.Log or {}
    local list = {}
    for i = math.max(1, #answers - ANSWERS + 1), #answers do
      local one = answers[i]
      list[#list + 1] = ("%s -> %s"):format(tostring(one.ExitCode), short(one.Output, 300))
    end
    is.health_checks = list[1] and list or nil
  end
  return is
end

-- All that is known of a container; what cannot be had is left out.
function evidence.gather(d, container, answer)
  local inspected = mr.try(d.inspect, d, container, { type = "container" })
  local is = evidence.read(inspected or {})
  is.container = container
  local logs = mr.try(d.logs, d, container, { tail = LINES })
  if logs then
    local text = mr.text.trim((logs.stdout or "") .. (logs.stderr or ""))
    is.log = text ~= "" and mr.text.lines(short(text, 8000)) or nil
  end
  is.probe = answer
  return is
end

return evidence
