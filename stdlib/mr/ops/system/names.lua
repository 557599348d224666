-- What is a name of a user or group, and lists of them. Internal; owns no state.
local names = {}

-- A login or group name that useradd of any system takes, and that no command reads as a flag or
-- a number.
function names.is_name(text)
  return #text <= 32 and text:find("^[%a_][%w_.-]*%$?$") ~= nil
end

-- Raises unless it is one; `what` says of what.
function names.check(text, what)
  if not names.is_name(text) then
    require("mr.args").refuse(
      ("%s: `%s` is not a name"):format(what, text),
      "a name is letters, digits, `_`, `.` and `-`, begins with a letter or `_`, and has at most 32"
    )
  end
end

-- A list as a set.
function names.set(list)
  local set = {}
  for _, name in ipairs(list or {}) do
    set[name] = true
  end
  return set
end

-- What of the list is not in the set, each once, in the list's order.
function names.missing(list, set)
  local missing, seen = {}, {}
  for _, name in ipairs(list or {}) do
    if not set[name] and not seen[name] then
      seen[name] = true
      missing[#missing + 1] = name
    end
  end
  return missing
end

return names
