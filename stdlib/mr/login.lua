-- Proofs of a login: by one key alone, or without one key. Each is a second connection that has a
-- word said. What the stages cert, add-cert and off-cert believe in.
local authorized_keys = require "mr.authorized_keys"
local login = {}

-- Connects with these options and has a word said. True, or nil and why.
---@return boolean?
---@return mr.Err?
local function works(s, options)
  local session <close>, err = mr.try(s.connect, s, options)
  if not session then
    return nil, err
  end
  local words, failure = mr.try(
    session.capture,
    session,
    { "echo", "it opens" },
    { timeout = 30, sudo = false }
  )
  if not words then
    return nil, failure
  end
  if words:find("it opens", 1, true) then
    return true
  end
  return nil, { kind = "auth", message = "a login with it cannot run commands" }
end

-- Does this private key alone open the server? When its file is not here, or `agent` is true, the
-- agent's copy counts too.
function login.by(s, private, agent)
  if mr.exists(private) and not agent then
    return works(s, { key = private, key_only = true })
  end
  return works(s, { key = private, no_password = true })
end

-- Does some key open the server, in the way of later runs but without a password?
function login.by_any_key(s)
  return works(s, { no_password = true })
end

-- Does anything but this key open the server, in the way of later runs? `key` or `password` says
-- what did; else nil and why.
function login.without(s, key)
  local line = key.type .. " " .. key.data
  local opens, err = works(s, { without = line, no_password = true })
  if opens then
    return "key"
  end
  if err and err.kind == "auth" then
    opens, err = works(s, { without = line })
  end
  if opens then
    return "password"
  end
  return nil, err
end

-- Raises why the key does not open the server, and takes back what was added.
function login.refuse(s, key, err, added)
  local reason = err.kind == "auth" and mr.try(authorized_keys.why, s)
  local rest = "nothing was added"
  if added then
    local _, failure = mr.try(authorized_keys.take, s, key, added)
    rest = failure and ("and could not be taken back: %s"):format(failure.stderr or failure.message)
      or "it was taken back"
  end
  error({
    -- The server was reached: a key that it refuses is a stage that failed.
    kind = err.kind == "auth" and "script" or err.kind,
    message = ("the key `%s` alone does not open the server: %s; %s"):format(
      key.private,
      err.message,
      rest
    ),
    hint = reason or err.hint,
  }, 0)
end

return login
