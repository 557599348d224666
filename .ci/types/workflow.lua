---@meta workflows.NAME

-- The workflow that the spec of `mroom new workflow` is about, before it has its name.

---@type any
local workflow

return workflow
