---@meta ops.NAME

-- The operation that the spec of `mroom new op` is about, before it has its name.

---@type any
local operation

return operation
