-- apt and dpkg for the operation `package`: what is there, and the commands that change it.
-- Pure; imports nothing but texts. Internal.
local answer = require("mr.op.package.answer")

local apt = { name = "apt", versions = true, files = "deb", holds = true, purges = true }

-- Nobody is there to answer, and a settings file that somebody changed stays.
apt.env = {
  DEBIAN_FRONTEND = "noninteractive",
  APT_LISTCHANGES_FRONTEND = "none",
  NEEDRESTART_MODE = "l",
  LC_ALL = "C",
}
local KEEP = { "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold" }

-- $1: present, latest or absent; $2: a flag of apt-get or nothing; $3...: what is wanted.
apt.look = answer.head
  .. [==[
state=$1 flag=$2
shift 2
eval "$(apt-config shell lists Dir::State::lists/d auto Dir::State::extended_states/f status Dir::State::status/f)"
inode=$(stat -c %i "${status%/*}/lock-frontend" 2>/dev/null) &&
  awk -v inode="$inode" '{ n = split($6, at, ":"); if (at[n] == inode) { print "locked\t" $5; exit } }' /proc/locks 2>/dev/null
# Journal entries are numbers (modstatdb.c); apt does nothing while there are any.
for file in "${status%/*}"/updates/[0-9]*; do
  [ ! -e "$file" ] || { echo interrupted; break; }
done
for list in "$lists"*Packages*; do
  [ ! -e "$list" ] || { age "$lists"; break; }
done

# A file stands for the package that is in it, in this very version.
as_name() {
  case $1 in
    /*) dpkg-deb -W --showformat='${Package}=${Version}' "$1" 2>/dev/null ;;
    *) printf '%s' "$1" ;;
  esac
}
wanted=
for want; do
  shift
  name=$(as_name "$want")
  case $want in
    /*)
      [ -n "$name" ] || { say none "$want"; continue; }
      say file "$want" "${name%%=*}" "${name#*=}" ;;
  esac
  wanted="$wanted ${name%%=*}"
  set -- "$@" "$want"
done
export wanted auto state

known=$(
  dpkg-query -W -f='${db:Status-Abbrev}|${Package}|${Architecture}|${Version}|${Provides}\n' 2>/dev/null |
  awk -F'|' '
    BEGIN {
      OFS = "\t"
      n = split(ENVIRON["wanted"], names, " ")
      for (i = 1; i <= n; i++) wanted[names[i]] = 1
      auto = ENVIRON["auto"]
      while ((getline line < auto) > 0) {
        if (line ~ /^Package: /) package = substr(line, 10)
        if (line ~ /^Architecture: /) arch = substr(line, 15)
        if (line ~ /^Auto-Installed: 1/) by_itself[package ":" arch] = 1
      }
    }
    {
      status = substr($1, 2, 1)
      abbrev = $1
      gsub(/ /, "", abbrev)
      if (status ~ /[HUFWt]/ || substr($1, 3, 1) == "R") print "broken", $2, abbrev
      # What is half there is there only for who wants it gone; what is half gone is gone.
      if (status !~ /[itWFUc]/ && !(status == "H" && ENVIRON["state"] == "absent")) next
      if (abbrev ~ /^[rp][UFWtH]/) next
      flags = (substr($1, 1, 1) == "h" ? "h" : "") (by_itself[$2 ":" $3] ? "a" : "") (status == "c" ? "c" : "") "-"
      if ($2 in wanted) print "have", $2, $2, $4, flags
      if (($2 ":" $3) in wanted) print "have", $2 ":" $3, $2, $4, flags
      if (status == "c" || $5 == "") next
      n = split($5, provided, /, */)
      for (i = 1; i <= n; i++) {
        sub(/ .*/, "", provided[i])
        if (provided[i] in wanted) print "have", provided[i], $2, $4, "p" flags
      }
    }'
)
[ -z "$known" ] || printf '%s\n' "$known"

# What is left to do is tried in a simulation, which needs no lock and changes nothing.
for want; do
  shift
  is_there "$(as_name "$want")" && there=1 || there=
  case $state$there in
    present | latest | latest1 | absent1) set -- "$@" "$want" ;;
  esac
done
[ $# -gt 0 ] || { say end; exit 0; }
verb=install
[ "$state" != absent ] || verb=remove
apt-get -s -q ${flag:+"$flag"} --allow-change-held-packages --allow-downgrades "$verb" "$@" 2>&1 |
  grep -E '^(Inst|Remv|Purg|E:) ' | while IFS= read -r line; do say said "$line"; done
say end
]==]

-- What the simulation said, put into `is`.
function apt.said(is, line)
  local name, old, new = line:match("^Inst (%S+) %[([^%]]+)%] %((%S+)")
  if not name then
    name, new = line:match("^Inst (%S+) %((%S+)")
  end
  if name then
    is.will[#is.will + 1] = { name = name, old = old, new = new }
    return
  end
  local gone, version = line:match("^%u%l+ (%S+) %[([^%]]+)%]")
  if gone then
    is.will[#is.will + 1] = { name = gone, old = version }
    return
  end
  local missing = line:match("^E: Unable to locate package (%S+)$")
    or line:match("^E: Package '([^']+)' has no installation candidate")
    or line:match("^E: Version '[^']*' for '([^']+)' was not found")
  if missing then
    is.none[missing] = line:sub(4)
  elseif line:find("^E:") then
    is.why[#is.why + 1] = line:sub(4)
  end
end

-- The flag for what is recommended besides; nil leaves it to the server's own setting.
function apt.flag(o)
  if o.recommends == nil then
    return ""
  end
  return o.recommends and "--install-recommends" or "--no-install-recommends"
end

local function get(words, ...)
  local argv = { "apt-get", "-y", "-q", table.unpack(KEEP) }
  for _, list in ipairs({ words, ... }) do
    table.move(list, 1, #list, #argv + 1, argv)
  end
  return argv
end

function apt.install(wants, o, plan)
  local flags = { apt.flag(o) ~= "" and apt.flag(o) or nil }
  if o.downgrade then
    flags[#flags + 1] = "--allow-downgrades"
  end
  if plan.held then
    flags[#flags + 1] = "--allow-change-held-packages"
  end
  return get(flags, o.args or {}, { "install" }, wants)
end

apt.upgrade = apt.install

function apt.remove(names, o, plan)
  local flags = plan.held and { "--allow-change-held-packages" } or {}
  return get(flags, o.args or {}, { o.purge and "purge" or "remove" }, names)
end

function apt.refresh()
  -- Lists of a broken mirror are an error, not the warning that apt makes of it.
  return { "apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update" }
end

-- dpkg first: apt does nothing while dpkg's notes are unfinished. What dpkg cannot configure for want of
-- a package that was not unpacked yet, apt brings, and it may take nothing away for it. A package whose
-- files are half there is named: of itself apt 2.6 does not always unpack it again.
function apt.repair(broken)
  local steps = { { "dpkg", "--configure", "-a", "--force-confdef", "--force-confold" } } ---@type any
  local flags, again = { "--no-remove", "--fix-broken" }, {}
  for _, one in ipairs(broken) do
    local verb = one.status:find("^r") and "--remove" or one.status:find("^p") and "--purge"
    local is_name = one.name:find("^[%w][%w+.-]*$") ~= nil
    if is_name and verb then
      steps[#steps + 1] = { "dpkg", verb, one.name }
    elseif is_name and one.status:find("[HR]", 2) then
      again[#again + 1] = one.file or one.name
    end
  end
  if again[1] then
    flags[#flags + 1] = "--reinstall"
  end
  steps[#steps + 1] = get(flags, { "install" }, again)
  return steps
end

-- Does it say that it has to be repaired first?
function apt.interrupted(text)
  return text:find("dpkg was interrupted", 1, true) ~= nil
    or text:find("--fix-broken install", 1, true) ~= nil
end

function apt.hold(names, held)
  return { "apt-mark", held and "hold" or "unhold", table.unpack(names) }
end

function apt.by_hand(names)
  return { "apt-mark", "manual", table.unpack(names) }
end

-- Touched after a refresh: apt leaves the folder as it is when nothing is new.
apt.refreshed = 'eval "$(apt-config shell lists Dir::State::lists/d)" && touch "$lists"'

-- The lock files whose holder /proc/locks names, for an apt that does not say.
apt.locks = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock" }

-- Is that what it says when somebody else has the lock? Gives the holder, as far as it is told.
function apt.locked(text)
  if
    text:find("Could not get lock")
    or text:find("Unable to acquire the dpkg frontend lock")
    or text:find("Unable to lock directory")
    or text:find("dpkg frontend lock was locked by another process")
    or text:find("dpkg database is locked")
    or text:find("status database is locked")
  then
    local pid, name = text:match("held by process (%d+) %(([^)]+)%)")
    return { pid = pid or text:match("with pid (%d+)"), name = name }
  end
end

-- The words of the manager that say why, and what a person can do.
local HINTS = {
  {
    "Failed to fetch",
    "is the mirror right and in reach? `apt-get update` on the server tells more",
  },
  { "Could not resolve", "the server cannot resolve the mirror's name" },
  {
    "does not have a Release file",
    "is the suite in the source right? see /etc/apt/sources.list.d",
  },
  { "NO_PUBKEY", "the key of the source is missing: `on:repo` takes `key`" },
  { "Unable to locate package", "`update = 3600` has lists refreshed that are older than an hour" },
  { "No space left", "`df -h` on the server" },
  {
    "needs to be reinstalled, but",
    "`dpkg --remove --force-remove-reinstreq NAME` on the server takes it off",
  },
  {
    "remove is disabled",
    "`apt-get --fix-broken install` on the server asks before it takes anything away",
  },
  { "held broken packages", "`apt-mark showhold` on the server names what is held" },
  { "Unmet dependencies", "`apt-get --fix-broken install` on the server" },
  { "maintainer script", "`dpkg --configure -a` on the server shows it again" },
  { "post%-installation script", "`dpkg --configure -a` on the server shows it again" },
  { "Permission denied", "needs root: `s:ops { sudo = true }`" },
  { "are you root", "needs root: `s:ops { sudo = true }`" },
  { "superuser privilege", "needs root: `s:ops { sudo = true }`" },
}

function apt.explain(text)
  return answer.explain(
    text,
    { "^E: ", "^Err:", "^W: .*[Ff]ailed", "^dpkg: error", "^ [%w/-]+ .*script" },
    HINTS
  )
end

return apt
