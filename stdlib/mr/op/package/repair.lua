-- What a package manager that was cut off in its work has left half-done: what of it the operation
-- `package` finishes before anything else, and what is said of it. Pure but for its steps. Internal.
local work = require("mr.op.package.work")
local repair = {}

-- The second letter of a state in `dpkg-query`, in the words of dpkg(1).
local STATES = {
  H = "half-installed",
  U = "unpacked",
  F = "half-configured",
  W = "triggers-awaited",
  t = "triggers-pending",
}

-- Names are told up to this number.
local MANY = 5

-- `a, b and 7 more`, from { name, … }.
local function list_of(broken, word)
  local all = {}
  for i, one in ipairs(broken) do
    all[i] = word(one)
  end
  local rest = #all - MANY
  if rest <= 1 then
    return table.concat(all, ", ")
  end
  return ("%s and %d more"):format(table.concat(all, ", ", 1, MANY), rest)
end

-- What is ours to finish, of a look: a list of { name, status, file }, or nil; `file` is what is wanted in
-- its place. While somebody has the lock it may be what he is just at work on; then only what is `wanted`
-- counts, which is waited for.
function repair.of(is, wanted)
  local by_name, ours = {}, {}
  for _, want in ipairs(wanted) do
    by_name[want.name or ""] = want
  end
  for _, one in ipairs(is.broken) do
    local want = by_name[one.name]
    if want or not is.locked then
      ours[#ours + 1] = { name = one.name, status = one.status, file = want and want.file }
    end
  end
  return (ours[1] or (is.interrupted and not is.locked)) and ours or nil
end

-- The words for the change.
function repair.told(broken)
  if not broken[1] then
    return "an interrupted dpkg finished"
  end
  return "half-done, finished: " .. list_of(broken, function(one)
    return one.name
  end)
end

-- The steps. Only the last has to end well: it does what those before could not do alone. What is to be
-- taken off may be the very package that cannot be finished: then the look afterwards decides.
function repair.steps(manager, broken, o)
  local all = manager.repair(broken)
  for i, argv in ipairs(all) do
    all[i] = work.step(manager, argv, o, i < #all or o.state == "absent")
  end
  return all
end

-- What is half-done even after that is an error.
function repair.refuse(manager, broken)
  local what = broken[1]
      and list_of(broken, function(one)
        return ("`%s` (%s)"):format(one.name, STATES[one.status:sub(2, 2)] or one.status)
      end)
    or "its own notes"
  mr.fail(("`%s` cannot finish what is half-done: %s"):format(manager.name, what), {
    hint = "`dpkg --audit` on the server tells what is wrong",
  })
end

return repair
