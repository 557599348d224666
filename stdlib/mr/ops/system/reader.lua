-- How the system operations look: a few shell words in front of each look script, and the parser
-- of what the script printed. Internal; owns no state.
--
-- An answer is lines `key =value`, texts `key <LENGTH` with that many bytes behind them, and
-- `end =` last. So a file on the server cannot pass for an answer, and half an answer is none.
local path = require "mr.ops.path"
local reader = {}

-- Longest text of an answer, bytes: a file that mr.ops.path reads, and its state.
local MOST = path.limit + 4096

local PRELUDE = [[
nl='
'
have() { command -v "$1" >/dev/null 2>&1; }
# One line of a value.
say() { printf '%s =%s\n' "$1" "${2%%"$nl"*}"; }
# A whole text, byte for byte.
text() {
  printf '%s <%s\n' "$1" "$(($(printf %s "$2" | wc -c)))"
  printf '%s\n' "$2"
}
# What is at a path, its content too: the answer of the look of mr.ops.path.
state() {
  answer=$( (path_look "$2" content); code=$?; echo .; exit $code) || exit
  text "$1" "${answer%.}"
}
# The entry of a name or number in the database passwd or group.
entry() {
  if have getent; then getent "$1" "$2"
  else awk -F: -v n="$2" '$1 == n || $3 == n { print; exit }' "/etc/$1"
  fi
}
# Which programs keep accounts here.
tools() {
  if have usermod; then echo shadow
  elif have pw; then echo pw
  elif have adduser; then echo busybox
  fi
}
]]

-- A look: the body of a shell function whose arguments are `args`.
function reader.look(body, args, timeout)
  local script = ('%slook() {\n%s}\npath_look() {\n%s\n}\n{ look "$@"; say end; } </dev/null\n'):format(
    PRELUDE,
    body,
    path.look("/", {}).script
  )
  return { script = script, args = args, timeout = timeout }
end

local function refuse(what)
  error({
    kind = "script",
    message = ("the server's answer cannot be read: %s"):format(what),
    hint = "is `sh` a POSIX shell there?",
  }, 0)
end

-- The first value of each key, and all values of each key. Raises on what is no whole answer.
function reader.parse(answer)
  local first, all, at = {}, {}, 1
  while at <= #answer do
    local key, kind, value, next_at = answer:match("^([%l_]+) ([=<])([^\n]*)\n()", at)
    if not key then
      refuse("a line of another shape")
    end
    if kind == "<" then
      local length = #value <= 8 and math.tointeger(tonumber(value:match("^%d+$"))) or -1
      if length < 0 or length > MOST or answer:sub(next_at + length, next_at + length) ~= "\n" then
        refuse("a text of another length")
      end
      value = answer:sub(next_at, next_at + length - 1)
      next_at = next_at + length + 1
    end
    if first[key] == nil then
      first[key], all[key] = value, {}
    end
    table.insert(all[key], value)
    at = math.tointeger(next_at) or #answer + 1
    if key == "end" then
      break
    end
  end
  if first["end"] ~= "" or at <= #answer then
    refuse("it has no end")
  end
  return first, all
end

-- A table that gives an empty list for what was not said.
function reader.lists(all)
  return setmetatable(all, {
    __index = function()
      return {}
    end,
  })
end

-- The text of a small file that the script said with `state`, and what mr.ops.path knows of it. A
-- file that is not there is an empty text. Raises when there is something else, or too much.
function reader.content(said, name)
  local is = path.read(said or "")
  if is.kind == "absent" then
    return "", is
  elseif is.content == nil then
    local what = is.kind == "file" and "is too long to be kept by this operation" or "is not a file"
    mr.fail(("`%s` %s"):format(name, what))
  end
  return is.content, is
end

return reader
