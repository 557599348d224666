-- Which public key of this machine goes onto a server, and is it one. Reads local files only;
-- a private key never leaves this module, not even in a message.
local native = require "mr.native"
local public_key = {}

-- Key types that sshd takes, and how the base64 of each begins: it repeats the type's name
-- (RFC 4253 §6.6, PROTOCOL.u2f).
local TYPES = {
  ["ssh-ed25519"] = "AAAAC3NzaC1lZDI1NTE5AAAA",
  ["ssh-rsa"] = "AAAAB3NzaC1yc2EAAAA",
  ["ecdsa-sha2-nistp256"] = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAA",
  ["ecdsa-sha2-nistp384"] = "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAA",
  ["ecdsa-sha2-nistp521"] = "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAA",
  ["sk-ssh-ed25519@openssh.com"] = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAA",
  ["sk-ecdsa-sha2-nistp256@openssh.com"] = "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAA",
}

-- File names of default identities, the one that is preferred first.
public_key.defaults = { "id_ed25519", "id_ecdsa", "id_rsa" }

local function fail(message, hint)
  error({ kind = "usage", message = message, hint = hint }, 0)
end

-- The key in a public key file's text: {type, data, comment}; `name` is for messages.
function public_key.parse(text, name)
  if text:find("PRIVATE KEY", 1, true) or text:find("PuTTY-User-Key-File", 1, true) then
    fail(
      ("`%s` is a private key: it stays on this machine"):format(name),
      ("name its public half, `%s.pub`"):format(name)
    )
  end
  local lines = {}
  for line in text:gmatch "[^\r\n]+" do
    if line:find "%S" and not line:find "^%s*#" then
      lines[#lines + 1] = line
    end
  end
  if #lines ~= 1 then
    fail(("`%s` must hold one public key, not %d lines"):format(name, #lines))
  end
  local kind, data, comment = lines[1]:match "^%s*(%S+)%s+(%S+)%s*(.-)%s*$"
  if kind and kind:find("-cert-v01@openssh.com", 1, true) then
    fail(("`%s` is a certificate, not a public key"):format(name), "name the key's own `.pub` file")
  end
  local start = kind and TYPES[kind]
  if not start or data:sub(1, #start) ~= start or not data:find "^[%w+/]+=?=?$" or #data < 68 then
    fail(
      ("`%s` is not a public key that sshd accepts"):format(name),
      "`ssh-keygen -t ed25519` makes one"
    )
  end
  if comment:find "%c" or not utf8.len(comment) then
    fail(("the comment in `%s` is not plain text"):format(name))
  end
  return { type = kind, data = data, comment = comment }
end

-- The public key in the file `path`: {type, data, comment, public, private}. `private` is where
-- its private half is expected: beside it, without `.pub`.
function public_key.read(path)
  -- The inventory keeps the path, and later runs start elsewhere.
  local public = native.absolute(path)
  local file, why = io.open(public, "rb")
  local text = file and file:read(65536)
  if file then
    file:close()
  end
  if not text then
    fail(
      ("cannot read the public key `%s`: %s"):format(path, why or "it is empty or a folder"),
      ("`ssh-keygen -y -f KEY > %s` makes it out of the private key"):format(path)
    )
  end
  local key = public_key.parse(text, path)
  key.public = public
  key.private = public:match "^(.+)%.pub$"
  return key
end

-- The key pair whose public half is the file `path`. With `agent`, an agent may hold the private
-- half instead of a file.
function public_key.load(path, agent)
  local key = public_key.read(path)
  local is_here = key.private and mr.exists(key.private)
  if not is_here and not (agent and key.private and mr.env("SSH_AUTH_SOCK", "") ~= "") then
    fail(
      ("no private half of `%s` is here, so a login with it cannot be proven"):format(path),
      "the private key is expected beside it, without `.pub`"
    )
  end
  return key
end

-- The name that people know a key by: the last word of its comment, else the file's.
function public_key.name(key)
  return key.comment:match "(%S+)$" or key.public:match "([^/]+)%.pub$" or key.public:match "[^/]+$"
end

-- Is this private key file one that `mroom` tries by itself?
function public_key.is_default(private)
  for _, name in ipairs(public_key.defaults) do
    if private == mr.expand(mr.config.key_dir) .. "/" .. name then
      return true
    end
  end
  return false
end

-- The key for a server: `path`, else the setting `public_key`, else the public half of the
-- server's own key, else the first default identity in `key_dir` that has a private half.
function public_key.choose(s, path)
  local set = path or mr.config.public_key
  if set and set ~= "" then
    return public_key.load(set)
  end
  if s.key then
    return public_key.load(s.key .. ".pub")
  end
  local folder = mr.expand(mr.config.key_dir)
  for _, name in ipairs(public_key.defaults) do
    if mr.exists(folder .. "/" .. name) then
      return public_key.load(folder .. "/" .. name .. ".pub")
    end
  end
  fail(
    ("no key in `%s`: looked for %s"):format(
      mr.config.key_dir,
      table.concat(public_key.defaults, ", ")
    ),
    "`ssh-keygen -t ed25519` makes one"
  )
end

return public_key
