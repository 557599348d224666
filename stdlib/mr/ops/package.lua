-- package: packages of the system's package manager, there or not there, in which version.
--
-- All packages of one call go to the manager in one command. What is to be done is tried in the
-- manager's own simulation first, so that check mode knows versions, and what else would come or
-- go. A manager that is locked is waited for; what one that was cut off left half-done is finished
-- first. Which commands there are is in mr/op/package/.
local args = require("mr.args")
local answer = require("mr.op.package.answer")
local managers = require("mr.op.package.managers")
local names = require("mr.op.package.names")
local repair = require("mr.op.package.repair")
local words = require("mr.op.package.words")
local work = require("mr.op.package.work")

-- Without `update`, lists of this age in seconds are refreshed when they lack something.
local STALE = 600

local op = {
  name = "package",
  summary = "Packages: there, not there, newest, in one version, held.",
  takes = {
    {
      "names",
      type = "list",
      help = "`nginx`, `nginx=1.22*`, or the path of a package file on the server",
    },
  },
  options = {
    state = {
      type = "string",
      choices = { "present", "latest", "absent" },
      default = "present",
      help = "`latest` upgrades to what the lists have",
    },
    purge = { type = "boolean", default = false, help = "removes settings too (apt, apk, pacman)" },
    update = {
      type = "integer",
      help = "refreshes lists that are older, seconds; else only when they lack something",
    },
    hold = { type = "boolean", help = "keeps the version from upgrades; `false` frees it" },
    downgrade = { type = "boolean", default = false, help = "an older version may be installed" },
    recommends = {
      type = "boolean",
      help = "with what is recommended; else as the server is set up",
    },
    manager = { type = "string", choices = managers.names, help = "else the one of the system" },
    args = { type = "list", help = "further words for the manager's command" },
    lock_timeout = { type = "integer", default = 120, help = "waits for a lock, seconds" },
    timeout = { type = "integer", default = 1800, help = "for one command, seconds" },
  },
  facts = true,
  like = { ansible = "package, apt, dnf, pacman, …", pyinfra = "apt.packages, dnf.packages, …" },
  platforms = "apt, dnf, yum, zypper, pacman, apk, brew",
}

function op.valid(o)
  names.check(o.names)
  if o.state == "absent" and (o.hold ~= nil or o.downgrade) then
    args.refuse("`package`: what shall be absent cannot be held or downgraded")
  elseif o.purge and o.state ~= "absent" then
    args.refuse('`package`: `purge` goes with `state = "absent"`')
  end
  for _, text in ipairs(o.names) do
    local one = names.parse(text)
    if o.state == "absent" and (one.version or one.file) then
      args.refuse(("`package`: `%s` shall be absent: name it alone"):format(text))
    elseif o.state == "latest" and (one.version or one.file) then
      args.refuse(("`package`: `%s` is one version, and `latest` another"):format(text))
    end
  end
  for _, key in ipairs({ "update", "lock_timeout", "timeout" }) do
    if o[key] and o[key] < 0 then
      args.refuse(("`package`: `%s` must be a number of seconds"):format(key))
    end
  end
end

local function manager_of(o, facts)
  local manager = managers.of(o.manager or (facts or {}).package_manager)
  for _, text in ipairs(o.names) do
    local one = names.parse(text)
    if one.version and not manager.versions then
      args.refuse(("`%s`: `%s` has one version of a package only"):format(text, manager.name))
    elseif one.file and one.file:match("%.([%w.]+)$") ~= manager.files then
      if not (manager.files and mr.text.ends_with(one.file, "." .. manager.files)) then
        args.refuse(("`%s` is no package file of `%s`"):format(text, manager.name))
      end
    end
  end
  if o.hold ~= nil and not manager.hold then
    args.refuse(("`%s` cannot hold packages"):format(manager.name))
  end
  return manager
end

function op.key(o)
  return "package:" .. table.concat(o.names, " ")
end

function op.look(o, facts)
  local manager = manager_of(o, facts)
  local list = { o.state, manager.flag and manager.flag(o) or "" }
  table.move(o.names, 1, #o.names, 3, list)
  return { script = manager.look, args = list, timeout = 180 }
end

function op.read(text, o, facts)
  return answer.read(text, manager_of(o, facts))
end

-- What is wanted, with what is there: { text, name, version, file, is }.
local function wanted(is, o, memory)
  local all = {}
  for i, text in ipairs(o.names) do
    local one = names.parse(text)
    local file = one.file and is.files[one.file]
    if file then
      one.name, one.version = file.name, file.version
    end
    one.is = one.name and is.have[one.name]
    if not one.is and one.name and memory and memory.packages[one.name] then
      one.is = { name = one.name, remembered = true }
    end
    all[i] = one
  end
  return all
end

-- Is there anything to do about this one?
local function differs(one, is, o)
  local has = one.is and not one.is.settings_only and one.is
  if o.state == "absent" then
    return (has and not has.provided) or (o.purge and one.is and one.is.settings_only)
  elseif not has then
    return true
  elseif o.state == "latest" then
    return not has.remembered and not (has.held and o.hold == nil) and words.of(is, has.name) ~= nil
  end
  return one.version ~= nil and not has.remembered and not answer.fits(has.version, one.version)
end

-- What the lists do not have, as a text; nil when they have all.
local function lacking(is)
  local all = args.keys(is.none)
  for i, name in ipairs(all) do
    all[i] = ("`%s` (%s)"):format(name, is.none[name])
  end
  return all[1] and table.concat(all, ", ")
end

-- Has check mode put off what may bring further packages?
local function sources_to_come(memory)
  for key in pairs(memory or {}) do
    if type(key) == "string" and key:find("^repo:") then
      return true
    end
  end
  return false
end

-- Must the lists be refreshed?
local function is_stale(is, o, todo, again)
  if again or (#todo == 0 and o.state ~= "latest") or o.state == "absent" then
    return false
  elseif o.update then
    return is.age == nil or is.age > o.update
  end
  return next(is.none) ~= nil and (is.age == nil or is.age > STALE)
end

local function refuse_held(todo, o)
  for _, one in ipairs(todo) do
    if one.is and one.is.held and o.hold == nil then
      mr.fail(("`%s` is held at %s"):format(one.name, one.is.version), {
        hint = "`hold = false` frees it",
      })
    end
  end
end

-- What the manager will refuse is refused now, in its words.
local function refuse_hopeless(is, manager)
  local missing = lacking(is)
  if missing then
    mr.fail(("no package for `%s`: %s"):format(manager.name, missing), {
      hint = "is the name right on this system, and is its source there? `on:repo` adds one",
    })
  elseif #is.why > 0 then
    local why, hint = manager.explain(table.concat(is.why, "\n"))
    mr.fail(("`%s` would fail: %s"):format(manager.name, why), { hint = hint })
  end
end

-- The step that tells which versions came with lists that were refreshed only then.
local function learn(is, o, facts)
  local asked = op.look(o, facts)
  return {
    says = "ask for the versions",
    call = function(on, s)
      local command = { "sh", "-s", "--", table.unpack(asked.args) }
      local opts = { stdin = asked.script, timeout = asked.timeout, sudo = on.sudo }
      return words.learnt(is, op.read(s:capture(command, opts), o, facts), o)
    end,
  }
end

function op.plan(is, o, facts, memory, again)
  local manager = manager_of(o, facts)
  local all = wanted(is, o, memory)
  local todo, by_hand, hold = {}, {}, {}
  for _, one in ipairs(all) do
    if differs(one, is, o) then
      todo[#todo + 1] = one
    elseif one.is and one.is.automatic and not one.is.provided and o.state ~= "absent" then
      by_hand[#by_hand + 1] = one.name
    end
    if o.hold ~= nil and (one.is and one.is.held or false) ~= o.hold then
      hold[#hold + 1] = one.name
    end
  end
  refuse_held(todo, o)
  local stale = is_stale(is, o, todo, again)
  local broken = manager.repair and repair.of(is, all)
  local fresh = (#todo > 0 or o.state == "latest") and not stale and not broken
  local plan = { changes = {}, steps = {}, makes = { packages = {} } }
  if fresh and lacking(is) and sources_to_come(memory) then
    plan.unknown = ("no list has %s yet, and sources would be added"):format(lacking(is))
  elseif fresh then
    refuse_hopeless(is, manager)
  elseif stale and lacking(is) then
    plan.unknown = ("no list has %s, and they would be refreshed"):format(lacking(is))
  end
  local function add(change, ...)
    plan.changes[#plan.changes + 1] = change
    for _, argv in ipairs({ ... }) do
      plan.steps[#plan.steps + 1] = work.step(manager, argv, o)
    end
  end
  if broken and again then
    repair.refuse(manager, broken)
  elseif broken then
    add(repair.told(broken))
    plan.steps = repair.steps(manager, broken, o)
  end
  if stale then
    add("lists refreshed", manager.refresh())
    if manager.refreshed then
      plan.steps[#plan.steps + 1] = { script = manager.refreshed, says = "note the refresh" }
    end
  end
  words.todo(plan, is, o, todo, stale)
  local list, held = {}, false
  for _, one in ipairs(o.state == "latest" and stale and all or todo) do
    local is_held = one.is and one.is.held or false
    if not is_held or o.hold ~= nil then
      list[#list + 1] = o.state == "absent" and one.name or one.text
      held = held or is_held
    end
  end
  if #hold > 0 and o.hold == false then
    add(table.concat(hold, ", ") .. " no longer held", manager.hold(hold, false))
    held = false
  end
  if #list > 0 then
    local verb = o.state == "absent" and "remove" or o.state == "latest" and "upgrade" or "install"
    plan.steps[#plan.steps + 1] =
      work.step(manager, manager[verb](list, o, { held = held, todo = todo }), o)
  end
  if o.state == "latest" and stale then
    plan.steps[#plan.steps + 1] = learn(is, o, facts)
  end
  if #by_hand > 0 and manager.by_hand then
    add(table.concat(by_hand, ", ") .. " marked as wanted", manager.by_hand(by_hand))
  end
  if #hold > 0 and o.hold then
    add(table.concat(hold, ", ") .. " held", manager.hold(hold, true))
  end
  if #plan.changes == 0 then
    return nil
  end
  plan.will = words.will(is, o, all)
  for _, one in ipairs(o.state ~= "absent" and todo or {}) do
    table.insert(plan.makes.packages, one.name or one.text)
  end
  return plan
end

return op
