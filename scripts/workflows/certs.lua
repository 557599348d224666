-- certs: the TLS certificates of a list of names: until when, from whom, and whether they are good.
--
-- -e days=21        what is left of a certificate that is warned of
-- -e from=PATTERN   asked from these servers, not from this machine: what is only inside, and what
--                   each of them sees
--
-- A name is `example.org`, `example.org:8443` or `[2001:db8::1]:443`. The exit code is 3 when one is
-- not good.

-- One line a name: its words, tabs between them. What a name's server sends is only parsed.
local SCRIPT = [[
export LC_ALL=C
if ! command -v openssl >/dev/null; then echo "openssl is not there" >&2; exit 127; fi
bounded() {
  if command -v timeout >/dev/null; then timeout 10 "$@"
  elif command -v perl >/dev/null; then perl -e 'alarm shift; exec @ARGV' 10 "$@"
  else "$@"; fi
}
look() {
  host=${1%:*}
  name=$(printf %s "$host" | tr -d '[]')
  case $name in
    *:*) by=-verify_ip ;;
    *[!0-9.]*) by=-verify_hostname ;;
    *) by=-verify_ip ;;
  esac
  set -- "$1" "$by" "$name"
  [ "$by" = -verify_ip ] || set -- "$@" -servername "$name"
  answer=$(bounded openssl s_client -connect "$@" </dev/null 2>&1)
  dates=$(printf '%s\n' "$answer" | openssl x509 -noout -enddate -issuer -nameopt RFC2253 2>/dev/null)
  verdict=$(printf '%s\n' "$answer" | sed -n 's/^ *Verify return code: *//p' | head -n 1)
  why=$(printf '%s\n' "$answer" | grep -m 1 -iE 'error|refused|timed out|no route|not known' | tr '\t' ' ' | cut -c 1-200)
  printf '%s\t%s\t%s\t%s\n' "$1" "$(printf %s "$dates" | tr '\t\n' ' \t')" "$verdict" "$why"
}
n=0
for name; do
  look "$name" &
  n=$((n + 1))
  [ $((n % 20)) -ne 0 ] || wait
done
wait
]]

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6 }
MONTHS.Jul, MONTHS.Aug, MONTHS.Sep, MONTHS.Oct, MONTHS.Nov, MONTHS.Dec = 7, 8, 9, 10, 11, 12

-- Days from now until `Mar  3 10:00:00 2027 GMT`; nil for what is no such time.
local function days_left(text)
  local month, day, hour, min, sec, year =
    text:match "^(%a%a%a) +(%d+) (%d+):(%d+):(%d+) (%d%d%d%d) GMT$"
  if not MONTHS[month or ""] then
    return nil
  end
  local fields =
    { year = year, month = MONTHS[month], day = day, hour = hour, min = min, sec = sec }
  -- Both as if they were local: the zone takes itself out.
  fields.isdst = false
  local now = os.date "!*t"
  now.isdst = false
  return math.floor((os.time(fields) - os.time(now)) / 86400)
end

-- What the script says of one name.
local function record(line)
  local name, rest = line:match "^([^\t]+)\t(.*)$"
  local words = name and mr.text.split(rest, "\t") or {}
  local one = { name = name }
  for i, word in ipairs(words) do
    local ends = word:match "^notAfter=(.+)$"
    if ends then
      one.days = days_left(ends)
      one["until"] = one.days and ends or nil
    elseif word:find "^issuer=" then
      one.issuer = word:match "O=([^,]+)" or word:match "CN=([^,]+)" or word:sub(8)
    elseif i == #words - 1 then
      one.verdict = word:match "%((.-)%)$" or (word ~= "" and word or nil)
    elseif i == #words and word ~= "" and not one.days then
      -- `4017…:error:8000006F:system library:BIO_connect:Connection refused:file:117:…`
      one.why = word:match "error:%x*:[^:]*:[^:]*:([^:]+):" or word
    end
  end
  return name and one or nil
end

-- The certificates of these names as `h` sees them, in the order of the names.
local function ask(h, names)
  local command = { "sh", "-s", "--", table.unpack(names) }
  local time = 15 * math.ceil(#names / 20) + 15
  local text = h:capture(command, { stdin = SCRIPT, timeout = time, sudo = false })
  local found = {}
  for _, line in ipairs(mr.text.lines(text)) do
    local one = record(line)
    if one then
      found[one.name] = one
    end
  end
  local list = mr.json.array {}
  for i, name in ipairs(names) do
    local one = found[name] or { name = name }
    one.state = "good"
    if not one.days then
      one.state, one.why = "unreachable", one.why or "no certificate came"
    elseif one.days < 0 then
      one.state = "expired"
    elseif one.verdict and one.verdict ~= "ok" then
      one.state = "not trusted"
    elseif one.days < tonumber(vars.days or 21) then
      one.state = "soon"
    end
    list[i] = one
  end
  return list
end

local function checked(words)
  local names = {}
  for i, word in ipairs(words) do
    local host, port = word:match "^(.-):(%d+)$"
    if not host or word:find "^%[.*%]$" or (host:find(":", 1, true) and not host:find "^%[") then
      host, port = word, "443"
    end
    local number = math.tointeger(tonumber(port))
    if
      not host:find "^%[?[%w.:_-]+%]?$"
      or host:find "^%-"
      or not number
      or number < 1
      or number > 65535
    then
      local hint = "`example.org`, `example.org:8443` or `[2001:db8::1]:443`"
      error({ kind = "usage", message = ("`%s` is not a name"):format(word), hint = hint }, 0)
    end
    if host:find(":", 1, true) and not host:find "^%[" then
      host = "[" .. host .. "]"
    end
    names[i] = host .. ":" .. number
  end
  return names
end

local COLUMNS = { "days", "name", "state", "issuer", "until", "why" }

local function rows_of(list, server)
  local rows = {}
  for i, one in ipairs(list) do
    local row = { server = server }
    for _, key in ipairs(COLUMNS) do
      row[key] = one[key] ~= nil and tostring(one[key]) or ""
    end
    row.why = one.why or (one.state == "not trusted" and one.verdict or "")
    rows[i] = row
  end
  return rows
end

return {
  name = "certs",
  summary = "TLS certificates of names: days left, issuer, whether they are good.",
  args = "NAME[:PORT]...",

  run = function(...)
    if not tonumber(vars.days or 21) then
      error({ kind = "usage", message = "`days` must be a number of days" }, 0)
    end
    local names = checked { ... }
    if not names[1] then
      local hint = "`mroom run certs example.org mail.example.org:993`"
      error({ kind = "usage", message = "`certs` needs the names to ask", hint = hint }, 0)
    end
    if vars.from then
      return fleet.select(vars.from):map(function(s)
        local list = ask(s, names)
        for _, one in ipairs(list) do
          if one.state ~= "good" then
            s:warn(("%s: %s"):format(one.name, one.state))
          end
        end
        return list
      end, { label = "certs" })
    end
    local list = ask(ssh.here(), names)
    local code = 0
    for _, one in ipairs(list) do
      code = one.state == "good" and code or 3
    end
    return list, code
  end,

  show = function(result)
    local rows = {}
    if vars.from then
      for _, outcome in ipairs(result) do
        table.move(
          rows_of(outcome.value or {}, outcome.server),
          1,
          #(outcome.value or {}),
          #rows + 1,
          rows
        )
      end
      return mr.table(rows, { columns = { "server", table.unpack(COLUMNS) } })
    end
    return mr.table(rows_of(result), { columns = COLUMNS })
  end,
}
