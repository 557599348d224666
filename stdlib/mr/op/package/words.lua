-- What the operation `package` says of its changes, and what would be there after them. Pure.
-- Internal.
local words = {}

-- Names of packages that come along are told up to this number.
local MANY = 5

-- What the simulation would do with a package; nil when nothing.
function words.of(is, name)
  local plain = name:gsub(":%w+$", "")
  for _, one in ipairs(is.will) do
    if one.name == name or one.name:gsub("[:.]%w+$", "") == plain or one.name == plain then
      return one
    end
  end
end

local function list_of(all)
  local rest = #all - MANY
  if rest <= 1 then
    return table.concat(all, ", ")
  end
  return ("%s and %d more"):format(table.concat(all, ", ", 1, MANY), rest)
end

local function change(one, will, o, stale)
  local is = one.is
  if o.state == "absent" then
    local verb = o.purge and "purged" or "removed"
    return is.settings_only and one.name .. " purged"
      or ("%s %s %s"):format(one.name, is.version, verb)
  end
  local new = not stale and ((will and will.new) or (one.file and one.version))
  local name = one.file and one.name or (one.text:match("^[^=]+"))
  if is and not is.settings_only and is.version and is.version ~= new then
    return ("%s %s -> %s"):format(name, is.version, new or one.version or "newest")
  end
  return new and ("%s %s installed"):format(name, new) or name .. " installed"
end

-- Adds a change for each of `todo`, and what else the simulation says would come or go.
function words.todo(plan, is, o, todo, stale)
  local named = {}
  for _, one in ipairs(todo) do
    local will = one.name and words.of(is, one.is and one.is.name or one.name)
    if will then
      named[will] = true
    end
    plan.changes[#plan.changes + 1] = change(one, will, o, stale)
  end
  if #todo == 0 then
    return
  end
  local come, go, upgraded = {}, {}, {}
  for _, one in ipairs(is.will) do
    local into = not one.new and go or one.old and upgraded or come
    if not named[one] then
      into[#into + 1] = one.name
    end
  end
  for _, pair in ipairs({
    { "with it: ", come },
    { "upgraded with it: ", upgraded },
    { "removed with it: ", go },
  }) do
    if #pair[2] > 0 then
      plan.changes[#plan.changes + 1] = pair[1] .. list_of(pair[2])
    end
  end
end

-- What a look would find afterwards.
function words.will(is, o, all)
  local have = {}
  for name, one in pairs(is.have) do
    have[name] = one
  end
  for _, one in ipairs(all) do
    local name = one.name or one.text
    if o.state == "absent" then
      have[name] = nil
    else
      local will = words.of(is, name)
      local version = will and will.new or one.version or one.is and one.is.version or "?"
      local held = o.hold
      if held == nil then
        held = one.is and one.is.held or false
      end
      have[name] = { name = name, version = version, held = held }
    end
  end
  return { have = have, files = is.files, none = {}, broken = {}, will = {}, why = {}, age = 0 }
end

-- `curl 7.1 -> 7.2` for each wanted package that has another version than before.
function words.learnt(before, after, o)
  local told = {}
  for _, name in ipairs(o.names) do
    local old, new = before.have[name], after.have[name]
    local known = old and words.of(before, name)
    if old and new and old.version ~= new.version and not (known and known.new == new.version) then
      told[#told + 1] = ("%s %s -> %s"):format(name, old.version, new.version)
    end
  end
  return told
end

return words
