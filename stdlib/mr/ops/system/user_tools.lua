-- The commands that make and change accounts, for each family of programs. Pure. Internal.
local tools = {}

-- Reads a hash from standard input, so that it is in no list of processes. Arguments: name, mark
-- that locks, then the command that takes the password.
local CHECKED = [[IFS= read -r hash || :
[ -z "$(cat)" ] || { echo "the hash has more than one line" >&2; exit 1; }
case $hash in
  *:*) echo "the hash holds a colon" >&2; exit 1 ;;
  '$'?*'$'?* | _?*) ;;
  *) echo "this is not a hash of crypt(3): openssl passwd -6 makes one" >&2; exit 1 ;;
esac
]]
local CHPASSWD = CHECKED .. [[printf '%s:%s%s\n' "$1" "$2" "$hash" | chpasswd -e]]
local PW = CHECKED .. [[printf '%s%s\n' "$2" "$hash" | pw usermod "$1" -H 0]]

local function setting(script, mark)
  return function(o, locked)
    return {
      run = { "sh", "-c", script, "sh", o.name, locked and mark or "" },
      stdin = o.password_hash,
      says = "set the password of " .. o.name,
    }
  end
end

-- Appends the flag and the value when there is one.
local function flag(argv, name, value)
  if value ~= nil then
    argv[#argv + 1] = name
    argv[#argv + 1] = tostring(value)
  end
end

local function joined(list)
  return list and list[1] and table.concat(list, ",") or nil
end

-- useradd and usermod.
local shadow = { password = setting(CHPASSWD, "!") }

function shadow.add(o, is, has_home)
  local argv = { "useradd", has_home and "-m" or "-M" }
  if o.system then
    argv[#argv + 1] = "-r"
  end
  flag(argv, "-u", o.uid)
  -- useradd does not make a group of the account's own name when there is one.
  flag(argv, "-g", o.group or (is.own_group and o.name or nil))
  flag(argv, "-G", joined(o.groups))
  flag(argv, "-d", o.home)
  flag(argv, "-s", o.shell)
  flag(argv, "-c", o.comment)
  argv[#argv + 1] = o.name
  return { { run = argv } }
end

function shadow.change(o, set)
  local argv = { "usermod" }
  flag(argv, "-u", set.uid)
  flag(argv, "-g", set.group)
  if set.groups then
    flag(argv, "-G", table.concat(set.groups, ","))
  end
  flag(argv, "-d", set.home)
  if set.home and o.move_home then
    argv[#argv + 1] = "-m"
  end
  flag(argv, "-s", set.shell)
  flag(argv, "-c", set.comment)
  argv[#argv + 1] = o.name
  return { { run = argv } }
end

function shadow.lock(name, locked)
  return { "usermod", locked and "-L" or "-U", name }
end

function shadow.remove(o)
  return o.remove_home and { "userdel", "-r", o.name } or { "userdel", o.name }
end

-- The adduser of busybox, which cannot change what is there.
local busybox = { password = setting(CHPASSWD, "!") }

function busybox.add(o, is, has_home)
  local argv = { "adduser", "-D" }
  if not has_home then
    argv[#argv + 1] = "-H"
  end
  if o.system then
    argv[#argv + 1] = "-S"
  end
  flag(argv, "-u", o.uid)
  flag(argv, "-G", o.group or (is.own_group and o.name or nil))
  flag(argv, "-h", o.home)
  flag(argv, "-s", o.shell)
  flag(argv, "-g", o.comment)
  argv[#argv + 1] = o.name
  local steps = { { run = argv } }
  for _, group in ipairs(o.groups or {}) do
    steps[#steps + 1] = { run = { "addgroup", o.name, group } }
  end
  return steps
end

function busybox.change(o, set)
  for _, key in ipairs({ "uid", "group", "home", "shell", "comment" }) do
    if set[key] ~= nil then
      mr.fail(
        ("busybox cannot change the %s of a user"):format(key),
        { hint = '`on:package("shadow")` before it brings `usermod`' }
      )
    end
  end
  local steps = {}
  for _, group in ipairs(set.join) do
    steps[#steps + 1] = { run = { "addgroup", o.name, group } }
  end
  for _, group in ipairs(set.leave) do
    steps[#steps + 1] = { run = { "delgroup", o.name, group } }
  end
  return steps
end

function busybox.lock(name, locked)
  return { "passwd", locked and "-l" or "-u", name }
end

function busybox.remove(o)
  return o.remove_home and { "deluser", "--remove-home", o.name } or { "deluser", o.name }
end

-- FreeBSD's pw(8).
local pw = { password = setting(PW, "*LOCKED*") }

function pw.add(o, is, has_home)
  local argv = { "pw", "useradd", o.name }
  if has_home then
    argv[#argv + 1] = "-m"
  end
  flag(argv, "-u", o.uid)
  flag(argv, "-g", o.group or (is.own_group and o.name or nil))
  flag(argv, "-G", joined(o.groups))
  flag(argv, "-d", o.home)
  flag(argv, "-s", o.shell)
  flag(argv, "-c", o.comment)
  return { { run = argv } }
end

function pw.change(o, set)
  local argv = { "pw", "usermod", o.name }
  flag(argv, "-u", set.uid)
  flag(argv, "-g", set.group)
  if set.groups then
    flag(argv, "-G", table.concat(set.groups, ","))
  end
  flag(argv, "-d", set.home)
  if set.home and o.move_home then
    argv[#argv + 1] = "-m"
  end
  flag(argv, "-s", set.shell)
  flag(argv, "-c", set.comment)
  return { { run = argv } }
end

function pw.lock(name, locked)
  return { "pw", locked and "lock" or "unlock", name }
end

function pw.remove(o)
  return o.remove_home and { "pw", "userdel", o.name, "-r" } or { "pw", "userdel", o.name }
end

local FAMILIES = { shadow = shadow, busybox = busybox, pw = pw }

-- The commands that this server has.
function tools.of(is)
  return FAMILIES[is.tool]
    or mr.fail(
      "the server has neither `usermod`, `adduser` nor `pw`",
      { hint = "`sudo = true` finds the programs of root" }
    )
end

-- The step that makes the home of an account which has none, out of /etc/skel.
local HOME = [[
name=$1
line=$(getent passwd "$name" 2>/dev/null || grep "^$name:" /etc/passwd)
home=$(echo "$line" | cut -d: -f6)
[ -n "$home" ] && [ ! -e "$home" ] || exit 0
mkdir -p "$home" && chmod 0700 "$home" || exit 1
[ ! -d /etc/skel ] || cp -R /etc/skel/. "$home"
chown -R "$(echo "$line" | cut -d: -f3,4)" "$home"
]]

function tools.home(name)
  return { script = HOME, args = { name }, says = "make the home of " .. name }
end

return tools
