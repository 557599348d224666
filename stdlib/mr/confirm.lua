-- Commit-confirm: a change that may shut us out is undone by the server itself, unless a new
-- connection confirms it in time.
--
-- `confirm.guard` arms a timer on the server (of systemd, else a shell of its own session) that holds
-- copies of the files, runs the change, and takes the timer off through a connection that is made
-- after the change. Nothing of that needs us: when we are killed in the middle, the timer fires, and a
-- system with systemd that is started anew meanwhile undoes the change as it comes up. What it does on the
-- server is in mr/confirm/script.lua.
local args = require "mr.args"
local native = require "mr.native"
local SCRIPT = require "mr.confirm.script"
local answer = require "mr.confirm.answer"
local confirm = {}

local OPTIONS = {
  name = { type = "string", required = true, help = "a word: what is changed" },
  files = { type = "list", default = {}, help = "files that are put back: content, mode, owner" },
  undo = { type = "string", default = "", help = "shell text that runs after that, as root" },
  timeout = { type = "integer", default = 60, help = "seconds until it is undone" },
  settle = { type = "number", default = 1, help = "seconds before the proof" },
  connect = { type = "table", help = "with what to log in for the proof, as `s:connect` takes it" },
  sudo = { type = "any", default = true, help = "as root; everything it needs is root's" },
}

-- How long the server may take for its undoing, and we to get through to it again, seconds.
local UNDOING = 60

local function ask(s, sudo, word, ...)
  local opts = { args = { word, ... }, timeout = 60, sudo = sudo }
  return answer.read(s:script(SCRIPT, opts).stdout)
end

-- Which guards there are; only reads.
function confirm.look(s, sudo)
  local command = { "sh", "-s", "--", "look" }
  if sudo == nil then
    sudo = true
  end
  return answer.read(s:capture(command, { stdin = SCRIPT, timeout = 60, sudo = sudo }))
end

local function words_of(fired)
  return fired.said[1] and table.concat(fired.said, ", ") or "nothing was put back"
end

-- What a handle has been told already.
local told = setmetatable({}, { __mode = "k" })

-- Tells of guards that fired since the last one was armed: once one is armed anew, they are gone.
function confirm.tell(s, state)
  told[s] = told[s] or {}
  for _, fired in ipairs(state.fired) do
    if not told[s][fired.token] then
      told[s][fired.token] = true
      -- Ages are counted from the start of the system.
      local ago = fired.ago < 0 and "before it was last started" or fired.ago .. " s ago"
      s:warn(
        ("`%s` was undone by the server %s, because nobody confirmed it: %s"):format(
          fired.name,
          ago,
          words_of(fired)
        )
      )
    end
  end
end

local function fired_of(state, token)
  for _, fired in ipairs(state.fired) do
    if fired.token == token then
      return fired
    end
  end
end

-- Raises when another guard is there. One whose timer has died is undone first: that is what it was for.
local function refuse_second(s, o, state)
  local armed = state.armed
  if not armed then
    mr.fail("another guard is being made on this server", { hint = "try again in two minutes" })
  end
  -- A system that was started since has a younger clock.
  if armed.left < -5 or armed.left > armed.seconds then
    local fired = fired_of(ask(s, o.sudo, "now", armed.token), armed.token)
    mr.try(ask, s, o.sudo, "forget", armed.token)
    mr.fail(
      ("a change of `%s` was never confirmed, and its timer had died; it is undone now: %s"):format(
        armed.name,
        fired and words_of(fired) or "it was decided meanwhile"
      ),
      { hint = "run it again" }
    )
  end
  mr.fail(
    ("a change of `%s` by `%s` waits to be confirmed: this one must wait"):format(
      armed.name,
      armed.by
    ),
    { hint = ("it is decided in %d s at the latest"):format(math.max(armed.left, 0) + 1) }
  )
end

-- Takes the timer off through a new connection, as long as there is time. True, or nil and why no
-- connection came; nil alone when one came and the server had decided before.
---@return boolean?
---@return mr.Err?
local function prove(s, o, token, deadline)
  local why
  repeat
    local session <close>, err = mr.try(s.connect, s, o.connect or {})
    local state
    if session then
      state, err = mr.try(ask, session, o.sudo, "disarm", token)
    end
    if state then
      return state.confirmed == token or nil, why
    elseif err and err.kind == "cancelled" then
      error(err, 0)
    end
    why = err
    mr.sleep(math.max(0, math.min(2, deadline - mr.now())))
  until mr.now() >= deadline
  return nil, why
end

-- Waits until the server has undone it; gives what it did, or nil and why that cannot be seen.
local function await_undo(s, o, token, deadline)
  s:phase "waiting until the server has undone it"
  mr.sleep(math.max(0, deadline - mr.now()) + 1)
  local last = mr.now() + UNDOING
  local why
  repeat
    s:release()
    local state, err = mr.try(confirm.look, s, o.sudo)
    if state and state.armed and state.armed.token == token and state.armed.left < -5 then
      state, err = mr.try(ask, s, o.sudo, "now", token)
    end
    local fired = state and fired_of(state, token)
    if fired and fired.is_over then
      return fired
    elseif err and err.kind == "cancelled" then
      error(err, 0)
    end
    why = err or why
    mr.sleep(2)
  until mr.now() >= last
  return nil, why
end

-- Raises that it was undone, and how; `why` is the error, or { message, hint } of what had happened.
local function raise_undone(s, o, fired, why)
  mr.try(ask, s, o.sudo, "forget", fired.token)
  local undone = ("undone by the server itself (%s)"):format(words_of(fired))
  if why.kind and why.kind ~= "connect" and why.kind ~= "timeout" then
    error(native.context(why, undone), 0)
  end
  error({
    -- The server was reached: this is a change that failed.
    kind = "script",
    message = ("%s: %s"):format(undone, why.message),
    hint = why.hint or ("`mroom doctor %s` tells how far a connection gets"):format(s.id),
  }, 0)
end

-- Waits for the server's own undoing and raises; what had happened is in `why`.
local function raise_cut(s, o, token, deadline, why)
  local fired, err = await_undo(s, o, token, deadline)
  if fired then
    raise_undone(s, o, fired, why)
  end
  error({
    kind = "connect",
    message = ("%s; the server was to undo that by itself, but that cannot be seen: %s"):format(
      why.message,
      err and err.message or "it has not ended"
    ),
    hint = "its console tells more: /var/lib/mroom-confirm",
  }, 0)
end

-- The change itself broke off: what it has done so far is undone at once, or by the timer.
local function give_up(s, o, token, deadline, err)
  if err.kind == "cancelled" then
    error({
      kind = err.kind,
      message = err.message,
      hint = ("the server undoes the change by itself in %d s"):format(
        math.ceil(math.max(0, deadline - mr.now()))
      ),
    }, 0)
  end
  local state = mr.try(ask, s, o.sudo, "now", token)
  if not state then
    s:release()
    state = mr.try(ask, s, o.sudo, "now", token)
  end
  local fired = state and fired_of(state, token)
  if fired then
    raise_undone(s, o, fired, err)
  end
  raise_cut(s, o, token, deadline, err)
end

-- Runs `change` so that the server undoes it when no new connection comes within `timeout` seconds
-- of its beginning; gives what `change` gives. Options: see OPTIONS. Raises what `change` raises,
-- after what it did is undone. In check mode it only runs the function.
function confirm.guard(s, opts, change)
  local o = args.decode("confirm.guard", OPTIONS, opts)
  if not o.name:find "^%a[%w_-]*$" or #o.name > 40 then
    args.refuse "`confirm.guard`: `name` must be a word"
  elseif o.timeout < 5 or o.timeout > 3600 then
    args.refuse "`confirm.guard`: `timeout` must be 5 to 3600 seconds"
  elseif not s.connect then
    args.refuse(
      "`confirm.guard`: a connection of its own cannot prove that a new one comes",
      "`server(ID)` of the inventory can"
    )
  end
  local files = {}
  for i, file in ipairs(o.files) do
    files[i] = args.value(file, { type = "path" }, ("`confirm.guard`: `files[%d]`"):format(i))
    if files[i]:find "%c" then
      args.refuse(("`confirm.guard`: `files[%d]` has a control character"):format(i))
    end
  end
  if s.check then
    return change()
  end
  local state = ask(s, o.sudo, "arm", o.name, o.timeout, o.undo, table.unpack(files))
  confirm.tell(s, state)
  local token = state.mine
  if not token then
    refuse_second(s, o, state)
  end
  local deadline = mr.now() + o.timeout
  local results = table.pack(mr.try(change))
  if results[1] == nil and results[2] then
    give_up(s, o, token, deadline, results[2])
  end
  -- What was told to read its settings anew may let one more in by its old ones: no proof.
  mr.sleep(math.max(0, math.min(o.settle, deadline - mr.now())))
  s:phase "proving that a new connection comes"
  local is_late = mr.now() >= deadline
  local is_proven, err = prove(s, o, token, deadline)
  if not is_proven and not is_late then
    local why = ("after this change no new connection came: %s"):format(
      err and err.message or ("not within %d s"):format(o.timeout)
    )
    raise_cut(s, o, token, deadline, { message = why })
  elseif not is_proven then
    raise_cut(s, o, token, deadline, {
      message = ("the change took longer than the %d s that it had"):format(o.timeout),
      hint = "a longer `timeout` leaves more time",
    })
  end
  s:release() -- what follows goes over a connection that the change lets in
  return table.unpack(results, 1, results.n)
end

return confirm
