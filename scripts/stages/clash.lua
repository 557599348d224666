-- clash: the proxy mihomo, as a container or as a program, with a configuration made from a template of
-- the local workspace. Updated in place: a new configuration is loaded by the one that runs.
--
-- A configuration that takes all traffic of the server (`tun`) may shut us out: then the change is undone
-- by the server unless a new connection comes (see mr.confirm).
local args = require "mr.args"
local clash = require "mr.clash"
local confirm = require "mr.confirm"
local container = require "mr.container"
local content = require "mr.op.content"
local curl = require "mr.curl"
local native = require "mr.native"
local workspace = require "mr.workspace"

-- Where the program of a version is, and the hash of the configuration that is there: `$1` `$2`.
local LOOK = [[
[ -r "$1" ] && sha256sum "$1" | cut -d ' ' -f 1 | sed 's/^/sum /'
[ -x "$2" ] && [ "$(systemctl is-active mihomo 2>/dev/null)" = active ] && echo 'program running'
exit 0]]

local function folder_of(s)
  return workspace.there(s) .. "/assets/clash"
end

local function program(o)
  return ("/usr/local/lib/mihomo/%s/mihomo"):format(o.version)
end

local function definition(s, o)
  return {
    name = o.name,
    image = o.image,
    network = o.network,
    volumes = { folder_of(s) .. ":/root/.config/mihomo" },
    cap_add = o.tun and { "NET_ADMIN" } or nil,
    devices = o.tun and { "/dev/net/tun" } or nil,
    restart = "unless-stopped",
  }
end

-- "GROUP=PROXY" as two words.
local function pairs_of(list)
  local all = {}
  for i, text in ipairs(list or {}) do
    local group, proxy = text:match "^([^=]+)=(.+)$"
    if not group then
      args.refuse(("`selector`: `%s` is not `GROUP=PROXY`"):format(text))
    end
    all[i] = { group, proxy }
  end
  return all
end

-- The program of a release, unpacked, as a service.
local function service(s, o)
  local on = s:ops { sudo = s:facts().uid ~= 0 or nil }
  local file = ("/var/cache/mroom-mihomo-%s.gz"):format(o.version)
  curl.ensure(s, on)
  on:download(o.url, file, { sha256 = o.sha256 })
  on:dir(program(o):match "^(.*)/", {})
  on:command({
    "sh",
    "-c",
    'gunzip -c "$1" >"$2.new" && chmod 755 "$2.new" && mv -f "$2.new" "$2"',
    "sh",
    file,
    program(o),
  }, { creates = program(o) })
  on:systemd_unit("mihomo.service", {
    sections = {
      Unit = { Description = "mihomo (clash)", After = "network-online.target" },
      Service = {
        ExecStart = ("%s -d %s"):format(program(o), folder_of(s)),
        Restart = "on-failure",
      },
      Install = { WantedBy = "multi-user.target" },
    },
    enabled = true,
    running = true,
    restart = true,
  })
end

-- Restarts what runs with another configuration, when it cannot load it by itself.
local function reload(s, o)
  local inside = o.method == "container" and "/root/.config/mihomo" or folder_of(s)
  if clash.has_curl(s) and clash.reload(s, o, inside .. "/config.yaml") then
    return
  elseif o.method == "container" then
    s:docker({ sudo = o.sudo }):restart(o.name)
  else
    s:ops({ sudo = s:facts().uid ~= 0 or nil }):service("mihomo", { state = "restarted" })
  end
end

local function bring(s, o, is)
  -- The folder's name is in the definition, the file's content is not.
  local on = s:ops { sudo = false }
  on:dir(folder_of(s), { mode = "0700" })
  on:file(folder_of(s) .. "/config.yaml", { content = o.content, mode = "0600", secret = true })
  if o.method == "binary" then
    service(s, o)
  elseif is.run.state ~= "right" then
    container.bring(s:docker { sudo = o.sudo }, definition(s, o), is.run)
  end
  if is.has_config and is.run.state == "right" and not is.same then
    reload(s, o)
  end
end

return {
  name = "clash",
  summary = "The proxy mihomo (clash), with a configuration from the local workspace.",
  marks = "clash_installed",
  options = container.options({
    method = {
      type = "string",
      default = "container",
      choices = { "container", "binary" },
      help = "a container, or a program as a service of systemd",
    },
    config = {
      type = "string",
      default = "clash.yaml",
      help = "template of the configuration, here or below `local_workspace`",
    },
    secret = { type = "secret", help = "of its API; the template's `secret`" },
    port = { type = "number", default = 7890, help = "of the proxy; the template's `port`" },
    controller = {
      type = "string",
      default = "127.0.0.1:9090",
      help = "address of its API; the template's `controller`",
    },
    selector = { type = "list", help = "what groups select: GROUP=PROXY" },
    network = { type = "string", default = "host", help = "of the container" },
    tun = { type = "boolean", help = "takes all traffic; else as the configuration says" },
    version = { type = "string", default = "1.19.15", help = "of the program" },
    url = { type = "string", help = "of the program, packed by gzip; else of that release" },
    sha256 = { type = "string", help = "of that file; it must be given for the program" },
    timeout = { type = "number", default = 60, help = "seconds to prove that it lets us in" },
  }, { image = "metacubex/mihomo:latest", name = "clash" }),

  prepare = function(s, o)
    local port = math.tointeger(o.port)
    if not port or port < 1 or port > 65535 then
      args.refuse(("`port` must be 1 to 65535, not `%s`"):format(tostring(o.port)))
    elseif not o.controller:find "^[%w.:%[%]-]+:%d+$" then
      args.refuse(("`controller` must be ADDRESS:PORT, not `%s`"):format(o.controller))
    elseif not o.version:find "^%d[%d.]*$" then
      args.refuse(("`version` must be numbers joined by dots, not `%s`"):format(o.version))
    elseif o.method == "binary" and not o.sha256 then
      args.refuse("the SHA-256 of the program is not known", "`--set clash.sha256=` says it")
    end
    pairs_of(o.selector)
    local text = content.of_file(workspace.here(o.config))
    if o.secret and not text:find "%f[%w_]secret%f[^%w_]" then
      args.refuse(("`%s` has no place for the secret"):format(o.config), "`secret: {{ secret }}`")
    end
    if o.tun == nil then
      o.tun = clash.takes_all(text)
    end
    o.url = o.url
      or ("https://github.com/MetaCubeX/mihomo/releases/download/v%s/mihomo-linux-amd64-v%s.gz"):format(
        o.version,
        o.version
      )
    o.content = mr.template(text, {
      id = s.id,
      host = s.host,
      port = port,
      controller = o.controller,
      secret = o.secret or "",
    }, { name = o.config })
  end,

  check = function(s, o)
    local command = { "sh", "-s", "--", folder_of(s) .. "/config.yaml", program(o) }
    local text = s:capture(command, { stdin = LOOK, timeout = 60, sudo = false })
    local sum = text:match "sum (%x+)"
    local is = { has_config = sum ~= nil, same = sum == native.sha256(o.content) }
    if o.method == "binary" then
      is.run = { state = text:find "program running" and "right" or "absent" }
    else
      is.run = container.look(s:docker { sudo = o.sudo }, definition(s, o), o.replace)
    end
    is.selected = true
    for _, one in ipairs(is.same and is.run.state == "right" and pairs_of(o.selector) or {}) do
      is.selected = is.selected and clash.selected(s, o, one[1]) == one[2]
    end
    return is.same and is.run.state == "right" and is.selected, is
  end,

  apply = function(s, o, is)
    local change = function()
      bring(s, o, is)
    end
    if is.same and is.run.state == "right" then
      change = function() end -- only what is selected differs
    end
    if o.tun then
      local stop = o.method == "binary" and "systemctl stop mihomo"
        or "docker stop " .. mr.quote(o.name)
      local start = o.method == "binary" and "systemctl restart mihomo"
        or "docker restart " .. mr.quote(o.name)
      confirm.guard(s, {
        name = "clash",
        files = { folder_of(s) .. "/config.yaml" },
        undo = is.run.state == "right" and start or stop,
        timeout = math.tointeger(o.timeout) or 60,
      }, change)
    else
      change()
    end
    for i, one in ipairs(pairs_of(o.selector)) do
      if i == 1 and not s.check then
        curl.ensure(s, s:ops { sudo = s:facts().uid ~= 0 or nil }, true)
        clash.await(s, o)
      end
      clash.select(s, o, one[1], one[2])
    end
  end,

  verify = function(s, o)
    if o.method == "container" then
      container.settled(s:docker { sudo = o.sudo }, definition(s, o))
    end
    for _, one in ipairs(pairs_of(o.selector)) do
      local now = clash.selected(s, o, one[1])
      if now ~= one[2] then
        mr.fail(("the group `%s` selects `%s`, not `%s`"):format(one[1], now or "nothing", one[2]))
      end
    end
  end,
}
