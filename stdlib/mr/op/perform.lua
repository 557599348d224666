-- One operation on one server: decode, look, plan, ask, do, look again. Internal.
--
-- The operation itself is plain data and pure functions (see mr.ops); only here does it meet a
-- server. In check mode nothing is done, and what would be there afterwards is remembered, so that
-- a later operation on the same thing is predicted from that.
local args = require "mr.args"
local handlers = require "mr.op.handlers"
local native = require "mr.native"
local path = require "mr.ops.path"
local steps = require "mr.op.steps"
local perform = {}

-- What every operation takes besides its own options.
perform.common = {
  notify = { type = "list", help = "handlers that run at the end when something has changed" },
  sudo = { type = "any", help = "as root, or as that user" },
}

-- Runs before every look: its words must not be in the language of the login.
local PREAMBLE = "LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\nexport LC_ALL PATH\n"

-- Calls f; the place in the user's own file stands before what it raises.
function perform.placed(f, ...)
  local results = table.pack(mr.try(f, ...))
  if results.n == 2 and results[1] == nil and results[2] then
    local place = native.place()
    error(place and native.context(results[2], place) or results[2], 0)
  end
  return table.unpack(results, 1, results.n)
end

-- Refuses a `sudo` that is none.
function perform.user(call, sudo)
  if sudo ~= nil and type(sudo) ~= "boolean" and (type(sudo) ~= "string" or sudo == "") then
    args.refuse(("`%s`: `sudo` must be true, false or a user's name"):format(call))
  end
end

local function usage_of(op)
  local words = {}
  for i, take in ipairs(op.takes) do
    words[i] = take[1]
  end
  words[#words + 1] = "opts?"
  return ("`on:%s(%s)`"):format(op.name, table.concat(words, ", "))
end

-- The options of a call, decoded, and what is common to all operations.
function perform.decode(op, packed)
  local count = #op.takes
  if packed.n > count + 1 then
    args.refuse(("`%s`: too many arguments"):format(op.name), usage_of(op))
  end
  local options = {}
  for _, more in ipairs { op.options or {}, perform.common } do
    for key, option in pairs(more) do
      options[key] = option
    end
  end
  local o = args.decode(op.name, options, packed[count + 1])
  for i, take in ipairs(op.takes) do
    local name, value = take[1], packed[i]
    if value == nil then
      args.refuse(("`%s`: `%s` is missing"):format(op.name, name), usage_of(op))
    end
    o[name] = args.value(value, take, ("`%s`: `%s`"):format(op.name, name))
  end
  local common = { notify = o.notify or {}, sudo = o.sudo }
  o.notify, o.sudo = nil, nil
  for _, name in ipairs(common.notify) do
    if type(name) ~= "string" then
      args.refuse(("`%s`: `notify` must be a handler's name, or a list of names"):format(op.name))
    end
  end
  perform.user(op.name, common.sudo)
  if op.valid then
    op.valid(o)
  end
  return o, common
end

-- What the operation works on, for people.
function perform.target(op, o)
  if op.target then
    return op.target(o)
  end
  local first = op.takes[1] and o[op.takes[1][1]]
  return type(first) == "table" and table.concat(first, " ") or tostring(first or op.name)
end

-- The name under which check mode remembers the thing.
function perform.key(op, o)
  return op.key and op.key(o) or op.name .. ":" .. perform.target(op, o)
end

-- The look of a call, as `mr.op.steps` takes it.
local function look_of(op, o, facts)
  local asked = op.look(o, facts)
  return {
    title = ("look: %s %s"):format(op.name, perform.target(op, o)),
    shown = ("the look of `%s`"):format(op.name),
    command = PREAMBLE .. steps.script(asked.script, asked.args),
    timeout = asked.timeout or 60,
    stdin = asked.stdin,
  }
end

-- Status and plan: `ok` without a plan, else `changed` or `unknown`. What check mode cannot know is
-- done otherwise, when the plan has steps.
function perform.predict(op, o, is, facts, memory, check)
  local plan = op.plan(is, o, facts, memory)
  if not plan then
    return "ok"
  elseif not plan.unknown or (plan.steps and not check) then
    return "changed", plan
  elseif not check then
    mr.fail(plan.unknown)
  end
  return "unknown", plan
end

-- Check mode remembers what would be there.
local function remember(memory, key, plan)
  memory[key] = plan.will
  for set, names in pairs(plan.makes or {}) do
    for _, name in ipairs(names) do
      if set == "dirs" then
        local place = path.key(name)
        memory[place] = memory[place] or { kind = "dir", mode = "0755" }
      else
        memory[set][name] = true
      end
    end
  end
end

-- Is it only an attribute of what was made that is left, because the file system gave it another?
-- Where a folder has a default ACL, a new file has its mode from that.
local function is_attribute(plan, left)
  local step = plan.makes_file and left.steps and #left.steps == 1 and left.steps[1]
  return step and step.run and step.run[1] == "chmod"
end

-- Does what the plan says, and looks whether that was enough.
local function take(on, op, o, facts, plan, user)
  local look = op.verify ~= false and look_of(op, o, facts) or nil
  local function round(list)
    local more, answer = steps.take(on:as_user(user), list or {}, user, look)
    -- What only the doing tells is said with the changes.
    table.move(more, 1, #more, #plan.changes + 1, plan.changes)
    return look and op.plan(op.read(answer, o, facts), o, facts, on.memory, true)
  end
  local left = round(plan.steps)
  if left and is_attribute(plan, left) then
    left = round(left.steps)
  end
  if left then
    mr.fail(("still differs: %s"):format(left.unknown or table.concat(left.changes or {}, ", ")))
  end
end

-- The question of `--step`.
local function question(on, told, plan)
  local words = table.concat(plan.changes or {}, ", ")
  return ("%s: %s `%s`: %s?"):format(on.work.id, told.op, told.target, words)
end

local function work(on, op, o, common, told)
  local s, check, memory = on.server, on.work.check, on.memory
  local user = common.sudo
  if user == nil then
    user = on.sudo
  end
  local facts = op.facts and s:facts() or nil
  local key = perform.key(op, o)
  local is = check and memory[key] or nil
  if is == nil then
    is = op.read(steps.look(s, look_of(op, o, facts), user), o, facts)
  end
  local status, plan = perform.predict(op, o, is, facts, memory, check)
  if not plan then
    return status
  end
  told.changes, told.diff = plan.changes or {}, plan.diff
  told.error = status == "unknown" and plan.unknown or nil
  if status == "unknown" then
    return status
  elseif check then
    remember(memory, key, plan)
    handlers.notify(on.work, common.notify)
  elseif not native.step(s, question(on, told, plan)) then
    return "skipped"
  else
    handlers.notify(on.work, common.notify)
    take(on, op, o, facts, plan, user)
  end
  return status
end

-- What the operation would do now, without doing it: its plan, nil when there is nothing to do, and
-- what is there. For stages, which have to know that before they arm what undoes a change.
function perform.foresee(on, op, ...)
  local o = perform.decode(op, table.pack(...))
  local facts = op.facts and on.server:facts() or nil
  local is = on.work.check and on.memory[perform.key(op, o)] or nil
  if is == nil then
    is = op.read(steps.look(on.server, look_of(op, o, facts), on.sudo), o, facts)
  end
  return op.plan(is, o, facts, on.memory), is
end

local Result = { __name = "OpResult" }

function Result:__tostring()
  return ("%s %s: %s"):format(self.op, self.target, self.status)
end

-- Looking at `changed` of what nobody can know makes the server's outcome unknown.
local function result_of(s, told)
  local result =
    { op = told.op, target = told.target, status = told.status, changes = told.changes }
  if told.status ~= "unknown" then
    result.changed = told.status == "changed"
    return setmetatable(result, Result)
  end
  local text = ("check mode cannot tell `changed` of %s `%s`"):format(told.op, told.target)
  return setmetatable(result, {
    __name = "OpResult",
    __tostring = Result.__tostring,
    __index = function(_, key)
      if key == "changed" then
        error(native.cannot_tell(s, text), 0)
      end
    end,
  })
end

-- Kinds of errors that tell of the state of a server, not of the way to it.
local DEPENDS = { exit = true, script = true, transfer = true, usage = true }

-- Brings what the call says into its state; gives { op, target, status, changed, changes }.
function perform.run(on, op, packed)
  local o, common = perform.placed(perform.decode, op, packed)
  local told = { op = op.name, target = perform.target(op, o), changes = {} }
  local begun = mr.now()
  local status, err = mr.try(work, on, op, o, common, told)
  if err and on.work.check and DEPENDS[err.kind] and native.would_change(on.server) then
    -- What was not done before may be what is missing now.
    status, told.error, err = "unknown", err.message, nil
  end
  told.status = err and "failed" or status
  told.duration = mr.now() - begun
  told.error = err and err.message or told.error
  native.op_done(on.server, told)
  if err then
    error(native.context(err, ("%s `%s`"):format(op.name, told.target)), 0)
  end
  return result_of(on.server, told)
end

return perform
