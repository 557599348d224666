-- mr.args: strict decoding of what people hand over, for stages' options and for operations.
--
-- An option is declared as { type =, default =, choices =, help =, required = }. An unknown key or a
-- wrong type is a usage error that names the call, the key and the keys that are allowed. Pure.
local native = require "mr.native"
local args = {}

-- Raises a usage error.
function args.refuse(message, hint)
  error({ kind = "usage", message = message, hint = hint }, 0)
end

-- The keys of a table, sorted.
function args.keys(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

-- "key, key" of a table, for hints.
function args.names(set)
  return table.concat(args.keys(set), ", ")
end

-- A text in a message: its beginning.
local function brief(text)
  return #text > 80 and text:sub(1, 80) .. "…" or text
end

-- The value's type with its article, for messages.
local function a(value)
  local kind = math.type(value) == "integer" and "whole number" or type(value)
  return kind == "nil" and kind or "a " .. kind
end

-- Each type: the value when it is of that type, or nil and what it must be.
---@type table<string, fun(value: any): any, string?>
local TYPES = {}

function TYPES.any(value)
  return value
end

function TYPES.string(value)
  return type(value) == "string" and value or nil, "a string"
end

function TYPES.number(value)
  return type(value) == "number" and value or nil, "a number"
end

function TYPES.integer(value)
  return type(value) == "number" and math.tointeger(value) or nil, "a whole number"
end

function TYPES.boolean(value)
  if type(value) == "boolean" then
    return value
  end
  return nil, "true or false"
end

-- A sequence; one string or number stands for a list of it.
function TYPES.list(value)
  if type(value) == "string" or type(value) == "number" then
    return { value }
  end
  local count = 0
  for _ in pairs(type(value) == "table" and value or {}) do
    count = count + 1
  end
  return type(value) == "table" and count == #value and value or nil, "a list"
end

function TYPES.table(value)
  return type(value) == "table" and value or nil, "a table"
end

function TYPES.path(value)
  local wanted = "an absolute path"
  if type(value) ~= "string" or value:sub(1, 1) ~= "/" then
    return nil, wanted
  elseif value:find "[%z\n]" then
    return nil, wanted .. " without a line break or NUL"
  elseif (value .. "/"):find("/../", 1, true) then
    return nil, wanted .. " without `..`"
  end
  -- One name for one place: check mode remembers by it.
  value = value:gsub("/%.%f[/\0]", ""):gsub("//+", "/"):gsub("(.)/$", "%1")
  return value == "" and "/" or value
end

function TYPES.mode(value)
  local digits = type(value) == "string" and value:match "^0?([0-7]?[0-7][0-7][0-7])$" or nil
  return digits and ("0"):rep(4 - #digits) .. digits, 'an octal text such as "0644"'
end

-- A user's or a group's name or id.
function TYPES.owner(value)
  local is_id = math.type(value) == "integer" and value >= 0
  local is_name = type(value) == "string" and value:find "^[%w_][%w_.@\\-]*%$?$"
  return (is_id or is_name) and value or nil, "a name or an id"
end

function TYPES.secret(value)
  return (type(value) == "string" or native.is_secret(value)) and value or nil,
    "a secret or a string"
end

-- The value as one of that option; `place` names it in messages: "`dir`: `mode`".
function args.value(value, option, place)
  local is, wanted = TYPES[option.type](value)
  if is == nil then
    local got = a(value)
    if type(value) == "string" and option.type ~= "secret" then
      got = ("`%s`"):format(brief(value))
    end
    args.refuse(("%s must be %s, not %s"):format(place, wanted, got))
  end
  for _, choice in ipairs(option.choices or {}) do
    if choice == is then
      return is
    end
  end
  if option.choices then
    local choices = {}
    for i, choice in ipairs(option.choices) do
      choices[i] = tostring(choice)
    end
    args.refuse(("%s must be one of: %s"):format(place, table.concat(choices, ", ")))
  end
  return is
end

local BOOLEANS =
  { ["true"] = true, yes = true, ["1"] = true, ["false"] = false, no = false, ["0"] = false }

-- A text, as the command line gives it, as a value of that type; what is no text stays as it is.
function args.from_text(value, kind)
  if type(value) ~= "string" then
    return value
  elseif kind == "number" then
    return tonumber(value)
  elseif kind == "integer" then
    return math.tointeger(tonumber(value))
  elseif kind == "boolean" then
    return BOOLEANS[value:lower()]
  elseif kind == "list" then
    return require("mr.text").split((value:gsub(",", " ")))
  end
  return value
end

-- Refuses a key that is not among `options`.
function args.known(key, options, call)
  if options[key] then
    return
  end
  local near = type(key) == "string" and native.nearest(key, args.keys(options))
  local hint = ("options of `%s`: %s"):format(call, args.names(options))
  args.refuse(
    ("`%s`: unknown option `%s`"):format(call, brief(tostring(key))),
    near and ("did you mean `%s`? %s"):format(near, hint) or hint
  )
end

-- The options of a call that looks at their values itself: a table, and no key but `allowed` ones.
function args.checked(call, given, allowed)
  if given ~= nil and type(given) ~= "table" then
    args.refuse(("`%s`: options must be a table, not %s"):format(call, a(given)))
  end
  for key in pairs(given or {}) do
    args.known(key, allowed, call)
  end
  return given or {}
end

-- A table of options, decoded: defaults filled in.
function args.decode(call, options, given)
  given = args.checked(call, given, options)
  local values = {}
  for key, option in pairs(options) do
    values[key] = option.default
  end
  for key, value in pairs(given) do
    values[key] = args.value(value, options[key], ("`%s`: `%s`"):format(call, key))
  end
  for key, option in pairs(options) do
    if option.required and values[key] == nil then
      args.refuse(("`%s`: `%s` is missing"):format(call, key))
    end
  end
  return values
end

-- The types that there are, for what declares options.
function args.is_type(name)
  return TYPES[name] ~= nil
end

return args
