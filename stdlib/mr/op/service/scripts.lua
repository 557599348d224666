-- Init scripts for the operation `service`: OpenRC, and System V's with `service`. Pure, but for the
-- step that starts something and watches it. Internal.

-- $1: openrc or sysv, $2: the name, $3: the run level of OpenRC.
local LOOK = [[
echo mroom-service
status=4
if [ "$1" = openrc ]; then
  rc-service -e -- "$2" >/dev/null 2>&1 && echo there=1
  [ ! -e "/etc/runlevels/$3/$2" ] || echo enabled=1
  rc-service -- "$2" status >/dev/null 2>&1 </dev/null
  status=$?
else
  [ -x "/etc/init.d/$2" ] && echo there=1 || { [ -x "/etc/rc.d/$2" ] && echo there=1; }
  for link in /etc/rc[2345].d/S[0-9][0-9]"$2"; do
    [ ! -e "$link" ] || { echo enabled=1; break; }
  done
  service "$2" status >/dev/null 2>&1 </dev/null
  status=$?
  if command -v update-rc.d >/dev/null 2>&1; then echo tool=update-rc.d
  elif command -v chkconfig >/dev/null 2>&1; then echo tool=chkconfig
  fi
fi
echo "status=$status"
for file in /etc/init.d/*; do [ ! -x "$file" ] || echo "unit=${file##*/}"; done | head -n 1000
echo mroom-service-end
]]

-- Does `$3` to `$2`, and looks for `$4` seconds whether it stays.
local WATCH = [[
case $1 in openrc) run() { rc-service -- "$@"; } ;; *) run() { service "$@"; } ;; esac
if ! run "$2" "$3" 2>&1 </dev/null; then echo verdict=refused; exit; fi
begun=$(date +%s)
while :; do
  run "$2" status >/dev/null 2>&1 </dev/null || { run "$2" status 2>&1 </dev/null; echo verdict=died; exit; }
  [ $(($(date +%s) - begun)) -le "$4" ] && [ "$4" != 0 ] || break
  sleep 0.5 2>/dev/null || sleep 1
done
echo verdict=ok
]]

return function(name)
  local scripts = { name = name }

  function scripts.unit(service)
    return service
  end

  function scripts.look(o)
    return { script = LOOK, args = { name, o.name, o.runlevel }, timeout = 60 }
  end

  function scripts.read(text)
    local body = text:match("mroom%-service\n(.*)\nmroom%-service%-end")
    local status = body and ("\n" .. body):match("\nstatus=(%d+)")
    if not status or #status > 3 then
      return nil
    end
    local units = {}
    for unit in body:gmatch("unit=([%w_.+-]+)") do
      units[#units + 1] = #units < 1000 and unit or nil
    end
    return {
      there = ("\n" .. body):find("\nthere=1", 1, true) ~= nil,
      running = status == "0",
      state = "status " .. status,
      enabled = ("\n" .. body):find("\nenabled=1", 1, true) ~= nil,
      tool = body:match("tool=([%l.-]+)"),
      reloads = true,
      units = units,
    }
  end

  function scripts.enable(o, on, is)
    if name == "openrc" then
      return { run = { "rc-update", on and "add" or "del", o.name, o.runlevel } }
    elseif is.tool == "chkconfig" then
      return { run = { "chkconfig", o.name, on and "on" or "off" } }
    end
    -- `defaults` first: `enable` knows only what is registered.
    local text = on and 'update-rc.d "$1" defaults && update-rc.d "$1" enable'
      or 'update-rc.d "$1" disable'
    return {
      run = { "sh", "-c", text, "sh", o.name },
      says = ("update-rc.d %s %s"):format(o.name, on and "enable" or "disable"),
    }
  end

  function scripts.act(o, verb)
    local tool = name == "openrc" and "rc-service" or "service"
    if verb == "stop" then
      return { run = { tool, o.name, verb } }
    end
    local says = mr.quote({ tool, o.name, verb })
    return {
      says = says,
      call = function(on, s)
        s:phase(says)
        local words = { name, o.name, verb, tostring(o.settle) }
        local opts = { args = words, check = false, timeout = o.timeout + o.settle, sudo = on.sudo }
        local output = s:script(WATCH, opts).stdout
        if output:find("verdict=ok%s*$") then
          return
        end
        local how = output:find("verdict=refused") and "failed" or "was done, and it died"
        local said = mr.text.trim((output:gsub("verdict=%l+%s*$", "")))
        error({
          kind = "script",
          message = ("`%s`: `%s` %s%s"):format(
            o.name,
            says,
            how,
            said ~= "" and ": " .. said or ""
          ),
          hint = "its log tells more: see /var/log on the server",
        }, 0)
      end,
    }
  end

  return scripts
end
