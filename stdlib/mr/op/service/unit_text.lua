-- Unit files of systemd: sections as text, names, and what a text says of its unit. Pure. Internal.
-- Format: systemd.syntax(7); names: systemd.unit(5).
local args = require("mr.args")
local unit_text = {}

local KINDS = "service socket timer target path mount automount swap slice"

-- The kind of unit, from a full name; nil for what is no name of a unit.
function unit_text.kind(name)
  local kind = name:match("^[%w_][%w:_.@\\-]*%.(%l+)$")
  if kind and #name <= 255 and (" " .. KINDS .. " "):find(" " .. kind .. " ", 1, true) then
    return kind
  end
end

-- A text as a part of a unit's name, as `systemd-escape` does it; a path as `systemd-escape --path`.
function unit_text.escape(text)
  if text:sub(1, 1) == "/" then
    text = text:gsub("//+", "/"):gsub("^/", ""):gsub("/$", "")
    if text == "" then
      return "-"
    end
  end
  return (
    text:gsub("^%.", "\0"):gsub("[^%w:_.]", function(c)
      return c == "/" and "-" or ("\\x%02x"):format(c == "\0" and 46 or c:byte())
    end)
  )
end

-- Refuses what is no unit's name; the hint has a name that would do.
function unit_text.check(name)
  if unit_text.kind(name) then
    return
  end
  local hint = "kinds: " .. KINDS
  if name:find("[/ ]") then
    local stem, kind = name:match("^(.-)%.(%l+)$")
    hint = ("`%s.%s` names it"):format(unit_text.escape(stem or name), kind or "service")
  elseif not name:find("%.") then
    hint = ("its kind is missing: `%s.service`"):format(name)
  end
  args.refuse(("`systemd_unit`: `%s` is no name of a unit"):format(name:sub(1, 80)), hint)
end

-- Unit first, Install last, the others by name between them.
local function order(a, b)
  local function rank(name)
    return name == "Unit" and 0 or name == "Install" and 2 or 1
  end
  if rank(a) ~= rank(b) then
    return rank(a) < rank(b)
  end
  return a < b
end

local function line(section, key, value)
  local place = ("`systemd_unit`: `sections.%s.%s`"):format(section, tostring(key))
  if type(key) ~= "string" or not key:find("^%u%w*$") then
    args.refuse(place .. " is no setting's name")
  elseif type(value) == "boolean" then
    value = value and "yes" or "no"
  elseif math.type(value) == "float" and math.tointeger(value) then
    value = math.tointeger(value)
  elseif type(value) ~= "string" and type(value) ~= "number" then
    args.refuse(("%s must be a text, a number, true, false, or a list of them"):format(place))
  end
  value = tostring(value)
  if value:find("[%z\r\n]") then
    args.refuse(place .. " must be one line")
  end
  return ("%s=%s"):format(key, value)
end

-- { Service = { ExecStart = "/usr/bin/app", Environment = { "A=1", "B=2" } } } as text; the settings
-- of a section by name, a list as one line an item.
function unit_text.of(sections)
  local names = {}
  for name, settings in pairs(sections) do
    if type(name) ~= "string" or not name:find("^[%u][%w-]*$") or type(settings) ~= "table" then
      args.refuse(
        ("`systemd_unit`: `sections.%s` is no section with settings"):format(tostring(name)),
        '`sections = { Service = { ExecStart = "/usr/bin/app" } }`'
      )
    end
    names[#names + 1] = name
  end
  table.sort(names, order)
  local blocks = {}
  for i, name in ipairs(names) do
    local lines = { ("[%s]"):format(name) }
    for _, key in ipairs(args.keys(sections[name])) do
      local value = sections[name][key]
      if value == nil then
        args.refuse(("`systemd_unit`: `sections.%s` must have names, no list"):format(name))
      end
      for _, one in ipairs(type(value) == "table" and value or { value }) do
        lines[#lines + 1] = line(name, key, one)
      end
    end
    blocks[i] = table.concat(lines, "\n") .. "\n"
  end
  return table.concat(blocks, "\n")
end

-- What a unit of that text can do, before systemd has read it: { ends, installs }.
function unit_text.traits(text)
  local lines = "\n" .. text
  return {
    ends = lines:find("\n%s*Type%s*=%s*oneshot") ~= nil
      and lines:find("\n%s*RemainAfterExit%s*=%s*[yt1]") == nil,
    installs = lines:find("\n%s*%[Install%]") ~= nil,
  }
end

return unit_text
