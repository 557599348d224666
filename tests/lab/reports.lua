-- usage: mroom run reports.lua changed|unchanged|predicted REPORT [REPORT]
--
-- What the reports (`mroom --json run`, an object a line) of a playbook say of its steps:
--   changed    some step changed something, and all ended well
--   unchanged  every step was ok
--   predicted  the first, of check mode, says of every step what the second says was done; what it
--              could not know it calls unknown, and that is at most one step in eight, or three
-- Prints what is wrong, all of it, and fails.

-- One step in so many may be unknown, and as many of a short playbook.
local ONE_IN, FEW = 8, 3

-- The steps of a report, by their place.
local function steps_of(path)
  local steps, seen = {}, {}
  for line in io.lines(path) do
    local step = mr.json.decode(line)
    if step.op then
      local name = ("%s `%s`"):format(step.op, step.target)
      seen[name] = (seen[name] or 0) + 1
      step.name = name
      step.place = ("%s %d"):format(name, seen[name])
      steps[#steps + 1] = step
      steps[step.place] = step
    end
  end
  if #steps == 0 then
    mr.fail(("%s has no step"):format(path))
  end
  return steps
end

local function words(changes)
  return type(changes) == "table" and table.concat(changes, "; ") or ""
end

local wrong = {}
local function note(step, text, ...)
  wrong[#wrong + 1] = ("%s: %s"):format(step.name, text:format(...))
end

local said = {}

function said.changed(path)
  local steps, changed = steps_of(path), 0
  for _, step in ipairs(steps) do
    if step.status == "changed" then
      changed = changed + 1
    elseif step.status ~= "ok" then
      note(step, "is %s", step.status)
    end
  end
  if changed == 0 then
    note(steps[1], "is %s, and nothing else is changed either", steps[1].status)
  end
  return ("%d steps, %d changed"):format(#steps, changed)
end

function said.unchanged(path)
  local steps = steps_of(path)
  for _, step in ipairs(steps) do
    if step.status ~= "ok" then
      note(step, "is %s: %s", step.status, words(step.changes))
    end
  end
  return ("%d steps, all ok"):format(#steps)
end

function said.predicted(checked, done)
  local before, after, unknown = steps_of(checked), steps_of(done), 0
  for _, step in ipairs(before) do
    local real = after[step.place]
    if not real then
      note(step, "was predicted and did not happen")
    elseif step.status == "unknown" then
      unknown = unknown + 1
      print(("  unknown: %s: %s"):format(step.name, step.error))
    elseif real.status ~= step.status then
      note(step, "predicted %s, was %s (%s)", step.status, real.status, words(real.changes))
    elseif words(real.changes) ~= words(step.changes) then
      note(step, "predicted `%s`, was `%s`", words(step.changes), words(real.changes))
    end
  end
  for _, step in ipairs(after) do
    if not before[step.place] then
      note(step, "was not predicted, and is %s", step.status)
    end
  end
  if unknown > math.max(FEW, #before // ONE_IN) then
    wrong[#wrong + 1] = ("%d of %d steps are unknown"):format(unknown, #before)
  end
  return ("%d steps, %d of them unknown before"):format(#after, unknown)
end

local what = table.remove(arg, 1)
local told = said[what](table.unpack(arg))
for _, line in ipairs(wrong) do
  print("  wrong: " .. line)
end
if wrong[1] then
  mr.fail(("not %s: %s"):format(what, table.concat(arg, " ")))
end
print(("  %s: %s"):format(what, told))
