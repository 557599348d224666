-- mr: small helpers for playbooks and stages. The native half is here already.
local mr = ...
local args = require "mr.args"
local bridge = require("mr.native").bridge

mr.text = require "mr.text"
mr.template = require "mr.template"
mr.table = require "mr.table"
mr.stage = require "mr.stage"

-- Raises an error of kind `script` with this message; `opts.hint` says what to do about it.
function mr.fail(message, opts)
  opts = args.checked("mr.fail", opts, { hint = true })
  error({ kind = "script", message = tostring(message), hint = opts.hint }, 2)
end

-- The value(s) of f(...), or nil and the err table.
function mr.try(f, ...)
  ---@type { n: integer, [integer]: any }
  local results = table.pack(xpcall(f, bridge, ...))
  if results[1] then
    return table.unpack(results, 2, results.n)
  end
  return nil, results[2]
end

-- Calls f until it does not raise: opts.tries (3), opts.delay seconds (1), opts.backoff (2).
-- Ctrl-C and wrong usage are not tried again.
function mr.retry(f, opts)
  opts = args.checked("mr.retry", opts, { tries = true, delay = true, backoff = true })
  local tries, delay, backoff = opts.tries or 3, opts.delay or 1, opts.backoff or 2
  for try = 1, tries do
    ---@type { n: integer, [integer]: any }
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
  opts = args.checked("mr.wait", opts, { timeout = true, every = true, what = true })
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
