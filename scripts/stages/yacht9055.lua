-- yacht9055: what the stage `yacht` was called once; its port is that one anyway.
local yacht = require "stages.yacht"

local stage = { name = "yacht9055", summary = "The stage `yacht`, under its old name." }
for key, value in pairs(yacht) do
  stage[key] = stage[key] or value
end
return stage
