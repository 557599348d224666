-- watchtower: containers are brought to the newest image of their tag by themselves.
--
-- By a fork that is kept: containrrr/watchtower is archived, and its API is too old for engines of 28
-- and newer, so it is refused there.
local args = require "mr.args"
local container = require "mr.container"
local version = require "mr.version"

local function definition(_, o)
  local env = {
    WATCHTOWER_SCHEDULE = o.schedule,
    WATCHTOWER_CLEANUP = tostring(o.cleanup),
    WATCHTOWER_LABEL_ENABLE = tostring(o.label_enable),
    WATCHTOWER_MONITOR_ONLY = tostring(o.monitor_only),
    WATCHTOWER_NOTIFICATION_URL = o.notification_url,
    TZ = o.timezone,
  }
  return {
    name = o.name,
    image = o.image,
    command = o.containers and #o.containers > 0 and o.containers or nil,
    env = env,
    volumes = { o.socket .. ":/var/run/docker.sock" },
    restart = "unless-stopped",
  }
end

local stage = container.stage({
  name = "watchtower",
  summary = "Containers brought to the newest image of their tag, by themselves.",
  marks = "watchtower_installed",
  options = container.options({
    containers = { type = "list", help = "names of those that are watched; else all" },
    schedule = {
      type = "string",
      default = "0 0 4 * * *",
      help = "when it looks: second, minute, hour, day, month, weekday",
    },
    cleanup = { type = "boolean", default = true, help = "old images are removed" },
    label_enable = {
      type = "boolean",
      default = false,
      help = "only those with the label com.centurylinklabs.watchtower.enable=true",
    },
    monitor_only = { type = "boolean", default = false, help = "only tells what is new" },
    notification_url = { type = "secret", help = "where it tells: a URL of shoutrrr" },
    timezone = { type = "string", help = "of the schedule: `Europe/Berlin`; else UTC" },
    socket = { type = "string", default = "/var/run/docker.sock", help = "of the engine" },
  }, { image = "nickfedor/watchtower:latest", name = "watchtower" }),

  prepare = function(_, o)
    local _, fields = o.schedule:gsub("%S+", "")
    if o.schedule:find "%c" or (fields ~= 6 and not o.schedule:find "^@%w+") then
      args.refuse(
        ("`schedule` must have six fields, not `%s`"):format(o.schedule),
        "`0 0 4 * * *` is every day at four"
      )
    end
    for _, name in ipairs(o.containers or {}) do
      if not name:find "^[%w][%w_.-]*$" then
        args.refuse(("`containers`: `%s` is no container's name"):format(name))
      end
    end
  end,
}, definition)

local check = stage.check
function stage.check(s, o)
  if o.image:find "^containrrr/" or o.image:find "/containrrr/" then
    local engine = s:docker({ sudo = o.sudo }):version().server
    if version.at_least(engine, "28") then
      mr.fail(
        ("`%s` is archived and fails on engines of 28 and newer: here is %s"):format(
          o.image,
          engine
        ),
        {
          hint = "`--set watchtower.image=nickfedor/watchtower` is a fork that is kept",
        }
      )
    end
    s:warn(("`%s` is archived: nickfedor/watchtower is a fork that is kept"):format(o.image))
  end
  return check(s, o)
end

return stage
