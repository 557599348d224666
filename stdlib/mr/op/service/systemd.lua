-- systemd for the operation `service`: what a unit is, and the commands that change it. Pure, but
-- for the step that starts a unit and watches it. Internal.
local systemd = { name = "systemd" }

local SUFFIXES = "service socket timer target path mount automount swap slice scope device"

-- The unit's full name: `nginx` is `nginx.service`.
function systemd.unit(name)
  local suffix = name:match("%.(%l+)$")
  if suffix and (" " .. SUFFIXES .. " "):find(" " .. suffix .. " ", 1, true) then
    return name
  end
  return name .. ".service"
end

-- `ctl` is systemctl of the system's manager, or of the user's when $1 is `user`.
local CTL = [[
ctl() { systemctl --no-pager "$@"; }
log() { journalctl --no-pager -q "$@"; }
if [ "$1" = user ]; then
  export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
  ctl() { systemctl --user --no-pager "$@"; }
  log() { journalctl --user --no-pager -q "$@"; }
fi
show() {
  ctl show -p LoadState,ActiveState,SubState,Type,RemainAfterExit,NRestarts,MainPID,Result \
    -p ExecMainCode,ExecMainStatus,NeedDaemonReload,CanReload -- "$1"
}
]]

-- $1: `user` or `system`, $2: the unit.
local LOOK = CTL
  .. [[
echo mroom-service
seen=$(show "$2") || exit
printf '%s\n' "$seen"
echo "enabled=$(ctl is-enabled -- "$2" 2>/dev/null | head -n 1)"
case $seen in
  *LoadState=not-found*)
    { ctl list-unit-files --no-legend; ctl list-units --all --plain --no-legend; } 2>/dev/null |
      awk 'NR <= 4000 { print "unit=" $1 }' ;;
esac
echo mroom-service-end
]]

-- Does `$3` to the unit `$2`, and looks for `$4` seconds whether it stays. What it prints ends with
-- `verdict=`: ok, refused (by systemd), or what has become of it.
local WATCH = CTL
  .. [[
unit=$2 verb=$3 settle=$4
value() { printf '%s\n' "$seen" | sed -n "s/^$1=//p"; }
seen=$(show "$unit")
restarts=0
[ "$verb" != reload ] || restarts=$(value NRestarts)
begun=$(date +%s)
verdict=
if ! ctl "$verb" -- "$unit" 2>&1; then verdict=refused; fi
# A start that took long takes nothing off the time in which it must stay.
from=$(date +%s)
while [ -z "$verdict" ]; do
  seen=$(show "$unit")
  case $(value ActiveState)/$(value SubState) in
    active/* | reloading/*) ;;
    */auto-restart*) verdict=restarts ;;
    failed/*) verdict=failed ;;
    inactive/*)
      if [ "$(value Type)" = oneshot ] && [ "$(value Result)" = success ]; then verdict=ok; else verdict=ended; fi ;;
  esac
  now=$(value NRestarts)
  [ -n "$verdict" ] || [ "${now:-0}" -le "${restarts:-0}" ] || verdict=restarts
  [ -z "$verdict" ] || break
  if [ $(($(date +%s) - from)) -gt "$settle" ] || [ "$settle" = 0 ]; then verdict=ok; break; fi
  sleep 0.3 2>/dev/null || sleep 1
done
if [ "$verdict" != ok ]; then
  seen=$(show "$unit")
  echo mroom-journal
  log -u "$unit" -n 20 -o short-iso --since "@$begun" 2>&1
  echo mroom-journal-end
fi
printf '%s\n' "$seen"
echo "verdict=$verdict"
]]

local function manager(o)
  return o.user and "user" or "system"
end

function systemd.look(o)
  return { script = LOOK, args = { manager(o), systemd.unit(o.name) }, timeout = 60 }
end

local YES = { enabled = true, ["enabled-runtime"] = true, alias = true }
local NO = { disabled = true, ["linked"] = true, ["masked"] = true, ["masked-runtime"] = true }

-- The state in what the look printed.
function systemd.read(text)
  local body = text:match("mroom%-service\n(.*)\nmroom%-service%-end")
  if not body then
    return nil
  end
  local found, units = {}, {}
  for line in body:gmatch("[^\n]+") do
    local key, value = line:match("^(%w+)=(.*)$")
    if key == "unit" then
      units[#units + 1] = #value <= 256 and value:match("^[%g]+$") or nil
    elseif key and found[key] == nil then
      found[key] = #value <= 64 and value:match "^[%w-]*$" or nil
    end
  end
  local load, active, sub = found.LoadState, found.ActiveState, found.SubState
  if not (load and active and sub) then
    return nil
  end
  local enabled
  if YES[found.enabled] then
    enabled = true
  elseif NO[found.enabled] then
    enabled = false
  end
  return {
    there = load ~= "not-found",
    broken = (load == "bad-setting" or load == "error") and load or nil,
    masked = load == "masked" or (found.enabled or ""):find("^masked") ~= nil,
    running = active == "active" or active == "reloading",
    state = active .. "/" .. sub,
    enabled = enabled,
    -- static, indirect, generated …: nothing that enabling would change.
    fixed = enabled == nil and found.enabled ~= "" and found.enabled or nil,
    stale = found.NeedDaemonReload == "yes",
    reloads = found.CanReload ~= "no",
    ends = found.Type == "oneshot" and found.RemainAfterExit ~= "yes",
    units = units,
  }
end

local function ctl(o, verb, unit)
  local argv = { "systemctl", verb, unit }
  if o.user then
    -- The runtime folder is what leads to the user's manager.
    local text =
      'XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}" exec systemctl --user "$@"'
    return {
      run = { "sh", "-c", text, "sh", verb, unit },
      says = "systemctl --user " .. mr.quote({ verb, unit }),
    }
  end
  return { run = argv }
end

function systemd.reload_units(o)
  return ctl(o, "daemon-reload")
end

function systemd.enable(o, on)
  return ctl(o, on and "enable" or "disable", systemd.unit(o.name))
end

function systemd.mask(o, on)
  return ctl(o, on and "mask" or "unmask", systemd.unit(o.name))
end

local FATES = {
  refused = "could not be started",
  restarts = "was started, died and is started again and again",
  failed = "was started and died",
  ended = "was started and ended at once",
}

-- How it ended, and its last lines; raises.
local function died(o, unit, verb, output)
  local verdict = output:match("verdict=(%l+)%s*$") or "failed"
  local function value(key)
    return output:match("\n" .. key .. "=([%g]+)")
  end
  local past = { stop = "stopped" }
  local done = past[verb] or verb .. "ed"
  local fate = (FATES[verdict] or FATES.failed):gsub("started", done, 1)
  local how = {}
  how[#how + 1] = value("Result") and value("Result") ~= "success" and value("Result") or nil
  if value("ExecMainCode") ~= "0" and value("ExecMainStatus") then
    how[#how + 1] = "status " .. value("ExecMainStatus")
  end
  if value("NRestarts") and value("NRestarts") ~= "0" then
    how[#how + 1] = value("NRestarts") .. " restarts"
  end
  local journal = output:match("mroom%-journal\n(.-)\n?mroom%-journal%-end")
  local said = output:match("^(.-)mroom%-journal") or ""
  local lines = {}
  for line in ((journal ~= "" and journal) or said):gmatch("[^\n]+") do
    lines[#lines + 1] = "  " .. line
  end
  local message = ("`%s` %s"):format(unit, fate)
  if how[1] then
    message = message .. ": " .. table.concat(how, ", ")
  end
  if lines[1] then
    message = message .. "\n" .. table.concat(lines, "\n", math.max(1, #lines - 19))
  end
  error({
    kind = "script",
    message = message,
    hint = ("`%s -u %s` on the server tells more"):format(
      o.user and "journalctl --user" or "journalctl",
      unit
    ),
  }, 0)
end

-- The step that starts, stops, restarts or reloads, and looks for o.settle seconds what comes of it.
function systemd.act(o, verb)
  local unit = systemd.unit(o.name)
  if verb == "stop" then
    return ctl(o, "stop", unit)
  end
  local says = ("systemctl %s%s"):format(o.user and "--user " or "", mr.quote({ verb, unit }))
  return {
    says = says,
    call = function(on, s)
      s:phase(says)
      local words = { manager(o), unit, verb, tostring(o.settle) }
      local opts = { args = words, check = false, timeout = o.timeout + o.settle, sudo = on.sudo }
      local result = s:script(WATCH, opts)
      if not result.stdout:find("verdict=ok%s*$") then
        died(o, unit, verb, result.stdout)
      end
    end,
  }
end

return systemd
