-- update: upgrade the packages of servers one after another, restart those that wait for it, and go
-- on only when each is well. apt, dnf, yum and apk.
--
-- -e full=true      upgrades that take packages away too (apt: dist-upgrade; dnf upgrades so anyway)
-- -e reboot=no      restarts nothing; `always` restarts each server that got something; else those
--                   whose system says that it waits for a restart
-- -e force=true     restarts even where somebody is logged in
-- -e probe=443      is well when it listens on that port, or
-- -e probe=COMMAND  when that command ends with 0
-- -e timeout=600    seconds for a server's return, and again for the probe
-- -e batch=1        so many servers at once
--
-- `--check` upgrades nothing and tells what would be upgraded, as far as the server's lists know.
local restart = require "mr.restart"

-- Nobody is there to answer.
local ENV = { DEBIAN_FRONTEND = "noninteractive", APT_LISTCHANGES_FRONTEND = "none" }

-- How each manager refreshes its lists (and mends what a broken-off run has left), and upgrades.
local APT = "apt-get -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef"
  .. " -o Dpkg::Options::=--force-confold"
-- As the operation `package` does it: dpkg first, then apt, which brings what dpkg waits for and unpacks
-- again what is half there, and takes nothing away.
local MEND = [[
set -f
dpkg --configure -a --force-confdef --force-confold
half=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n -e 's/^[ih]H[R ]* //p' -e 's/^[ih][^H]R *//p')
]] .. APT .. " --no-remove --fix-broken ${half:+--reinstall} install $half || exit\n"
local MANAGERS = {
  apt = {
    refresh = MEND .. "apt-get -q -o DPkg::Lock::Timeout=300 update",
    upgrade = APT .. " --with-new-pkgs upgrade",
    full = APT .. " dist-upgrade",
  },
  dnf = { refresh = "dnf -q makecache", upgrade = "dnf -y upgrade" },
  yum = { refresh = "yum -q makecache", upgrade = "yum -y update" },
  apk = { refresh = "apk update", upgrade = "apk upgrade", full = "apk upgrade --available" },
}

-- What would be upgraded: `$1` is the manager, `$2` is not empty for a full upgrade.
local PENDING = [[
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
case $1 in
apt)
  if [ -n "$2" ]; then set -- dist-upgrade; else set -- --with-new-pkgs upgrade; fi
  apt-get -s -q -o Debug::NoLocking=1 "$@" ;;
apk) apk -s upgrade ${2:+--available} ;;
*) "$1" -q check-update; code=$?; [ "$code" = 100 ] || exit "$code" ;;
esac]]
-- One line of that, as { name, from, to }; nil for what is none.
local READ = {
  apt = function(line)
    local name, rest = line:match "^Inst (%S+) (.+)$"
    local gone, was = line:match "^Remv (%S+) %[(%S+)%]"
    if gone then
      return { name = gone, from = was }
    end
    local to = (rest or ""):match "%(([^%s()]+)"
    return to and { name = name, from = rest:match "^%[([^%s%]]+)%]", to = to }
  end,
  apk = function(line)
    local name, from, to = line:match "^%(%d+/%d+%) Upgrading (%S+) %((%S+) %-> (%S+)%)"
    if not name then
      name, to = line:match "^%(%d+/%d+%) Installing (%S+) %((%S+)%)"
    end
    return name and { name = name, from = from, to = to }
  end,
  dnf = function(line)
    local name, to = line:match "^(%S+)%.[%w_]+%s+(%S+)%s+%S+%s*$"
    return name and { name = name, to = to }
  end,
}
READ.yum = READ.dnf

local function pending(s, manager, sudo)
  local words = { "sh", "-s", "--", manager, tostring(vars.full) == "true" and "full" or "" }
  local list = mr.json.array {}
  local text = s:capture(words, { stdin = PENDING, sudo = sudo, timeout = 600 })
  for _, line in ipairs(mr.text.lines(text)) do
    if line:find "^Obsoleting Packages" then
      break
    end
    list[#list + 1] = READ[manager](line) or nil
  end
  return list
end

local function update(s, opts)
  local facts = s:facts()
  local name = facts.package_manager
  local manager = MANAGERS[name or ""]
  if not manager then
    error({
      kind = "script",
      message = ("does not know how to update with `%s`"):format(name or "no package manager"),
      hint = "the operation `package` knows more managers: `mroom doc Ops:package`",
    }, 0)
  end
  local sudo = facts.user.uid ~= 0 or nil
  local on = s:ops { sudo = sudo }
  if not s.check then
    s:phase "looking for upgrades"
    s:run({ "sh", "-c", manager.refresh }, { env = ENV, sudo = sudo, timeout = 1800 })
  end
  local list = pending(s, name, sudo)
  local result = { upgraded = list, restarted = false }
  if list[1] then
    s:phase(("upgrading %d packages"):format(#list))
    local text = tostring(vars.full) == "true" and manager.full or manager.upgrade
    on:command(text, { env = ENV, timeout = 7200 })
  end
  if opts.reboot ~= "no" and not (s.check and list[1]) then
    local always = opts.reboot == "always" and list[1] ~= nil
    local again = on:reboot {
      if_needed = not always,
      unless_users = tostring(vars.force) ~= "true",
      timeout = opts.timeout,
      command = vars.command,
      boot_id = vars.boot_id,
    }
    result.restarted = again.changed
  end
  if vars.probe and not s.check then
    restart.await(s, function()
      return restart.is_well(s, vars.probe)
    end, vars.probe, opts.timeout)
  end
  return result
end

local function decoded()
  local opts = {
    timeout = tonumber(vars.timeout or 600),
    batch = math.tointeger(tonumber(vars.batch or 1)),
    reboot = tostring(vars.reboot == nil and "auto" or vars.reboot),
  }
  local function usage(message)
    error({ kind = "usage", message = message }, 0)
  end
  if not opts.timeout or opts.timeout <= 0 then
    usage "`timeout` must be a number of seconds"
  elseif not opts.batch or opts.batch < 1 then
    usage "`batch` must be a number of servers"
  elseif not ({ auto = true, no = true, always = true })[opts.reboot] then
    usage "`reboot` must be `auto`, `no` or `always`"
  end
  return opts
end

-- `openssl 3.0.1 -> 3.0.2`, as many as are read with ease.
local function told(list)
  local words = {}
  for i = 1, math.min(#list, 3) do
    local one = list[i]
    words[i] = one.name .. (one.from and " " .. one.from or "") .. " -> " .. (one.to or "gone")
  end
  words[#words + 1] = #list > 3 and ("and %d more"):format(#list - 3) or nil
  return table.concat(words, ", ")
end

return {
  name = "update",
  summary = "Upgrade packages, restart where needed, one server after another, each proven well.",
  args = "PATTERN",

  run = function(...)
    if select("#", ...) == 0 then
      local hint = "`mroom run --check update @web` tells what would be upgraded"
      error({
        kind = "usage",
        message = "`update` needs a selection of servers",
        hint = hint,
      }, 0)
    end
    local opts = decoded()
    local servers = fleet.select(table.concat({ ... }, " "))
    local question = ("update %s?"):format(table.concat(servers:ids(), ", "))
    if not mr.check and not mr.confirm(question) then
      mr.fail("nothing was updated: nobody agreed", { hint = "`-y` agrees without a question" })
    end
    local forks = mr.check and 32 or opts.batch
    return servers:map(function(s)
      return update(s, opts)
    end, { forks = forks, max_fail = not mr.check and 0 or nil, label = "update" })
  end,

  show = function(outcomes)
    local rows = {}
    for i, outcome in ipairs(outcomes) do
      local value = outcome.value or { upgraded = {} }
      rows[i] = {
        server = outcome.server,
        status = outcome.status,
        packages = #value.upgraded,
        restarted = value.restarted and "yes" or "no",
        upgraded = told(value.upgraded),
      }
    end
    return mr.table(rows, { columns = { "server", "status", "packages", "restarted", "upgraded" } })
  end,
}
