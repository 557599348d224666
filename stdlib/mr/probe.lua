-- mr.probe: does something on a server answer? Asked on the server itself, with what it has: curl,
-- bash or wget. The answer is data.
local probe = {}

-- The shell function `ask ADDRESS PORT PATH HOST SECONDS`: prints `code=NNN` (000 when nothing
-- answered) and then the beginning of what was said, each line behind `body=`.
probe.shell = [[
ask() {
  said=$(ask_by "$@" 2>&1 | tr -d '\000' | head -c 2000) || :
  code=$(printf '%s\n' "$said" | sed -n 's/^mroom-code=\([0-9][0-9][0-9]\)$/\1/p' | tail -n 1)
  if [ -z "$code" ]; then
    code=$(printf '%s\n' "$said" | sed -n 's,^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*,\1,p' | tail -n 1)
  fi
  printf 'code=%s\n' "${code:-000}"
  printf '%s\n' "$said" | grep -v '^mroom-code=' | head -n 20 | sed 's/^/body=/'
}
ask_by() {
  if command -v curl >/dev/null 2>&1; then
    curl -sS -m "$5" -H "Host: $4" -H 'User-Agent: mroom' -w '\nmroom-code=%{http_code}\n' "http://$1:$2$3"
  elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
    timeout "$5" bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: mroom\r\n\r\n" "$3" "$4" >&3 && cat <&3' bash "$@"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -S -O - -T "$5" --header "Host: $4" "http://$1:$2$3"
  else
    echo 'neither curl nor bash nor wget is on the server'
  fi
}
]]

-- Does process `$1` listen on TCP port `$2` (hexadecimal, four digits) in its own network?
local LISTENS = [[
cat "/proc/$1/net/tcp" "/proc/$1/net/tcp6" 2>/dev/null |
  awk -v port="$2" '$4 == "0A" { n = split($2, a, ":"); if (a[n] == port) { found = 1 } } END { exit !found }'
]]

-- Asks for a page: { code, body }; code 0 when nothing answered. `o` has port, path, host, timeout.
function probe.http(s, o)
  local words = { "sh", "-s", "--", "127.0.0.1", o.port, o.path, o.host or "localhost", o.timeout }
  local text = probe.shell .. '\necho mroom-probe; ask "$@"\n'
  return probe.read(s:capture(words, { stdin = text, timeout = o.timeout + 30, sudo = o.sudo }))
end

-- What that printed. Pure.
function probe.read(text)
  local said = text:match "mroom%-probe\n?(.*)$" or ""
  local body = {}
  for line in said:gmatch "body=([^\n]*)" do
    body[#body + 1] = line
  end
  return {
    code = math.tointeger(tonumber(said:match "^code=(%d%d%d)")) or 0,
    body = mr.text.trim(table.concat(body, "\n")),
  }
end

-- Does a process listen on that port of its own network?
function probe.listens(s, pid, port)
  local words = { "sh", "-s", "--", pid, ("%04X"):format(port) }
  return s:test(words, { stdin = LISTENS, timeout = 30 })
end

return probe
