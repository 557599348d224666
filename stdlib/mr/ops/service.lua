-- service: a service runs or not, starts with the system or not.
--
-- What is started is looked at for `settle` seconds: a service that dies right away is a failure,
-- told with the last lines of its journal. What systemd, OpenRC and init scripts need is in
-- mr/op/service/.
local args = require("mr.args")
local native = require("mr.native")
local path = require("mr.ops.path")
local scripts = require("mr.op.service.scripts")
local systemd = require("mr.op.service.systemd")

-- Under which names check mode remembers unit files.
local FOLDER = path.key "/etc/systemd/system/"

local op = {
  name = "service",
  summary = "A service: runs or not, starts with the system or not.",
  takes = { { "name", type = "string", help = "`nginx`, `backup.timer`, `getty@tty1`" } },
  options = {
    state = {
      type = "string",
      choices = { "running", "stopped", "restarted", "reloaded" },
      help = "the last two always do it, for handlers; what does not run is started by them",
    },
    enabled = { type = "boolean", help = "starts with the system" },
    masked = { type = "boolean", help = "cannot be started at all (systemd)" },
    user = { type = "boolean", default = false, help = "a service of the user's own systemd" },
    settle = { type = "integer", default = 2, help = "looks so long whether it stays, seconds" },
    timeout = { type = "integer", default = 120, help = "for starting and stopping, seconds" },
    runlevel = { type = "string", default = "default", help = "of OpenRC" },
  },
  facts = true,
  like = { ansible = "service, systemd_service", pyinfra = "server.service, systemd.service" },
  platforms = "systemd, OpenRC, init scripts",
}

function op.valid(o)
  if #o.name > 255 or not o.name:find("^[%w_@][%w:_.@\\+-]*$") then
    args.refuse(
      ("`service`: `%s` is no service's name"):format(o.name:sub(1, 80)),
      "`systemd-escape` makes one of any text"
    )
  elseif not o.runlevel:find("^%w+$") then
    args.refuse("`service`: `runlevel` must be a word")
  elseif o.settle < 0 or o.timeout <= 0 then
    args.refuse("`service`: `settle` and `timeout` must be numbers of seconds")
  elseif o.masked and (o.enabled or (o.state and o.state ~= "stopped")) then
    args.refuse("`service`: what is masked can neither run nor be enabled")
  elseif o.state == nil and o.enabled == nil and o.masked == nil then
    args.refuse("`service`: nothing is wanted of it", '`state = "running"` or `enabled = true`')
  end
end

local function backend(o, facts)
  local init = (facts or {}).init
  if init == "systemd" then
    return systemd
  elseif o.user or o.masked ~= nil then
    args.refuse("`service`: `user` and `masked` need systemd")
  end
  return scripts(init == "openrc" and "openrc" or "sysv")
end

function op.look(o, facts)
  return backend(o, facts).look(o)
end

function op.read(text, o, facts)
  local is = backend(o, facts).read(text)
  if not is then
    mr.fail("the server did not say how its service is", {
      hint = o.user and "does the user's systemd run? `loginctl enable-linger USER` keeps it"
        or "does its service manager answer?",
    })
  end
  return is
end

-- What is not there, unless it may come with what check mode has put off.
local function not_there(is, o, unit, memory)
  if memory and (memory.units[unit] or next(memory.packages)) then
    return {
      unknown = ("there is no `%s` yet; it may come with what would be installed"):format(unit),
    }
  end
  local near = native.nearest(unit, is.units)
  mr.fail(("there is no service `%s`"):format(o.name), {
    hint = near and ("did you mean `%s`?"):format(near)
      or "a package or `on:systemd_unit` brings it",
  })
end

-- The unit that check mode remembers of an earlier `systemd_unit`, where the server has none.
local function made(is, o, unit, memory)
  local file = not is.there and not o.user and memory and memory[FOLDER .. unit]
  return file and file.unit and file.unit.there and file.unit or is
end

function op.plan(is, o, facts, memory, again)
  local manager = backend(o, facts) ---@type any
  local unit = manager.unit(o.name)
  is = made(is, o, unit, memory)
  if not is.there and not is.masked then
    if o.state == "stopped" and not o.enabled and not o.masked then
      return nil -- what is not there neither runs nor starts
    elseif not o.masked then
      return not_there(is, o, unit, memory)
    end
  elseif is.broken then
    mr.fail(("the unit `%s` cannot be read by systemd: %s"):format(unit, is.broken), {
      hint = ("`systemd-analyze verify %s` on the server tells why"):format(unit),
    })
  end
  local plan, will = { changes = {}, steps = {} }, {}
  for key, value in pairs(is) do
    will[key] = value
  end
  local function add(change, step)
    plan.changes[#plan.changes + 1] = change
    plan.steps[#plan.steps + 1] = step
  end

  if o.masked == false and is.masked then
    add("unmasked", manager.mask(o, false))
    will.masked = false
  elseif is.masked and not o.masked and (o.enabled or (o.state and o.state ~= "stopped")) then
    mr.fail(("`%s` is masked"):format(unit), { hint = "`masked = false` frees it" })
  end
  if is.stale then
    add("unit files read again", manager.reload_units(o))
    will.stale = false
  end
  if o.enabled ~= nil and is.enabled ~= o.enabled then
    if is.fixed and is.fixed ~= "not-found" then
      if o.enabled == true and is.fixed ~= "generated" then
        mr.fail(("`%s` cannot be enabled: it is %s"):format(unit, is.fixed), {
          hint = "its unit file has no [Install] section: something else starts it, such as a timer",
        })
      end
    else
      add(o.enabled and "enabled" or "disabled", manager.enable(o, o.enabled, is))
      will.enabled = o.enabled
    end
  end

  local wanted = o.masked and "stopped" or o.state
  if again and (wanted == "restarted" or wanted == "reloaded") then
    wanted = "running"
  end
  if wanted == "running" and is.ends and not is.running then
    if not again then
      mr.fail(("`%s` does its work and ends: it is never found running"):format(unit), {
        hint = '`state = "restarted"` lets it do its work now, a timer does so again and again',
      })
    end
  elseif wanted == "running" and not is.running then
    add(("started (was %s)"):format(is.state), manager.act(o, "start"))
    will.running = true
  elseif wanted == "stopped" and (is.running or is.state:find("^activating")) then
    add("stopped", manager.act(o, "stop"))
    will.running = false
  elseif wanted == "restarted" then
    add(
      is.running and "restarted" or "started",
      manager.act(o, is.running and "restart" or "start")
    )
    will.running = not is.ends
  elseif wanted == "reloaded" then
    if is.running and not is.reloads then
      mr.fail(("`%s` cannot be reloaded"):format(unit), { hint = '`state = "restarted"`' })
    end
    add(is.running and "reloaded" or "started", manager.act(o, is.running and "reload" or "start"))
    will.running = true
  end
  if o.masked and not is.masked then
    add("masked", manager.mask(o, true))
    will.masked, will.there = true, true
  end
  if #plan.changes == 0 then
    return nil
  end
  plan.will = will
  return plan
end

return op
