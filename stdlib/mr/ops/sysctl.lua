-- sysctl: a setting of the kernel, now and after the next start.
--
-- The running kernel is asked first: a value that it refuses gets into no file.
local args = require "mr.args"
local path = require "mr.ops.path"
local reader = require "mr.ops.system.reader"

-- Arguments: name, file. What /etc/sysctl.conf says counts last on most systems.
local LOOK = [[
name=$1 file=$2
if have sysctl; then
  if value=$(sysctl -n -- "$name" 2>/dev/null || sysctl -n "$name" 2>/dev/null); then text live "$value"; fi
else
  at=/proc/sys/$(echo "$name" | tr './' '/.')
  if [ -r "$at" ] && value=$(cat "$at"); then text live "$value"; fi
fi
state file "$file"
[ "$file" = /etc/sysctl.conf ] || state main /etc/sysctl.conf
]]

-- Tabs and several spaces are one, as the kernel prints the same list now with these and now those.
local function plain(value)
  return (value:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

local function value_text(value)
  if type(value) == "boolean" then
    return value and "1" or "0"
  elseif type(value) == "number" then
    return math.tointeger(value) and ("%d"):format(math.tointeger(value)) or nil
  end
  return type(value) == "string" and plain(value) or nil
end

-- Both spellings are one name: `net/ipv4/ip_forward`. A dash in front says: no error if it fails.
local function name_of(word)
  local name = word:gsub("^%-", "")
  if name:match "[./]" == "/" then
    name = name:gsub("[./]", { ["/"] = ".", ["."] = "/" })
  end
  return name
end

-- The name and value of a line; nil for comments.
local function setting_of(line)
  local name, value = line:match "^%s*([^%s#;=][^%s=]*)%s*=%s*(.-)%s*$"
  if name then
    return name_of(name), plain(value)
  end
end

-- The value that the text sets, the last one; nil when it sets none.
local function find(text, wanted)
  local found
  for line in text:gmatch "[^\n]+" do
    local name, value = setting_of(line)
    if name == wanted then
      found = value
    end
  end
  return found
end

-- The text with one line for the setting; nil as value takes it out.
local function set(text, wanted, value)
  local out, is_in = {}, value == nil
  for line in text:gmatch "[^\n]*\n?" do
    if setting_of(line) ~= wanted then
      out[#out + 1] = line
    elseif not is_in then
      out[#out + 1], is_in = ("%s = %s\n"):format(wanted, value), true
    end
  end
  local whole = table.concat(out)
  if is_in then
    return whole
  elseif whole ~= "" and whole:sub(-1) ~= "\n" then
    whole = whole .. "\n"
  end
  return whole .. ("%s = %s\n"):format(wanted, value)
end

local function read(answer, o)
  local first = reader.parse(answer)
  local text, state = reader.content(first.file, o.file)
  local main = first.main and reader.content(first.main, "/etc/sysctl.conf")
  return { live = first.live, text = text, state = state, main = main or "" }
end

local function compare(is, o)
  local name, value = name_of(o.name), value_text(o.value)
  local plan = { changes = {}, steps = {}, will = {} }
  for key, known in pairs(is) do
    plan.will[key] = known
  end
  if o.state == "present" and o.live then
    if not is.live then
      mr.fail(
        ("the kernel has no setting `%s`"):format(o.name),
        { hint = "is its module loaded? `live = false` only writes it down" }
      )
    elseif plain(is.live) ~= value then
      plan.changes[1] = ("%s -> %s"):format(plain(is.live), value)
      plan.steps[1] = { run = { "sysctl", "-w", ("%s=%s"):format(name, value) } }
      plan.will.live = value
    end
  end
  local other = find(is.main, name)
  if o.state == "present" and o.persist and other and other ~= value then
    mr.fail(
      ("/etc/sysctl.conf sets `%s` to `%s`, which counts after a restart"):format(name, other),
      { hint = '`file = "/etc/sysctl.conf"` changes it there' }
    )
  end
  local text = is.text
  if o.state == "absent" and find(text, name) then
    text = set(text, name, nil)
  elseif o.state == "present" and o.persist and find(text, name) ~= value then
    text = set(text, name, value)
  end
  if text ~= is.text then
    local file = path.plan(is.state, { path = o.file, kind = "file", content = text }) or {}
    plan.changes[#plan.changes + 1] = (o.state == "absent" and "out of " or "in ") .. o.file
    table.move(file.steps, 1, #file.steps, #plan.steps + 1, plan.steps)
    plan.diff, plan.will.text, plan.will.state = file.diff, text, file.will
  end
  return plan.changes[1] and plan or nil
end

return {
  name = "sysctl",
  summary = "A setting of the kernel, now and after the next start.",
  takes = { { "name", type = "string", help = "such as `net.ipv4.ip_forward`" } },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "`absent`: out of the file; the running kernel keeps its value",
    },
    value = { type = "any", help = "a text, a whole number, or true and false for 1 and 0" },
    file = {
      type = "path",
      default = "/etc/sysctl.d/99-zz-mroom.conf",
      help = "where it is written down",
    },
    persist = { type = "boolean", default = true, help = "write it down" },
    live = { type = "boolean", default = true, help = "set it now" },
  },
  like = { ansible = "ansible.posix.sysctl", pyinfra = "server.sysctl" },
  platforms = "Linux",
  diff = true,
  valid = function(o)
    if #o.name > 256 or not o.name:find "^%w[%w_:@-]*[./][%w_./:@-]*[%w_-]$" then
      args.refuse(
        ("`%s` is not the name of a kernel setting"):format(o.name),
        "names are as `sysctl -a` prints them: `net.ipv4.ip_forward`"
      )
    end
    local value = value_text(o.value)
    if o.state == "present" and (not value or value == "" or value:find "%c") then
      args.refuse(
        ("`sysctl` %s: `value` is `%s`"):format(o.name, tostring(o.value)),
        "a text of one line, a whole number, true or false"
      )
    end
    if not (o.persist or o.live) then
      args.refuse "with neither `persist` nor `live` there is nothing to do"
    end
  end,
  look = function(o)
    return reader.look(LOOK, { o.name, o.file })
  end,
  read = read,
  plan = compare,
}
