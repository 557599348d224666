-- The vulnerabilities of the images that run on a server, counted by trivy or grype where one of them is
-- installed there. An image is scanned once for the whole room: its id is what its content is, and what
-- was counted is kept in the inventory for a day. Internal to `mr.health`.
local native = require "mr.native"

local images = {}

-- Seconds that a count is good for: the lists of vulnerabilities change daily.
local FRESH = 24 * 3600
-- The most that a scanner may print, bytes.
local MOST = 64 << 20

local SCANNERS = {}

-- trivy: Results[].Vulnerabilities[].Severity
SCANNERS.trivy = {
  argv = function(image)
    return { "trivy", "image", "--quiet", "--format", "json", "--scanners", "vuln", "--", image }
  end,
  severities = function(report)
    local list = {}
    for _, result in ipairs(type(report.Results) == "table" and report.Results or {}) do
      for _, one in ipairs(type(result.Vulnerabilities) == "table" and result.Vulnerabilities or {}) do
        list[#list + 1] = one.Severity
      end
    end
    return list
  end,
}

-- grype: matches[].vulnerability.severity
SCANNERS.grype = {
  argv = function(image)
    return { "grype", "--quiet", "--output", "json", "--", image }
  end,
  severities = function(report)
    local list = {}
    for _, match in ipairs(report.matches) do
      list[#list + 1] = match.vulnerability.severity
    end
    return list
  end,
}

local SEVERITIES = { critical = true, high = true, medium = true, low = true, negligible = true }

-- How many of each severity are in what a scanner printed. Raises when it is not its report.
function images.count(scanner, text)
  ---@type table<string, integer>
  local counts = { critical = 0, high = 0, medium = 0, low = 0, negligible = 0, unknown = 0 }
  ---@type any[]?
  local list = mr.try(function()
    local report = mr.json.decode(text)
    local is_one = report.Results ~= nil or report.SchemaVersion ~= nil or report.matches ~= nil
    return is_one and SCANNERS[scanner].severities(report)
  end)
  if not list then
    mr.fail(("what `%s` printed is not its report"):format(scanner))
  end
  for _, severity in ipairs(list or {}) do
    local name = tostring(severity):lower()
    name = SEVERITIES[name] and name or "unknown"
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

-- The images of the containers that are there, each once: its id and a name for it.
local function in_use(engine)
  local list, seen = {}, {}
  for _, one in ipairs(engine.containers or {}) do
    local id = one.image_id
    if id and one.image and not seen[id] then
      seen[id] = true
      list[#list + 1] = { id = id, image = one.image }
    end
  end
  return list
end

local function scan(s, scanner, one, opts)
  local counts, err = mr.try(function()
    local said = s:capture(SCANNERS[scanner].argv(one.id), opts)
    return images.count(scanner, said)
  end)
  if err and (err.kind == "cancelled" or err.kind == "connect") then
    error(err, 0)
  end
  return counts, err
end

-- The counts of a server's images: those that are kept, and with `opts.scan` new ones, each within
-- `opts.timeout` seconds. nil when nothing is known and nothing was asked.
function images.of(s, engine, scanner, opts)
  local found = { images = mr.json.array {}, scanner = scanner }
  local is_any = opts.scan
  for _, one in ipairs(in_use(engine)) do
    local kept = native.scan_kept(one.id, FRESH)
    if not kept and opts.scan and scanner then
      s:phase("scanning " .. one.image)
      local sudo = engine.access == "sudo" and true or nil
      local counts, err =
        scan(s, scanner, one, { timeout = opts.timeout, max_output = MOST, sudo = sudo })
      found.why = found.why or (err and err.message)
      if counts then
        kept = { counts = counts, scanner = scanner, at = os.time() }
        native.scan_keep(one.id, kept)
      end
    end
    is_any = is_any or kept ~= nil
    found.images[#found.images + 1] = {
      id = one.id,
      image = one.image,
      counts = kept and kept.counts,
      scanner = kept and kept.scanner,
      at = kept and kept.at,
    }
  end
  if opts.scan and not scanner then
    found.why = "neither trivy nor grype is installed there"
  end
  return is_any and found or nil
end

return images
