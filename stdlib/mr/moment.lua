-- Moments out of the texts that programs print: seconds since 1970, or nil for what is no moment.
-- Pure. Internal.
local moment = {}

local MONTHS = {}
for i, name in ipairs {
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
} do
  MONTHS[name] = i
end

-- Days from 1970-01-01 to a day of the Gregorian calendar; years begin in March here, so that a leap
-- day is the last of its year.
local function days(year, month, day)
  local y = month <= 2 and year - 1 or year
  local era, m = y // 400, (month + 9) % 12
  local of_era = y - era * 400
  local of_year = (153 * m + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local function whole(text)
  return math.tointeger(tonumber(text)) or 0
end

-- Of a date and a time of day in UTC, all numbers or texts of digits.
local function civil(year, month, day, hour, min, sec)
  local y, mo, d, h, mi, s =
    whole(year), whole(month), whole(day), whole(hour), whole(min), whole(sec)
  if mo < 1 or mo > 12 or d < 1 or d > 31 or h > 23 or mi > 59 or s > 60 then
    return nil
  end
  return days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s
end

-- `2026-01-31T12:00:00.5Z`, and `2026-01-31 12:00:00 +0100 CET` as Go prints it. What nobody has set
-- is in the year 1 there, which is no moment.
function moment.iso(text)
  local y, mo, d, h, mi, s, rest =
    text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$"
  if not y or whole(y) < 1970 then
    return nil
  end
  rest = rest:gsub("^%.%d+", "")
  local sign, hours, minutes = rest:match "^ ?([+-])(%d%d):?(%d%d)"
  local at = (sign or rest == "Z") and civil(y, mo, d, h, mi, s)
  if not at then
    return nil
  end
  local offset = sign and whole(hours) * 3600 + whole(minutes) * 60 or 0
  return sign == "-" and at + offset or at - offset
end

-- `Mar  3 10:00:00 2027 GMT`, as openssl prints it.
function moment.openssl(text)
  local month, day, hour, min, sec, year =
    text:match "^(%a%a%a) +(%d+) (%d+):(%d+):(%d+) (%d%d%d%d) GMT$"
  return MONTHS[month or ""] and civil(year, MONTHS[month], day, hour, min, sec)
end

return moment
