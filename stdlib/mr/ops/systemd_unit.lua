-- systemd_unit: a unit file, or a drop-in of one; read by systemd again, enabled, running.
--
-- A whole unit is looked at by `systemd-analyze verify` before it takes its place. What is started is
-- looked at as `service` does.
local args = require("mr.args")
local native = require("mr.native")
local ops = require("mr.ops")
local path = require("mr.ops.path")
local service = require("mr.ops.service")
local systemd = require("mr.op.service.systemd")
local unit_text = require("mr.op.service.unit_text")

-- Standard input, as the unit `$1`, must be one that systemd takes.
local VERIFY = [[
command -v systemd-analyze >/dev/null 2>&1 || exit 0
folder=$(mktemp -d) || exit
trap 'rm -rf -- "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$folder/$1"
# Which other units are broken is not asked; an older one knows no such flag.
said=$(systemd-analyze --recursive-errors=no verify "$folder/$1" 2>&1) && exit 0
case $said in *recursive-errors*) said=$(systemd-analyze verify "$folder/$1" 2>&1) && exit 0 ;; esac
printf '%s\n' "$said" | sed "s|$folder/||g" | grep -F -- "$1" | head -n 10
exit 1]]

local op = {
  name = "systemd_unit",
  summary = "A unit file or a drop-in of systemd; enabled, running.",
  takes = { { "name", type = "string", help = "`app.service`, `backup.timer`" } },
  options = {
    content = { type = "secret", help = "the text of the file" },
    sections = {
      type = "table",
      help = "or its settings: `{ Service = { ExecStart = … } }`; a list is several lines",
    },
    dropin = { type = "string", help = "a drop-in of this name, not the unit itself" },
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "`absent` stops, disables and removes it",
    },
    enabled = { type = "boolean", help = "starts with the system" },
    running = { type = "boolean", help = "runs now" },
    restart = { type = "boolean", default = false, help = "restarts what runs after a change" },
    validate = { type = "boolean", default = true, help = "asks `systemd-analyze verify` first" },
    settle = { type = "integer", default = 2, help = "looks so long whether it stays, seconds" },
    timeout = { type = "integer", default = 120, help = "for starting and stopping, seconds" },
  },
  facts = true,
  like = { ansible = "template: and systemd_service:", pyinfra = "files.put and systemd.service" },
  platforms = "systemd",
  diff = true,
}

function op.valid(o)
  unit_text.check(o.name)
  if o.dropin and not o.dropin:find("^[%w][%w_.-]*$") then
    args.refuse("`systemd_unit`: `dropin` must be a file's name without its folder")
  elseif o.content ~= nil and o.sections then
    args.refuse("`systemd_unit`: `content` and `sections` exclude each other")
  elseif o.settle < 0 or o.timeout <= 0 then
    args.refuse("`systemd_unit`: `settle` and `timeout` must be numbers of seconds")
  end
  if o.state == "absent" then
    if o.content ~= nil or o.sections or o.enabled or o.running or o.restart then
      args.refuse("`systemd_unit`: what shall be absent has no content and does not run")
    end
    return
  elseif o.content == nil and not o.sections then
    args.refuse("`systemd_unit`: `content` or `sections` is missing")
  end
  if o.sections then
    o.content = unit_text.of(o.sections)
    o.sections = nil
  end
end

local function file_of(o)
  local file = "/etc/systemd/system/" .. o.name
  return o.dropin and ("%s.d/%s.conf"):format(file, (o.dropin:gsub("%.conf$", ""))) or file
end

function op.target(o)
  return o.dropin and ("%s (%s)"):format(o.name, o.dropin) or o.name
end

function op.key(o)
  return path.key(file_of(o))
end

-- As `service` sees it.
local function as_service(o)
  return { name = o.name, user = false, settle = o.settle, timeout = o.timeout, enabled = o.enabled }
end

-- The unit first, whose answer is bounded, then the file.
function op.look(o, facts)
  if (facts or {}).init ~= "systemd" then
    args.refuse("`systemd_unit`: the server does not run systemd")
  end
  local unit, file = systemd.look(as_service(o)), path.look(file_of(o), { content = true })
  local text = ("set -- %s\n%s\nset -- %s\n%s"):format(
    mr.quote(unit.args),
    unit.script,
    mr.quote(file.args),
    file.script
  )
  return { script = text, args = {}, timeout = 60 }
end

function op.read(text)
  local last = select(2, text:find("mroom-service-end\n", 1, true))
  local unit = last and systemd.read(text:sub(1, last))
  if not unit then
    mr.fail("the server did not say how its unit is", { hint = "does its systemd answer?" })
  end
  local is = path.read(text:sub(last + 1))
  is.unit = unit
  return is
end

local function verify(o)
  return {
    says = "systemd-analyze verify " .. mr.quote(o.name),
    call = function(on, s)
      local command = { "sh", "-c", VERIFY, "sh", o.name }
      local opts = { stdin = o.content, check = false, timeout = 60, sudo = on.sudo }
      local result = s:run(command, opts)
      if not result.ok then
        mr.fail("`systemd-analyze verify` refused it: " .. mr.text.trim(result.stdout), {
          hint = "`validate = false` takes it all the same",
        })
      end
    end,
  }
end

-- The file's plan, with what must be done around it.
local function file_plan(is, o, memory)
  local want = { path = file_of(o), content = o.content, state = o.state }
  want.mode = o.state == "present" and "0644" or nil
  local at = is
  if o.dropin and is.kind == "absent" and is.folder == false then
    at = { kind = "absent", folder = true }
  end
  local plan = path.plan(at, want, memory)
  if not plan then
    return nil
  elseif o.state == "present" then
    if at ~= is then
      table.insert(plan.steps, 1, { run = { "mkdir", "-p", "--", path.parent(want.path) } })
    end
    if o.validate and not o.dropin and plan.steps[1].write then
      table.insert(plan.steps, 1, verify(o))
    end
  end
  plan.steps[#plan.steps + 1] = systemd.reload_units(as_service(o))
  return plan
end

-- The unit as it will be once systemd has read the file.
local function read_again(is, o)
  local unit = {}
  for key, value in pairs(is.unit) do
    unit[key] = value
  end
  unit.stale = false
  local text = o.content
  if not o.dropin and type(text) == "string" then
    local traits = unit_text.traits(text)
    unit.ends = traits.ends
    if not unit.there then
      unit.state = "inactive/dead"
      unit.enabled = traits.installs and false or nil
      unit.fixed = not traits.installs and "static" or nil
    elseif traits.installs and unit.enabled == nil then
      unit.enabled, unit.fixed = false, nil
    end
  elseif not unit.there and native.is_secret(text) then
    unit.enabled = false
  end
  unit.there = unit.there or not o.dropin
  return unit
end

function op.plan(is, o, facts, memory, again)
  local whole = o.dropin and memory and memory[path.key("/etc/systemd/system/" .. o.name)]
  if whole and whole.unit then
    -- Check mode remembers the unit that this is a part of.
    local own = {}
    for key, value in pairs(is) do
      own[key] = value
    end
    is, own.unit = own, whole.unit
  end
  local wanted = as_service(o)
  local file = file_plan(is, o, memory)
  if o.state == "absent" then
    if not file then
      return nil
    elseif o.dropin then
      file.will.unit = is.unit
      return file
    end
    local first = { changes = {}, steps = {} }
    if is.unit.running then
      first.changes[1] = "stopped"
      first.steps[1] = systemd.act(wanted, "stop")
    end
    if is.unit.enabled then
      first.changes[#first.changes + 1] = "disabled"
      first.steps[#first.steps + 1] = systemd.enable(wanted, false)
    end
    local plan = ops.join(first, file)
    plan.will.unit = { there = false, running = false, state = "inactive/dead", units = {} }
    return plan
  end

  local unit = file and read_again(is, o) or is.unit
  if o.running ~= nil then
    wanted.state = o.running and "running" or "stopped"
  end
  if o.restart and file and unit.running and o.running ~= false then
    wanted.state = "restarted"
  end
  local rest
  if unit.there or wanted.state or wanted.enabled ~= nil then
    rest = service.plan(unit, wanted, facts, memory, again)
  end
  if rest and rest.unknown then
    return rest
  end
  local plan = ops.join(file, rest)
  if plan then
    local will = {}
    for key, value in pairs(file and file.will or is) do
      will[key] = value
    end
    will.unit = rest and rest.will or unit
    plan.will = will
    plan.makes = not o.dropin and { units = { o.name } } or nil
  end
  return plan
end

return op
