-- mr.table(records, opts): a text table of a list of records, for `print`.
-- opts.columns names the columns and their order; without it, all keys, sorted.
local args = require "mr.args"

local function width(s)
  return utf8.len(s) or #s
end

local function cell(value)
  if value == nil then
    return ""
  end
  if type(value) == "table" and not (getmetatable(value) or {}).__tostring then
    return (mr.inspect(value):gsub("%s*\n%s*", " "))
  end
  return (tostring(value):gsub("%s+$", ""):gsub("\r?\n", " "))
end

local function all_keys(records)
  local seen, keys = {}, {}
  for _, record in ipairs(records) do
    for key in pairs(record) do
      if not seen[key] then
        seen[key] = true
        keys[#keys + 1] = key
      end
    end
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  return keys
end

return function(records, opts)
  opts = args.checked("mr.table", opts, { columns = true })
  local columns = opts.columns or all_keys(records)
  local rows, widths = { {} }, {}
  for i, column in ipairs(columns) do
    rows[1][i] = tostring(column):upper()
    widths[i] = width(rows[1][i])
  end
  for _, record in ipairs(records) do
    local row = {}
    for i, column in ipairs(columns) do
      row[i] = cell(record[column])
      widths[i] = math.max(widths[i], width(row[i]))
    end
    rows[#rows + 1] = row
  end
  local lines = {}
  for _, row in ipairs(rows) do
    local line = {}
    for i, text in ipairs(row) do
      line[i] = text .. (" "):rep(widths[i] - width(text))
    end
    lines[#lines + 1] = (table.concat(line, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end
