-- When cron runs something: five fields, or a word such as `@daily`, as crontab(5) has them. Pure.
-- Internal.
local schedule = {}

local WORDS = {
  ["@reboot"] = true,
  ["@yearly"] = true,
  ["@annually"] = true,
  ["@monthly"] = true,
  ["@weekly"] = true,
  ["@daily"] = true,
  ["@midnight"] = true,
  ["@hourly"] = true,
}

local MONTHS =
  { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" }
local DAYS = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" }

local function numbered(list, first)
  local numbers = {}
  for i, name in ipairs(list) do
    numbers[name] = i - 1 + first
  end
  return numbers
end

---@type table<integer, any>
local FIELDS = {
  { name = "minute", from = 0, to = 59, names = {} },
  { name = "hour", from = 0, to = 23, names = {} },
  { name = "day of the month", from = 1, to = 31, names = {} },
  { name = "month", from = 1, to = 12, names = numbered(MONTHS, 1) },
  { name = "day of the week", from = 0, to = 7, names = numbered(DAYS, 0) },
}

-- The number of a value; nil when it is none of that field.
local function number_of(text, field)
  local number = #text <= 2 and text:find "^%d+$" and math.tointeger(tonumber(text))
    or field.names[text:lower()]
  return number and number >= field.from and number <= field.to and number or nil
end

local function is_item(item, field)
  local range, step = item:match "^([^/]+)/(%d+)$"
  range = range or item
  if step and (#step > 2 or tonumber(step) < 1 or range ~= "*" and not range:find "-") then
    return false
  elseif range == "*" then
    return true
  end
  local first, last = range:match "^(%w+)%-(%w+)$"
  if first then
    local from, to = number_of(first, field), number_of(last, field)
    return from ~= nil and to ~= nil and from <= to
  end
  return number_of(range, field) ~= nil
end

-- The text with single spaces, or nil and what is wrong with it.
function schedule.parse(text)
  if text:sub(1, 1) == "@" then
    if WORDS[text] then
      return text
    end
    return nil, ("there is no `%s`"):format(text)
  end
  local fields = {}
  for field in text:gmatch "%S+" do
    fields[#fields + 1] = field
  end
  if #fields ~= 5 or text:find "[^%g ]" then
    return nil, ("it has %d fields, not 5"):format(#fields)
  end
  for i, known in ipairs(FIELDS) do
    local value = fields[i]
    for item in (value .. ","):gmatch "([^,]*)," do
      if not is_item(item, known) then
        return nil, ("`%s` is not a %s"):format(value, known.name)
      end
    end
  end
  return table.concat(fields, " ")
end

return schedule
