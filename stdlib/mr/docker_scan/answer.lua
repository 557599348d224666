-- What the function of `mr.docker_scan.script` printed, read as data: every field has its kind here, and
-- what does not fit is left out. Pure. Internal.
local moment = require "mr.moment"
local native = require "mr.native"

-- A server cannot fill a list without end.
local MOST = 5000

local function text(value, most)
  value = type(value) == "string" and value:gsub("[%c\127]", "") or ""
  return value ~= "" and utf8.len(value) and #value <= (most or 512) and value or nil
end

local function word(value)
  return text(value, 128) and value:match "^[%w][%w._+:~-]*$" or nil
end

local function count(value)
  local number = type(value) == "number" and math.tointeger(value)
  return number and number >= 0 and number < 1 << 31 and number or nil
end

local function at(value)
  return text(value) and moment.iso(value)
end

-- The JSON text as a value; nil for what is none.
local function json(value)
  local decoded = mr.try(mr.json.decode, value)
  return decoded
end

local function is_true(value)
  return value == true or nil
end

-- Docker's sizes: `1.5GB`, `12.3kB`, powers of 1000.
local UNITS = { B = 1, kB = 1e3, MB = 1e6, GB = 1e9, TB = 1e12, PB = 1e15 }
local function bytes(value)
  local number, unit = (text(value) or ""):match "^([%d.]+)([kMGTP]?B)"
  local size = tonumber(number)
  return size and UNITS[unit] and math.tointeger(math.floor(size * UNITS[unit])) or nil
end

-- The fields of a container, in the order of the script.
local FIELDS = {
  { "id", word },
  {
    "name",
    function(value)
      return (text(value) or ""):match "^/?(.+)$"
    end,
  },
  { "image", text },
  { "image_id", word },
  { "state", word },
  { "health", word },
  { "restarts", count },
  { "exit_code", count },
  { "is_oom_killed", is_true },
  { "created", at },
  { "started", at },
  { "restart_policy", word },
}

-- Keys, what each adds to the record. A value that is none adds nothing.
local READ = {}

function READ.engine(found, value)
  if found.state then
    return
  elseif value == "absent" then
    found.state = value
  elseif value == "direct" or value == "sudo" or value == "rootless" then
    found.state, found.access = "up", value
  end
end

-- There is a client and no trace of an engine: it is for engines elsewhere.
function READ.alone(found)
  found.is_alone = true
end

-- What each of docker's reasons makes of an engine. No registry was asked: what is not reached, or not
-- found, is the engine.
local STATES =
  { daemon_down = "down", permission = "denied", registry = "down", not_found = "down" }

-- Docker's sentence. To a client that is too old the engine says it in JSON, which that shows as it is.
local function sentence(value)
  local answer = json(value:match '{"message":.*}$' or "")
  return type(answer) == "table" and text(answer.message) or text(value)
end

-- Docker's own words.
function READ.refused(found, value)
  local state = STATES[native.docker_reason(value)] or "failed"
  if found.state then
    return
  elseif state == "down" and found.is_alone then
    found.state, found.reason = "absent", "only the client is there"
  else
    found.state, found.reason = state, sentence(value)
  end
end

-- What a login that is refused was told by sudo. Only that the daemon is down says more: other words may
-- be sudo's own, which knows no such command, or this login not.
function READ.sudo(found, value)
  if found.state == "denied" and native.docker_reason(value) == "daemon_down" then
    found.state, found.reason = "down", text(value)
  end
end

function READ.version(found, value)
  local decoded = json(value)
  local engine = type(decoded) == "table" and decoded.Server
  if type(engine) ~= "table" then
    return
  end
  found.version = found.version or word(engine.Version)
  found.api, found.min_api = word(engine.ApiVersion), word(engine.MinAPIVersion)
  found.os, found.arch = word(engine.Os), word(engine.Arch)
  for _, part in ipairs(type(engine.Components) == "table" and engine.Components or {}) do
    if type(part) == "table" and part.Name == "rootlesskit" then
      found.is_rootless = true
    end
  end
end

-- The server's clock: that of its containers.
function READ.now(found, value)
  found.now = #value <= 15 and value:match "^%d+$" and math.tointeger(tonumber(value)) or nil
end

function READ.compose(found, value)
  found.compose = word((value:gsub("^v", "")))
end

function READ.missed(found, value)
  found.missed[#found.missed + 1] = word(value)
end

function READ.container(found, value)
  local list = json(value)
  if type(list) ~= "table" or #found.containers >= MOST then
    return
  end
  local one = {}
  for i, field in ipairs(FIELDS) do
    one[field[1]] = field[2](list[i])
  end
  if one.id and one.name and one.state then
    found.containers[#found.containers + 1] = one
  end
end

function READ.image(found, value)
  local id, repository, tag, created = value:match '^("[^"]*") ("[^"]*") ("[^"]*") ("[^"]*")$'
  local one = {
    id = id and word(json(id)),
    repository = text(json(repository or "")),
    tag = text(json(tag or "")),
    created = at(json(created or "")),
  }
  if one.id and one.repository and #found.images < MOST then
    found.images[#found.images + 1] = one
  end
end

function READ.disk(found, value)
  local one = json(value)
  local kind = type(one) == "table" and text(one.Type)
  if not kind then
    return
  end
  found.disk = found.disk or mr.json.array {}
  if #found.disk < 16 then
    table.insert(found.disk, {
      type = kind,
      total = math.tointeger(tonumber(one.TotalCount)),
      active = math.tointeger(tonumber(one.Active)),
      size = bytes(one.Size),
      reclaimable = bytes(one.Reclaimable),
    })
  end
end

local answer = {}

-- A record with nothing in it.
function answer.new()
  return { containers = mr.json.array {}, images = mr.json.array {}, missed = mr.json.array {} }
end

-- Takes one line; those that are not the engine's are left alone.
function answer.take(found, key, value)
  if READ[key] then
    READ[key](found, value)
  end
end

return answer
