-- The content that an operation is to write, from a file of this machine. Internal.
local args = require "mr.args"
local content = {}

-- The content of a local file; `~` is the home folder.
function content.of_file(name)
  local opened, why = io.open(mr.expand(name), "rb")
  local text = opened and opened:read "a"
  if opened then
    opened:close()
  end
  if not text then
    args.refuse(("cannot read the local file `%s`: %s"):format(name, why or "it is a folder"))
  end
  return text
end

return content
