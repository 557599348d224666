-- What a server is, learnt in one round trip: `server:facts()`, and the env stage.
--
-- A POSIX shell script goes in over standard input and prints `key=value` lines between two
-- marker lines, so what a login prints around it does no harm. What a server of the inventory
-- answers is kept there, with its time.
local facts = {}

local args = require "mr.args"
local native = require "mr.native"
local script = require "mr.facts.script"

facts.parse = require "mr.facts.answer"

-- Commands looked for besides those that a caller asks for: name -> what to look for.
facts.commands = {
  bash = "bash",
  daed = "daed",
  docker = "docker",
  docker_compose = "docker-compose",
  python3 = "python3",
  sudo = "sudo",
}

-- What was asked for in this run, by server and where it was then.
local asked = {}

---@type table<string, boolean>
local OPTIONS = { commands = true, folders = true, refresh = true, max_age = true }

-- The facts of a server or connection: those of this run, those that the inventory keeps when
-- they are younger than opts.max_age seconds, or new ones. opts.refresh asks in any case, and so
-- do opts.commands (further commands to look for, name -> command or path) and opts.folders (a
-- list of folders to look for, relative ones below the login's home).
function facts.of(s, opts)
  opts = args.checked("facts", opts, OPTIONS)
  local key = native.facts_key(s)
  if key and not (opts.refresh or opts.commands or opts.folders) then
    local known = asked[key] or (opts.max_age and native.facts_kept(s, opts.max_age))
    if known then
      return known
    end
  end
  local found = facts.gather(s, opts)
  if key then
    asked[key] = found
    native.facts_keep(s, found)
  end
  return found
end

-- Asks, whatever is known.
function facts.gather(s, opts)
  opts = opts or {}
  local wanted = {}
  for _, more in ipairs { facts.commands, mr.config.commands, opts.commands or {} } do
    for name, command in pairs(more) do
      wanted[name] = command
    end
  end
  local names = {}
  for name in pairs(wanted) do
    names[#names + 1] = name
  end
  table.sort(names)
  local command = { "sh", "-s", "--" }
  for _, name in ipairs(names) do
    command[#command + 1] = name .. "=" .. wanted[name]
  end
  command[#command + 1] = "--"
  table.move(opts.folders or {}, 1, #(opts.folders or {}), #command + 1, command)
  return facts.parse(s:capture(command, { stdin = script.text, timeout = 60, sudo = false }))
end

return facts
