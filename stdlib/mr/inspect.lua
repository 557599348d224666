-- mr.inspect(value): Lua-like text of any value, for people.
local function key_order(a, b)
  if type(a) == "number" and type(b) == "number" then
    return a < b
  end
  return tostring(a) < tostring(b)
end

local function quoted(s)
  return (("%q"):format(s):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t"))
end

local inspect

local function of_table(t, seen, indent)
  local meta = getmetatable(t)
  if type(meta) == "table" and meta.__tostring then
    return tostring(t)
  end
  if seen[t] then
    return "<seen above>"
  end
  seen[t] = true
  local parts, total = {}, 0
  local inner = indent .. "  "
  for i, value in ipairs(t) do
    parts[i] = inspect(value, seen, inner)
  end
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= #parts) then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, key_order)
  for _, key in ipairs(keys) do
    local name = key
    if type(key) ~= "string" or not key:match "^[%a_][%w_]*$" then
      name = ("[%s]"):format(inspect(key, seen, inner))
    end
    parts[#parts + 1] = ("%s = %s"):format(name, inspect(t[key], seen, inner))
  end
  seen[t] = nil
  for _, part in ipairs(parts) do
    total = total + #part + 2
  end
  if total == 0 then
    return "{}"
  end
  if total + #indent <= 76 and not table.concat(parts):find "\n" then
    return ("{ %s }"):format(table.concat(parts, ", "))
  end
  return ("{\n%s%s,\n%s}"):format(inner, table.concat(parts, ",\n" .. inner), indent)
end

function inspect(value, seen, indent)
  if type(value) == "string" then
    return quoted(value)
  end
  if type(value) == "table" then
    return of_table(value, seen, indent)
  end
  return tostring(value)
end

return function(value)
  return inspect(value, {}, "")
end
