-- The text of /etc/fstab: one entry found, put in, taken out; all other lines stay as they are.
-- The format is that of fstab(5). Pure. Internal.
local path = require "mr.ops.path"
local fstab = {}

fstab.path = "/etc/fstab"

-- White space and backslashes of a field stand as octal numbers.
function fstab.escape(field)
  local escaped = field:gsub("[ \t\n\\]", function(c)
    return ("\\%03o"):format(c:byte())
  end)
  return (escaped:gsub("^#", "\\043"))
end

function fstab.unescape(field)
  return (
    field:gsub("\\([0-3][0-7][0-7])", function(octal)
      return string.char(tonumber(octal, 8) or 32)
    end)
  )
end

-- The entry of a line: { src, path, fstype, options, dump, pass }; nil for a comment.
local function entry_of(line)
  local fields = {}
  for field in line:gmatch("%S+") do
    if field:sub(1, 1) == "#" then
      break
    end
    fields[#fields + 1] = field
  end
  if #fields < 3 then
    return nil
  end
  return {
    src = fstab.unescape(fields[1]),
    path = fstab.unescape(fields[2]),
    fstype = fields[3],
    options = fields[4] or "defaults",
    dump = math.tointeger(tonumber(fields[5])) or 0,
    pass = math.tointeger(tonumber(fields[6])) or 0,
  }
end

local function line_of(entry)
  return ("%s %s %s %s %d %d"):format(
    fstab.escape(entry.src),
    fstab.escape(entry.path),
    entry.fstype,
    entry.options,
    entry.dump or 0,
    entry.pass or 0
  )
end

-- The lines with their ends; the last may have none.
local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n?") do
    if line ~= "" then
      lines[#lines + 1] = line
    end
  end
  return lines
end

-- The last entry with this value in the field `src` or `path`: it is the one that mount(8) uses.
---@return table?
function fstab.find(text, key, value)
  local found
  for _, line in ipairs(lines_of(text)) do
    local entry = entry_of(line)
    if entry and entry[key] == value then
      found = entry
    end
  end
  return found
end

-- The text in which this is the one entry with its `src` or `path`; nil as entry takes it out.
function fstab.set(text, key, value, entry)
  local out, is_in = {}, false
  for _, line in ipairs(lines_of(text)) do
    local old = entry_of(line)
    if not (old and old[key] == value) then
      out[#out + 1] = line
    elseif entry and not is_in then
      out[#out + 1], is_in = line_of(entry) .. "\n", true
    end
  end
  if entry and not is_in then
    local last = out[#out]
    if last and last:sub(-1) ~= "\n" then
      out[#out] = last .. "\n"
    end
    out[#out + 1] = line_of(entry) .. "\n"
  end
  return table.concat(out)
end

-- Are these the same entry?
function fstab.same(a, b)
  return a ~= nil and b ~= nil and line_of(a) == line_of(b)
end

-- Adds to a plan what makes this the text of /etc/fstab. `is` holds `fstab`, the text, and `state`,
-- what mr.ops.path knows of the file; the plan's `will` gets both.
function fstab.write(plan, is, text, words)
  if text == is.fstab then
    return
  end
  local file = path.plan(is.state, { path = fstab.path, kind = "file", content = text }) or {}
  plan.changes[#plan.changes + 1] = words
  table.move(file.steps, 1, #file.steps, #plan.steps + 1, plan.steps)
  if is.has_systemd then
    -- Its units for mounts are made from fstab.
    plan.steps[#plan.steps + 1] = { run = { "systemctl", "daemon-reload" } }
  end
  plan.diff, plan.will.fstab, plan.will.state = file.diff, text, file.will
end

return fstab
