-- mr.text: what plain Lua strings lack.
local text = {}

-- Without the white space around it.
function text.trim(s)
  return (s:gsub("^%s+", ""):gsub("%s+$", ""))
end

-- The lines, without their ends; CRLF counts as one end.
---@return string[]
function text.lines(s)
  local lines = {}
  for line in (s:gsub("\r?\n$", "") .. "\n"):gmatch("(.-)\r?\n") do
    lines[#lines + 1] = line
  end
  if #lines == 1 and lines[1] == "" then
    return {}
  end
  return lines
end

-- The parts between the separators, a plain text; white space when none is given.
---@return string[]
function text.split(s, separator)
  local parts = {}
  if not separator then
    for part in s:gmatch("%S+") do
      parts[#parts + 1] = part
    end
    return parts
  end
  local from = 1
  while true do
    local first, last = s:find(separator, from, true)
    parts[#parts + 1] = s:sub(from, (first or 0) - 1)
    if not first or last < first then
      return parts
    end
    from = last + 1
  end
end

function text.starts_with(s, start)
  return s:sub(1, #start) == start
end

function text.ends_with(s, finish)
  return finish == "" or s:sub(-#finish) == finish
end

function text.contains(s, part)
  return s:find(part, 1, true) ~= nil
end

-- Every line that is not empty moved right by n spaces (2).
function text.indent(s, n)
  return (s:gsub("[^\n]+", (" "):rep(n or 2) .. "%0"))
end

-- Lines moved left by the space that they share, and no blank first line: for [[…]] texts.
function text.dedent(s)
  s = s:gsub("^[ \t]*\n", "")
  local shared
  for line in (s .. "\n"):gmatch("(.-)\n") do
    local space = line:match("^([ \t]*)%S")
    if space and (not shared or #space < #shared) then
      shared = space
    end
  end
  if not shared or shared == "" then
    return s
  end
  local lines = {}
  for line in (s .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line:sub(#shared + 1)
  end
  return table.concat(lines, "\n")
end

-- `key=value` lines as a table; other lines are left out.
function text.pairs(s)
  local found = {}
  for line in (s .. "\n"):gmatch("(.-)\r?\n") do
    local key, value = line:match("^([%w_.-]+)=(.*)$")
    if key then
      found[key] = value
    end
  end
  return found
end

return text
