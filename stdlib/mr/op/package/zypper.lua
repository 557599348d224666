-- zypper for the operation `package`: what is there, and the commands that change it. Pure.
-- Internal.
local answer = require("mr.op.package.answer")
local rpm = require("mr.op.package.rpm")

local zypper = { name = "zypper", versions = true, files = "rpm" }

-- Its own waiting is short: it is this operation that waits, and says for whom.
zypper.env = { LC_ALL = "C", ZYPP_LOCK_TIMEOUT = "0" }

-- $1: present, latest or absent; $2: a flag or nothing; $3...: what is wanted.
zypper.look = answer.head
  .. [==[
is_held() {
  grep -qx "solvable_name: $1" /etc/zypp/locks 2>/dev/null
}
]==]
  .. rpm.head
  .. [==[
state=$1 flag=$2
shift 2
for file in /var/cache/zypp/solv/*/solv; do
  [ ! -e "$file" ] || { age "$file"; break; }
done
known=$(installed "$@")
[ -z "$known" ] || printf '%s\n' "$known"
todo=$(left "$state" "$@")
[ -n "$todo" ] || { say end; exit 0; }
set -f
IFS='
'
set -- $todo
unset IFS
verb=install
[ "$state" != absent ] || verb=remove
ZYPP_LOCK_TIMEOUT=0 zypper --xmlout --non-interactive --no-refresh "$verb" --dry-run ${flag:+"$flag"} "$@" \
  </dev/null 2>&1 | while IFS= read -r line; do say said "$line"; done
say end
]==]

-- `<solvable type="package" name="a" edition="1-2" … edition-old="1-1"/>` below `<to-install>`.
function zypper.said(is, line)
  line = line
    :gsub("&apos;", "'")
    :gsub("&quot;", '"')
    :gsub("&lt;", "<")
    :gsub("&gt;", ">")
    :gsub("&amp;", "&")
  local section = line:match("^%s*<(to%-%l+)")
  if section then
    is.section = section
  end
  local missing = line:match("No provider of '([^']+)' found") or line:match("'([^']+)' not found")
  if missing then
    is.none[missing:match("^[^= ]+")] = "no provider"
    return
  end
  local why = line:match('<message type="error">(.-)</message>')
    or line:match("<description>(Problem.-)<")
  if why then
    is.why[#is.why + 1] = why
  end
  local name = line:match('<solvable .-name="([^"]+)"')
  if name and is.section and line:find('type="package"', 1, true) then
    local edition, old = line:match(' edition="([^"]+)"'), line:match('edition%-old="([^"]+)"')
    local gone = is.section == "to-remove"
    is.will[#is.will + 1] =
      { name = name, old = gone and edition or old, new = not gone and edition or nil }
  end
end

function zypper.flag(o)
  if o.recommends == nil or o.state == "absent" then
    return ""
  end
  return o.recommends and "--recommends" or "--no-recommends"
end

local function command(o, verb, flags, list)
  local argv = { "zypper", "--non-interactive" }
  for _, more in ipairs({ o.args or {}, { verb }, flags, list }) do
    table.move(more, 1, #more, #argv + 1, argv)
  end
  return argv
end

function zypper.install(list, o)
  local flags = { "--auto-agree-with-licenses" }
  flags[#flags + 1] = zypper.flag(o) ~= "" and zypper.flag(o) or nil
  flags[#flags + 1] = o.downgrade and "--oldpackage" or nil
  return command(o, "install", flags, list)
end

zypper.upgrade = zypper.install

function zypper.remove(list, o)
  return command(o, "remove", {}, list)
end

function zypper.refresh()
  return { "zypper", "--non-interactive", "--gpg-auto-import-keys", "refresh" }
end

function zypper.hold(list, held)
  return { "zypper", "--non-interactive", held and "addlock" or "removelock", table.unpack(list) }
end

function zypper.locked(text)
  if text:find("System management is locked") then
    return { pid = text:match("with pid (%d+)"), name = text:match("with pid %d+ %(([^)]+)%)") }
  end
end

local HINTS = {
  { "Root privileges", "needs root: `s:ops { sudo = true }`" },
  { "Valid metadata not found", "is the mirror right and in reach? `zypper refresh` tells more" },
  { "Download %(curl%) error", "is the mirror right and in reach? `zypper refresh` tells more" },
  { "Signature verification failed", "the key of the source is missing: `on:repo` takes `key`" },
  { "No space left", "`df -h` on the server" },
}

function zypper.explain(text)
  return answer.explain(
    text,
    { "[Ee]rror", "[Nn]o provider", "not found", "Problem:", "failed" },
    HINTS
  )
end

return zypper
