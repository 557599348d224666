-- mr.deploy.command: the verbs deploy, rollback, deploys, locks and unlock of `mroom docker`.
--
-- `plan` is made once, before any server is touched; `run` is done on each; `show` makes the text
-- for people of the outcomes.
local args = require "mr.args"
local history = require "mr.deploy.history"
local lease = require "mr.lease"
local proxy = require "mr.proxy"
local spec = require "mr.deploy.spec"
local command = {}

-- Texts of the command line as values of the deployment's keys.
local function over(given)
  local values = {}
  for key, text in pairs(given or {}) do
    args.known(key, spec.keys, "deploy")
    local value = args.from_text(text, spec.keys[key].type)
    if value == nil then
      value = text
    end
    values[key] = value
  end
  return values
end

local function named(app)
  if app ~= nil and not proxy.is_name(app) then
    args.refuse(("`%s` is no name of an app"):format(tostring(app)))
  end
  return app
end

-- { verb, … } of a verb and what was typed; everything is looked at here.
function command.plan(verb, given)
  local plan = { verb = verb, app = named(given.app), to = given.to, count = given.count }
  if verb == "deploy" then
    plan.given = spec.load(plan.app, over(given.set))
  elseif verb == "rollback" then
    plan.given = spec.load(plan.app, over(given.set), true)
  end
  return plan
end

local verbs = {}

function verbs.deploy(s, plan)
  return s:docker():deploy(plan.given)
end

function verbs.rollback(s, plan)
  return s:docker():rollback(plan.given, { to = plan.to })
end

function verbs.deploys(s, plan)
  return history.of(s, plan.app, { count = plan.count })
end

function verbs.locks(s)
  return lease.list(s)
end

function verbs.unlock(s, plan)
  local was = lease.remove(s, plan.app)
  local result = { app = plan.app, broken = was or nil, status = was and "changed" or "ok" }
  return setmetatable(result, { __name = "DeployResult" })
end

-- One server's part.
function command.run(s, plan)
  return verbs[plan.verb](s, plan)
end

local function rows_of(outcomes, columns, row)
  local rows = {}
  for _, outcome in ipairs(outcomes) do
    for _, entry in ipairs(outcome.value or {}) do
      local one = row(entry)
      one.server = outcome.server
      rows[#rows + 1] = one
    end
  end
  return rows[1] and mr.table(rows, { columns = columns }) or nil
end

local shows = {}

local function serves(value)
  local words = { value.app }
  if value.action == "compose" then
    words[#words + 1] = value.status == "ok" and "as it was" or "is up and well"
  elseif value.deploy then
    local verb = value.status == "ok" and "serves already" or "serves"
    words[#words + 1] = ("%s %s (%s)"):format(value.deploy, verb, value.image or "?")
  else
    words[#words + 1] = ("would get %s"):format(value.image or "the version before")
  end
  if value.gap then
    words[#words + 1] = ("after a gap of %.2f s"):format(value.gap)
  end
  return table.concat(words, " ")
end

function shows.deploy(outcomes)
  local lines, width = {}, 0
  for _, outcome in ipairs(outcomes) do
    width = math.max(width, #outcome.server)
  end
  for _, outcome in ipairs(outcomes) do
    local word = outcome.value and serves(outcome.value) or outcome.message or ""
    local line = ("%-" .. width .. "s  %-11s  %s"):format(outcome.server, outcome.status, word)
    lines[#lines + 1] = mr.text.trim(line)
  end
  return table.concat(lines, "\n")
end
shows.rollback = shows.deploy

local DEPLOYS =
  { "server", "time", "app", "action", "outcome", "deploy", "image", "gap", "seconds", "by" }

function shows.deploys(outcomes)
  return rows_of(outcomes, DEPLOYS, function(entry)
    local row = {}
    for _, key in ipairs(DEPLOYS) do
      row[key] = entry[key]
    end
    return row
  end)
end

function shows.locks(outcomes)
  return rows_of(outcomes, { "server", "name", "holder", "what", "left" }, function(entry)
    local left = entry.left > 0 and ("%d s"):format(entry.left) or "expired"
    return { name = entry.name, holder = entry.holder, what = entry.what, left = left }
  end)
end

function shows.unlock(outcomes)
  local lines = {}
  for _, outcome in ipairs(outcomes) do
    local was = outcome.value and outcome.value.broken
    if outcome.value then
      lines[#lines + 1] = was
          and ("%s: the lease of %s is broken"):format(outcome.server, was.holder)
        or ("%s: there was no lease"):format(outcome.server)
    end
  end
  return lines[1] and table.concat(lines, "\n") or nil
end

-- The text for people; nil when there is nothing to tell.
function command.show(verb, outcomes)
  return shows[verb](outcomes)
end

return command
