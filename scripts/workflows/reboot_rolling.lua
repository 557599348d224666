-- reboot_rolling: restart servers one after another, and go on only when each is back and well.
--
-- -e force=true     even where somebody is logged in
-- -e probe=443      wait until it listens on that port, or
-- -e probe=COMMAND  until that command ends with 0
-- -e timeout=600    seconds for the return, and again for the probe
-- -e command=...    what restarts it
-- -e boot_id=...    a command whose output is another one after each start

local COMMAND = "systemctl reboot 2>/dev/null || shutdown -r now || reboot"
local BOOT_ID = "cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime"

local function shell(command)
  return { "sh", "-c", command }
end

-- Nobody wants to restart the machine that they sit at, nor one whose people are at work.
local function refuse(s, before)
  local file = io.open "/proc/sys/kernel/random/boot_id"
  local here = file and file:read "l"
  if file then
    file:close()
  end
  if before == here then
    mr.fail("this is the machine that you sit at, or a container on it")
  end
  if tostring(vars.force) == "true" then
    return
  end
  local users = {}
  for _, line in ipairs(mr.text.lines(s:capture(shell "who 2>/dev/null; true"))) do
    users[#users + 1] = line:match "^%S+"
  end
  if users[1] then
    local hint = "`mroom run who` tells from where; `-e force=true` restarts it all the same"
    mr.fail("logged in: " .. table.concat(users, ", "), { hint = hint })
  end
end

-- The connection may break before the command ends; only a refusal is an error.
local function restart(s)
  local _, err = mr.try(s.run, s, shell(vars.command or COMMAND), { timeout = 60 })
  if
    err and ((err.kind == "exit" and err.code) or err.kind == "cancelled" or err.kind == "usage")
  then
    error(err, 0)
  end
end

-- What a new session says of the start; nil as long as there is none.
local function boot_id(s)
  s:release()
  local id, err = mr.try(s.capture, s, shell(vars.boot_id or BOOT_ID), { timeout = 30 })
  if err and (err.kind == "host_key" or err.kind == "cancelled") then
    error(err, 0)
  end
  return id
end

local function is_well(s)
  local port = math.tointeger(tonumber(vars.probe))
  if not port then
    return s:test(shell(vars.probe))
  end
  for _, open in ipairs(s:ports { all = true }) do
    if open == port then
      return true
    end
  end
  return false
end

local function reboot(s, timeout)
  local before = s:capture(shell(vars.boot_id or BOOT_ID))
  refuse(s, before)
  local begun = mr.now()
  s:phase "restarting"
  restart(s)
  if s.check then
    return nil
  end
  s:phase "waiting for its return"
  mr.wait(function()
    local now = boot_id(s)
    return now and now ~= "" and now ~= before
  end, { timeout = timeout, every = 2, what = "the return from the restart" })
  if vars.probe then
    s:phase "waiting for the probe"
    mr.wait(function()
      return mr.try(is_well, s)
    end, { timeout = timeout, every = 2, what = ("the probe `%s`"):format(vars.probe) })
  end
  local seconds = math.ceil(mr.now() - begun)
  s:log(("is back after %d s"):format(seconds))
  return { seconds = seconds }
end

return {
  name = "reboot_rolling",
  summary = "Restart servers one after another; stops at the first that does not come back.",
  args = "PATTERN",

  run = function(...)
    if select("#", ...) == 0 then
      local hint = "`mroom run --check reboot_rolling @web` tells what would be done"
      local message = "`reboot_rolling` needs a selection of servers"
      error({ kind = "usage", message = message, hint = hint }, 0)
    end
    local timeout = tonumber(vars.timeout or 600)
    if not timeout or timeout <= 0 then
      error({ kind = "usage", message = "`timeout` must be a number of seconds" }, 0)
    end
    local servers = fleet.select(table.concat({ ... }, " "))
    local question = ("restart %s, one after another?"):format(table.concat(servers:ids(), ", "))
    if not mr.check and not mr.confirm(question) then
      mr.fail("nothing was restarted: nobody agreed", { hint = "`-y` agrees without a question" })
    end
    return servers:map(function(s)
      return reboot(s, timeout)
    end, { forks = 1, max_fail = 0, label = "reboot" })
  end,

  show = function(outcomes)
    local rows = {}
    for i, outcome in ipairs(outcomes) do
      local seconds = outcome.value and outcome.value.seconds
      rows[i] = {
        server = outcome.server,
        status = outcome.status,
        back = seconds and ("after %d s"):format(seconds) or "",
      }
    end
    return mr.table(rows, { columns = { "server", "status", "back" } })
  end,
}
