-- What the script of `mr.health` printed, read as data: every key has its kind here, and a value that
-- does not fit is left out, so that its check is unknown. Sizes are bytes. Pure. Internal.
local certs = require "mr.certs"
local engine_answer = require "mr.docker_scan.answer"
local script = require "mr.health.script"

-- A server cannot fill a list without end.
local MOST = 500

local function whole(value)
  return #value <= 15 and value:match "^%d+$" and math.tointeger(tonumber(value)) or nil
end

local function word(value)
  return #value <= 200 and value:match "^[%g]+$" or nil
end

local function text(value)
  value = value:gsub("[%c\127]", " "):sub(1, 300)
  return utf8.len(value) and value ~= "" and value or nil
end

-- KiB in all and KiB left.
local function space(value, unit)
  local total, free = value:match "^(%d+) (%d+)$"
  total, free = whole(total or ""), whole(free or "")
  if total and free and total > 0 and free <= total then
    return { total = total * unit, free = free * unit }
  end
end

local function add(list, value)
  if value and #list < MOST then
    list[#list + 1] = value
  end
end

-- Adds a file system to a list.
local function mount(list, value, unit)
  local sizes, name = value:match "^(%d+ %d+) (/.*)$"
  local one = sizes and space(sizes, unit)
  if one and text(name) == name then
    one.mount = name
    add(list, one)
  end
end

-- A moment, and how far off it may be: `date` without fractions cuts them off.
local function stamp(value)
  local seconds, fraction = value:match "^(%d+)(%.?%d*)$"
  if not whole(seconds or "") then
    return nil
  elseif #fraction > 1 then
    return { at = tonumber(value), within = 0 }
  end
  return { at = whole(seconds) + 0.5, within = 0.5 }
end

-- Keys, what each adds to what is found.
local READ = {}

function READ.none(found, value)
  found.none[value] = true
end

function READ.unknown(found, value)
  local name, why = value:match "^(%l+) (.+)$"
  if name then
    found.unknown[name] = text(why)
  end
end

function READ.clock_begin(found, value)
  found.clock_begin = stamp(value)
end

function READ.clock_end(found, value)
  found.clock_end = stamp(value)
end

function READ.ntp(found, value)
  if value == "yes" or value == "no" then
    found.is_synchronised = value == "yes"
  end
end

function READ.swap(found, value)
  found.swap = space(value, 1024)
end

function READ.disk(found, value)
  mount(found.disks, value, 1024)
end

function READ.inodes(found, value)
  mount(found.inodes, value, 1)
end

function READ.units(found, value)
  found.units = found.units or mr.json.array {}
  found.init = word(value)
end

function READ.unit(found, value)
  add(found.units or {}, word(value))
end

function READ.updates(found, value)
  found.updates = found.updates or mr.json.array {}
  found.manager = word(value)
end

-- This manager does not say which updates are for security.
function READ.plain(found)
  found.is_plain = true
end

function READ.lists(found, value)
  found.lists_at = whole(value)
end

function READ.update(found, value)
  local name, why = value:match "^(%g+) ?(%l*)$"
  if name and word(name) then
    add(found.updates or {}, { package = name, why = why ~= "" and why or nil })
  end
end

function READ.reboot(found)
  found.reboot = found.reboot or { is_needed = false }
end

function READ.needed(found, value)
  found.reboot = { is_needed = true, why = text(value) }
end

function READ.oom(found, value)
  found.oom_kills = whole(value)
end

function READ.certs(found)
  found.certs = found.certs or mr.json.array {}
end

function READ.cert(found, value)
  local one = #value <= 2000 and utf8.len(value) and certs.record(value)
  add(found.certs or {}, one or nil)
end

function READ.scanner(found, value)
  found.scanner = (value == "trivy" or value == "grype") and value or nil
end

-- What is found in the text between the markers. Raises when they are not there.
local function parse(output)
  local lines = "\n" .. output:gsub("\r\n", "\n") .. "\n"
  local _, first = lines:find("\n" .. script.first .. "\n", 1, true)
  local last = first and lines:find("\n" .. script.last .. "\n", first, true)
  if not last then
    error({
      kind = "script",
      message = "the server did not say how it is",
      hint = "is `sh` a POSIX shell there?",
    }, 2)
  end
  local found = { none = {}, unknown = {}, engine = engine_answer.new() }
  found.disks, found.inodes = mr.json.array {}, mr.json.array {}
  for key, value in lines:sub(first, last):gmatch "\n([%l_]+)=([^\n]*)" do
    if READ[key] then
      READ[key](found, value)
    else
      engine_answer.take(found.engine, key, value)
    end
  end
  return found
end

return parse
