-- cert: our public key on the server, proven by a login with that key alone. A server with a
-- password becomes one that needs none.
--
-- Safe to repeat, and nobody is locked out: lines of others stay as they are, and a key that does
-- not open the server is taken back.
local authorized_keys = require "mr.authorized_keys"
local public_key = require "mr.public_key"

-- Logs in a second time, with this private key alone, and has a word said. True, or nil and why.
local function opens(s, private)
  local session <close>, err = mr.try(s.connect, s, { key = private, key_only = true })
  if not session then
    return nil, err
  end
  local words, failure = mr.try(session.capture, session, { "echo", "it opens" }, { timeout = 30 })
  if not words then
    return nil, failure
  end
  if words:find("it opens", 1, true) then
    return true
  end
  return nil, { kind = "auth", message = "a login with it cannot run commands" }
end

-- Will later runs find this key by themselves, without a password?
local function is_known(s, key)
  if not s.key then
    return public_key.is_default(key.private)
  end
  return mr.expand(s.key) == key.private or s.meta.identity_cert_installed == true
end

-- Raises why the key does not open the server, and takes back what was added.
local function refuse(s, key, err, added)
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

return {
  name = "cert",
  summary = "Our public key on the server, proven by a login with it alone.",
  marks = "identity_cert_installed",
  options = {
    key = {
      type = "string",
      help = "public key file; else the setting `public_key`, the server's own, a default one",
    },
  },

  prepare = function(s, o)
    o.pair = public_key.choose(s, o.key)
    if mr.config.key_comment ~= "" then
      o.pair.comment = mr.config.key_comment
    end
  end,

  check = function(s, o)
    local is_there, has_right_modes = authorized_keys.look(s, o.pair)
    local is_right = is_there and has_right_modes
    return is_right and is_known(s, o.pair) and opens(s, o.pair.private), { is_right = is_right }
  end,

  apply = function(s, o, found)
    if found.is_right then
      return false -- only the proof is missing
    end
    o.added = authorized_keys.add(s, o.pair)
  end,

  verify = function(s, o)
    local key = o.pair
    local ok, err = opens(s, key.private)
    if not ok then
      refuse(s, key, err, o.added)
    end
    if not is_known(s, key) and not (s.key and opens(s, s.key)) then
      s:meta_set("local_cert_path", key.private)
    end
  end,
}
