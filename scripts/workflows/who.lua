-- who: who is logged in where, and who was there last.
--
-- `-e last=3` shows so many past logins of each server; one when not given, none with 0.
local SCRIPT = [[
export LC_ALL=C
who 2>/dev/null
echo --last--
[ "$1" = 0 ] || last -n "$1" 2>/dev/null
true
]]

-- `root  pts/0  2026-11-23 09:12 (192.0.2.7)`; without a year in some places, and in busybox the
-- host without brackets.
local function present(line)
  local user, tty, rest = line:match "^(%S+)%s+(%S+)%s+(.+)$"
  if not user then
    return nil
  end
  local since, from = rest:match "(%d+%-%d+%-%d+ %d+:%d+)%s*(.*)$"
  if not since then
    since, from = rest:match "(%a%a%a +%d+ %d+:%d+)%S*%s*(.*)$"
  end
  return { user = user, tty = tty, since = since, from = from and from:match "[^()%s]+" }
end

-- `root  pts/0  192.0.2.7  Mon Nov 23 09:12 - 09:15  (00:02)`; nil for what is no past login.
local function past(line)
  local who, since, rest = line:match "^(.-)%s+%a%a%a (%a%a%a +%d+ %d+:%d+)(.*)$"
  local user, tty, from = (who or ""):match "^(%S+)%s+(%S+)%s*(%S*)"
  local ended = (rest or ""):match "^[%d:]*%s*%-%s+(%S+)"
  if not user or not ended or user == "reboot" or user == "shutdown" or user == "runlevel" then
    return nil
  end
  return { user = user, tty = tty, since = since, ended = ended, from = from ~= "" and from or nil }
end

local function logins(s, last)
  local list = mr.json.array {}
  local read = present
  for _, line in ipairs(mr.text.lines(s:capture({ "sh", "-s", "--", last }, { stdin = SCRIPT }))) do
    if line == "--last--" then
      read = past
    else
      list[#list + 1] = read(line)
    end
  end
  return list
end

return {
  name = "who",
  summary = "Who is logged in where, and who was there last (-e last=3).",
  args = "[PATTERN]",

  run = function(...)
    local pattern = select("#", ...) > 0 and table.concat({ ... }, " ") or "all"
    local last = math.tointeger(tonumber(vars.last or 1))
    if not last or last < 0 then
      error({ kind = "usage", message = "`last` must be a number of logins" }, 0)
    end
    return fleet.select(pattern):map(function(s)
      return logins(s, last)
    end, { label = "who" })
  end,

  show = function(outcomes)
    local rows = {}
    for _, outcome in ipairs(outcomes) do
      for _, login in ipairs(outcome.value or {}) do
        rows[#rows + 1] = {
          server = outcome.server,
          user = login.user,
          tty = login.tty,
          from = login.from,
          since = login.since,
          ["until"] = login.ended or "now",
        }
      end
    end
    local columns = { "server", "user", "tty", "from", "since", "until" }
    return rows[1] and mr.table(rows, { columns = columns }) or "nobody"
  end,
}
