-- Methods of every Docker that are written in Lua. Internal.
local methods = {}

return methods
