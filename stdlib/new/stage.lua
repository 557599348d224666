-- NAME: brings a server into a state, and knows whether it is there already.
--
--   mroom check stages.NAME               looks at this file
--   mroom stage NAME PATTERN --check      tells what it would do
--   mroom help stage NAME                 its options

local function content(o)
  return o.text .. "\n"
end

---@type mr.Stage
return {
  name = "NAME",
  summary = "A file NAME.txt in the login's home folder.",
  options = {
    text = { type = "string", default = "Kept by mroom.", help = "what the file says" },
  },

  -- True: there is nothing to do. Only readers belong here: `test`, `capture`, `read`, `facts`.
  check = function(s, o)
    return s:test { "test", "-e", "NAME.txt" } and s:read "NAME.txt" == content(o)
  end,

  -- Does it. What raises fails this server's stage, and no other's.
  apply = function(s, o)
    s:write("NAME.txt", content(o), { mode = "0644" })
  end,
}
