-- mr.deploy.switch: the moment at which another version serves. Three ways:
--   proxy   the proxy leads to the new one; the old one ends what it has begun
--   ports   the server's ports change hands: one stops, the other starts, and that gap is measured.
--           It is one script on the server, which a lost connection does not end: either the new one
--           answers or the old one is back
--   none    nobody comes from outside: the new one runs, the old one is stopped
local docker = require "mr.deploy.docker"
local place = require "mr.proxy.place"
local probe = require "mr.probe"
local state = require "mr.state"
local switch = {}

-- Which way it is.
function switch.way(o)
  return o.proxy and "proxy" or (o.ports and o.ports[1] and "ports") or "none"
end

-- The proxy leads to `version`; proven by a request through it.
function switch.to(c, version)
  local o = c.o
  local record = { app = o.app, deploy = version.deploy, port = version.port, route = o.proxy }
  place.put(c.s, c.d, c.proxy, o.app, record)
  c.record = record
  if o.proxy.mode == "tcp" then
    return
  end
  local path = ("/apps/%s%s"):format(o.app, o.probe.http or "/")
  local answer = probe.http(c.s, {
    port = c.proxy.settings.status_port,
    path = path,
    host = o.probe.host,
    timeout = 10,
  })
  if answer.code == 0 or answer.code == 502 or answer.code == 503 or answer.code == 504 then
    mr.fail(("the proxy does not reach `%s`: it answers %d"):format(version.name, answer.code))
  end
end

-- The port of the server in "80:8080" or "127.0.0.1:80:8080/tcp".
local function host_port(text)
  return math.tointeger(tonumber(text:match "(%d+):%d+/?%l*$"))
end
switch.host_port = host_port

-- The shell function `answers`, which asks the new container's probe once.
local function answers(o, name)
  local p = o.probe
  if p.http then
    local inside, port = tostring(o.port), nil
    for _, text in ipairs(o.ports) do
      if text:match ":(%d+)/?%l*$" == inside then
        port = host_port(text)
      end
    end
    if port then
      local ask = mr.quote { "ask", "127.0.0.1", port, p.http, p.host, 5 }
      return ('answers() { code=$(%s | sed -n \'s/^code=//p\'); [ "$code" -ge %d ] && [ "$code" -le %d ]; }'):format(
        ask,
        p.status[1],
        p.status[2]
      )
    end
  elseif p.command ~= nil then
    local words = type(p.command) == "table" and p.command or { "sh", "-c", p.command }
    return ("answers() { d exec %s %s >/dev/null 2>&1; }"):format(mr.quote(name), mr.quote(words))
  end
  return ('answers() { [ "$(d inspect -f "{{.State.Running}}" %s)" = true ]; }'):format(
    mr.quote(name)
  )
end

-- $old, $new, $grace, $limit and $lock, a file that says that it goes on, are set before it. Time is the server's uptime: no clock that jumps.
local SWAP = [[
set -u
trap '' HUP PIPE INT TERM
now() { cut -d ' ' -f 1 /proc/uptime; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }
change() {
  begun=$(now)
  [ -z "$old" ] || d stop -t "$grace" "$old" >/dev/null || :
  if d start "$new" >/dev/null; then
    until answers; do
      [ "$(d inspect -f '{{.State.Running}}' "$new" 2>/dev/null)" = true ] || break
      awk -v s="$(since "$begun")" -v l="$limit" 'BEGIN { exit !(s < l) }' || break
      sleep 0.1
    done
    if answers; then
      echo "swap=new gap=$(since "$begun")"
      return
    fi
  fi
  d stop -t "$grace" "$new" >/dev/null || :
  if [ -n "$old" ] && d start "$old" >/dev/null; then
    echo "swap=old gap=$(since "$begun")"
  else
    echo swap=none
  fi
}
if command -v flock >/dev/null 2>&1 && (: >>"$lock") 2>/dev/null; then
  exec 9>>"$lock"
  flock 9
fi
result=$(change 2>&1)
printf '%s\n' "$result"
]]

local function lock_of(c)
  return ("%s/locks/.swap-%s"):format(state.of(c.s, c.o.sudo).dir, c.o.app)
end

-- Waits for a change of hands that goes on though the run that began it has gone.
local SETTLED = [[
if [ -r "$1" ] && command -v flock >/dev/null 2>&1; then flock -s -w 300 "$1" true; fi
]]

function switch.settle(c)
  local at = state.of(c.s, c.o.sudo)
  local words = { "sh", "-s", "--", lock_of(c) }
  c.s:test(words, { stdin = SETTLED, sudo = at.sudo, timeout = 330 })
end

-- The ports change hands; gives the gap in seconds, or nil, the message, and whether the old serves.
function switch.swap(c, old, new)
  local o = c.o
  local head = ("old=%s new=%s grace=%d limit=%d lock=%s\n"):format(
    old and mr.quote(old.name) or "''",
    mr.quote(new.name),
    o.stop_timeout,
    o.probe.timeout,
    mr.quote(lock_of(c))
  )
  local text = head .. probe.shell .. answers(o, new.name) .. "\n" .. SWAP
  local said =
    docker.script(c.d, text, ("swap %s for %s"):format(old and old.name or "nothing", new.name))
  local who, gap = said:match "swap=(%l+) ?g?a?p?=?([%d.]*)"
  if who == "new" then
    return tonumber(gap)
  end
  local why = mr.text.trim((said:gsub("swap=[^\n]*", "")))
  local message = why ~= "" and why:gsub("\n.*", "") or "it did not answer"
  return nil, message, who == "old"
end

return switch
