-- What a server has of Docker: engine, Compose, packages, service, settings. One round trip each; both
-- scripts only read. For the stage `docker`. Internal.
local half = require "mr.op.package.half"
local look = {}

local MARK, SETTINGS = "mroom-engine", "/etc/docker/daemon.json"
look.settings = SETTINGS

-- `$1` is the user who is to use it. Lines `KEY TAB VALUE`; last the settings, as they are.
local STATE = [[
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
say() { printf '%s\t%s\n' "$1" "$2" | tr -d '\r' | head -n 1; }
echo MARK
if command -v docker >/dev/null; then
  say client 1
  if is=$(docker version --format '{{.Server.Version}}' 2>&1); then
    say engine "$is"
  else
    say why "$(printf '%s\n' "$is" | tail -n 1)"
  fi
  is=$(docker compose version --short 2>/dev/null) && say compose "$is"
fi
is=$(dockerd --version 2>/dev/null) && say dockerd "$is"
(
  for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] && . "$file" && break
  done
  say id "$ID"
  say codename "${UBUNTU_CODENAME:-$VERSION_CODENAME}"
  [ -z "$UBUNTU_CODENAME" ] || say ubuntu 1
) 2>/dev/null
say machine "$(uname -m)"
is=$(dpkg --print-architecture 2>/dev/null) && say arch "$is"
if [ -d /run/systemd/system ]; then
  say init systemd
  [ "$(systemctl is-active docker 2>/dev/null)" = active ] && say running 1
  [ "$(systemctl is-enabled docker 2>/dev/null)" = enabled ] && say enabled 1
elif command -v rc-service >/dev/null; then
  say init openrc
  rc-service -q docker status >/dev/null 2>&1 && say running 1
  [ -e /etc/runlevels/default/docker ] && say enabled 1
fi
for group in $(id -nG -- "$1" 2>/dev/null); do [ "$group" != docker ] || say member 1; done
HALF
for name in docker-ce docker.io moby-engine docker-engine docker; do
  if command -v dpkg-query >/dev/null; then is_known "$name" || continue
  elif command -v rpm >/dev/null; then rpm -q --quiet "$name" || continue
  elif command -v apk >/dev/null; then apk info -e "$name" >/dev/null 2>&1 || continue
  else continue; fi
  say package "$name"
done
half docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin \
  docker.io docker-cli docker-compose docker-compose-v2 containerd runc |
  while IFS= read -r name; do say half "$name"; done
if [ -r SETTINGS ]; then
  say size "$(wc -c <SETTINGS)"
  echo settings
  cat SETTINGS
elif [ -e SETTINGS ]; then
  say hidden 1
fi]]
STATE = STATE:gsub("MARK", MARK)
  :gsub("SETTINGS", SETTINGS)
  :gsub("HALF", (half.functions:gsub("%%", "%%%%")))

-- Which versions the lists have of the packages `$2…`; `$1` is the manager. Lines `NAME VERSION`.
local CANDIDATES = [[
export LC_ALL=C
manager=$1
shift
case $manager in
apt)
  apt-cache policy "$@" | awk '
    /^[^ ].*:$/ { name = substr($0, 1, length($0) - 1) }
    $1 == "Candidate:" && $2 != "(none)" { print name, $2 }' ;;
apk)
  apk search -x "$@" | sed -n 's/^\(.*\)-\([0-9][^-]*-r[0-9]*\)$/\1 \2/p' ;;
*)
  "$manager" -q repoquery --latest-limit=1 --qf '%{name} %{version}-%{release}\n' "$@" ;;
esac]]

local function printable(text)
  return (text:gsub("[^%g ]", "?"):sub(1, 300))
end

-- What the state's script printed: { engine, compose, dockerd, why, id, codename, arch, machine, init,
-- running, enabled, member, half, packages = set, settings = text }. What is not there is nil; `half` is a
-- package of it that dpkg has not finished.
function look.parse(text)
  local _, first = text:find(MARK .. "\n", 1, true)
  if not first then
    mr.fail("the server did not answer with what it has of Docker", {
      hint = "is `sh` a POSIX shell there?",
    })
  end
  -- `capture` takes the white space at the end, which means nothing in JSON either.
  text = text .. "\n"
  local is, at = { packages = {} }, first + 1 ---@type any, integer
  while at <= #text do
    local line, after = text:match("^([^\n]*)\n()", at) ---@type string?, any
    if not line or line == "settings" then
      is.settings = line and text:sub(after) or nil
      break
    end
    local key, value = line:match "^(%l+)\t(.+)$"
    if key == "package" then
      is.packages[printable(value)] = true
    elseif key and key ~= "packages" and key ~= "settings" then
      is[key] = printable(value)
    end
    at = after
  end
  local size = math.tointeger(tonumber(is.size))
  if is.settings and (not size or #is.settings > size + 1) then
    mr.fail(("the server's `%s` cannot be read"):format(SETTINGS))
  end
  is.dockerd = is.dockerd and is.dockerd:match "version ([%w.+~-]+)"
  is.init = (is.init == "systemd" or is.init == "openrc") and is.init or nil
  return is
end

-- What there is, as that user sees it: `sudo` as in `capture`.
function look.at(s, user, sudo)
  local command = { "sh", "-s", "--", user }
  return look.parse(s:capture(command, { stdin = STATE, sudo = sudo, timeout = 60 }))
end

-- The versions that the manager's lists have, by the packages' names.
function look.candidates(s, manager, names, sudo)
  local command = { "sh", "-s", "--", manager, table.unpack(names) }
  local text = s:capture(command, { stdin = CANDIDATES, sudo = sudo, timeout = 300 })
  local found = {}
  for line in text:gmatch "[^\n]+" do
    local name, version = line:match "^([%w.+_-]+) ([%w.+:~_-]+)$"
    if name then
      found[name] = version
    end
  end
  return found
end

return look
