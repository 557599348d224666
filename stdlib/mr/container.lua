-- mr.container: one container as a stage defines it. It carries a hash of its definition as a label, so
-- that a look tells whether it is the wanted one, and it is replaced only when it is not.
--
-- A container of that name that has no such label is somebody else's: it is refused, not replaced.
local native = require "mr.native"
local container = {}

container.label = "machineroom.spec"

-- How long a new one must stay up, and how long it may take for its health check, seconds.
local SETTLE, PATIENCE = 2, 90

-- A value as one text, the same for the same value; a secret when one is in it.
local function canonical(value)
  if native.is_secret(value) then
    return value
  elseif type(value) ~= "table" then
    return ("%s %q"):format(math.type(value) or type(value), tostring(value))
  end
  local keys = {}
  for key in pairs(value) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  local text = "{"
  for _, key in ipairs(keys) do
    text = text .. tostring(key) .. "=" .. canonical(value[key]) .. ";"
  end
  return text .. "}"
end

-- The hash of a definition, as `Docker:run` takes it.
function container.hash(want)
  return native.sha256(canonical(want))
end

-- What there is: { state = "right" | "stopped" | "other" | "absent", found = the container }. Raises
-- when somebody else's container has the name, unless `replace`.
function container.look(d, want, replace)
  local found
  for _, one in ipairs(d:ps { all = true, filter = { name = want.name } }) do
    -- docker takes the name for a part of it.
    found = one.name == want.name and one or found
  end
  if not found then
    return { state = "absent" }
  end
  local hash = found.labels[container.label]
  if not hash and not replace then
    mr.fail(("there is a container `%s` already, made by somebody else"):format(want.name), {
      hint = "`--set replace=true` takes its place, `--set name=NAME` leaves it alone",
    })
  elseif hash ~= container.hash(want) then
    return { state = "other", found = found }
  end
  local is_well = found.state == "running" and found.health ~= "unhealthy"
  return { state = is_well and "right" or "stopped", found = found }
end

-- What it said last, for an error.
local function last_words(d, name)
  local logs = mr.try(d.logs, d, name, { tail = 10 })
  local text = logs and mr.text.trim(logs.stdout .. "\n" .. logs.stderr) or ""
  return text ~= "" and "; it said last:\n" .. text or ""
end

-- Raises unless it stays up and, where it has a check, becomes healthy.
function container.settled(d, want)
  local begun, deadline = mr.now(), mr.now() + PATIENCE
  local restarts ---@type integer?
  while true do
    local is = container.look(d, want, true).found ---@type any
    if not is then
      mr.fail(("the container `%s` is gone"):format(want.name))
    end
    restarts = restarts or is.restarts
    if is.state ~= "running" or is.restarts > restarts or is.health == "unhealthy" then
      local how = is.health == "unhealthy" and "unhealthy"
        or is.exit_code and ("%s with %d"):format(is.state, is.exit_code)
        or is.state
      mr.fail(
        ("the container `%s` does not stay up: %s%s"):format(
          want.name,
          how,
          last_words(d, want.name)
        ),
        {
          hint = ("`mroom docker ID logs %s` shows more"):format(want.name),
        }
      )
    elseif is.health ~= "starting" and mr.now() - begun >= SETTLE then
      return is
    elseif mr.now() > deadline then
      mr.fail(("the container `%s` is not healthy after %d s"):format(want.name, PATIENCE))
    end
    mr.sleep(0.5)
  end
end

-- Brings it there: pulled first, so that what runs stays while that fails; then started or replaced.
function container.bring(d, want, is)
  if is.state == "stopped" then
    d[is.found.state == "running" and "restart" or "start"](d, want.name)
    return
  end
  if not d:inspect(want.image, { type = "image" }) then
    d:pull(want.image)
  end
  local options = {}
  for key, value in pairs(want) do
    options[key] = value
  end
  options.labels = { [container.label] = container.hash(want) }
  for key, value in pairs(want.labels or {}) do
    options.labels[key] = value
  end
  options.pull = "missing"
  options.on_conflict = is.state == "other" and "replace" or "fail"
  d:run(options)
end

-- The options that every stage of a container has.
function container.options(more, defaults)
  local all = {
    image = { type = "string", default = defaults.image, help = "with its tag" },
    name = { type = "string", default = defaults.name, help = "of the container" },
    replace = {
      type = "boolean",
      default = false,
      help = "a container of that name that somebody else made",
    },
    sudo = { type = "boolean", help = "docker as root; else as it is found to work" },
  }
  for key, option in pairs(more) do
    all[key] = option
  end
  return all
end

-- A stage that is one container: `definition(s, o)` gives what `Docker:run` takes. Its other keys are as
-- in any stage; `prepare` is called with them.
function container.stage(stage, definition)
  stage.needs = stage.needs or { "docker" }
  stage.check = function(s, o)
    local d, want = s:docker { sudo = o.sudo }, definition(s, o)
    local is = container.look(d, want, o.replace)
    return is.state == "right", is
  end
  stage.apply = function(s, o, is)
    container.bring(s:docker { sudo = o.sudo }, definition(s, o), is)
  end
  stage.verify = function(s, o)
    container.settled(s:docker { sudo = o.sudo }, definition(s, o))
  end
  return stage
end

-- "ADDRESS:PORT:INSIDE", as `ports` takes it; refuses what is none.
function container.port(o, key, inside)
  local port = math.tointeger(o[key])
  if not port or port < 1 or port > 65535 then
    require("mr.args").refuse(
      ("`%s` must be a port, 1 to 65535, not `%s`"):format(key, tostring(o[key]))
    )
  end
  local bind = o.bind:find ":" and not o.bind:find "^%[" and ("[%s]"):format(o.bind) or o.bind
  return ("%s:%d:%d"):format(bind, port, inside)
end

return container
