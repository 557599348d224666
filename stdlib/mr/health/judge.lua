-- How a server's answers are to be judged: for each check a level (`ok`, `warn`, `critical`, `unknown`) and
-- a sentence. What was not said is unknown, never ok. Pure. Internal to `mr.health`.
local certs = require "mr.certs"
local thresholds = require "mr.health.thresholds"

-- Each check: the record of the server and the thresholds; gives its value, what it says, and data.
---@type table<string, fun(is: table, limits: table): number?, string?, string?>
local CHECKS = {}

local WORSE = { ok = 1, unknown = 2, warn = 3, critical = 4 }

local function worse(a, b)
  return WORSE[a] >= WORSE[b] and a or b
end

local function human(bytes)
  local unit = 1
  while bytes >= 999.5 and unit < 6 do
    bytes, unit = bytes / 1024, unit + 1
  end
  local letter = ({ "B", "K", "M", "G", "T", "P" })[unit]
  return (unit > 1 and bytes < 9.95 and "%.1f%s" or "%.0f%s"):format(bytes, letter)
end

local function used(space)
  return 100 * (space.total - space.free) / space.total
end

-- `3 services: a, b and more`.
local function counted(list, one, many, most)
  local names = {}
  for i = 1, math.min(#list, most or 3) do
    names[i] = tostring(list[i])
  end
  local rest = #list > #names and (" and %d more"):format(#list - #names) or ""
  local what = #list == 1 and one or many
  return ("%d %s: %s%s"):format(#list, what, table.concat(names, ", "), rest)
end

function CHECKS.load(is)
  if is.load and is.cpus then
    -- The average over 5 minutes: a moment's peak needs nobody.
    local share = is.load[2] / is.cpus
    local word = is.cpus == 1 and "processor" or "processors"
    return share, ("%.2f on %d %s"):format(is.load[2], is.cpus, word)
  end
end

local function space_check(name)
  return function(is)
    local space = is[name]
    if space then
      return used(space), ("%.0f%% of %s used"):format(used(space), human(space.total))
    end
  end
end

CHECKS.memory = space_check "memory"
CHECKS.swap = space_check "swap"

-- The fullest one decides; all that are above the threshold are told.
local function fullest(list, limit, unit)
  local most, told = nil, {}
  for _, one in ipairs(list) do
    if not most or used(one) > used(most) then
      most = one
    end
    if limit.warn and used(one) >= limit.warn then
      told[#told + 1] = ("%s %.0f%%%s"):format(one.mount, used(one), unit)
    end
  end
  if not most then
    return nil
  end
  told[1] = told[1] or ("%s %.0f%%%s"):format(most.mount, used(most), unit)
  return used(most), table.concat(told, ", ", 1, math.min(#told, 5))
end

function CHECKS.disk(is, limits)
  return fullest(is.disks, limits.disk, " used")
end

function CHECKS.inodes(is, limits)
  return fullest(is.inodes, limits.inodes, " of the inodes used")
end

function CHECKS.units(is)
  if is.units then
    local text = #is.units == 0 and "none has failed"
      or counted(is.units, "has failed", "have failed")
    return #is.units, text
  end
end

function CHECKS.updates(is, limits)
  if not is.updates then
    return nil
  end
  local security = 0
  for _, one in ipairs(is.updates) do
    security = security + (one.why == "security" and 1 or 0)
  end
  is.security = not is.is_plain and security or nil
  local text = #is.updates == 0 and "none waits" or ("%d wait"):format(#is.updates)
  if security > 0 then
    text = ("%s, %d for security"):format(text, security)
  end
  local age = is.lists_at and (os.time() - is.lists_at) // 86400
  if age and age >= 2 and age < 36500 then
    text = ("%s, as of %d days ago"):format(text, age)
  end
  local level = thresholds.level("updates", #is.updates, limits.updates)
  return #is.updates, text, worse(level, thresholds.level("security", security, limits.security))
end

function CHECKS.reboot(is)
  if is.reboot then
    local text = is.reboot.is_needed and "needed: " .. (is.reboot.why or "it says so")
    return is.reboot.is_needed and 1 or 0, text or "not needed"
  end
end

function CHECKS.clock(is, limits)
  local clock = is.clock
  if not clock then
    return nil
  end
  -- What the way there and back may have added counts for the server.
  local off = math.max(0, math.abs(clock.offset) - clock.within)
  local way = clock.offset < 0 and "behind" or "ahead"
  local text = off == 0 and ("right within %.2f s"):format(clock.within)
    or ("%.2f s %s, within %.2f s"):format(math.abs(clock.offset), way, clock.within)
  local level = thresholds.level("clock", off, limits.clock)
  if is.is_synchronised == false then
    return off, text .. ", and not synchronised", worse(level, "warn")
  end
  return off, text
end

function CHECKS.certs(is, limits)
  if not is.certs then
    return nil
  end
  local least, told, level = nil, {}, "ok"
  for _, one in ipairs(is.certs) do
    certs.judge(one, limits.certs.warn or 0)
    local its = "unknown"
    if one.days then
      least = math.min(least or one.days, one.days)
      its = thresholds.level("certs", one.days, limits.certs)
      if one.state == "expired" or one.state == "not trusted" then
        its = "critical"
      end
    end
    level = worse(level, its)
    if its ~= "ok" then
      local days = one.days and ("%d days left"):format(one.days)
      local state = one.state == "not trusted" and (one.verdict or one.state)
        or one.state == "expired" and "expired"
        or days
        or one.why
        or one.state
      told[#told + 1] = ("%s: %s"):format(one.name, state)
    end
  end
  local text = table.concat(told, "; ", 1, math.min(#told, 5))
  if text == "" then
    local word = #is.certs == 1 and "one is good" or ("%d are good"):format(#is.certs)
    text = ("%s, %d days left"):format(word, least or 0)
  end
  return least or 0, text, level
end

function CHECKS.oom(is)
  if is.oom_kills then
    local text = is.oom_kills == 0 and "no process was killed"
      or ("%d killed for want of memory since the start"):format(is.oom_kills)
    return is.oom_kills, text
  end
end

function CHECKS.containers(is, limits)
  local engine = is.docker
  if not engine or not engine.state then
    return nil
  elseif engine.state == "down" or engine.state == "failed" then
    return nil, "Docker does not answer: " .. (engine.reason or ""), "critical"
  elseif engine.state == "denied" then
    return nil, "this login may not ask Docker; `-b` asks as root"
  elseif not engine.containers then
    return nil, "Docker did not list them"
  end
  local unwell = engine.unwell or {}
  local names = {}
  for i, one in ipairs(unwell) do
    names[i] = ("%s %s"):format(one.name, one.why)
  end
  local running = (engine.counts or {}).running or 0
  if not names[1] then
    return 0, ("%d of %d running"):format(running, #engine.containers)
  end
  local level = thresholds.level("containers", #unwell, limits.containers)
  return #unwell, table.concat(names, ", ", 1, math.min(#names, 5)), level
end

function CHECKS.vulnerabilities(is)
  local found = is.vulnerabilities
  if not found then
    return nil
  end
  local critical, high, scanned = 0, 0, 0
  for _, image in ipairs(found.images) do
    if image.counts then
      scanned = scanned + 1
      critical = critical + (image.counts.critical or 0)
      high = high + (image.counts.high or 0)
    end
  end
  local text = ("%d critical, %d high in %d of %d images"):format(
    critical,
    high,
    scanned,
    #found.images
  )
  if scanned < #found.images then
    local why = found.why and (" (%s)"):format(found.why) or ""
    -- What was found counts; what was not looked at is no all-clear.
    return critical, text .. why, critical == 0 and "unknown" or nil
  end
  return critical, text
end

-- The checks of a record, in their order, and the worst level. `wanted` is the set of those asked for.
return function(is, wanted, limits)
  local list, level = mr.json.array {}, "ok"
  for _, name in ipairs(thresholds.checks) do
    if wanted[name] and not is.none[name] then
      local value, text, its = CHECKS[name](is, limits)
      local limit = limits[name]
      if is.unknown[name] then
        its, text = "unknown", is.unknown[name]
      elseif not its then
        its = value and thresholds.level(name, value, limit) or "unknown"
      end
      level = worse(level, its)
      list[#list + 1] = {
        name = name,
        level = its,
        text = text or "the server did not say",
        value = value,
        warn = limit.warn,
        critical = limit.critical,
      }
    end
  end
  return list, level
end
