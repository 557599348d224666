-- The steps of an operation's plan: as text for people and tests, and done on a server. Internal.
--
-- A step is one of { run = argv or text }, { script = text, args = }, { write = path, content = },
-- { upload = local path, to =, size = }, { remove = path, tree = }, { call = function }; `says` are its words.
local batches = require "mr.op.batch"
local native = require "mr.native"
local steps = {}

-- What a step does, in words.
function steps.tell(step)
  if step.says then
    return step.says
  elseif step.run then
    return type(step.run) == "table" and mr.quote(step.run) or step.run
  elseif step.write then
    return "write " .. step.write .. (step.mode and " " .. step.mode or "")
  elseif step.upload then
    return ("upload %s -> %s"):format(step.upload, step.to)
  elseif step.remove then
    return "remove " .. step.remove
  elseif step.script then
    return "script"
  end
  return "does something"
end

local function exec(s, step, command, user)
  native.op_exec(s, {
    command = command,
    effect = "write",
    shown = steps.tell(step),
    stdin = step.stdin,
    env = step.env,
    cwd = step.cwd,
    timeout = step.timeout,
    codes = step.codes,
    sudo = user,
  })
end

-- A script with its arguments, as text for `sh`.
function steps.script(text, list)
  local words = {}
  for i, word in ipairs(list or {}) do
    words[i] = mr.quote(word)
  end
  return #words == 0 and text or ("set -- %s\n%s"):format(table.concat(words, " "), text)
end

-- Looks at a server: { command, title, shown, timeout, stdin }. Gives what it said.
function steps.look(s, look, user)
  return native.op_exec(s, {
    command = batches.titled(look.title) .. look.command,
    effect = "read",
    shown = look.shown,
    timeout = look.timeout,
    stdin = look.stdin,
    sudo = user,
  })
end

-- Does a step that goes alone; may give further words about what has changed.
local function alone(on, step, user)
  local s = on.server
  if step.run then
    exec(s, step, step.run, user)
  elseif step.script then
    exec(s, step, batches.titled(steps.tell(step)) .. steps.script(step.script, step.args), user)
  elseif step.upload then
    s:upload(step.upload, step.to, { mode = step.mode, sudo = user })
  elseif step.call then
    return step.call(on, s)
  end
end

-- Does all steps of a plan on a server, one after the other, and then looks, when that is wanted.
-- Gives further words about what has changed, and what the look said.
function steps.take(on, list, user, look)
  local s, more, batch = on.server, {}, nil ---@type any
  local function flush(last)
    local full = batch
    batch = nil
    return full and batches.send(full, s, user, last)
  end
  for _, step in ipairs(list) do
    local told = steps.tell(step)
    if batch and not batches.add(batch, step, told) then
      flush()
    end
    if not batch then
      batch = batches.new()
      if not batches.add(batch, step, told) then
        batch = nil
        local words = alone(on, step, user) or {}
        table.move(words, 1, #words, #more + 1, more)
      end
    end
  end
  if not look or (batch and batches.takes(batch, look)) then
    return more, flush(look)
  end
  flush()
  return more, steps.look(s, look, user)
end

return steps
