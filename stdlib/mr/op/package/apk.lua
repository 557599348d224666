-- apk for the operation `package`: what is there, and the commands that change it. Pure. Internal.
local answer = require("mr.op.package.answer")

local apk = { name = "apk", versions = true, env = { LC_ALL = "C" } }

-- $1: present, latest or absent; $2: nothing; $3...: what is wanted. A name that stands in
-- /etc/apk/world is wanted for itself; `name=1.2*` is `name~1.2` to apk.
apk.look = answer.head
  .. [==[
state=$1
shift 2
for file in /var/cache/apk/APKINDEX.* /etc/apk/cache/APKINDEX.* /lib/apk/db/installed; do
  case $file in /lib*) break ;; esac
  [ ! -e "$file" ] || { age "$file"; break; }
done
for db in /lib/apk/db/installed /usr/lib/apk/db/installed; do
  [ ! -r "$db" ] || break
done
wanted=
for want; do wanted="$wanted ${want%%=*}"; done
export wanted
known=$(
  awk '
    BEGIN {
      OFS = "\t"
      n = split(ENVIRON["wanted"], names, " ")
      for (i = 1; i <= n; i++) wanted[names[i]] = 1
      while ((getline line < "/etc/apk/world") > 0) { sub(/[=<>~@].*/, "", line); world[line] = 1 }
    }
    function tell() {
      if (name == "") return
      if (name in wanted) print "have", name, name, version, (name in world ? "" : "a") "-"
      n = split(provides, provided, " ")
      for (i = 1; i <= n; i++) {
        sub(/[=<>~].*/, "", provided[i])
        if (provided[i] in wanted) print "have", provided[i], name, version, "p-"
      }
      name = provides = ""
    }
    /^P:/ { name = substr($0, 3) }
    /^V:/ { version = substr($0, 3) }
    /^p:/ { provides = substr($0, 3) }
    /^$/ { tell() }
    END { tell() }' "$db" 2>/dev/null
)
[ -z "$known" ] || printf '%s\n' "$known"
for want; do
  shift
  is_there "$want" && there=1 || there=
  case $want in *=*'*') want=${want%'*'}; want="${want%%=*}~${want#*=}"; want=${want%.} ;; esac
  case $state$there in
    present | latest | latest1 | absent1) set -- "$@" "$want" ;;
  esac
done
[ $# -gt 0 ] || { say end; exit 0; }
case $state in
  absent) apk del --simulate --no-progress "$@" ;;
  latest) apk add --simulate --no-progress --upgrade "$@" ;;
  *) apk add --simulate --no-progress "$@" ;;
esac </dev/null 2>&1 | while IFS= read -r line; do say said "$line"; done
say end
]==]

function apk.said(is, line)
  local verb, name, rest = line:match("^%(%d+/%d+%) (%a+) (%S+) %((.-)%)")
  if verb then
    local old, new = rest:match("^(%S+) %-> (%S+)$")
    if verb == "Purging" then
      old = rest
    elseif not old then
      new = rest
    end
    is.will[#is.will + 1] = { name = name, old = old, new = new }
    return
  end
  local missing = line:match("^%s+(%S+) %(no such package%)")
  if missing then
    is.none[missing] = "no such package"
  elseif line:find("^ERROR: ") and not line:find("unable to select packages") then
    is.why[#is.why + 1] = line:sub(8)
  end
end

-- `name=1.2*` as apk wants it.
local function wants(list)
  local all = {}
  for i, text in ipairs(list) do
    all[i] = text:gsub("^([^=]+)=(.-)%.?%*$", "%1~%2")
  end
  return all
end

local function command(verb, flags, o, list)
  local argv = { "apk", verb, "--no-progress" }
  for _, more in ipairs({ flags, o.args or {}, list }) do
    table.move(more, 1, #more, #argv + 1, argv)
  end
  return argv
end

function apk.install(list, o)
  return command("add", {}, o, wants(list))
end

function apk.upgrade(list, o)
  return command("add", { "--upgrade" }, o, wants(list))
end

function apk.remove(list, o)
  return command("del", o.purge and { "--purge" } or {}, o, list)
end

function apk.refresh()
  return { "apk", "update", "--no-progress" }
end

function apk.by_hand(list)
  return { "apk", "add", "--no-progress", table.unpack(list) }
end

apk.locks = { "/lib/apk/db/lock", "/run/apk/db.lock" }

function apk.locked(text)
  if text:find("Unable to lock database") or text:find("unable to lock database") then
    return {}
  end
end

local HINTS = {
  { "Permission denied", "needs root: `s:ops { sudo = true }`" },
  { "no such package", "`update = 3600` has lists refreshed that are older than an hour" },
  { "temporary error", "is the mirror right and in reach? `apk update` tells more" },
  { "UNTRUSTED", "the key of the source is missing: `on:repo` takes `key`" },
  { "No space left", "`df -h` on the server" },
}

function apk.explain(text)
  return answer.explain(text, { "^ERROR", "^WARNING", "no such package" }, HINTS)
end

return apk
