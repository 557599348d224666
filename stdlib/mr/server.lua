-- Methods of every Server and Ssh that are written in Lua. Internal.
local methods = {}

-- What the server is: os, kernel, arch, cpu, memory, disk, virtualization, init, package_manager,
-- user, home, commands. Sizes are bytes. See mr.facts.
function methods.facts(s, opts)
  return require("mr.facts").gather(s, opts)
end

return methods
