-- mr.proxy.place: the proxy as it is on a server: what is written down, what runs, and changes of
-- it. A change is checked before it is put in place, and proven by asking the proxy which
-- configuration answers. What a broken connection leaves half-done, `settle` brings to an end.
local args = require "mr.args"
local check = require "mr.proxy.check"
local lease = require "mr.lease"
local native = require "mr.native"
local probe = require "mr.probe"
local proxy = require "mr.proxy"
local state = require "mr.state"
local place = {}

-- The configuration's folder, as the proxy's container sees it.
place.inside = check.inside

-- What is written down in `$1`, and which configuration is on disk and answers. Reads only.
local LOOK = probe.shell
  .. [[
echo mroom-proxy
[ -f "$1/proxy.json" ] || exit 0
printf 'settings=%s\n' "$(head -n 1 -- "$1/proxy.json")"
for file in "$1"/proxy/*.json; do
  [ -f "$file" ] && printf 'record=%s\n' "$(head -n 1 -- "$file")"
done
folder=$(sed -n 's/.*"folder":"\([^"]*\)".*/\1/p' "$1/proxy.json")
port=$(sed -n 's/.*"status_port":\([0-9]*\).*/\1/p' "$1/proxy.json")
[ ! -w "$folder" ] || echo writable=yes
[ ! -f "$folder/haproxy.cfg" ] ||
  sed -n -e 's/.* text\/plain string \([0-9a-f]*\) if .*/written=\1/p' \
    -e 's/^    bind :\([0-9][0-9]*\).*/bind=\1/p' "$folder/haproxy.cfg"
ask 127.0.0.1 "${port:-18404}" /generation localhost 5 | sed -n 's/^body=\([0-9a-f]\{16\}\)$/running=\1/p'
]]

-- Puts the candidates in `$1`/.new in place: haproxy.cfg in the folder `$2`, the record of the app
-- `$3` (or none: removed, when `$4` says so).
local PUT = [[
set -eu
trap '' HUP PIPE
umask 022
new=$1/.new
if [ -f "$2/haproxy.cfg" ]; then cp -fp -- "$2/haproxy.cfg" "$2/haproxy.cfg.before"; fi
if [ -n "$3" ]; then
  mkdir -p -- "$1/proxy"
  if [ "$4" = gone ]; then rm -f -- "$1/proxy/$3.json"; else mv -f -- "$new/$3.json" "$1/proxy/$3.json"; fi
fi
cp -f -- "$new/haproxy.cfg" "$2/.haproxy.cfg.new"
mv -f -- "$2/.haproxy.cfg.new" "$2/haproxy.cfg"
]]

-- Reloads the proxy of the host, or starts it: `$1` is the configuration. One that did not start a
-- few times is not tried again by systemd until that is forgotten; its journal has HAProxy's own words.
local RELOAD = [[
set -eu
PATH=$PATH:/usr/sbin:/sbin
if [ -d /run/systemd/system ]; then
  systemctl reset-failed haproxy 2>/dev/null || :
  if ! systemctl reload-or-restart haproxy; then
    journalctl -q -u haproxy -o cat -n 50 --since=-2min 2>/dev/null | grep -F '[ALERT]' >&2 || :
    exit 1
  fi
  exit 0
fi
pid=$(cat /run/haproxy-mroom.pid 2>/dev/null || :)
if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
  kill -USR2 "$pid"
else
  mkdir -p /run/haproxy
  said=/run/haproxy-mroom.said
  if ! haproxy -W -D -f "$1" -p /run/haproxy-mroom.pid </dev/null >/dev/null 2>$said; then
    cat $said >&2
    exit 1
  fi
fi
]]

-- What LOOK printed: nil without a proxy, else { settings, records, written, binds, running }. Pure.
function place.read(text)
  local said = text:match "mroom%-proxy\n?(.*)$"
  if not said then
    mr.fail "the server did not say whether it has a proxy"
  end
  local found = { records = {}, binds = {} }
  for key, value in ("\n" .. said):gmatch "\n(%l+)=([^\n]*)" do
    if key == "settings" then
      found.settings = args.decode("proxy.json", proxy.settings, mr.json.decode(value))
    elseif key == "record" then
      local record = proxy.recorded(mr.json.decode(value), "a record of the proxy")
      found.records[#found.records + 1] = record
    elseif key == "writable" then
      found.is_writable = true
    elseif key == "bind" then
      found.binds[value] = true
    elseif (key == "written" or key == "running") and value:find "^%x+$" then
      found[key] = value
    end
  end
  return found.settings and found or nil
end

-- The proxy of a server, or nil when the stage `proxy` has made none.
function place.look(s, sudo)
  local at = state.of(s, sudo)
  local words = { "sh", "-s", "--", at.dir }
  local found = place.read(s:capture(words, { stdin = LOOK, sudo = at.sudo, timeout = 60 }))
  if found then
    found.at = at
  end
  return found
end

-- The record of one app.
function place.record(found, app)
  for _, record in ipairs(found and found.records or {}) do
    if record.app == app then
      return record
    end
  end
end

-- Where HAProxy has written why.
local function log_of(s, settings)
  return settings.kind == "container"
      and ("`mroom docker %s logs %s` shows what it says"):format(s.id, settings.container)
    or ("`mroom exec -b %s -- journalctl -n 20 -u haproxy` shows what it says"):format(s.id)
end

-- Waits until the proxy answers with this configuration.
function place.await(s, settings, generation)
  local _, err = mr.try(mr.wait, function()
    local answer = probe.http(s, { port = settings.status_port, path = "/generation", timeout = 5 })
    return answer.code == 200 and answer.body:find(generation, 1, true) ~= nil
  end, { timeout = 30, every = 0.2, what = "the proxy's new configuration" })
  if err then
    error({ kind = err.kind, message = err.message, hint = log_of(s, settings) }, 0)
  end
end

-- Reloads, and waits until the new configuration answers.
local function reload(s, d, found, generation)
  local settings = found.settings
  if settings.kind == "host" then
    local words = { "sh", "-s", "--", settings.folder .. "/haproxy.cfg" }
    local opts = { stdin = RELOAD, sudo = found.at.sudo, timeout = 120 }
    local _, err = mr.try(s.run, s, words, opts)
    if err then
      check.refused(err, "HAProxy does not start", log_of(s, settings))
    end
  else
    d:kill(settings.container, { signal = "USR2" })
  end
  place.await(s, settings, generation)
  found.running = generation
end

-- The configuration of these records, and what it calls itself: the same for the same content.
local function rendered(settings, records)
  local generation = native.sha256(proxy.render(settings, records, "0")):sub(1, 16)
  return proxy.render(settings, records, generation), generation
end

-- Makes folders that all who may deploy can write to.
function place.make(s, at, ...)
  local text = "set -eu\ndir=$1\nshift\n" .. state.make .. 'mkdir -p -- "$@"\n'
  s:script(text, { args = { at.dir, ... }, sudo = at.sudo })
end

-- Writes the configuration of a proxy that does not run yet; gives what it calls itself.
function place.write(s, found, settings)
  local text, generation = rendered(settings, found.records)
  s:write(settings.folder .. "/haproxy.cfg", text, { mode = "0644", sudo = found.at.sudo })
  return generation
end

-- Brings to an end what was written but never loaded. Gives true when something was.
function place.settle(s, d, found)
  if found.written and found.running ~= found.written then
    reload(s, d, found, found.written)
    return true
  end
  return false
end

-- Puts the record of an app in place, or takes it out when `record` is nil; with "" for an app only
-- the configuration. Gives true when the proxy was reloaded for it.
function place.put(s, d, found, app, record)
  local opts = { ttl = 60, what = "proxy of " .. app, sudo = found.at.sudo }
  return lease.with(s, "proxy", opts, function()
    local now = place.look(s, found.at.sudo) or found
    local records = {}
    for _, other in ipairs(now.records) do
      if other.app ~= app then
        records[#records + 1] = other
      end
    end
    records[#records + 1] = record
    local text, generation = rendered(now.settings, records)
    local dir, sudo = now.at.dir, now.at.sudo
    place.make(s, now.at, dir .. "/.new", dir .. "/proxy")
    s:write(dir .. "/.new/haproxy.cfg", text, { mode = "0644", sudo = sudo })
    if record then
      s:write(dir .. "/.new/" .. app .. ".json", mr.json.encode(record) .. "\n", { sudo = sudo })
    end
    if now.written ~= generation then
      check.configuration(s, d, now)
      if record then
        check.port(s, now, record.route.listen)
        check.certificate(s, found, record.route.cert)
      end
    end
    local words = { dir, now.settings.folder, app, record and "" or "gone" }
    s:script(PUT, { args = words, sudo = sudo })
    if now.running == generation then
      return false
    end
    reload(s, d, now, generation)
    return true
  end)
end

-- Waits until nothing goes over a port of the loopback interface any more, at most `seconds`; gives
-- how many connections were left.
local OPEN = [[
cat /proc/net/tcp 2>/dev/null | awk -v at="0100007F:$1" '$3 == at && $4 == "01" { n++ } END { print n + 0 }'
]]

function place.drain(s, port, seconds)
  local words = { "sh", "-s", "--", ("%04X"):format(port) }
  local deadline, left = mr.now() + seconds, 0
  -- The old worker hears of its end a moment after the new one answers.
  mr.sleep(math.min(1, seconds))
  repeat
    left = math.tointeger(tonumber(s:capture(words, { stdin = OPEN }))) or 0
    if left > 0 then
      mr.sleep(0.5)
    end
  until left == 0 or mr.now() >= deadline
  return left
end

return place
