-- ufw for the operation `firewall`: what it holds, read from its files, and the commands that change
-- it. The files tell the rules even while it is off. Pure. Internal.
local rule = require("mr.op.firewall.rule")

local ufw = { name = "ufw" }

ufw.look = [[
sed -n 's/^ENABLED=/active=/p' /etc/ufw/ufw.conf
sed -n 's/^DEFAULT_INPUT_POLICY=/policy=/p' /etc/default/ufw
cat /etc/ufw/user.rules /etc/ufw/user6.rules | sed -n 's/^### tuple ### /tuple=/p' || exit
]]

local POLICIES = { DROP = "deny", REJECT = "reject", ACCEPT = "allow" }
local ANY = { ["0.0.0.0/0"] = true, ["::/0"] = true, any = true }

-- `allow tcp 80 0.0.0.0/0 any 10.0.0.0/8 in`; what has more to it is not one of ours.
local function tuple(text)
  text = text:gsub(" comment=%x+$", "")
  local action, proto, port, to, sport, from, direction, more =
    text:match("^(%l+)[_%l]* (%l+) (%S+) (%S+) (%S+) (%S+) (%S+)(.*)$")
  if not action or more ~= "" or direction ~= "in" or not ANY[to] or sport ~= "any" then
    return nil
  end
  if action == "limit" then
    action = "allow"
  end
  return (
    rule.make(
      action,
      port ~= "any" and port or nil,
      port ~= "any" and proto or nil,
      not ANY[from] and from or nil
    )
  )
end

function ufw.read(is, found)
  local active = (found.active or {})[1]
  local policy = ((found.policy or {})[1] or ""):gsub('"', "")
  if not active then
    mr.fail(
      "`ufw` did not say how it is set",
      { hint = "its files are root's: `s:ops { sudo = true }`" }
    )
  end
  is.active, is.policy = active:lower():gsub('"', "") == "yes", POLICIES[policy]
  local seen = {}
  for _, text in ipairs(found.tuple or {}) do
    local one = tuple(text)
    -- A rule for everybody is there twice, once for each family.
    if one and not seen[rule.text(one)] then
      seen[rule.text(one)] = true
      is.rules[#is.rules + 1] = one
    end
  end
end

local function words(one)
  if not one.from then
    local port = one.first == one.last and tostring(one.first)
      or ("%d:%d"):format(one.first, one.last)
    return { one.action, one.proto == "any" and port or port .. "/" .. one.proto }
  end
  local list = { one.action }
  if one.first and one.proto ~= "any" then
    table.move({ "proto", one.proto }, 1, 2, 2, list)
  end
  table.move({ "from", one.from, "to", "any" }, 1, 4, #list + 1, list)
  if one.first then
    local port = one.first == one.last and tostring(one.first)
      or ("%d:%d"):format(one.first, one.last)
    table.move({ "port", port }, 1, 2, #list + 1, list)
  end
  return list
end

-- The steps from what is to what shall be: { rules to add, to take off, first (before all others),
-- policy, active }.
function ufw.steps(_, want)
  local steps = {}
  local function run(...)
    steps[#steps + 1] = { run = { "ufw", ... } }
  end
  if want.first then
    run("prepend", table.unpack(words(want.first)))
  end
  for _, one in ipairs(want.add) do
    run(table.unpack(words(one)))
  end
  for _, one in ipairs(want.remove) do
    run("delete", table.unpack(words(one)))
  end
  if want.policy then
    run("default", want.policy, "incoming")
  end
  if want.active == true then
    run("--force", "enable")
  elseif want.active == false then
    run("disable")
  end
  return steps
end

-- The files that a change touches, and the shell text that makes what runs fit them again.
function ufw.guard(is)
  return {
    files = {
      "/etc/ufw/ufw.conf",
      "/etc/default/ufw",
      "/etc/ufw/user.rules",
      "/etc/ufw/user6.rules",
    },
    undo = is.active and "ufw reload" or "ufw disable",
  }
end

return ufw
