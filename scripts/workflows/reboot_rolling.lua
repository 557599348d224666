-- reboot_rolling: restart servers one after another, and go on only when each is back and well.
--
-- -e force=true     even where somebody is logged in
-- -e probe=443      wait until it listens on that port, or
-- -e probe=COMMAND  until that command ends with 0
-- -e timeout=600    seconds for the return, and again for the probe
-- -e command=...    what restarts it
-- -e boot_id=...    a command whose output is another one after each start

local restart = require "mr.restart"

local function reboot(s, timeout)
  local seconds = restart.run(s, {
    command = vars.command,
    boot_id = vars.boot_id,
    timeout = timeout,
    probe_name = vars.probe,
    probe = vars.probe and function()
      return restart.is_well(s, vars.probe)
    end or nil,
    before = function()
      if tostring(vars.force) ~= "true" then
        local hint = "`mroom run who` tells from where; `-e force=true` restarts it all the same"
        restart.refuse_users(s, hint)
      end
    end,
  })
  return seconds and { seconds = seconds }
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
