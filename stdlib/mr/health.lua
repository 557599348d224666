-- mr.health: how a server is, judged: `server:health()`. Load, memory, swap, disks, inodes, units that have
-- failed, updates, a restart that is waited for, the clock, certificates, processes killed for want of
-- memory, containers, vulnerabilities of images. One round trip but for a scan of images.
--
-- It begins with what `mroom status` asks and goes on from there. Owns no state.
local args = require "mr.args"
local certs = require "mr.certs"
local engine = require "mr.docker_scan"
local images = require "mr.health.images"
local judge = require "mr.health.judge"
local native = require "mr.native"
local parse = require "mr.health.answer"
local script = require "mr.health.script"
local thresholds = require "mr.health.thresholds"

local health = {}

local OPTIONS = {
  checks = { type = "list" },
  certs = { type = "list" },
  thresholds = { type = "table" },
  scan_images = { type = "boolean", default = false },
  timeout = { type = "number", default = 120 },
}

-- Seconds that the scan of one image may take.
local SCAN = 600

-- The set of the checks that are asked for; all of them when none is named.
local function wanted(list)
  local known, set = {}, {}
  for _, name in ipairs(thresholds.checks) do
    known[name] = true
  end
  for _, name in ipairs(list or thresholds.checks) do
    if not known[name] then
      args.refuse(
        ("`health`: there is no check `%s`"):format(tostring(name)),
        "checks: " .. table.concat(thresholds.checks, ", ")
      )
    end
    set[name] = true
  end
  return set
end

-- Files and names whose certificates are looked at: the option's and the metadata's.
local function certificates(s, given)
  local list, seen = {}, {}
  local own = s.meta and s.meta.certs
  own = type(own) == "string" and mr.text.split((own:gsub(",", " "))) or own
  for _, words in ipairs { given or {}, type(own) == "table" and own or {} } do
    for _, word in ipairs(words) do
      local is = type(word) == "string" and (word:match "^/[^%c]+$" or certs.name(word))
      if not is then
        args.refuse(
          ("`health`: `%s` is neither a file nor a name"):format(tostring(word)),
          "`/etc/ssl/site.pem`, `example.org`, `example.org:8443`"
        )
      end
      if not seen[is] then
        seen[is] = true
        list[#list + 1] = is
      end
    end
  end
  return list
end

-- How far the server's clock is from ours, seconds, and within what: the way there and back may have
-- been slow in one direction only. As NTP does it (RFC 5905, section 8).
local function clock(found, sent, received)
  local first, last = found.clock_begin, found.clock_end
  if not first or not last or last.at < first.at then
    return nil
  end
  local offset = ((first.at - sent) + (last.at - received)) / 2
  local way = (received - sent) - (last.at - first.at)
  return { offset = offset, within = math.max(0, way) / 2 + first.within }
end

-- What the server said, as the record that the caller gets.
local function record(s, text, sent, received, opts)
  local found = parse(text)
  local is = native.vitals(text)
  for _, key in ipairs {
    "swap",
    "disks",
    "inodes",
    "units",
    "init",
    "updates",
    "manager",
    "is_plain",
    "lists_at",
    "reboot",
    "is_synchronised",
    "certs",
    "oom_kills",
    "none",
    "unknown",
  } do
    is[key] = found[key]
  end
  is.clock = clock(found, sent, received)
  if found.engine.state then
    is.docker = engine.finish(found.engine)
    is.none.containers = is.docker.state == "absent" or nil
  end
  -- Without a container there is no image to speak of.
  local up = is.docker and is.docker.state == "up" and is.docker
  if up and opts.wanted.vulnerabilities then
    local more = { scan = opts.scan_images, timeout = SCAN }
    is.vulnerabilities = images.of(s, up, found.scanner, more)
  end
  is.none.vulnerabilities = not is.vulnerabilities or nil
  is.none.certs = (is.certs and #is.certs == 0) or nil
  return is
end

-- Refuses what no server will take: options and settings.
function health.valid(opts)
  opts = args.decode("health", OPTIONS, opts)
  wanted(opts.checks)
  thresholds.of(nil, opts.thresholds)
  certificates({}, opts.certs)
end

-- Asks a server or connection, and judges. opts: `checks`, a list of those to do; `certs`, files and
-- names; `thresholds`, `{ disk = "80,95" }`; `scan_images`; `timeout`, seconds.
function health.of(s, opts)
  opts = args.decode("health", OPTIONS, opts)
  opts.wanted = wanted(opts.checks)
  local limits = thresholds.of(s.meta, opts.thresholds)
  local names = certificates(s, opts.certs)
  local asked = {}
  for _, name in ipairs(thresholds.checks) do
    -- The scanner needs to know which images there are.
    local is_asked = opts.wanted[name] or (name == "containers" and opts.wanted.vulnerabilities)
    asked[#asked + 1] = is_asked and name or nil
  end
  local command =
    { "sh", "-s", "--", table.concat(asked, ","), engine.command(), table.unpack(names) }
  local sent = native.unix_time()
  local said = s:capture(command, { stdin = script.text(), timeout = opts.timeout })
  local is = record(s, said, sent, native.unix_time(), opts)
  is.checks, is.level = judge(is, opts.wanted, limits)
  is.none, is.unknown, is.is_plain, is.lists_at = nil, nil, nil, nil
  return is
end

return health
