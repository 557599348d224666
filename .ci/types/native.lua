---@meta mr.native

-- What the core hands to the bundled Lua and to nobody else; each module says what it uses of it.

---@type table<string, fun(...: any): any>
local native = {}

return native
