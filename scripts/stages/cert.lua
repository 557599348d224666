-- cert: our public key on the server, proven by a login with that key alone. A server with a
-- password becomes one that needs none.
--
-- Safe to repeat, and nobody is locked out: lines of others stay as they are, and a key that does
-- not open the server is taken back.
local authorized_keys = require "mr.authorized_keys"
local login = require "mr.login"
local public_key = require "mr.public_key"

-- Will later runs find this key by themselves, without a password?
local function is_known(s, key)
  if not s.key then
    return public_key.is_default(key.private)
  end
  return mr.expand(s.key) == key.private or s.meta.identity_cert_installed == true
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
    return is_right and is_known(s, o.pair) and login.by(s, o.pair.private), { is_right = is_right }
  end,

  apply = function(s, o, found)
    if found.is_right then
      return false -- only the proof is missing
    end
    o.added = authorized_keys.add(s, o.pair)
  end,

  verify = function(s, o)
    local key = o.pair
    local ok, err = login.by(s, key.private)
    if not ok then
      login.refuse(s, key, err, o.added)
    end
    if not is_known(s, key) and not (s.key and login.by(s, s.key)) then
      s:meta_set("local_cert_path", key.private)
    end
  end,
}
