-- mr.deploy.spec: what is to be deployed, decoded strictly. Pure, but for loading `deploys/APP.lua`.
--
-- A container's keys are those of `d:run`, which looks at their values; here are those that a
-- deployment adds, and those that it sets itself and therefore refuses.
local args = require "mr.args"
local native = require "mr.native"
local proxy = require "mr.proxy"
local spec = {}

-- What is handed on to the container as it is.
spec.container = {
  command = { type = "any", help = "instead of the image's: a list, or text for `sh -c`" },
  entrypoint = { type = "any", help = "instead of the image's" },
  env = { type = "table", help = "variables; `mr.secret` values are in no command" },
  env_file = { type = "any", help = "files on the server with variables" },
  volumes = { type = "list", help = '`"data:/data"`: old and new have them at the same time' },
  labels = { type = "table", help = "further labels" },
  network = { type = "string", help = "docker's network" },
  user = { type = "any", help = "inside the container" },
  workdir = { type = "string", help = "inside the container" },
  memory = { type = "string", help = '`"512m"`' },
  cpus = { type = "number", help = "processors" },
  hostname = { type = "string", help = "inside the container" },
  add_hosts = { type = "table", help = "names for /etc/hosts" },
  cap_add = { type = "list", help = "capabilities" },
  cap_drop = { type = "list", help = "capabilities" },
  read_only = { type = "boolean", help = "the root file system" },
  devices = { type = "list", help = "devices of the server" },
  tmpfs = { type = "list", help = "folders in memory" },
  ulimits = { type = "table", help = "limits" },
  sysctls = { type = "table", help = "kernel settings of the container" },
  health = { type = "table", help = "a health check: command, interval, timeout, retries, …" },
  log = { type = "table", help = "driver and options" },
  init = { type = "boolean", help = "an init inside, which reaps processes" },
  platform = { type = "string", help = '`"linux/arm64"`' },
  extra = { type = "list", help = "further flags of `docker run`, word by word" },
}

-- What a deployment itself takes.
spec.own = {
  app = { type = "string", help = "its name; a file's is the file's" },
  image = { type = "string", help = "what runs" },
  port = { type = "integer", help = "port inside on which it answers, for proxy and probe" },
  proxy = { type = "any", help = "how the proxy reaches it: true, or a table of its own" },
  ports = { type = "list", help = '`"80:8080"`: fixed ports of the server, without a proxy' },
  probe = { type = "table", help = "how it shows that it is well" },
  restart = { type = "string", default = "unless-stopped", help = "docker's restart policy" },
  keep = { type = "integer", default = 1, help = "stopped versions kept for `rollback`" },
  drain = { type = "integer", default = 30, help = "seconds for what the old one has begun" },
  stop_timeout = { type = "integer", default = 10, help = "seconds to stop before it is killed" },
  pull = {
    type = "string",
    default = "always",
    choices = { "always", "missing", "never" },
    help = "when the image is pulled",
  },
  force = { type = "boolean", default = false, help = "also when that very version serves" },
  sudo = { type = "any", help = "for what is kept on the server; docker finds its own way" },
  compose = {
    type = "string",
    help = "a local folder with docker-compose.yml, instead of an image",
  },
  project = { type = "string", help = "of compose; the app's name when not given" },
  folder = { type = "string", help = "of compose, on the server; below the workspace" },
  values = { type = "table", help = "of compose: for its *.j2 and *.tmpl files" },
  timeout = { type = "integer", default = 60, help = "of compose: seconds until all are well" },
  on_step = { type = "any", help = "a function that hears of each step before it begins" },
}

-- How a container shows that it is well.
spec.probe = {
  http = { type = "string", help = "path that must answer" },
  host = { type = "string", default = "localhost", help = "name in the request" },
  status = { type = "any", help = "code, or { lowest, highest }; 200 to 399 when not given" },
  body = { type = "string", help = "a part of the answer" },
  tcp = { type = "boolean", help = "listens on `port`" },
  command = { type = "any", help = "ends with 0 inside the container" },
  timeout = { type = "integer", default = 60, help = "seconds until it must be well" },
  interval = { type = "number", default = 0.5, help = "seconds between two looks" },
  settle = { type = "number", default = 1, help = "seconds that it must stay well" },
}

-- All keys with their declarations.
spec.keys = {}
for _, part in ipairs { spec.container, spec.own } do
  for key, declared in pairs(part) do
    spec.keys[key] = declared
  end
end

local CALL = "deploy"

local function refuse(text, hint)
  args.refuse(("`%s`: %s"):format(CALL, text), hint)
end

local function probe_of(given, o)
  local p = args.decode(CALL .. "`: `probe", spec.probe, given)
  local kinds = (p.http and 1 or 0) + (p.tcp and 1 or 0) + (p.command ~= nil and 1 or 0)
  if kinds > 1 then
    refuse "a probe is one of `http`, `tcp` and `command`"
  elseif (p.http or p.tcp) and not o.port then
    refuse("`port` is missing: the probe needs the port inside the container", "`port = 8080`")
  elseif p.http and not p.http:find "^/[%w/._~%%?&=+-]*$" then
    refuse "`probe.http` is a path such as `/health`"
  elseif not p.host:find "^[%w.:-]+$" then
    refuse "`probe.host` is no host name"
  elseif p.timeout < 1 or p.interval < 0.1 or p.settle < 0 then
    refuse "`probe` has a time that is too short"
  end
  local range = type(p.status) == "number" and { p.status, p.status } or p.status or { 200, 399 }
  if
    type(range) ~= "table"
    or math.type(range[1]) ~= "integer"
    or math.type(range[2]) ~= "integer"
  then
    refuse "`probe.status` is a code, or the lowest and the highest"
  end
  p.status = range
  return p
end

-- A fixed port of the server, as docker's `-p` writes it: [ADDRESS:]PORT:INSIDE[/PROTOCOL].
local function is_port(text)
  if type(text) ~= "string" then
    return false
  end
  local rest = text:gsub("/%l+$", "")
  local address = rest:match "^(.-):?%d+:%d+$"
  return address == ""
    or (address or ""):find "^[%d.]+$" ~= nil
    or (address or ""):find "^%[[%x:]+%]$" ~= nil
end

-- The whole of what is to be deployed, decoded: `given` is the user's table. For going back no image
-- is needed.
function spec.decode(given, is_back)
  local o = args.decode(CALL, spec.keys, given)
  if not proxy.is_name(o.app) then
    refuse(
      ("`%s` is no name of an app"):format(tostring(o.app)),
      "lower-case letters, digits, `-` and `_`, a letter first"
    )
  elseif is_back and o.compose then
    refuse("a compose project goes back by deploying its former folder")
  elseif not is_back and (o.image == nil) == (o.compose == nil) then
    refuse(("`%s` needs an `image`, or a `compose` folder"):format(o.app), "`--image NAME:TAG`")
  elseif o.image and not o.image:find "^[%w][%w._:/@-]*$" then
    refuse(("`%s` is no name of an image"):format(o.image:sub(1, 80)))
  elseif o.port and (o.port < 1 or o.port > 65535) then
    refuse "`port` must be 1 to 65535"
  elseif o.keep < 0 or o.drain < 0 or o.stop_timeout < 0 or o.timeout < 1 then
    refuse "`keep`, `drain`, `stop_timeout` and `timeout` must not be negative"
  elseif o.restart == "always" then
    refuse(
      '`restart = "always"` would bring back the version that is kept stopped',
      '`restart = "unless-stopped"`'
    )
  elseif o.on_step ~= nil and type(o.on_step) ~= "function" then
    refuse "`on_step` must be a function"
  end
  if o.proxy == true then
    o.proxy = {}
  elseif o.proxy == false then
    o.proxy = nil
  end
  if o.proxy ~= nil then
    if type(o.proxy) ~= "table" then
      refuse "`proxy` must be true or a table"
    elseif o.ports then
      refuse("`ports` and `proxy` exclude each other", "the proxy has the ports of the server")
    elseif not o.port then
      refuse("`port` is missing: the proxy needs the port inside the container", "`port = 8080`")
    end
    o.proxy = proxy.routed(CALL .. "`: `proxy", o.proxy)
  end
  for i, port in ipairs(o.ports or {}) do
    if not is_port(port) then
      refuse(('`ports[%d]` is a fixed port such as "80:8080"'):format(i))
    end
  end
  for key in pairs(o.labels or {}) do
    if type(key) ~= "string" or key:find "^machineroom%." then
      refuse(("the label `%s` is not yours to set"):format(tostring(key)))
    end
  end
  o.probe = probe_of(o.probe, o)
  return o
end

-- The container's definition, for `d:create`: without name, ports and our labels.
function spec.container_of(o)
  local own = { image = o.image, restart = o.restart, stop_timeout = o.stop_timeout }
  for key in pairs(spec.container) do
    own[key] = o[key]
  end
  return own
end

-- A text that is the same for the same definition, whatever the order of its keys. Secrets count by
-- their hash.
local function canonical(value)
  if native.is_secret(value) then
    return "secret:" .. native.sha256(value)
  elseif type(value) ~= "table" then
    return type(value) .. ":" .. tostring(value)
  end
  local parts = {}
  for key, inner in pairs(value) do
    parts[#parts + 1] = canonical(key) .. "=" .. canonical(inner)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

-- The hash of all that makes one version differ from another, but for what its image's tag means.
function spec.hash(o)
  local own = spec.container_of(o)
  own.ports, own.inside, own.proxy = o.ports, o.port, o.proxy
  return native.sha256(canonical(own)):sub(1, 16)
end

-- The table of `deploys/APP.lua`, looked at; `over` is what the command line says instead.
function spec.load(app, over, is_back)
  if not proxy.is_name(app) then
    refuse(("`%s` is no name of an app"):format(tostring(app)))
  end
  local module = "deploys." .. app
  local file = native.locate(module)
  local known = native.list "deploys"
  if not file and not (over.image or over.compose or is_back) then
    local near = native.nearest(app, known)
    args.refuse(
      ("there is no `deploys/%s.lua`"):format(app),
      near and ("did you mean `%s`?"):format(near)
        or "it returns what is to be deployed, such as `return { image = …, port = 8080 }`"
    )
  end
  local all = { app = app }
  if file then
    local value = require(module)
    if type(value) ~= "table" then
      args.refuse(("%s: it must return a table, not %s"):format(file, type(value)))
    elseif value.app ~= nil and value.app ~= app then
      args.refuse(("%s: `app` must be `%s`, as the file is called"):format(file, app))
    end
    for key, inner in pairs(value) do
      all[key] = inner
    end
  end
  for key, value in pairs(over) do
    all[key] = value
  end
  spec.decode(all, is_back)
  return all
end

return spec
