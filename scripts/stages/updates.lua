-- updates: security updates install themselves; where a restart is needed, in a window of its own.
--
-- By unattended-upgrades where packages are apt's, dnf-automatic where they are dnf's, and a daily job
-- where they are apk's, which knows no kinds of updates. Proven by what these tools themselves say.
local MANAGERS = { apt = true, dnf = true, apk = true }

local function header(sign)
  return sign .. " Written by mroom, stage `updates`.\n"
end

local function word(is)
  return is and "true" or "false"
end

-- Settings of apt: a list of { key, value }; a list of values clears what was there before.
local function apt_text(settings)
  local lines = { header "//" }
  for _, pair in ipairs(settings) do
    local key, value = pair[1], pair[2]
    if type(value) == "table" then
      lines[#lines + 1] = ("#clear %s;\n"):format(key)
      for _, one in ipairs(value) do
        lines[#lines + 1] = ('%s:: "%s";\n'):format(key, one)
      end
    else
      lines[#lines + 1] = ('%s "%s";\n'):format(key, value)
    end
  end
  return table.concat(lines)
end

local U = "Unattended-Upgrade::"

-- Read after what the package brings, so it counts.
local APT_FILE = "/etc/apt/apt.conf.d/52mroom-updates"

-- What apt is to say of itself, { key, value }.
local function apt_settings(o)
  local list = {
    { "APT::Periodic::Update-Package-Lists", "1" },
    { "APT::Periodic::Unattended-Upgrade", "1" },
    { U .. "Automatic-Reboot", word(o.reboot) },
    { U .. "Automatic-Reboot-WithUsers", word(o.reboot_with_users) },
    { U .. "Automatic-Reboot-Time", o.reboot_time },
    { U .. "Remove-Unused-Dependencies", word(o.remove_unused) },
  }
  if not o.security_only then
    list[#list + 1] = { U .. "Origins-Pattern", { "origin=*" } }
  end
  if o.exclude then
    list[#list + 1] = { U .. "Package-Blacklist", o.exclude }
  end
  return list
end

local function timer(on, name, o)
  on:systemd_unit(name, {
    dropin = "mroom",
    -- An empty line takes the times of before away.
    sections = {
      Timer = { OnCalendar = { "", "*-*-* " .. o.reboot_time }, RandomizedDelaySec = "0" },
    },
  })
end

local function by_apt(on, o, facts)
  on:package("unattended-upgrades", { recommends = false })
  on:file(APT_FILE, {
    content = apt_text(apt_settings(o)),
    mode = "0644",
    validate = "apt-config -c=%s dump >/dev/null",
  })
  if facts.init == "systemd" then
    -- Elsewhere apt's own job in /etc/cron.daily does it.
    for _, name in ipairs { "apt-daily.timer", "apt-daily-upgrade.timer" } do
      on:service(name, { masked = false, enabled = true, state = "running" })
    end
  end
end

local function by_dnf(on, o, facts)
  local five = facts.commands.dnf5 ~= nil
  on:package(five and "dnf5-plugin-automatic" or "dnf-automatic")
  local settings = {
    { "upgrade_type", o.security_only and "security" or "default" },
    { "apply_updates", "yes" },
    { "reboot", o.reboot and "when-needed" or "never" },
  }
  local file = "/etc/dnf/automatic.conf"
  if five then
    local lines = { header "#" .. "[commands]\n" }
    for _, pair in ipairs(settings) do
      lines[#lines + 1] = ("%s = %s\n"):format(pair[1], pair[2])
    end
    on:file(file, { content = table.concat(lines), mode = "0644" })
  else
    for _, pair in ipairs(settings) do
      on:line(file, {
        line = ("%s = %s"):format(pair[1], pair[2]),
        match = "^%s*" .. pair[1] .. "%s*=",
        after = "^%[commands%]",
      })
    end
  end
  local unit = five and "dnf5-automatic.timer" or "dnf-automatic.timer"
  if o.reboot then
    timer(on, unit, o) -- it restarts right after its work
  end
  on:service(unit, { masked = false, enabled = true, state = "running" })
end

local function by_apk(on)
  on:file("/etc/periodic/daily/mroom-updates", {
    content = "#!/bin/sh\n" .. header "#" .. "exec apk --no-progress --update-cache upgrade\n",
    mode = "0755",
  })
  on:service("crond", { enabled = true, state = "running" })
end

local function manager_of(s)
  local facts = s:facts { commands = { dnf5 = "dnf5" } }
  local name = facts.package_manager == "dnf5" and "dnf" or facts.package_manager
  if not MANAGERS[name or ""] then
    mr.fail(
      ("it does not know how packages of `%s` update themselves"):format(
        name or "an unknown manager"
      ),
      { hint = "updates knows apt, dnf and apk; `mroom eject stages.updates` lets you add yours" }
    )
  end
  return name, facts
end

-- What apt itself reads in all of its files must be what we want of it.
local function verify_apt(s, o)
  local said = s:capture("apt-config dump", { sudo = true, timeout = 60 })
  for _, pair in ipairs(apt_settings(o)) do
    local value = type(pair[2]) == "string" and pair[2] or nil
    local line = ('%s "%s";'):format(pair[1], value or "")
    if value and not ("\n" .. said .. "\n"):find("\n" .. line .. "\n", 1, true) then
      local now = said:match(pair[1]:gsub("%p", "%%%0") .. ' "([^"\n]*)";')
      mr.fail(("`%s` is `%s`: another file of apt sets it"):format(pair[1], now or "not set"), {
        hint = "`grep -r Unattended /etc/apt/apt.conf.d` on the server finds it",
      })
    end
  end
  if o.changed then
    s:phase "trying unattended-upgrade"
    s:capture({ "unattended-upgrade", "--dry-run" }, { sudo = true, timeout = 600 })
  end
end

return {
  name = "updates",
  summary = "Security updates install themselves, restarts have a window.",
  options = {
    security_only = {
      type = "boolean",
      default = true,
      help = "false: all updates (apk knows no kinds)",
    },
    reboot = { type = "boolean", default = false, help = "restarts when an update needs it" },
    reboot_time = { type = "string", default = "04:00", help = "when, the server's time" },
    reboot_with_users = {
      type = "boolean",
      default = false,
      help = "even while somebody is logged in (apt)",
    },
    remove_unused = {
      type = "boolean",
      default = true,
      help = "what only old packages needed goes, too (apt)",
    },
    exclude = { type = "list", help = "packages that stay as they are, as patterns (apt)" },
  },

  prepare = function(_, o)
    local function bad(text, hint)
      error({ kind = "usage", message = "`updates`: " .. text, hint = hint }, 0)
    end
    local hour, minute = o.reboot_time:match "^(%d%d):(%d%d)$"
    if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then
      bad(("`reboot_time` must be a time, not `%s`"):format(o.reboot_time:sub(1, 40)), "`04:00`")
    end
    for _, name in ipairs(o.exclude or {}) do
      if type(name) ~= "string" or not name:find "^[%w^][%w.+*$_-]*$" then
        bad(("`exclude`: `%s` is no package and no pattern"):format(tostring(name):sub(1, 80)))
      end
    end
  end,

  check = function(s, o)
    local name, facts = manager_of(s)
    if name == "apk" and o.reboot then
      mr.fail("apk cannot tell when a restart is needed", {
        hint = "leave `reboot` off; `mroom run reboot_rolling` restarts",
      })
    elseif name ~= "apt" and o.exclude then
      mr.fail(("`exclude` is for apt, and this is %s"):format(name), {
        hint = "`on:package(NAME, { hold = true })` keeps a version",
      })
    end
    return false, { manager = name, facts = facts }
  end,

  apply = function(s, o, found)
    local on = s:ops { sudo = true }
    local results = {}
    -- Which of these changed something decides whether the tools are tried.
    local watched = setmetatable({}, {
      __index = function(_, verb)
        return function(_, ...)
          local result = on[verb](on, ...)
          results[#results + 1] = result
          return result
        end
      end,
    })
    local by = { apt = by_apt, dnf = by_dnf, apk = by_apk }
    by[found.manager](watched, o, found.facts)
    for _, result in ipairs(results) do
      o.changed = o.changed or result.status == "changed"
    end
  end,

  verify = function(s, o, found)
    if found.manager == "apt" then
      verify_apt(s, o)
    end
  end,

  undo = function(s)
    local on = s:ops { sudo = true }
    local name = manager_of(s)
    if name == "apt" then
      on:file(APT_FILE, { state = "absent" })
    elseif name == "dnf" then
      on:service("dnf-automatic.timer", { enabled = false, state = "stopped" })
    else
      on:file("/etc/periodic/daily/mroom-updates", { state = "absent" })
    end
  end,
}
