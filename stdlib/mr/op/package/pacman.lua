-- pacman for the operation `package`: what is there, and the commands that change it. Its sources
-- have one version of each package, so `name=version` is refused. Pure. Internal.
local answer = require("mr.op.package.answer")

local pacman = { name = "pacman", versions = false, files = "pkg.tar.zst", env = { LC_ALL = "C" } }

-- $1: present, latest or absent; $2: nothing; $3...: what is wanted.
pacman.look = answer.head
  .. [==[
state=$1
shift 2
for file in /var/lib/pacman/sync/*.db; do
  [ ! -e "$file" ] || { age "$file"; break; }
done
as_name() {
  case $1 in
    /*) pacman -Qp "$1" 2>/dev/null | tr ' ' = ;;
    *) printf '%s' "$1" ;;
  esac
}
known=$(
  for want; do
    full=$(as_name "$want")
    name=${full%%=*}
    case $want in
      /*) [ -n "$full" ] && say file "$want" "$name" "${full#*=}" || { say none "$want"; continue; } ;;
    esac
    # It answers for what provides a name, as well.
    pacman -Q -- "$name" 2>/dev/null | while read -r is version; do
      flags=
      [ "$is" = "$name" ] || flags=p
      ! pacman -Qdq -- "$is" >/dev/null 2>&1 || flags=${flags}a
      say have "$name" "$is" "$version" "$flags-"
    done
  done
)
[ -z "$known" ] || printf '%s\n' "$known"
for want; do
  shift
  is_there "$(as_name "$want")" && there=1 || there=
  case $state$there in
    present | latest | latest1 | absent1) set -- "$@" "$want" ;;
  esac
done
[ $# -gt 0 ] || { say end; exit 0; }
case $state,$1 in
  absent,*) pacman -Rs --print --print-format 'gone %n %v' -- "$@" ;;
  *,/*) pacman -U --print --print-format 'new %n %v' -- "$@" ;;
  *) pacman -S --needed --print --print-format 'new %n %v' -- "$@" ;;
esac </dev/null 2>&1 | while IFS= read -r line; do say said "$line"; done
say end
]==]

function pacman.said(is, line)
  local kind, name, version = line:match("^(%l+) (%S+) (%S+)$")
  if kind == "new" or kind == "gone" then
    local known = is.have[name]
    local old = kind == "gone" and version or known and known.version or nil
    is.will[#is.will + 1] = { name = name, old = old, new = kind == "new" and version or nil }
    return
  end
  local missing = line:match("^error: target not found: (%S+)")
  if missing then
    is.none[missing] = "target not found"
  elseif line:find("^error: ") then
    is.why[#is.why + 1] = line:sub(8)
  end
end

local function command(flags, o, list)
  local argv = { "pacman", table.unpack(flags) }
  argv[#argv + 1] = "--noconfirm"
  for _, more in ipairs({ o.args or {}, { "--" }, list }) do
    table.move(more, 1, #more, #argv + 1, argv)
  end
  return argv
end

function pacman.install(list, o)
  local is_file = list[1]:sub(1, 1) == "/"
  return command(is_file and { "-U" } or { "-S", "--needed" }, o, list)
end

pacman.upgrade = pacman.install

function pacman.remove(list, o)
  return command({ o.purge and "-Rns" or "-Rs" }, o, list)
end

function pacman.refresh()
  return { "pacman", "-Sy", "--noconfirm" }
end

function pacman.by_hand(list)
  return { "pacman", "-D", "--asexplicit", "--", table.unpack(list) }
end

function pacman.locked(text)
  if text:find("unable to lock database") then
    return {}
  end
end

local HINTS = {
  { "unless you are root", "needs root: `s:ops { sudo = true }`" },
  { "failed retrieving file", "is the mirror right and in reach?" },
  { "target not found", "`update = 3600` has lists refreshed that are older than an hour" },
  { "invalid or corrupted package", "`pacman-key` on the server: a key is missing or too old" },
  { "No space left", "`df -h` on the server" },
}

function pacman.explain(text)
  return answer.explain(text, { "^error:" }, HINTS)
end

return pacman
