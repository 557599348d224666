-- Methods of every Server and Ssh that are written in Lua. Internal.
local methods = {}

-- What the server is: os, kernel, arch, cpus, ram_gb, disk_gb, virt, init, packages, commands.
function methods.facts(s, opts)
  return require("mr.facts").gather(s, opts)
end

return methods
