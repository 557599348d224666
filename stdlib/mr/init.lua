-- mr: small helpers for playbooks and stages. The native half is here already.
local mr = ...
local bridge = require("mr.native").bridge

mr.text = require "mr.text"
mr.template = require "mr.template"
mr.table = require "mr.table"
mr.stage = require "mr.stage"

-- Raises an error of kind `script` with this message; `opts.hint` says what to do about it.
function mr.fail(message, opts)
  error({ kind = "script", message = tostring(message), hint = opts and opts.hint }, 2)
end

-- The value(s) of f(...), or nil and the err table.
function mr.try(f, ...)
  local results = table.pack(xpcall(f, bridge, ...))
  if results[1] then
    return table.unpack(results, 2, results.n)
  end
  return nil, results[2]
end

local function checked(call, opts, allowed)
  opts = opts or {}
  if type(opts) ~= "table" then
    error({ kind = "usage", message = ("`%s`: options must be a table"):format(call) }, 3)
  end
  for key in pairs(opts) do
    if not allowed[key] then
      local names = {}
      for name in pairs(allowed) do
        names[#names + 1] = name
      end
      table.sort(names)
      error({
        kind = "usage",
        message = ("`%s`: unknown option `%s`"):format(call, tostring(key)),
        hint = ("options of `%s`: %s"):format(call, table.concat(names, ", ")),
      }, 3)
    end
  end
  return opts
end

-- Calls f until it does not raise: opts.tries (3), opts.delay seconds (1), opts.backoff (2).
-- Ctrl-C and wrong usage are not tried again.
function mr.retry(f, opts)
  opts = checked("mr.retry", opts, { tries = true, delay = true, backoff = true })
  local tries, delay, backoff = opts.tries or 3, opts.delay or 1, opts.backoff or 2
  for try = 1, tries do
    local results = table.pack(xpcall(f, bridge, try))
    if results[1] then
      return table.unpack(results, 2, results.n)
    end
    local err = results[2]
    if try >= tries or err.kind == "cancelled" or err.kind == "usage" then
      error(err, 0)
    end
    mr.debug(("try %d of %d: %s"):format(try, tries, tostring(err)))
    mr.sleep(delay)
    delay = delay * backoff
  end
end

-- Calls f every opts.every seconds (1) until it gives something true, and gives that; raises
-- a `timeout` error after opts.timeout seconds (60). opts.what names it in the message.
function mr.wait(f, opts)
  opts = checked("mr.wait", opts, { timeout = true, every = true, what = true })
  local timeout, every = opts.timeout or 60, opts.every or 1
  local deadline = mr.now() + timeout
  while true do
    local value = f()
    if value then
      return value
    end
    if mr.now() + every > deadline then
      local what = opts.what or "what was waited for"
      error(
        { kind = "timeout", message = ("%s did not come within %s s"):format(what, timeout) },
        2
      )
    end
    mr.sleep(every)
  end
end
