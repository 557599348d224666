-- One public key in a server's `~/.ssh/authorized_keys`: look, add, take back.
--
-- The work is done on the server by one POSIX shell script under a lock. Lines of others are
-- neither rewritten nor dropped: it appends, or takes lines with this very key out. The key goes in as arguments, and what comes
-- back is words of a closed list. `~` is `$HOME`, as everywhere.
local SCRIPT = require "mr.authorized_keys.script"
local authorized_keys = {}

-- The line of a key, behind its options when there are any.
local function line_of(key)
  local line = ("%s %s %s"):format(key.type, key.data, key.comment):gsub("%s+$", "")
  return key.options and key.options .. " " .. line or line
end

local function arguments(word, key, ...)
  return { word, key.type, key.data, line_of(key), ... }
end

-- The words behind the marker; whatever else a login prints is passed over.
local function answer(output, pattern)
  local words = table.pack(("\n" .. output):match("\nmroom%-key " .. pattern))
  if not words[1] then
    error({ kind = "script", message = "the server did not say what is in its authorized_keys" }, 0)
  end
  return table.unpack(words, 1, words.n)
end

-- Is the key there, and are the modes of folder and file right? Only reads.
function authorized_keys.look(s, key)
  local command = { "sh", "-s", "--", table.unpack(arguments("look", key)) }
  local state, modes =
    answer(s:capture(command, { stdin = SCRIPT, timeout = 60, sudo = false }), "(%l+) (%l+)")
  return state == "present", modes == "right"
end

-- Makes folder and file if need be, mends modes that are too open, and appends the key unless it
-- is there. Gives what `take` needs to undo it, or nil when nothing was appended.
function authorized_keys.add(s, key)
  local result = s:script(SCRIPT, { args = arguments("add", key), timeout = 60, sudo = false })
  if s.check then
    return nil
  end
  local state, rest = answer(result.stdout, "(%l+)([^\n]*)")
  if state == "added" then
    local size, made = rest:match "^ (%d+) (%l+)"
    return { size = size, made = made }
  end
end

-- Takes back what `add` did.
function authorized_keys.take(s, key, added)
  s:script(
    SCRIPT,
    { args = arguments("take", key, added.size, added.made), timeout = 60, sudo = false }
  )
end

-- Takes every line with this key out; gives how many.
function authorized_keys.remove(s, key)
  local result = s:script(SCRIPT, { args = arguments("remove", key), timeout = 60, sudo = false })
  return s.check and 0 or tonumber((answer(result.stdout, "removed (%d+)")))
end

-- What may keep sshd from taking a key that is there, as a text; nil when nothing was found.
function authorized_keys.why(s)
  local output = s:capture(
    { "sh", "-s", "--", "why" },
    { stdin = SCRIPT, timeout = 60, sudo = false }
  )
  local reasons = {}
  for reason in ("\n" .. output):gmatch "\nmroom%-why ([^\n]+)" do
    reasons[#reasons + 1] = reason:gsub("[%c\127]", ""):sub(1, 200)
  end
  return reasons[1] and table.concat(reasons, "; ") or nil
end

-- Runs a text as a user of the server, whoever the login is; sudo may have left the login's `HOME`.
-- Arguments: user, text, the text's own.
local AS_USER = [[
user=$1 text=$2
shift 2
line=$({ getent passwd "$user" || grep "^$user:" /etc/passwd; } 2>/dev/null)
if [ -z "$line" ]; then
  echo mroom-nobody
elif [ "$(id -un)" = "$user" ]; then
  HOME=$(printf '%s\n' "$line" | cut -d: -f6)
  export HOME
  sh -c "$text" sh "$@" </dev/null
else
  su -s /bin/sh -c "$text" -- "$user" sh "$@" </dev/null
fi
]]

-- The same script for another user's file, as that user: what it makes is theirs, and no link of
-- theirs leads root anywhere. { script, args }, for an operation. `key` may have `options`.
function authorized_keys.step(user, word, key)
  return { script = AS_USER, args = { user, SCRIPT, table.unpack(arguments(word, key)) } }
end

-- All lines of a user's file, for `read`.
function authorized_keys.list(user)
  return { script = AS_USER, args = { user, SCRIPT, "list" } }
end

-- Takes lines out by their numbers, when the file is still the one that `read` knows.
function authorized_keys.drop(user, is, numbers)
  local args = { user, SCRIPT, "drop", is.sum, table.concat(numbers, " ") }
  return { script = AS_USER, args = args }
end

-- What `list` printed: { exists, modes, sum, text, lines = { { number, authority, type, data,
-- options } } }. Raises when that is not whole.
function authorized_keys.read(output)
  if output == "mroom-nobody\n" then
    return { exists = false, modes = "right", text = "", lines = {} }
  end
  local head, text = ("\n" .. output):match "^(.-\n)mroom%-text\n(.*)$"
  head = head or "\n" .. output
  local modes = head:match "\nmroom%-modes (%l+)\n"
  local sum = head:match "\nmroom%-sum (%x+%.[%d-]+)\n"
  if not modes or (text and not sum) then
    error({ kind = "script", message = "the server did not say what is in its authorized_keys" }, 0)
  end
  local is = { exists = true, modes = modes, sum = sum, text = text or "", lines = {} }
  for number, authority, kind, data, options in
    head:gmatch "mroom%-line (%d+) ([01]) (%S+) (%S+) ([^\n]*)\n"
  do
    table.insert(is.lines, {
      number = math.tointeger(tonumber(number)),
      authority = authority == "1",
      type = kind,
      data = data,
      options = options ~= "" and options or nil,
    })
  end
  return is
end

return authorized_keys
