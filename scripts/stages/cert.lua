-- cert: our public key in the login's authorized_keys, proved by a login with that key alone.
--
-- It only ever adds: no line of the file is changed or removed, so nobody is locked out.

-- Looks, and says what is there.
local PROBE = [[
cd || exit
[ -d .ssh ] && echo "dir=$(ls -ldL .ssh | cut -c1-10)"
file=.ssh/authorized_keys
[ -f $file ] || exit 0
echo "file=$(ls -ldL $file | cut -c1-10)"
awk -v type="$1" -v blob="$2" '
  /^[ \t]*#/ { next }
  {
    sub(/\r$/, "")
    ours = 0
    for (i = 1; i < NF; i++) {
      if ($i == "cert-authority" || $i ~ /(^|,)cert-authority(,|$)/) break
      if ($i == type && $(i + 1) == blob) ours = 1
    }
    if (ours) found = 1
  }
  END { if (found) print "key=yes" }' $file
]]

-- Adds what is missing. A file without a final newline gets one first.
local INSTALL = [[
set -eu
umask 077
cd
[ -d .ssh ] || mkdir .ssh
chmod go-w .ssh
file=.ssh/authorized_keys
touch $file
chmod go-w $file
if [ "$1" = add ]; then
  [ -s $file ] && [ -n "$(tail -c 1 $file)" ] && echo >> $file
  printf '%s\n' "$2" >> $file
fi
if command -v restorecon >/dev/null 2>&1; then restorecon -R .ssh || :; fi
]]

-- sshd ignores keys in a folder or file that others may write to.
local function others_may_write(mode)
  return mode:sub(6, 6) == "w" or mode:sub(9, 9) == "w"
end

local DEFAULTS = { "id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub" }

local function default_key()
  for _, name in ipairs(DEFAULTS) do
    local path = mr.expand(mr.config.key_dir .. "/" .. name)
    if mr.exists(path) then
      return path
    end
  end
  mr.fail(("no public key in `%s`"):format(mr.config.key_dir), {
    hint = "make one with `ssh-keygen -t ed25519`, or set `public_key`",
  })
end

-- Type and base64 text of a public key file's one line.
local function read_key(path)
  local file = io.open(path)
  if not file then
    mr.fail(("cannot read the public key `%s`"):format(path))
  end
  local line = file:read "l" or ""
  file:close()
  local kind, blob, comment = line:match "^%s*([%w@.-]+)%s+([%w+/]+=*)%s*(.-)%s*$"
  if not kind or not (kind:match "^ssh%-" or kind:match "^ecdsa%-" or kind:match "^sk%-") then
    mr.fail(("`%s` is not a public key"):format(path), { hint = "its name usually ends in `.pub`" })
  end
  return kind, blob, comment
end

return {
  name = "cert",
  summary = "Log in with our key: install it, prove it.",
  marks = "identity_cert_installed",
  options = {
    public_key = { type = "string", help = "public key file; the setting `public_key`, else the first default key" },
  },

  prepare = function(_, o)
    local path = o.public_key or mr.config.public_key
    path = path ~= "" and path and mr.expand(path) or default_key()
    o.kind, o.blob, o.comment = read_key(path)
    if mr.config.key_comment ~= "" then
      o.comment = mr.config.key_comment
    end
    o.private = path:gsub("%.pub$", "")
    if o.private == path or not mr.exists(o.private) then
      mr.fail(("the private key of `%s` is not beside it, so it could not be proved"):format(path))
    end
  end,

  check = function(s, o)
    local found = mr.text.pairs(s:capture({ "sh", "-s", "--", o.kind, o.blob }, { stdin = PROBE }))
    found.complete = found.key == "yes"
      and not others_may_write(found.dir or "")
      and not others_may_write(found.file or "")
    return found.complete and s.meta.identity_cert_installed == true, found
  end,

  apply = function(s, o, found)
    if found.complete then
      return false -- only the proof is missing
    end
    local line = mr.text.trim(("%s %s %s"):format(o.kind, o.blob, o.comment))
    s:script(INSTALL, { args = { found.key == "yes" and "keep" or "add", line } })
  end,

  verify = function(s, o)
    local proof <close>, err = mr.try(s.connect, s, { key = o.private, key_only = true })
    if err then
      mr.fail(("the key is installed, but a login with it alone fails: %s"):format(err.message), {
        hint = "sshd's log says why; often the home folder may be written to by others, or "
          .. "`PubkeyAuthentication` or `AuthorizedKeysFile` is set in sshd_config",
      })
    end
    if not proof:test "true" then
      mr.fail "a login with the key alone runs no command"
    end
  end,
}
