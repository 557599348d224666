-- What `mroom check` does with a file that is to be loaded: files, programs and servers are put
-- out of reach, then it is loaded and what it gives is looked at. Internal: not for `require`,
-- and only for a VM that does nothing else.
local native = require "mr.native"

local function barred(name)
  error({
    kind = "usage",
    message = ("`%s` is used while the file loads"):format(name),
    hint = "loading a file only defines things: work belongs into its functions",
  }, 0)
end

local function closed(name)
  return setmetatable({}, {
    __index = function(_, key)
      barred(name .. "." .. tostring(key))
    end,
    __call = function()
      barred(name)
    end,
  })
end

for _, name in ipairs { "server", "ssh", "fleet", "io" } do
  _G[name] = closed(name)
end
for _, name in ipairs { "execute", "exit", "remove", "rename", "tmpname" } do
  os[name] = function()
    barred("os." .. name)
  end
end

local WORKFLOW =
  { name = "string", summary = "string", args = "string", run = "function", show = "function" }

local function usage(file, message, hint)
  error({ kind = "usage", message = file .. ": " .. message, hint = hint }, 0)
end

local judges = {}

function judges.stage(value, name, file, counts)
  local s = mr.stage.validate(value, name, file)
  for _, need in ipairs(s.needs or {}) do
    if not native.locate("stages." .. need) then
      local known = table.concat(native.list "stages", ", ")
      usage(file, ("`needs`: there is no stage `%s`"):format(need), "stages: " .. known)
    end
  end
  if counts then -- what it needs is loaded too
    mr.stage.sorted { name }
  end
end

function judges.workflow(value, _, file)
  if type(value) ~= "table" then
    usage(file, ("a workflow file must return a table, not %s"):format(type(value)))
  end
  for key, inner in pairs(value) do
    local wanted = WORKFLOW[key]
    if not wanted then
      usage(
        file,
        ("unknown key `%s`"):format(tostring(key)),
        "a workflow has: args, name, run, show, summary"
      )
    elseif type(inner) ~= wanted then
      usage(file, ("`%s` must be a %s, not a %s"):format(key, wanted, type(inner)))
    end
  end
  if not value.run then
    usage(file, "`run` is missing")
  end
end

function judges.operation(value, name, file, counts)
  if type(value) ~= "table" then
    usage(file, ("an operation's file must return a table, not %s"):format(type(value)))
  end
  -- What others of the folder share has no plan.
  if counts and (value.plan or value.look or value.name == name) then
    require("mr.ops").load(name)
  end
end

return function(kind, chunk, name, file, counts)
  local value
  do
    local loading <close> = native.loading(file)
    value = chunk()
  end
  judges[kind](value, name, file, counts)
end
