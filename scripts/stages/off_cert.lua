-- off_cert: the server's own key off the server, once another login is proven without it.
--
-- Nobody is locked out: the other login is the one that later runs will use. Every line with the
-- key goes; all others stay byte by byte.
local authorized_keys = require "mr.authorized_keys"
local login = require "mr.login"
local public_key = require "mr.public_key"

-- The mark that says: a login by key needs no password.
local IDENTITY = "identity_cert_installed"

-- The marks that name this key.
local function marks(s, pair)
  local found = {}
  local mark = "custom_cert_" .. public_key.name(pair)
  if s.meta[mark] ~= nil then
    found[#found + 1] = mark
  end
  if s.key and mr.expand(s.key) == pair.private then
    found[#found + 1] = "local_cert_path"
  end
  return found
end

local function refuse(s, pair, err)
  error({
    -- The server was reached: that nothing else gets in is a stage that failed.
    kind = err.kind == "auth" and "script" or err.kind,
    message = ("nothing was removed: without `%s` nothing gets in: %s"):format(
      pair.public,
      err.message
    ),
    hint = ("`mroom stage cert -o key=OTHER.pub %s` puts another key there, `mroom set %s --ask-password` keeps a password"):format(
      s.id,
      s.id
    ),
  }, 0)
end

return {
  name = "off_cert",
  summary = "The server's own key off it, once another login is proven.",
  options = {
    key = { type = "string", help = "public key file; else that of the server's own key" },
    mark_only = {
      type = "boolean",
      help = "only forget that a key is installed; nothing is done there",
    },
  },

  prepare = function(s, o)
    if o.mark_only then
      return
    end
    if not o.key and not s.key then
      error({
        kind = "usage",
        message = "the server has no key of its own",
        hint = "name the key: `--key FILE.pub`",
      }, 0)
    end
    o.pair = public_key.read(o.key or s.key .. ".pub")
  end,

  check = function(s, o)
    if o.mark_only then
      return s.meta[IDENTITY] == nil
    end
    local is_there = authorized_keys.look(s, o.pair)
    return not is_there and #marks(s, o.pair) == 0, { is_there = is_there }
  end,

  apply = function(s, o, found)
    if o.mark_only then
      s:meta_set(IDENTITY, nil)
      return
    end
    local how, err = login.without(s, o.pair)
    if not how then
      refuse(s, o.pair, err)
    end
    if found.is_there then
      authorized_keys.remove(s, o.pair)
      s:release() -- it may have been opened with the key
    end
    if not s.check and o.pair.private and login.by(s, o.pair.private, true) then
      error({
        kind = "script",
        message = ("`%s` still opens the server, though it is in no line of authorized_keys"):format(
          o.pair.public
        ),
        hint = "look at AuthorizedKeysFile and AuthorizedKeysCommand of its sshd",
      }, 0)
    end
    for _, mark in ipairs(marks(s, o.pair)) do
      s:meta_set(mark, nil)
    end
    if how == "password" and s.meta[IDENTITY] ~= nil then
      s:meta_set(IDENTITY, nil)
    end
  end,
}
