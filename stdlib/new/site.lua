-- site.lua: a playbook. Takes a pattern, else it is for all servers:
--
--   mroom check site.lua                    looks at it, touches nothing
--   mroom run --check site.lua PATTERN      tells what it would do
--   mroom run site.lua PATTERN              does it
local servers = fleet.select(arg[1] or "all")

-- A stage knows whether there is anything to do; this one is .machineroom/stages/hello.lua.
local outcomes = servers:stage "hello"

-- A function of your own, for every server at once. What a call cannot do it raises.
local kernels = servers:map(function(s)
  return s:capture { "uname", "-sr" }
end)

local rows = {}
for i, outcome in ipairs(outcomes) do
  rows[i] = { id = outcome.server, hello = outcome.status, kernel = kernels[i].value }
end
print(mr.table(rows, { columns = { "id", "hello", "kernel" } }))

-- Outcomes that are given back make the exit code.
return outcomes
