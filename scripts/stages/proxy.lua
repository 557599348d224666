-- proxy: HAProxy in front of the apps that `mroom docker PATTERN deploy` brings, on the host or as a
-- container. Versions of an app change behind it without one failed answer.
--
-- Its configuration is made of small files, one an app (mr.proxy); a person's own is never
-- overwritten unasked. A change is checked by HAProxy itself before it is put in place.
local half = require "mr.op.package.half"
local place = require "mr.proxy.place"
local proxy = require "mr.proxy"
local state = require "mr.state"

-- What is written down of the proxy.
local function settings_of(o, at)
  return {
    kind = o.kind,
    folder = o.kind == "host" and "/etc/haproxy" or at.dir .. "/haproxy",
    status_port = o.status_port,
    drain = o.drain,
    container = o.container,
    image = o.image,
  }
end

local function same(a, b)
  for key in pairs(proxy.settings) do
    if a[key] ~= b[key] then
      return false
    end
  end
  return true
end

-- Whose configuration `$1` is, by its first line `$2`, or by the sum that its package has of it.
local WHOSE = [[
[ -e "$1" ] || { echo none; exit 0; }
[ "$(head -n 1 -- "$1")" != "$2" ] || { echo ours; exit 0; }
if command -v dpkg-query >/dev/null 2>&1; then
  sum=$(md5sum <"$1" | cut -d ' ' -f 1)
  if dpkg-query -W -f '${Conffiles}\n' haproxy 2>/dev/null | grep -qF " $1 $sum"; then
    echo shipped
    exit 0
  fi
elif command -v rpm >/dev/null 2>&1; then
  if rpm -q haproxy >/dev/null 2>&1 && ! rpm -V haproxy 2>/dev/null | grep -qF "$1"; then
    echo shipped
    exit 0
  fi
fi
echo theirs
]]

-- "none", "ours", "shipped" by the package as it is, or "theirs".
local function whose(s, path, sudo)
  return s:capture({ "sh", "-s", "--", path, proxy.mark }, { stdin = WHOSE, sudo = sudo })
end

-- SELinux keeps HAProxy from ports that it does not know.
local SELINUX =
  [[[ "$(getenforce 2>/dev/null)" != Enforcing ] || [ "$(getsebool haproxy_connect_any 2>/dev/null)" = "haproxy_connect_any --> on" ]
]]

local function make_host(s, o, at)
  local on = s:ops { sudo = at.sudo }
  local had =
    s:test("PATH=$PATH:/usr/sbin:/sbin; command -v haproxy >/dev/null", { sudo = at.sudo })
  local owner = whose(s, "/etc/haproxy/haproxy.cfg", at.sudo)
  if had and owner == "theirs" and not o.take_over then
    mr.fail("/etc/haproxy/haproxy.cfg is not ours to change", {
      hint = "`--set proxy.take_over=true` replaces it; the old one stays as haproxy.cfg.before",
    })
  end
  if not had or half.of(s, "haproxy") then
    on:package "haproxy"
  end
  if not s:test(SELINUX, { sudo = at.sudo }) then
    on:command { "setsebool", "-P", "haproxy_connect_any", "on" }
  end
  if s:facts().init == "systemd" then
    on:service("haproxy", { enabled = true })
  end
end

-- The container: as it is on the host's network, it reaches what listens on loopback only.
local function make_container(d, o, want)
  local volumes = { want.folder .. ":" .. place.inside .. ":ro" }
  table.move(o.volumes or {}, 1, #(o.volumes or {}), 2, volumes)
  return d:run {
    image = o.image,
    name = o.container,
    network = "host",
    user = "0",
    restart = "unless-stopped",
    volumes = volumes,
    entrypoint = "haproxy",
    command = { "-W", "-db", "-f", place.inside .. "/haproxy.cfg" },
    labels = { ["machineroom.proxy"] = "true", ["machineroom.keep"] = "true" },
    on_conflict = "replace",
  }
end

return {
  name = "proxy",
  summary = "HAProxy in front of deployed apps: versions change without a failed answer.",
  options = {
    kind = {
      type = "string",
      default = "host",
      choices = { "host", "container" },
      help = "a package and service, or a container on the host's network",
    },
    image = { type = "string", default = "haproxy:lts-alpine", help = "of the container" },
    container = { type = "string", default = "mroom-proxy", help = "the container's name" },
    volumes = { type = "list", help = "further mounts of the container, such as certificates" },
    status_port = {
      type = "number",
      default = 18404,
      help = "port of the loopback interface on which it tells of itself",
    },
    drain = {
      type = "number",
      default = 30,
      help = "connections of any app begun before a change are cut so many seconds + 30 after it",
    },
    take_over = {
      type = "boolean",
      default = false,
      help = "replaces a haproxy.cfg that somebody else wrote",
    },
  },

  check = function(s, o)
    local at = state.of(s)
    local is = place.look(s)
    local want = settings_of(o, at)
    if not is or not same(is.settings, want) then
      return false, { at = at, want = want, is = is }
    end
    local is_up = is.running ~= nil and is.running == is.written
    local is_whole = is_up and whose(s, want.folder .. "/haproxy.cfg", at.sudo) == "ours"
    return is_whole, { at = at, want = want, is = is }
  end,

  apply = function(s, o, found)
    local at, want = found.at, found.want
    if want.kind == "host" and not at.is_shared then
      mr.fail("only root can put a proxy on the host", {
        hint = "`mroom stage proxy -b`, or `--set proxy.kind=container`",
      })
    end
    local d = want.kind == "container" and s:docker() or nil
    if d then
      place.make(s, at, want.folder)
    else
      make_host(s, o, at)
    end
    place.make(s, at, at.dir .. "/proxy")
    local is = found.is or { records = {}, at = at }
    is.settings = want
    if d and not s.check then
      -- It starts with what the apps say; changes go by a reload.
      local generation = place.write(s, is, want)
      make_container(d, o, want)
      place.await(s, want, generation)
    elseif not s.check then
      place.put(s, nil, is, "", nil)
    end
    -- Last: who finds this finds a proxy.
    local text = mr.json.encode(want) .. "\n"
    s:write(at.dir .. "/proxy.json", text, { mode = "0644", sudo = at.sudo })
  end,

  verify = function(s)
    local is = place.look(s)
    return is ~= nil and is.running ~= nil and is.running == is.written
  end,
}
