-- rotate_keys: a new key onto servers, proven by a login with it alone; then the old one off.
--
-- -e key=NEW.pub   the key that comes; its private half is beside it, or in the agent
-- -e old=OLD.pub   the key that goes; each server's own one when not given
--
-- Nobody is locked out: the new key is believed in after a login with nothing else, and the old one
-- goes only when a login without it is proven. What fails half-way leaves both keys where they are.
local public_key = require "mr.public_key"

local function usage(message, hint)
  error({ kind = "usage", message = message, hint = hint }, 0)
end

-- The public key file of what the server is reached with now.
local function own(s)
  if not s.key then
    local hint = "`-e old=FILE.pub` names the key that goes"
    mr.fail("the inventory knows no key of its own", { hint = hint })
  end
  return s.key .. ".pub"
end

local function rotate(s, new, named)
  local old = public_key.read(named or own(s))
  if old.data == new.data then
    if named then
      usage("the key that goes is the one that comes")
    end
    -- Rotated before: what is left is the proof.
    return mr.stage.run(s, mr.stage.plan({ "add_cert" }, { add_cert = { key = new.public } }))
  end
  local options = { add_cert = { key = new.public }, off_cert = { key = old.public } }
  return mr.stage.run(s, mr.stage.plan({ "add_cert", "off_cert" }, options))
end

return {
  name = "rotate_keys",
  summary = "A new key onto servers, proven; then the old one off (-e key=NEW.pub).",
  args = "PATTERN",

  run = function(...)
    if select("#", ...) == 0 then
      usage(
        "`rotate_keys` needs a selection of servers",
        "`mroom run --check rotate_keys @web -e key=NEW.pub`"
      )
    end
    if not vars.key then
      usage(
        "which key comes?",
        "`ssh-keygen -t ed25519 -f NEW` makes one, `-e key=NEW.pub` names it"
      )
    end
    local new = public_key.load(vars.key, true)
    return fleet.select(table.concat({ ... }, " ")):map(function(s)
      return rotate(s, new, vars.old)
    end, { label = "rotate keys" })
  end,

  show = function(outcomes)
    local rows = {}
    for i, outcome in ipairs(outcomes) do
      rows[i] = {
        server = outcome.server,
        status = outcome.status,
        steps = outcome.value and tostring(outcome.value) or "",
      }
    end
    return mr.table(rows, { columns = { "server", "status", "steps" } })
  end,
}
