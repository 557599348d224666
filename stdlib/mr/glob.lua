-- mr.glob: file patterns as people write them for rsync and git. Pure.
--
-- `*` and `?` stay within one name, `[a-z]` and `[!a-z]` are one character of it, `**` stands for any
-- number of folders. A pattern without a `/` (but at its end) fits that name at any depth; with one it
-- is a path from the root. A `/` at the end fits folders only.
local text = require "mr.text"
local glob = {}

-- One name's pattern as a Lua pattern.
local function of_name(name)
  local out = { "^" }
  local at = 1 ---@type any
  while at <= #name do
    local char = name:sub(at, at)
    local class, behind = name:match("^%[(!?%]?[^%]]*)%]()", at)
    if char == "*" then
      out[#out + 1] = ".*"
    elseif char == "?" then
      out[#out + 1] = "."
    elseif class and class ~= "" and class ~= "!" then
      local negated = class:sub(1, 1) == "!"
      class = (negated and class:sub(2) or class):gsub("[%%%]^]", "%%%0")
      out[#out + 1] = "[" .. (negated and "^" or "") .. class .. "]"
      at = behind - 1
    else
      out[#out + 1] = char:gsub("%W", "%%%0")
    end
    at = at + 1
  end
  out[#out + 1] = "$"
  return table.concat(out)
end

-- Do the names from `n` on fit the parts from `p` on?
local function fits(parts, p, names, n)
  while parts[p] do
    if parts[p] == "**" then
      for from = n, #names + 1 do
        if fits(parts, p + 1, names, from) then
          return true
        end
      end
      return false
    elseif not names[n] or not names[n]:find(parts[p]) then
      return false
    end
    p, n = p + 1, n + 1
  end
  return names[n] == nil
end

-- A pattern that was taken apart.
local function compiled(pattern)
  local folders = pattern:sub(-1) == "/"
  local plain = pattern:gsub("/+$", "")
  local rooted = plain:find("/", 1, true) ~= nil
  local parts = rooted and {} or { "**" }
  for part in plain:gmatch "[^/]+" do
    parts[#parts + 1] = part == "**" and part or of_name(part)
  end
  return { parts = parts, folders = folders, is_empty = plain == "" }
end

-- A function that tells whether a relative path, of a folder or not, fits one of the patterns.
function glob.matcher(patterns)
  local all = {}
  for i, pattern in ipairs(patterns) do
    all[i] = compiled(pattern)
  end
  return function(path, is_folder)
    local names = text.split(path, "/")
    for _, one in ipairs(all) do
      if (is_folder or not one.folders) and not one.is_empty and fits(one.parts, 1, names, 1) then
        return true
      end
    end
    return false
  end
end

return glob
