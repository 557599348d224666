-- mr.ops: operations. Each brings one thing on a server (a file, a package, a service) into a state,
-- changes only what differs, and says what that was.
--
-- `s:ops()` gives the operations bound to a server: `on:dir("/srv/app", { mode = "0750" })`. An
-- operation is a file, mr/ops/NAME.lua or the user's own ops/NAME.lua, that returns plain functions
-- without any server in them; `mr.op.perform` brings them together with a server. Here is what is
-- bound to a server: handlers, and what check mode remembers.
local args = require "mr.args"
local handlers = require "mr.op.handlers"
local native = require "mr.native"
local perform = require "mr.op.perform"
local ops = {}

-- What an operation must or may have, and its type.
local KEYS = {
  name = "string",
  summary = "string",
  takes = "table",
  options = "table",
  facts = "boolean",
  like = "table",
  platforms = "string",
  diff = "boolean",
  valid = "function",
  target = "function",
  key = "function",
  look = "function",
  read = "function",
  plan = "function",
  verify = "boolean",
}
local NEEDED = { "name", "takes", "look", "read", "plan" }
---@type table<string, boolean>
local OPTION_KEYS = { type = true, default = true, choices = true, help = true, required = true }

-- Raises a usage error: for what an operation finds wrong in its options or on the server.
ops.refuse = args.refuse

-- Both plans as one: their changes and steps one after the other; either may be nil. `diff`, `will`
-- and the rest are the first one's where it has them.
function ops.join(first, second)
  if not (first and second) then
    return first or second
  end
  local both = {}
  for _, plan in ipairs { second, first } do
    for key, value in pairs(plan) do
      both[key] = value
    end
  end
  for _, key in ipairs { "changes", "steps" } do
    both[key] = table.move(first[key] or {}, 1, #(first[key] or {}), 1, {})
    table.move(second[key] or {}, 1, #(second[key] or {}), #both[key] + 1, both[key])
  end
  return both
end

-- Refuses what is not an operation; every message names the file and the key.
local function validate(op, name, file)
  local function bad(text, hint)
    args.refuse(("%s: %s"):format(file, text), hint)
  end
  if type(op) ~= "table" then
    bad(("an operation's file must return a table, not %s"):format(type(op)))
  end
  for key, value in pairs(op) do
    if not KEYS[key] then
      bad(("unknown key `%s`"):format(tostring(key)), "an operation has: " .. args.names(KEYS))
    elseif type(value) ~= KEYS[key] then
      bad(("`%s` must be a %s, not a %s"):format(key, KEYS[key], type(value)))
    end
  end
  for _, key in ipairs(NEEDED) do
    if op[key] == nil then
      bad(("`%s` is missing"):format(key))
    end
  end
  if op.name ~= name then
    bad(("`name` must be `%s`, as the file is called"):format(name))
  end
  local function option(place, declared)
    if type(declared) ~= "table" or not args.is_type(declared.type) then
      bad(("`%s` must be a table with a `type`"):format(place))
    end
    for key in pairs(declared) do
      if not OPTION_KEYS[key] and key ~= 1 then
        bad(("unknown key `%s.%s`"):format(place, tostring(key)))
      end
    end
  end
  for i, take in ipairs(op.takes) do
    option(("takes[%d]"):format(i), take)
  end
  for key, declared in pairs(op.options or {}) do
    option("options." .. tostring(key), declared)
  end
  return op
end

-- The names of all operations that there are. Other modules of the folder return no operation.
function ops.names()
  local names = {}
  for _, name in ipairs(native.list "ops") do
    local is = require("ops." .. name)
    if type(is) == "table" and is.name == name then
      names[#names + 1] = name
    end
  end
  return names
end

local loaded = setmetatable({}, { __mode = "k" })

-- One operation, validated: the project's or the user's own, else the one that ships.
function ops.load(name)
  local module = "ops." .. tostring(name)
  local is_name = type(name) == "string" and name:match "^[%w_]+$"
  local file = is_name and native.locate(module)
  if not file then
    local names = ops.names()
    local near = is_name and native.nearest(name, names)
    local hint = "operations: " .. table.concat(names, ", ")
    args.refuse(
      ("no operation `%s`"):format(tostring(name)),
      near and ("did you mean `%s`? %s"):format(near, hint) or hint
    )
  end
  local op = require(module)
  if not (type(op) == "table" and loaded[op]) then
    loaded[validate(op, name, file)] = true
  end
  return op
end

-- What belongs to a handle during one piece of work; the scope that its stage gave it; what check
-- mode remembers of a server in this run; and the works that nothing has ended yet.
local works, scopes = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
local memories, open = {}, {}

local function work_of(s)
  local work = works[s]
  if not work then
    local id, place, check = native.ops_begin(s)
    local memory = mr.check and place and memories[place]
    memory = memory or { packages = {}, units = {}, users = {}, groups = {} }
    if mr.check and place then
      memories[place] = memory
    end
    work = { server = s, id = id, check = check, memory = memory }
    handlers.begin(work, scopes[s] or native.scope())
    works[s], open[s] = work, work
  end
  return work
end

-- A stage begins on a server: its handlers are its own. Gives true when one of them waits since an
-- earlier run.
function ops.enter(s, scope)
  scopes[s] = scope
  if works[s] then
    handlers.begin(works[s], scope)
  end
  return #native.handlers_waiting(s, scope) > 0
end

-- Work on a server has come to a good end: its handlers run.
function ops.finish(s)
  if works[s] then
    handlers.run(works[s])
    open[s] = nil
  end
end

-- Work on a server has failed; says which handlers wait for the next run.
function ops.left(s)
  open[s] = nil
  return works[s] and handlers.left(works[s])
end

-- The script has ended, well or not: what no map function has ended ends here.
function ops.over(is_well)
  local rest = {}
  for _, work in pairs(open) do
    rest[#rest + 1] = work
  end
  table.sort(rest, function(a, b)
    return a.id < b.id
  end)
  open, memories = {}, {}
  for _, work in ipairs(rest) do
    if is_well then
      handlers.run(work)
    else
      handlers.left(work)
    end
  end
end

native.ops_hooks(ops)

local On = { __name = "Ops" }
---@type table<string, function?>
local methods = {}

-- What is to be done once, at the end, when an operation with `notify = name` has changed something.
function methods.handler(on, name, body)
  handlers.define(on.work, name, body)
end

-- Runs the handlers that wait now, not at the end.
function methods.flush(on)
  handlers.run(on.work)
end

-- The same with another user: what a step of an operation gets.
function methods.as_user(on, user)
  local own = { server = on.server, work = on.work, memory = on.memory, as = { user } }
  return setmetatable(own, On)
end

function On.__index(on, name)
  if name == "sudo" then
    return rawget(on, "as")[1]
  elseif methods[name] then
    return methods[name]
  end
  local op = perform.placed(ops.load, name)
  return function(self, ...)
    if type(self) ~= "table" or getmetatable(self) ~= On then
      perform.placed(
        args.refuse,
        ("`%s`: the value before the verb is missing"):format(name),
        ("operations are called with a colon: `on:%s(…)`"):format(name)
      )
    end
    -- At a prompt a handle outlives the line that it came from.
    open[self.server] = self.work
    return perform.run(self, op, table.pack(...))
  end
end

function On:__tostring()
  return ("Ops(%s)"):format(self.work.id)
end

local OPTIONS = { sudo = { type = "any" } }

-- Server:ops(opts) and Ssh:ops(opts).
function ops.of(s, opts)
  local given = perform.placed(args.decode, "ops", OPTIONS, opts)
  perform.placed(perform.user, "ops", given.sudo)
  local work = work_of(s)
  return setmetatable({ server = s, work = work, memory = work.memory, as = { given.sudo } }, On)
end

return ops
