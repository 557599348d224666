-- add_cert: a public key of your choice on the server, proven by a login with it alone. From then
-- on the server is reached with it.
--
-- Safe to repeat; a key that does not open the server is taken back.
local authorized_keys = require "mr.authorized_keys"
local login = require "mr.login"
local public_key = require "mr.public_key"

local function is_marked(s, o)
  return s.meta[o.mark] == true and s.key ~= nil and mr.expand(s.key) == o.pair.private
end

return {
  name = "add_cert",
  summary = "A public key of your choice, proven by a login with it alone.",
  options = {
    key = {
      type = "string",
      help = "public key file; its private half is beside it, or in the agent",
    },
    name = {
      type = "string",
      help = "what the mark is called; else the last word of the key's comment",
    },
  },

  prepare = function(_, o)
    if not o.key then
      error({ kind = "usage", message = "which key?", hint = "`-o key=FILE.pub`" }, 0)
    end
    o.pair = public_key.load(o.key, true)
    o.mark = "custom_cert_" .. (o.name or public_key.name(o.pair))
  end,

  check = function(s, o)
    local is_there, has_right_modes = authorized_keys.look(s, o.pair)
    local is_right = is_there and has_right_modes
    local is_done = is_right and is_marked(s, o) and login.by(s, o.pair.private)
    return is_done, { is_right = is_right }
  end,

  apply = function(s, o, found)
    if not found.is_right then
      o.added = authorized_keys.add(s, o.pair)
    elseif is_marked(s, o) then
      return false -- only the proof is missing
    end
  end,

  verify = function(s, o)
    local opens, err = login.by(s, o.pair.private)
    if not opens then
      login.refuse(s, o.pair, err, o.added)
    end
    s:meta_set { local_cert_path = o.pair.private, [o.mark] = true }
  end,
}
