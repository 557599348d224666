-- Names of packages as people write them: `nginx`, `nginx=1.22*`, `libc6:i386`, `/tmp/app.deb`.
-- Pure. Internal.
local args = require("mr.args")
local names = {}

-- { text, name, version, file }: what stands before and after `=`, or the path of a package file.
---@return any
function names.parse(text)
  if text:sub(1, 1) == "/" then
    return { text = text, file = text }
  end
  local name, version = text:match("^([^=]+)=(.+)$")
  return { text = text, name = name or text, version = version }
end

-- Refuses what can be no package.
function names.check(list)
  if #list == 0 then
    args.refuse("`package`: no package is named")
  end
  for _, text in ipairs(list) do
    if type(text) ~= "string" then
      args.refuse(("`package`: a name must be a string, not a %s"):format(type(text)))
    end
    local one = names.parse(text)
    local is_name = one.file and text:find("^/[%w._+~:@/-]+$")
      or (one.name and one.name:find("^[%w][%w._+:/@()-]*$") and #text <= 255)
    local is_version = not one.version or one.version:find("^[%w.+~:*?_-]+$")
    if not is_name or not is_version then
      args.refuse(
        ("`package`: `%s` is no package's name"):format(text:sub(1, 80)),
        "`nginx`, `nginx=1.22*`, or the path of a package file on the server"
      )
    end
  end
end

return names
