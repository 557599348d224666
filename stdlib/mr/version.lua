-- Versions as programs print them: `26.1.5+dfsg1`, `v2.24.6`, `5:28.3.2-1~debian.13~trixie`. Compared
-- by the numbers that they begin with; what follows these does not count. Pure.
local version = {}

-- The numbers that a text begins with, after an epoch or a `v`; nil when there are none.
local function numbers(text)
  local head = text:gsub("^%d+:", ""):gsub("^[vV]", ""):match "^%d[%d.]*"
  if not head then
    return nil
  end
  local list = {}
  for digits in head:gmatch "%d+" do
    -- Longer ones are dates or hashes, and would not fit.
    list[#list + 1] = math.tointeger(tonumber(digits:sub(1, 15)))
  end
  return list
end

-- The numbers of a text, joined by dots: `26.1.5` of `26.1.5+dfsg1`; nil when there are none.
function version.plain(text)
  local list = text and numbers(text)
  return list and table.concat(list, ".")
end

-- -1, 0 or 1; nil when one of them is no version. A number that is not there is 0.
function version.compare(a, b)
  local one, other = a and numbers(a), b and numbers(b)
  if not (one and other) then
    return nil
  end
  for i = 1, math.max(#one, #other) do
    local x, y = one[i] or 0, other[i] or 0
    if x ~= y then
      return x < y and -1 or 1
    end
  end
  return 0
end

-- Is it that version or a newer one? Never of what is no version.
function version.at_least(is, wanted)
  local order = version.compare(is, wanted)
  return order ~= nil and order >= 0
end

-- Is it that version, as exactly as `wanted` says? `28` is any 28, `28.3` any 28.3.
function version.fits(is, wanted)
  local one, other = is and numbers(is), wanted and numbers(wanted)
  if not (one and other) then
    return false
  end
  for i, number in ipairs(other) do
    if (one[i] or 0) ~= number then
      return false
    end
  end
  return true
end

return version
