-- Methods of every Server and Ssh that are written in Lua. Internal.
local methods = {}

-- What the server is: os, kernel, arch, cpu, memory, swap, disk, disks, addresses, users,
-- virtualization, init, package_manager, uptime, commands. Sizes are bytes. See mr.facts.
function methods.facts(s, opts)
  return require("mr.facts").of(s, opts)
end

-- The TCP ports on which it listens, sorted. See mr.ports.
function methods.ports(s, opts)
  return require("mr.ports").of(s, opts)
end

-- The same with the addresses. See mr.ports.
function methods.listening(s, opts)
  return require("mr.ports").listening(s, opts)
end

-- A scan of it from here, beside what it says itself. See mr.scan.
function methods.scan_ports(s, opts)
  return require("mr.scan").of(s, opts)
end

-- What Docker runs on it. See mr.docker_scan.
function methods.scan_docker(s, opts)
  return require("mr.docker_scan").of(s, opts)
end

-- How it is, judged by thresholds. See mr.health.
function methods.health(s, opts)
  return require("mr.health").of(s, opts)
end

-- The operations, bound to it. See mr.ops.
function methods.ops(s, opts)
  return require("mr.ops").of(s, opts)
end

-- A local file into `cache/` or `assets/` of the server's workspace. See mr.workspace.
function methods.upload_cache_file(s, from, opts)
  return require("mr.workspace").upload(s, "cache", from, opts)
end

function methods.upload_asset_file(s, from, opts)
  return require("mr.workspace").upload(s, "assets", from, opts)
end

return methods
