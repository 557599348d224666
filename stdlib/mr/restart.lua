-- mr.restart: a server is restarted, and its return is waited for. For the operation `reboot` and
-- the workflows `reboot_rolling` and `update`; `server:health()` asks whether one is needed.
--
-- A server is back when a new session says another boot id than before; then a probe of the
-- caller's may say when it is well. This machine itself is never restarted.
local restart = {}

local COMMAND = "systemctl reboot 2>/dev/null || shutdown -r now || reboot"
local BOOT_ID = "cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime"

-- The body of a shell function that says `needed WHY` when something waits for a restart: what the
-- distributions leave or tell for that. It uses `say` and `have` of the script around it.
restart.look = [[
for file in /run/reboot-required /var/run/reboot-required; do
  [ ! -e "$file" ] || { say needed "$file is there"; return 0; }
done
if have needs-restarting; then
  needs-restarting -r >/dev/null 2>&1
  [ $? -ne 1 ] || say needed "needs-restarting says so"
elif have zypper; then
  zypper -n needs-rebooting >/dev/null 2>&1
  [ $? -ne 102 ] || say needed "zypper says so"
elif [ -n "$(ls /lib/modules 2>/dev/null)" ] && [ ! -d "/lib/modules/$(uname -r)" ]; then
  say needed "the running kernel is no longer installed"
fi
]]

local function shell(command)
  return { "sh", "-c", command }
end

-- Nobody wants to restart the machine that they sit at.
local function refuse(before)
  local file = io.open "/proc/sys/kernel/random/boot_id"
  local here = file and file:read "l"
  if file then
    file:close()
  end
  if before == here then
    mr.fail "this is the machine that you sit at, or a container on it"
  end
end

-- Raises when somebody is logged in; `hint` says how to restart it all the same.
function restart.refuse_users(s, hint)
  local users = {}
  for _, line in ipairs(mr.text.lines(s:capture(shell "who 2>/dev/null; true"))) do
    users[#users + 1] = line:match "^%S+"
  end
  if users[1] then
    mr.fail("logged in: " .. table.concat(users, ", "), { hint = hint })
  end
end

-- The connection may break before the command ends; only a refusal is an error.
local function begin(s, opts)
  local _, err =
    mr.try(s.run, s, shell(opts.command or COMMAND), { timeout = 60, sudo = opts.sudo })
  if
    err and ((err.kind == "exit" and err.code) or err.kind == "cancelled" or err.kind == "usage")
  then
    error(err, 0)
  end
end

-- What a new session says of the start; nil as long as there is none.
local function boot_id(s, opts)
  s:release()
  local id, err = mr.try(s.capture, s, shell(opts.boot_id or BOOT_ID), { timeout = 30 })
  if err and (err.kind == "host_key" or err.kind == "cancelled") then
    error(err, 0)
  end
  return id
end

-- Waits, and says what to do when it was in vain.
local function await(s, f, what, timeout)
  local _, err = mr.try(mr.wait, f, { timeout = timeout, every = 2, what = what })
  if err and err.kind == "timeout" then
    local hint = "its console says more; `mroom doctor %s` tells how far a connection gets"
    error({ kind = "timeout", message = err.message, hint = err.hint or hint:format(s.id) }, 0)
  elseif err then
    error(err, 0)
  end
end

-- Does the server listen on the port that `probe` is, or else end that command with 0?
---@return boolean
function restart.is_well(s, probe)
  local port = math.tointeger(tonumber(probe))
  if not port then
    return s:test(shell(probe))
  end
  for _, open in ipairs(s:ports { all = true }) do
    if open == port then
      return true
    end
  end
  return false
end

-- Waits until `probe`, a function, gives true; `name` stands for it in messages.
function restart.await(s, probe, name, timeout)
  s:phase "waiting for the probe"
  await(s, function()
    return mr.try(probe)
  end, ("the probe `%s`"):format(name), timeout)
end

-- Restarts and waits; gives the seconds that it took, or nil in check mode. opts: `command` that
-- restarts it; `boot_id`, a command that prints another text after each start; `timeout`, seconds
-- for the return and again for the probe; `probe`, a function that is called until it gives true,
-- and `probe_name`; `before`, a function that may refuse; `sudo` for the command.
function restart.run(s, opts)
  local before = s:capture(shell(opts.boot_id or BOOT_ID))
  refuse(before)
  if opts.before then
    opts.before()
  end
  local begun = mr.now()
  s:phase "restarting"
  begin(s, opts)
  if s.check then
    return nil
  end
  s:phase "waiting for its return"
  await(s, function()
    local now = boot_id(s, opts)
    return now and now ~= "" and now ~= before
  end, "the return from the restart", opts.timeout)
  if opts.probe then
    restart.await(s, opts.probe, opts.probe_name, opts.timeout)
  end
  local seconds = math.ceil(mr.now() - begun)
  s:log(("is back after %d s"):format(seconds))
  return seconds
end

return restart
