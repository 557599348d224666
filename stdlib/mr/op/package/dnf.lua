-- dnf (4 and 5) and yum for the operation `package`: what is there, and the commands that change
-- it. Their simulation is a transaction that is answered with no; it uses the lists that are there.
-- Pure. Internal.
local answer = require("mr.op.package.answer")
local rpm = require("mr.op.package.rpm")

-- $1: present, latest or absent; $2: the program and its flags; $3...: what is wanted.
local LOOK = answer.head
  .. [==[
is_held() {
  for file in /etc/dnf/plugins/versionlock.list /etc/yum/pluginconf.d/versionlock.list; do
    [ ! -r "$file" ] || ! sed 's/^[0-9]*://' "$file" | grep -q "^$1-[0-9]" || return 0
  done
  grep -q "^name *= *[\"']$1[\"']" /etc/dnf/versionlock.toml 2>/dev/null
}
]==]
  .. rpm.head
  .. [==[
state=$1 tool=${2%% *} flags=${2#"$tool"}
shift 2
for file in /var/cache/dnf/last_makecache /var/cache/libdnf5 /var/cache/dnf/*.solv /var/cache/yum; do
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
case $state in absent) verb=remove ;; latest) verb=install ;; *) verb=install ;; esac
for want; do
  shift
  case $want in /*) ;; *=*) want=${want%%=*}-${want#*=} ;; esac
  set -- "$@" "$want"
done
{
  # What is installed already is upgraded, what is not is installed.
  "$tool" -C $flags --assumeno "$verb" "$@" 2>&1
  [ "$state" != latest ] || "$tool" -C $flags --assumeno upgrade "$@" 2>&1
} </dev/null | while IFS= read -r line; do say said "$line"; done
say end
]==]

local SECTIONS = {
  ["Installing"] = "new",
  ["Upgrading"] = "new",
  ["Updating"] = "new",
  ["Downgrading"] = "new",
  ["Reinstalling"] = "new",
  ["Removing"] = "gone",
}

local HINTS = {
  {
    "Cannot download repomd",
    "is the mirror right and in reach? `dnf makecache` on the server tells more",
  },
  {
    "Failed to download metadata",
    "is the mirror right and in reach? `dnf makecache` on the server tells more",
  },
  { "Cannot find a valid baseurl", "is the mirror right and in reach?" },
  { "GPG check FAILED", "the key of the source is missing: `on:repo` takes `key`" },
  { "not signed", "the key of the source is missing: `on:repo` takes `key`" },
  { "superuser privileges", "needs root: `s:ops { sudo = true }`" },
  { "requires superuser", "needs root: `s:ops { sudo = true }`" },
  { "No space left", "`df -h` on the server" },
  { "No match for argument", "`update = 3600` has lists refreshed that are older than an hour" },
}

local function said(is, line)
  local missing = line:match("No match for argument: (%S+)")
    or line:match("^No package (%S+) available")
  if missing then
    is.none[missing:gsub("%-%d[^-]*$", "")] = "no match"
    return
  end
  local section = line:match("^(%u%l+)[%w ]*:$")
  if section then
    is.section = SECTIONS[section]
    return
  elseif line:find("^Transaction Summary") or line:find("^%S") and not line:find("^%s") then
    is.section = line:find("^%S") and nil or is.section
  end
  local why = line:match("^Error: *(.+)$") or line:match("^ +Problem.*$")
  if why and not why:find("^Operation aborted") and not why:find("^Unable to find a match") then
    is.why[#is.why + 1] = why
  end
  local name, arch, version = line:match("^ (%S+) +(%S+) +(%S+) +%S+")
  if is.section and name and arch and version then
    -- An upgraded one is told once, with its new version; what it replaces stands below it.
    local one = { name = name, old = is.section == "gone" and version or nil }
    one.new = is.section == "new" and version or nil
    is.will[#is.will + 1] = one
  end
end

return function(tool)
  local dnf = { name = tool, versions = true, files = "rpm", env = { LC_ALL = "C" } }
  dnf.look, dnf.said = LOOK, said

  local function command(flags, o, verb, list)
    local argv = { tool, "-y", "--setopt=exit_on_lock=True" }
    for _, more in ipairs({ flags, o.args or {}, { verb }, list }) do
      table.move(more, 1, #more, #argv + 1, argv)
    end
    return argv
  end

  local function weak(o)
    if o.recommends == nil or tool == "yum" then
      return {}
    end
    return { "--setopt=install_weak_deps=" .. (o.recommends and "True" or "False") }
  end

  function dnf.flag(o)
    return table.concat({ tool, table.unpack(weak(o)) }, " ")
  end

  function dnf.install(list, o, plan)
    -- An older version needs its own verb.
    local verb = o.downgrade and plan.todo[1] and plan.todo[1].is and "downgrade" or "install"
    return command(weak(o), o, verb, rpm.dashed(list))
  end

  function dnf.upgrade(list, o)
    -- `install` upgrades what is installed, as well, when it is to be the best.
    local flags = weak(o)
    flags[#flags + 1] = tool == "dnf" and "--best" or nil
    return command(flags, o, "install", list)
  end

  function dnf.remove(list, o)
    return command({}, o, "remove", list)
  end

  function dnf.refresh()
    return {
      tool,
      "-y",
      "--setopt=exit_on_lock=True",
      "--setopt=*.skip_if_unavailable=False",
      "makecache",
    }
  end

  function dnf.hold(list, held)
    return { tool, "-y", "versionlock", held and "add" or "delete", table.unpack(list) }
  end

  function dnf.locked(text)
    if
      text:find("exit_on_lock")
      or text:find("Another app is currently holding")
      or text:find("Waiting for process with pid")
      or text:find("can't create transaction lock")
      or text:find("Failed to obtain the transaction lock")
    then
      return { pid = text:match("pid:? (%d+)") or text:match("PID (%d+)") }
    end
  end

  dnf.locks = {
    "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
    "/var/cache/dnf/metadata_lock.pid",
  }

  function dnf.explain(text)
    return answer.explain(text, { "^Error", "^ ?%- ", "[Nn]o match", "Cannot", "Failed to" }, HINTS)
  end

  return dnf
end
