-- Handlers of operations: what runs once, at the end, because an operation has changed something.
--
-- That a handler waits is kept in the inventory's database from before the change until the handler
-- has ended well, so that a run which fails in between does not lose it: the next run of the same
-- script or stage runs it. A work is the table that `mr.ops` keeps for one server. Internal.
local args = require "mr.args"
local native = require "mr.native"
local handlers = {}

-- A work begins, or enters a stage: no handler is known yet.
function handlers.begin(work, scope)
  work.scope, work.order, work.handlers, work.notified = scope, {}, {}, {}
end

function handlers.define(work, name, body)
  if type(name) ~= "string" or name == "" then
    args.refuse(
      "`handler`: the name must be a string",
      'on:handler("reload nginx", function() … end)'
    )
  elseif type(body) ~= "function" then
    args.refuse(("`handler`: what `%s` does must be a function"):format(name))
  elseif work.handlers[name] then
    args.refuse(("`handler`: there is a handler `%s` already"):format(name))
  end
  work.handlers[name] = body
  work.order[#work.order + 1] = name
end

-- These shall run; kept before anything is changed. In check mode nothing is kept.
function handlers.notify(work, names)
  local new = {}
  for _, name in ipairs(names) do
    if not work.notified[name] then
      work.notified[name] = true
      new[#new + 1] = name
    end
  end
  if #new > 0 and not work.check then
    native.handlers_add(work.server, work.scope, new)
  end
end

-- Those of this scope that wait: notified now, or left by an earlier run.
local function waiting(work)
  local all, old = {}, {}
  for _, name in ipairs(native.handlers_waiting(work.server, work.scope)) do
    all[name] = true
    old[#old + 1] = name
  end
  for name in pairs(work.notified) do
    all[name] = true
  end
  return all, old
end

-- One that is named and nowhere defined: a mistake now, a warning when it is from an earlier run.
local function missing(work, old)
  for name in pairs(work.notified) do
    if not work.handlers[name] then
      local near = native.nearest(name, work.order)
      args.refuse(
        ("an operation notifies `%s`, and there is no handler of that name"):format(name),
        near and ("did you mean `%s`?"):format(near)
          or ("`on:handler(%q, function() … end)` defines it"):format(name)
      )
    end
  end
  for _, name in ipairs(old) do
    if not work.handlers[name] and not work.warned then
      local text = "the handler `%s` waits since an earlier run, and %s does not define it now"
      native.ops_warn(work.server, text:format(name, work.scope))
    end
  end
  work.warned = true
end

-- Runs those that wait, in the order in which they are defined, each at most once.
function handlers.run(work)
  local all, old = waiting(work)
  if not next(all) then
    return
  end
  missing(work, old)
  local ran, again = {}, true
  while again do
    again = false
    for _, name in ipairs(work.order) do
      -- A handler that changes something may notify others.
      if (all[name] or work.notified[name]) and not ran[name] then
        ran[name], again = true, true
        local _, err = mr.try(work.handlers[name])
        if err then
          error(native.context(err, ("handler `%s`"):format(name)), 0)
        end
        work.notified[name] = nil
        if not work.check then
          native.handlers_done(work.server, work.scope, name)
        end
      end
    end
  end
end

-- After a failure: warns of those that wait for the next run.
function handlers.left(work)
  local names = work.check and {} or native.handlers_waiting(work.server, work.scope)
  if #names > 0 and next(work.notified) then
    local text = "these handlers wait for the next run of %s: %s"
    native.ops_warn(work.server, text:format(work.scope, table.concat(names, ", ")))
  end
end

return handlers
