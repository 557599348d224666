-- mr.proxy: the configuration of the HAProxy in front of the apps of a server, rendered from small
-- records, one an app. Pure: what brings it onto a server is mr.proxy.place.
--
-- An app is reached by its listening port, and there by host name and path. Each has one server, a
-- port of the loopback interface: a deployment changes that and reloads, and the worker that was
-- there before ends what it has begun. A frontend of its own on the loopback interface says which
-- configuration answers, and leads to each app, so that a change can be proven.
local args = require "mr.args"
local proxy = {}

-- The first line of every file that is made here: others are not touched.
proxy.mark = "# Kept by mroom: made from the files in machineroom/, which `mroom docker` keeps."

-- What the stage `proxy` writes down of the proxy itself.
proxy.settings = {
  kind = { type = "string", choices = { "host", "container" }, required = true },
  folder = { type = "path", required = true },
  status_port = { type = "integer", default = 18404 },
  drain = { type = "integer", default = 30 },
  container = { type = "string", default = "mroom-proxy" },
  image = { type = "string", default = "haproxy:lts-alpine" },
}

-- How an app is reached.
proxy.route = {
  listen = { type = "integer", default = 80, help = "port of the proxy" },
  hosts = { type = "list", help = "host names; without them whatever no other app answers" },
  path = { type = "string", default = "/", help = "beginning of the path" },
  mode = { type = "string", default = "http", choices = { "http", "tcp" } },
  cert = { type = "path", help = "PEM file on the server, chain and key: TLS on that port" },
  timeout = { type = "integer", default = 60, help = "of an answer, seconds" },
}

-- What is written down of an app.
proxy.record = {
  app = { type = "string", required = true },
  deploy = { type = "string", required = true },
  port = { type = "integer", required = true },
  route = { type = "table", required = true },
}

-- A name that can stand in a configuration, and as a file's.
local function is_name(text)
  return type(text) == "string" and #text <= 63 and text:find "^%l[%l%d_-]*$" ~= nil
end
proxy.is_name = is_name

local function port(value, place)
  if value < 1 or value > 65535 then
    args.refuse(("%s must be a port, 1 to 65535"):format(place))
  end
  return value
end

-- The route of an app, decoded strictly.
function proxy.routed(call, given)
  local route = args.decode(call, proxy.route, given)
  port(route.listen, ("`%s`: `listen`"):format(call))
  route.hosts = route.hosts or {}
  for i, host in ipairs(route.hosts) do
    if type(host) ~= "string" or #host > 253 or not host:find "^[%w*][%w.-]*$" then
      args.refuse(("`%s`: `hosts[%d]` is no host name"):format(call, i))
    end
    route.hosts[i] = host:lower()
  end
  if not route.path:find "^/[%w/._~-]*$" then
    args.refuse(("`%s`: `path` begins with `/` and is letters, digits and /._~-"):format(call))
  elseif route.mode == "tcp" and (route.hosts[1] or route.path ~= "/") then
    args.refuse(("`%s`: a TCP app has a port of its own, no `hosts` and no `path`"):format(call))
  elseif route.cert and not route.cert:find "^[%w/._-]+$" then
    args.refuse(("`%s`: `cert` is a path of letters, digits and /._-"):format(call))
  elseif route.timeout < 1 or route.timeout > 86400 then
    args.refuse(("`%s`: `timeout` must be 1 to 86400 seconds"):format(call))
  end
  return route
end

-- The record of an app as it was written down; raises for one that cannot be used.
function proxy.recorded(given, place)
  local record = args.decode(place, proxy.record, given)
  if not is_name(record.app) or not record.deploy:find "^[%w.-]+$" then
    args.refuse(("`%s`: `app` and `deploy` must be names"):format(place))
  end
  port(record.port, ("`%s`: `port`"):format(place))
  record.route = proxy.routed(place, record.route)
  return record
end

-- Apps by the port they listen on, sorted; refuses what cannot stand beside each other.
local function by_port(records)
  local groups, ports = {}, {}
  for _, record in ipairs(records) do
    local listen = record.route.listen
    if not groups[listen] then
      groups[listen] = {}
      ports[#ports + 1] = listen
    end
    table.insert(groups[listen], record)
  end
  table.sort(ports)
  for _, listen in ipairs(ports) do
    ---@type any[], table<string, string>
    local group, seen = groups[listen], {}
    for _, record in ipairs(group) do
      local first, route = group[1], record.route
      if route.mode ~= first.route.mode or (route.mode == "tcp" and group[2]) then
        args.refuse(
          ("`%s` and `%s` cannot share port %d"):format(first.app, group[2].app, listen),
          "a TCP app needs a port of its own: `proxy = { listen = … }`"
        )
      end
      for _, host in ipairs(route.hosts[1] and route.hosts or { "*" }) do
        local key = host .. route.path
        if seen[key] then
          args.refuse(
            ("`%s` and `%s` both answer `%s` on port %d"):format(seen[key], record.app, key, listen),
            "`hosts` and `path` in `proxy` tell apps apart"
          )
        end
        seen[key] = record.app
      end
    end
  end
  return groups, ports
end

-- More particular rules come first: a host before none, the longer path before the shorter.
local function rules(group)
  local list = {}
  for _, record in ipairs(group) do
    local route = record.route
    for _, host in ipairs(route.hosts[1] and route.hosts or { "" }) do
      list[#list + 1] = { app = record.app, host = host, path = route.path }
    end
  end
  table.sort(list, function(a, b)
    local a_wild, b_wild = a.host:sub(1, 1) == "*", b.host:sub(1, 1) == "*"
    if (a.host == "") ~= (b.host == "") then
      return b.host == ""
    elseif a_wild ~= b_wild then
      return b_wild
    elseif #a.host ~= #b.host and a_wild then
      return #a.host > #b.host
    elseif #a.path ~= #b.path then
      return #a.path > #b.path
    end
    return a.host .. a.path .. a.app < b.host .. b.path .. b.app
  end)
  return list
end

local function condition(rule)
  local words = {}
  if rule.host:sub(1, 2) == "*." then
    words[#words + 1] = ("{ req.hdr(host),field(1,:),lower -m end %s }"):format(rule.host:sub(2))
  elseif rule.host ~= "" then
    words[#words + 1] = ("{ req.hdr(host),field(1,:),lower -m str %s }"):format(rule.host)
  end
  if rule.path ~= "/" then
    -- `/shop` is not the beginning of `/shopping`.
    local path = rule.path:gsub("/$", "")
    words[#words + 1] = ("{ path -m reg ^%s(/|$) }"):format((path:gsub("%.", "\\.")))
  end
  return table.concat(words, " ")
end

local function frontend(add, listen, group)
  local certs, seen = {}, {}
  for _, record in ipairs(group) do
    local cert = record.route.cert
    if cert and not seen[cert] then
      seen[cert] = true
      certs[#certs + 1] = " crt " .. cert
    end
  end
  local tls = certs[1] and " ssl" .. table.concat(certs) .. " alpn h2,http/1.1" or ""
  add("", ("frontend port_%d"):format(listen))
  if group[1].route.mode == "tcp" then
    add("    mode tcp", ("    bind :%d%s"):format(listen, (tls:gsub(" alpn .*", ""))))
    add(("    default_backend app_%s"):format(group[1].app))
    return
  end
  add(("    bind :%d%s"):format(listen, tls))
  add(("    http-request set-header X-Forwarded-Proto %s"):format(certs[1] and "https" or "http"))
  for _, rule in ipairs(rules(group)) do
    local when = condition(rule)
    add(
      when == "" and ("    default_backend app_%s"):format(rule.app)
        or ("    use_backend app_%s if %s"):format(rule.app, when)
    )
  end
end

local function backend(add, record)
  local route = record.route
  add("", ("backend app_%s"):format(record.app))
  if route.mode == "tcp" then
    add "    mode tcp"
  else
    add "    option forwardfor"
  end
  add(("    timeout server %ds"):format(route.timeout))
  add(("    server %s 127.0.0.1:%d"):format(record.deploy, record.port))
end

-- The whole configuration. `records` are those of the apps; `generation` is what it says of itself.
function proxy.render(settings, records, generation)
  table.sort(records, function(a, b)
    return a.app < b.app
  end)
  local groups, ports = by_port(records)
  if groups[settings.status_port] then
    args.refuse(
      ("port %d is that of the proxy itself"):format(settings.status_port),
      "the option `status_port` of the stage `proxy` moves it"
    )
  end
  local lines = { proxy.mark }
  local function add(...)
    for _, line in ipairs { ... } do
      lines[#lines + 1] = line
    end
  end
  add("global", ("    hard-stop-after %ds"):format(settings.drain + 30))
  if settings.kind == "host" then
    add("    log /dev/log local0 notice", "    user haproxy", "    group haproxy")
  else
    add "    log stdout format raw local0 notice"
  end
  add("", "defaults", "    mode http", "    log global", "    option dontlognull")
  -- A client that waits on an open connection is served once more before it is closed.
  add("    option idle-close-on-response", "    option redispatch", "    retries 3")
  add("    timeout connect 5s", "    timeout client 60s", "    timeout server 60s")
  add("    timeout http-request 10s", "    timeout http-keep-alive 10s", "    timeout tunnel 1h")
  -- Which configuration answers, and a way to each app that needs no name and no certificate.
  add("", "frontend mroom", ("    bind 127.0.0.1:%d"):format(settings.status_port))
  local answer = "    http-request return status 200 content-type text/plain string %s %s"
  add(answer:format(generation, "if { path /generation }"))
  add "    http-request deny deny_status 404 unless { path_beg /apps/ }"
  add "    http-request set-var(txn.app) path,field(3,/)"
  add "    http-request set-path %[path,regsub(^/apps/[^/]*,)]"
  add "    use_backend app_%[var(txn.app)]"
  for _, listen in ipairs(ports) do
    frontend(add, listen, groups[listen])
  end
  for _, record in ipairs(records) do
    backend(add, record)
  end
  return table.concat(lines, "\n") .. "\n"
end

return proxy
