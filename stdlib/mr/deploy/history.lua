-- mr.deploy.history: what was deployed on a server, when, by whom, and how it ended: a line of JSON
-- each, in the file of the app. What is read back is data; a line that is none is left out.
local args = require "mr.args"
local native = require "mr.native"
local state = require "mr.state"
local history = {}

local ADD = [[
set -eu
trap '' HUP PIPE
dir=$1
]] .. state.make .. [[
mkdir -p -- "$dir/deploys"
cat >>"$dir/deploys/$2.jsonl"
]]

local READ = [[
for file in "$1"/deploys/${2:-*}.jsonl; do
  [ ! -f "$file" ] || tail -n "$3" -- "$file"
done
]]

-- Writes one down; a server that cannot keep it is warned about, no more.
function history.add(s, entry, sudo)
  entry.time = os.date "!%Y-%m-%dT%H:%M:%SZ"
  entry.by = native.operator()
  local at = state.of(s, sudo)
  local words = { "sh", "-c", ADD, "sh", at.dir, entry.app }
  local text = mr.json.encode(entry) .. "\n"
  local _, err = mr.try(s.run, s, words, { stdin = text, sudo = at.sudo, timeout = 60 })
  if err and err.kind ~= "cancelled" then
    s:warn("the history of deployments was not kept: " .. err.message)
  end
end

-- The entries in what was read, oldest first. Pure.
function history.read(text)
  local list = mr.json.array {}
  for _, line in ipairs(mr.text.lines(text)) do
    local entry = mr.try(mr.json.decode, line)
    if type(entry) == "table" and type(entry.time) == "string" and type(entry.app) == "string" then
      list[#list + 1] = entry
    end
  end
  table.sort(list, function(a, b)
    return a.time < b.time
  end)
  return list
end

-- The last entries of an app, or of all; oldest first.
function history.of(s, app, opts)
  opts = args.decode("deploys", {
    count = { type = "integer", default = 20, help = "entries of each app" },
    sudo = { type = "any", help = "as root, or as that user" },
  }, opts)
  if app ~= nil and not require("mr.proxy").is_name(app) then
    args.refuse(("`%s` is no name of an app"):format(tostring(app)))
  end
  local at = state.of(s, opts.sudo)
  local words = { "sh", "-s", "--", at.dir, app or "", opts.count }
  return history.read(s:capture(words, { stdin = READ, sudo = at.sudo, timeout = 60 }))
end

return history
