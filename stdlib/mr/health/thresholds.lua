-- From which value on a check warns, and from which it is critical: `warn,critical`, two numbers or `-`
-- for never. The settings `health.NAME` say it for all, the metadata `health.NAME` of a server for that
-- one, an option for one run. Internal.
local args = require "mr.args"

local thresholds = {}

-- The checks in the order in which they are told, each with the setting that its threshold has.
thresholds.checks = {
  "load",
  "memory",
  "swap",
  "disk",
  "inodes",
  "units",
  "updates",
  "reboot",
  "clock",
  "certs",
  "oom",
  "containers",
  "vulnerabilities",
}

-- Names that are a threshold and no check of their own.
local MORE = { "security" }

local known = {}
for _, list in ipairs { thresholds.checks, MORE } do
  for _, name in ipairs(list) do
    known[name] = true
  end
end

-- Where a smaller value is the worse one: days that are left.
local FALLING = { certs = true }

-- The threshold in a text; raises what is none, and says where it stands.
local function parse(name, text, place)
  local warn, critical = tostring(text):match "^%s*([^,%s]+)%s*,%s*([^,%s]+)%s*$"
  local is = { warn = tonumber(warn), critical = tonumber(critical) }
  local function is_right(word, number)
    return word == "-" or (number and number >= 0 and number < 1e12)
  end
  if not warn or not is_right(warn, is.warn) or not is_right(critical, is.critical) then
    args.refuse(
      ("%s must be two numbers or `-`, as in `80,95`, not `%s`"):format(place, tostring(text)),
      "the first warns, the second is critical, `-` is never"
    )
  end
  if is.warn and is.critical then
    local falls = FALLING[name] or false
    if (falls and is.warn < is.critical) or (not falls and is.warn > is.critical) then
      local order = falls and "days that are left: the first is the larger one"
        or "the first is the smaller one"
      args.refuse(("%s is the wrong way round: `%s`"):format(place, tostring(text)), order)
    end
  end
  return is
end

-- The thresholds for a server: those given win over its metadata, and that over the settings.
function thresholds.of(meta, given)
  local found = {}
  for name in pairs(known) do
    found[name] = parse(name, mr.config.health[name], ("the setting `health.%s`"):format(name))
    local own = meta and meta["health." .. name]
    if own ~= nil then
      found[name] = parse(name, own, ("the metadata `health.%s`"):format(name))
    end
  end
  for name, text in pairs(given or {}) do
    args.known(name, known, "thresholds")
    found[name] = parse(name, text, ("the threshold `%s`"):format(name))
  end
  return found
end

-- The level of a value: `ok`, `warn` or `critical`.
function thresholds.level(name, value, threshold)
  local function reached(limit)
    if not limit then
      return false
    elseif FALLING[name] then
      return value < limit
    end
    return value >= limit
  end
  if reached(threshold.critical) then
    return "critical"
  end
  return reached(threshold.warn) and "warn" or "ok"
end

return thresholds
