-- mr.state: what mroom itself keeps on a server (leases, the history of deployments), and as which
-- user it gets at that.
--
-- It is /var/lib/machineroom wherever the login may write there: as root, by sudo, or because it is
-- of the group docker, to which the folder is given. Otherwise it is the login's workspace, which
-- others do not see. One round trip, once in a run.
local args = require "mr.args"
local native = require "mr.native"
local state = {}

local SHARED = "/var/lib/machineroom"

-- Says how the shared folder can be written, and where the login is at home.
local LOOK = [[
echo mroom-state
if [ "$(id -u)" = 0 ]; then echo way=login
elif [ -d "$1" ] && [ -w "$1" ]; then echo way=login
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then echo way=sudo
else echo way=home; fi
printf 'home=%s\n' "$HOME"
]]

local known = {}

-- Where, from what the script printed. Pure.
function state.read(text)
  local said = mr.text.pairs(text:match "mroom%-state\n?(.*)" or "")
  local home = args.value(said.home or "", { type = "path" }, "the home folder")
  if said.way == "home" then
    local below = mr.config.remote_workspace:gsub("^~/", "")
    local dir = below:sub(1, 1) == "/" and below or home .. "/" .. below
    return { dir = dir, sudo = false, is_shared = false, home = home }
  elseif said.way ~= "login" and said.way ~= "sudo" then
    mr.fail "the server did not say where state can be kept"
  end
  return { dir = SHARED, sudo = said.way == "sudo" or nil, is_shared = true, home = home }
end

-- { dir, sudo, is_shared, home } of a server: `sudo` is for the verbs that work in `dir`. `sudo` as
-- an argument asks for a certain user.
function state.of(s, sudo)
  local place = native.facts_key(s)
  local key = place and place .. "\n" .. tostring(sudo)
  local found = key and known[key]
  if not found then
    local words = { "sh", "-s", "--", SHARED }
    found = state.read(s:capture(words, { stdin = LOOK, timeout = 60, sudo = sudo }))
    if found.sudo == nil then
      found.sudo = sudo
    end
    if key then
      known[key] = found
    end
  end
  return found
end

-- The shell text that makes the folder `$dir`, before anything is written there. A member of the
-- group docker is root by another name, so the shared folder is the group's.
state.make = [[
umask 002
if [ ! -d "$dir" ]; then
  mkdir -p -- "$dir"
  if [ "$(id -u)" = 0 ] && chgrp docker "$dir" 2>/dev/null; then chmod 2775 "$dir"; fi
fi
]]

return state
