-- mr.stage: loads and validates stages, puts them in order, and brings servers through them.
--
-- For each server: every `prepare` (local, before connecting), then stage by stage
-- check -> apply -> verify -> marks. Nothing here prints; the outcome
-- of a server carries a StageResult { status, steps = { { stage, status, duration } } }.
local args = require "mr.args"
local content = require "mr.op.content"
local native = require "mr.native"
local stage = {}

local Result = { __name = "StageResult" }

-- `cert changed, env ok`
function Result:__tostring()
  local words = {}
  for i, step in ipairs(self.steps) do
    words[i] = step.stage .. " " .. step.status
  end
  return table.concat(words, ", ")
end

local KEYS = {
  name = "string",
  summary = "string",
  needs = "table",
  marks = "list",
  options = "table",
  prepare = "function",
  check = "function",
  apply = "function",
  verify = "function",
  undo = "function",
}
local OPTION_KEYS = { type = "string", default = "any", help = "string", choices = "table" }
---@type table<string, boolean>
local OPTION_TYPES = { string = true, number = true, boolean = true, list = true, secret = true }

local names_of, usage = args.names, args.refuse

-- Does a value fit the type of an option?
local function fits(value, wanted)
  if wanted == "secret" then
    return type(value) == "string" or native.is_secret(value)
  end
  return type(value) == (wanted == "list" and "table" or wanted)
end

-- The metadata keys that a stage sets: one name, or a list of names.
local function marks_of(s)
  return type(s.marks) == "string" and { s.marks } or s.marks or {}
end

-- The value, when it is a stage; else an error that names the file and the key.
function stage.validate(s, name, file)
  local function bad(text, hint)
    usage(("%s: %s"):format(file, text), hint)
  end
  if s == true then -- what `require` makes of nothing
    bad "the file gives nothing back: it must end with `return { … }`"
  elseif type(s) ~= "table" then
    bad(("a stage file must return a table, not %s"):format(type(s)))
  end
  for key, value in pairs(s) do
    local wanted = KEYS[key]
    if not wanted then
      bad(("unknown key `%s`"):format(tostring(key)), "a stage has: " .. names_of(KEYS))
    elseif wanted == "list" and type(value) ~= "string" and type(value) ~= "table" then
      bad(("`%s` must be a string or a list, not a %s"):format(key, type(value)))
    elseif wanted ~= "list" and type(value) ~= wanted then
      bad(("`%s` must be a %s, not a %s"):format(key, wanted, type(value)))
    end
  end
  for i, mark in ipairs(marks_of(s)) do
    if type(mark) ~= "string" then
      bad(("`marks[%d]` must be a metadata key"):format(i))
    end
  end
  if s.name ~= name then
    bad(("`name` must be `%s`, as the file is called"):format(name))
  end
  if not s.apply then
    bad "`apply` is missing"
  end
  for i, need in ipairs(s.needs or {}) do
    if type(need) ~= "string" then
      bad(("`needs[%d]` must be a stage's name"):format(i))
    end
  end
  for key, option in pairs(s.options or {}) do
    if type(option) ~= "table" then
      bad(("`options.%s` must be a table"):format(tostring(key)))
    end
    for inner, value in pairs(option) do
      local wanted = OPTION_KEYS[inner]
      if not wanted then
        bad(
          ("unknown key `options.%s.%s`"):format(key, tostring(inner)),
          "an option has: " .. names_of(OPTION_KEYS)
        )
      elseif wanted ~= "any" and type(value) ~= wanted then
        bad(("`options.%s.%s` must be a %s"):format(key, inner, wanted))
      end
    end
    if not OPTION_TYPES[option.type] then
      bad(("`options.%s.type` must be one of: %s"):format(key, names_of(OPTION_TYPES)))
    elseif option.default ~= nil and not fits(option.default, option.type) then
      bad(("`options.%s.default` must be a %s"):format(key, option.type))
    end
  end
  return s
end

-- One stage, validated. Loading it has no side effects. `needed_by` is the file that names it.
function stage.load(name, needed_by)
  local module = "stages." .. name
  local file = native.locate(module)
  if not file then
    local place = needed_by and needed_by .. ": `needs`: " or ""
    usage(
      ("%sno stage `%s`"):format(place, name),
      "stages: " .. table.concat(native.list "stages", ", ")
    )
  end
  return stage.validate(require(module), name, file), file
end

-- All stages that there are, by name.
function stage.all()
  local all = {}
  for i, name in ipairs(native.list "stages") do
    all[i] = stage.load(name)
  end
  return all
end

-- The stages of `names` and what they need, each after what it needs.
function stage.sorted(names)
  local order, state, path = {}, {}, {}
  local function visit(name, needed_by)
    if state[name] == "done" then
      return
    end
    path[#path + 1] = name
    if state[name] == "open" then
      local _, file = stage.load(name)
      usage(("%s: `needs` is a circle: %s"):format(file, table.concat(path, " -> ")))
    end
    state[name] = "open"
    local s, file = stage.load(name, needed_by)
    for _, need in ipairs(s.needs or {}) do
      visit(need, file)
    end
    state[name] = "done"
    path[#path] = nil
    order[#order + 1] = s
  end
  for _, name in ipairs(names) do
    visit(name)
  end
  return order
end

-- A value as an option says; the command line gives texts.
local function converted(value, option, place)
  local is = args.from_text(value, option.type)
  if option.type == "secret" and type(is) == "string" then
    -- Who lists processes here would see it: a file is read instead.
    local file = is:match "^@(.+)$"
    is = mr.secret(file and content.of_file(file):gsub("[\r\n]+$", "") or is)
  end
  if is == nil then
    is = value
  end
  return args.value(is, option, ("`%s`"):format(place))
end

-- The effective options of one stage.
local function options_of(s, given)
  local values = {}
  for key, option in pairs(s.options or {}) do
    values[key] = option.default
  end
  for key, value in pairs(given or {}) do
    local option = (s.options or {})[key]
    local place = ("%s.%s"):format(s.name, tostring(key))
    if not option then
      local known = names_of(s.options or {})
      usage(
        ("unknown option `%s`"):format(place),
        known ~= "" and ("options of `%s`: %s"):format(s.name, known) or nil
      )
    end
    values[key] = converted(value, option, place)
  end
  return values
end

-- The work of these stages: everything is loaded and validated before any server is touched.
-- `options` is { STAGE = { key = value } }.
function stage.plan(names, options)
  if #names == 0 then
    usage "no stage is named"
  end
  local plan, known = {}, {}
  for i, s in ipairs(stage.sorted(names)) do
    known[s.name] = true
    plan[i] = { stage = s, options = options_of(s, (options or {})[s.name]) }
  end
  for name in pairs(options or {}) do
    if not known[name] then
      usage(("options are given for `%s`, which is not in this run"):format(tostring(name)))
    end
  end
  return plan
end

-- A server's own copy of the options: `prepare` may add to them.
local function copy(options)
  local own = {}
  for key, value in pairs(options) do
    own[key] = value
  end
  return own
end

-- What `apply` has come to. Operations know whether they changed anything; other verbs may have.
local function status_of(server, before)
  local now = table.pack(native.tally(server)) ---@type integer[]
  local verbs, operations, changed, unknown =
    now[1] - before[1], now[2] - before[2], now[3] - before[3], now[4] - before[4]
  if operations == 0 or verbs > 0 or changed > 0 then
    return "changed"
  end
  return unknown > 0 and "unknown" or "ok"
end

-- One stage on one server; gives its status.
local function run_step(server, s, o)
  local ops = require "mr.ops"
  -- A handler that waits since an earlier run needs `apply`, which defines it.
  local waits = ops.enter(server, "stage " .. s.name)
  local done, found = false, nil
  if s.check then
    done, found = s.check(server, o)
  end
  local status = "ok"
  if waits or not done then
    local before = table.pack(native.tally(server))
    -- `false` says that in the end nothing was different.
    local is_same = s.apply(server, o, found) == false
    ops.finish(server)
    status = is_same and "ok" or status_of(server, before)
    if s.verify and not server.check and s.verify(server, o, found) == false then
      mr.fail "the result could not be verified"
    end
  end
  for _, mark in ipairs(marks_of(s)) do
    if server.meta[mark] ~= true then
      server:meta_set(mark, true)
    end
  end
  return status
end

-- Brings one server through a plan; raises what the first failing stage raises.
function stage.run(server, plan)
  local result = setmetatable({ status = "ok", steps = {} }, Result)
  local options = {}
  for i, step in ipairs(plan) do
    options[i] = copy(step.options)
    if step.stage.prepare then -- local: nothing is connected yet
      local _, err = mr.try(step.stage.prepare, server, options[i])
      if err then
        error(native.context(err, ("stage `%s`"):format(step.stage.name)), 0)
      end
    end
  end
  for i, step in ipairs(plan) do
    local name, begun = step.stage.name, mr.now()
    server:phase(name)
    local ended = native.stage_begins(server.id, name)
    local status, err = mr.try(run_step, server, step.stage, options[i])
    ended(status, err)
    if err then
      local place = ("stage `%s`"):format(name)
      if server.check and result.status == "changed" then
        -- What an earlier stage was not allowed to do may be what is missing now.
        error(native.unpredicted(err, place .. " depends on what check mode did not do"), 0)
      end
      error(native.context(err, place), 0)
    end
    result.steps[i] = { stage = name, status = status, duration = mr.now() - begun }
    if status == "changed" or (status == "unknown" and result.status == "ok") then
      result.status = status
    end
  end
  return result
end

---@type table<string, boolean>
local OPTIONS =
  { check = true, options = true, forks = true, serial = true, max_fail = true, tolerate = true }

-- Fleet:stage(names, opts).
function stage.on_fleet(fleet, names, opts)
  names = type(names) == "string" and { names } or names
  local map = { label = "stage " .. table.concat(names, ",") }
  opts = args.checked("stage", opts, OPTIONS)
  for key, value in pairs(opts) do
    if key ~= "options" then
      map[key] = value
    end
  end
  local plan = stage.plan(names, opts.options)
  return fleet:map(function(server)
    return stage.run(server, plan)
  end, map)
end

return stage
