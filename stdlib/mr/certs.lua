-- mr.certs: TLS certificates as a machine sees them: those that names show, and those in files. For
-- the workflow `certs` and for `server:health()`.
--
-- What a name's server sends is only parsed, by openssl and here. Owns no state.
local moment = require "mr.moment"

local certs = {}

-- POSIX shell functions. `cert_names NAME...` and `cert_files FILE...` print a line for each: its words,
-- tabs between them.
certs.functions = [[
bounded() {
  if command -v timeout >/dev/null 2>&1; then timeout 10 "$@"
  elif command -v perl >/dev/null 2>&1; then perl -e 'alarm shift; exec @ARGV' 10 "$@"
  else "$@"; fi
}
cert_look() {
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
cert_names() {
  n=0
  for name; do
    cert_look "$name" &
    n=$((n + 1))
    [ $((n % 20)) -ne 0 ] || wait
  done
  wait
}
# The first certificate of a file is the one that a server shows.
cert_files() {
  for file; do
    dates= why=
    if [ ! -e "$file" ]; then why='no such file, or a folder above it is closed to this login'
    elif [ ! -r "$file" ]; then why='this login may not read it'
    else
      dates=$(openssl x509 -noout -enddate -issuer -nameopt RFC2253 -in "$file" 2>/dev/null) || why='no certificate in it'
    fi
    printf '%s\t%s\t\t%s\n' "$file" "$(printf %s "$dates" | tr '\t\n' ' \t')" "$why"
  done
}
]]

local SCRIPT = ([[
export LC_ALL=C
if ! command -v openssl >/dev/null; then echo "openssl is not there" >&2; exit 127; fi
%scert_names "$@"
]]):format(certs.functions)

-- What the functions say of one name or file; nil for a line that is none. `days` are those that are
-- left.
function certs.record(line)
  local name, rest = line:match "^([^\t]+)\t(.*)$"
  local words = name and mr.text.split(rest, "\t") or {}
  local one = { name = name }
  for i, word in ipairs(words) do
    local ends = word:match "^notAfter=(.+)$"
    local at = ends and moment.openssl(ends)
    if at then
      one.days = (at - os.time()) // 86400
      one["until"] = ends
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

-- Says of a record how it is: `good`, `soon` with fewer days left than `days`, `expired`,
-- `not trusted`, `unreachable`.
function certs.judge(one, days)
  one.state = "good"
  if not one.days then
    one.state, one.why = "unreachable", one.why or "no certificate came"
  elseif one.days < 0 then
    one.state = "expired"
  elseif one.verdict and one.verdict ~= "ok" then
    one.state = "not trusted"
  elseif one.days < days then
    one.state = "soon"
  end
  return one
end

-- The certificates of these names as `h` sees them, in the order of the names.
function certs.ask(h, names, days)
  local command = { "sh", "-s", "--", table.unpack(names) }
  local time = 15 * math.ceil(#names / 20) + 15
  local text = h:capture(command, { stdin = SCRIPT, timeout = time, sudo = false })
  local found = {}
  for _, line in ipairs(mr.text.lines(text)) do
    local one = certs.record(line)
    if one then
      found[one.name] = one
    end
  end
  local list = mr.json.array {}
  for i, name in ipairs(names) do
    list[i] = certs.judge(found[name] or { name = name }, days)
  end
  return list
end

-- `example.org`, `example.org:8443` or `[2001:db8::1]:443` with its port; nil for what is no name.
function certs.name(word)
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
    return nil
  end
  if host:find(":", 1, true) and not host:find "^%[" then
    host = "[" .. host .. "]"
  end
  return host .. ":" .. number
end

return certs
