-- hostname: the server's own name, now and after a restart, and its line in /etc/hosts.
--
-- Without a line there the name leads nowhere, and sudo warns at each call.
local args = require "mr.args"
local path = require "mr.ops.path"
local reader = require "mr.ops.system.reader"

-- The name that the kernel has is that of uname(1), which is everywhere.
local LOOK = [[
say live "$(uname -n)"
say kernel "$(uname -s)"
state file /etc/hostname
state hosts /etc/hosts
]]

-- Sets the name of the running kernel, by systemd where it is, so that it is told of it.
local SET = [[
if [ -d /run/systemd/system ] && command -v hostnamectl >/dev/null 2>&1 && hostnamectl set-hostname "$1"; then exit 0
elif command -v hostname >/dev/null 2>&1; then hostname "$1"
else printf '%s\n' "$1" >/proc/sys/kernel/hostname
fi
]]

local function read(answer)
  local first = reader.parse(answer)
  local text, state = reader.content(first.file, "/etc/hostname")
  local hosts, hosts_state = reader.content(first.hosts, "/etc/hosts")
  return {
    live = first.live or "",
    kernel = first.kernel,
    text = text,
    state = state,
    hosts = hosts,
    hosts_state = hosts_state,
  }
end

-- The name in /etc/hostname: its first line that is no comment.
local function named(text)
  for line in text:gmatch "[^\n]+" do
    local name = line:match "^%s*([^#%s]+)"
    if name then
      return name
    end
  end
end

-- Does a line lead this name to an address?
local function is_in(hosts, name)
  for line in hosts:gmatch "[^\n]+" do
    local plain = line:gsub("#.*", "")
    local first = true
    for word in plain:gmatch "%S+" do
      if not first and word:lower() == name:lower() then
        return true
      end
      first = false
    end
  end
  return false
end

-- The text with the name: on the line of 127.0.1.1, which is Debian's for the machine itself, or on
-- one of its own.
local function with(hosts, name)
  local short = name:match "^([^.]+)%."
  local line = ("127.0.1.1\t%s\n"):format(short and name .. " " .. short or name)
  local out, is_done = {}, false
  for old in hosts:gmatch "[^\n]*\n?" do
    if not is_done and old:find "^%s*127%.0%.1%.1%s" then
      out[#out + 1], is_done = line, true
    else
      out[#out + 1] = old
    end
  end
  local whole = table.concat(out)
  if is_done then
    return whole
  elseif whole ~= "" and whole:sub(-1) ~= "\n" then
    whole = whole .. "\n"
  end
  return whole .. line
end

local function compare(is, o)
  if is.kernel ~= "Linux" then
    mr.fail(("`hostname` works on Linux, and this is `%s`"):format(is.kernel or "unknown"))
  end
  local plan = { changes = {}, steps = {}, will = {} }
  for key, known in pairs(is) do
    plan.will[key] = known
  end
  local function write(file, state, text, words)
    local made = path.plan(state, { path = file, kind = "file", content = text }) or {}
    plan.changes[#plan.changes + 1] = words
    table.move(made.steps, 1, #made.steps, #plan.steps + 1, plan.steps)
    plan.diff = plan.diff or made.diff
    return made.will
  end
  -- The line first: whatever looks the new name up finds it.
  if o.hosts and not is_in(is.hosts, o.name) then
    local hosts = with(is.hosts, o.name)
    plan.will.hosts_state = write("/etc/hosts", is.hosts_state, hosts, "in /etc/hosts")
    plan.will.hosts = hosts
  end
  local old = named(is.text)
  if old ~= o.name then
    local words = ("/etc/hostname %s -> %s"):format(old or "empty", o.name)
    local text = o.name .. "\n"
    plan.will.state, plan.will.text = write("/etc/hostname", is.state, text, words), text
  end
  if is.live ~= o.name then
    plan.changes[#plan.changes + 1] = ("%s -> %s"):format(is.live, o.name)
    plan.steps[#plan.steps + 1] =
      { script = SET, args = { o.name }, says = "set the name " .. o.name }
    plan.will.live = o.name
  end
  return plan.changes[1] and plan or nil
end

return {
  name = "hostname",
  summary = "The server's own name, and its line in /etc/hosts.",
  takes = { { "name", type = "string", help = "a name, or one with its domain" } },
  options = {
    hosts = { type = "boolean", default = true, help = "give it a line in /etc/hosts" },
  },
  like = { ansible = "hostname", pyinfra = "server.hostname" },
  platforms = "Linux, with systemd and without",
  diff = true,
  valid = function(o)
    local is_good = #o.name <= 64 and not o.name:find "%.$"
    for label in (o.name .. "."):gmatch "([^.]*)%." do
      local is_label = label:find "^%w[%w-]*$" and label:sub(-1) ~= "-" and #label <= 63
      is_good = is_good and is_label
    end
    if not is_good or o.name:find "^[%d.]+$" then
      args.refuse(
        ("`%s` is not a host name"):format(o.name),
        "letters, digits and `-`, labels joined by dots, at most 64 characters"
      )
    end
  end,
  look = function()
    return reader.look(LOOK, {})
  end,
  read = read,
  plan = compare,
}
