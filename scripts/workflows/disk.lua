-- disk: how full the file systems are, the fullest first.
--
-- `-e limit=80` warns of those that are that full, in percent; 90 when not given.

-- One that cannot be looked into makes df fail; the others count all the same.
local COMMAND = "export LC_ALL=C; { df -kPl || df -kP; } 2>/dev/null; true"

-- What is memory, or a part of something else.
local PSEUDO = { tmpfs = true, devtmpfs = true, udev = true, shm = true, none = true, devfs = true }

local function is_real(device, mount)
  return mount == "/"
    or not (PSEUDO[device] or device == "overlay" or device:find "^/dev/loop" ~= nil)
end

-- The file systems in what df printed. Sizes are bytes, `used` is a share in percent: of what may
-- be used at all, as df counts it.
local function read(text)
  local seen, list = {}, mr.json.array {}
  for _, line in ipairs(mr.text.lines(text)) do
    local device, blocks, taken, left, mount =
      line:match "^(.-)%s+(%d+)%s+(%d+)%s+(%-?%d+)%s+%d+%%%s+(/.*)$"
    if device and #blocks + #taken + #left < 48 and is_real(device, mount) and not seen[mount] then
      seen[mount] = true
      local size, used = tonumber(blocks) or 0, tonumber(taken) or 0
      local free = math.max(0, tonumber(left) or 0)
      if used + free > 0 then
        list[#list + 1] = {
          mount = mount,
          device = device,
          size = size * 1024,
          free = free * 1024,
          used = math.ceil(100 * used / (used + free)),
        }
      end
    end
  end
  return list
end

local function human(bytes)
  for _, unit in ipairs { "K", "M", "G" } do
    bytes = bytes / 1024
    if bytes < 1000 then
      return ("%.1f%s"):format(bytes, unit)
    end
  end
  return ("%.1fT"):format(bytes / 1024)
end

return {
  name = "disk",
  summary = "The fullest file systems first, with a warning above -e limit=90 percent.",
  args = "[PATTERN]",

  run = function(...)
    local pattern = select("#", ...) > 0 and table.concat({ ... }, " ") or "all"
    local limit = tonumber(vars.limit or 90)
    if not limit or limit < 0 then
      error({ kind = "usage", message = "`limit` must be a share in percent" }, 0)
    end
    return fleet.select(pattern):map(function(s)
      local list = read(s:capture { "sh", "-c", COMMAND })
      for _, one in ipairs(list) do
        if one.used >= limit then
          s:warn(("%s is %d%% full"):format(one.mount, one.used))
        end
      end
      return list
    end, { label = "disk" })
  end,

  show = function(outcomes)
    local rows = {}
    for _, outcome in ipairs(outcomes) do
      for _, one in ipairs(outcome.value or {}) do
        rows[#rows + 1] = {
          share = one.used,
          used = one.used .. "%",
          server = outcome.server,
          mount = one.mount,
          size = human(one.size),
          free = human(one.free),
          place = #rows,
        }
      end
    end
    table.sort(rows, function(a, b)
      if a.share ~= b.share then
        return a.share > b.share
      end
      return a.place < b.place
    end)
    return mr.table(rows, { columns = { "used", "server", "mount", "size", "free" } })
  end,
}
