-- reboot: the server is restarted, and the playbook goes on when it is back.
--
-- It is back when a new session says another boot id; then `test` may say when it is well. A server
-- that does not return has failed, and nothing more is tried on it.
local args = require "mr.args"
local reader = require "mr.ops.system.reader"
local restart = require "mr.restart"

local function plan(is, o, memory)
  if o.if_needed and not is.needed then
    if memory and next(memory.packages) then
      return {
        unknown = "whether it needs a restart depends on packages that are not installed yet",
      }
    end
    return nil
  end
  local step = { says = "restart the server and wait for its return" }
  function step.call(on, s)
    if not s.release then
      mr.fail(
        "a connection of its own ends with the restart",
        { hint = "`server(ID):ops()` of a server in the inventory waits for its return" }
      )
    end
    restart.run(s, {
      command = o.command,
      boot_id = o.boot_id,
      timeout = o.timeout,
      sudo = on.sudo,
      probe_name = o.test,
      probe = o.test and function()
        return s:test({ "sh", "-c", o.test }, { sudo = on.sudo, timeout = 30 })
      end or nil,
      before = o.unless_users and function()
        restart.refuse_users(s, "`mroom run who` tells from where")
      end or nil,
    })
  end
  return {
    changes = { is.needed and "restarted: " .. is.needed or "restarted" },
    steps = { step },
    will = {},
  }
end

return {
  name = "reboot",
  summary = "A restart, and its end waited for.",
  takes = {},
  options = {
    if_needed = {
      type = "boolean",
      default = false,
      help = "only when the system says that it waits for one",
    },
    unless_users = {
      type = "boolean",
      default = false,
      help = "fail when somebody is logged in",
    },
    timeout = {
      type = "number",
      default = 600,
      help = "seconds for the return, and again for `test`",
    },
    test = { type = "string", help = "a command that must end with 0 when it is back" },
    command = { type = "string", help = "what restarts it, instead of the system's own way" },
    boot_id = { type = "string", help = "a command that prints another text after each start" },
  },
  like = { ansible = "reboot", pyinfra = "server.reboot" },
  platforms = "Linux, the BSDs, macOS",
  valid = function(o)
    if o.timeout <= 0 then
      args.refuse "`timeout` must be a number of seconds above 0"
    end
  end,
  look = function()
    return reader.look(restart.look, {})
  end,
  read = function(answer)
    return { needed = reader.parse(answer).needed }
  end,
  plan = function(is, o, _, memory)
    return plan(is, o, memory)
  end,
  verify = false,
}
