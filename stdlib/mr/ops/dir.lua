-- dir: a folder with this mode and owner, on demand for everything in it; or none.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

-- Counts besides what in the folder has another owner; links count, what they lead to does not.
local BELOW = [[
(
%s
)
[ -d "$1" ] && [ ! -L "$1" ] || exit 0
count() { find "$1" ! -path "$1" ! "-$2" "$3" -print 2>/dev/null | wc -l | tr -d ' '; }
[ -z "$3" ] || echo "below_owner=$(count "$1" user "$3")"
[ -z "$4" ] || echo "below_group=$(count "$1" group "$4")"]]

-- What the plan of the folder itself leaves: owner and group of what is in it.
local function below(is, o, plan)
  plan = plan or { changes = {}, steps = {}, will = {} }
  for _, key in ipairs { "owner", "group" } do
    local count = is.below and is.below[key] or 0
    if o[key] ~= nil and count > 0 then
      plan.changes[#plan.changes + 1] = ("%s of %d inside -> %s"):format(key, count, o[key])
      local tool = key == "owner" and "chown" or "chgrp"
      plan.steps[#plan.steps + 1] = { run = { tool, "-Rh", "--", tostring(o[key]), o.path } }
    end
  end
  if not next(plan.will) then
    for key, value in pairs(is) do
      plan.will[key] = value
    end
  end
  plan.will.below = nil
  return #plan.changes > 0 and plan or nil
end

return {
  name = "dir",
  summary = "A folder: its mode and owner.",
  takes = content.takes,
  options = content.options("owner group force", {
    mode = "permissions; a new folder gets 0755",
    recurse = { type = "boolean", default = false, help = "owner and group of what is in it, too" },
    state = "whether it is there; `absent` removes what is in it, too",
  }),
  like = { ansible = "file: state=directory", pyinfra = "files.directory" },
  platforms = "any POSIX system",

  valid = function(o)
    if o.recurse and o.owner == nil and o.group == nil then
      args.refuse "`dir`: `recurse` is for `owner` and `group`, and there is neither"
    end
  end,
  key = content.key,
  look = function(o)
    local asked = path.look(o.path)
    if o.recurse then
      asked.script = BELOW:gsub("%%s", function()
        return asked.script
      end)
      asked.args[3], asked.args[4] = tostring(o.owner or ""), tostring(o.group or "")
    end
    return asked
  end,
  read = function(text, o)
    local is = path.read(text)
    if o.recurse and is.kind == "dir" then
      is.below = {
        owner = math.tointeger(tonumber(text:match "\nbelow_owner=(%d+)\n")),
        group = math.tointeger(tonumber(text:match "\nbelow_group=(%d+)\n")),
      }
    end
    return is
  end,
  plan = function(is, o, _, memory)
    local want = { kind = "dir" }
    for key, value in pairs(o) do
      want[key] = value
    end
    local plan = path.plan(is, want, memory)
    if o.recurse and o.state == "present" then
      return below(is, o, plan)
    end
    return plan
  end,
}
