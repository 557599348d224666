-- audit: who and what may get into servers, as one table: accounts that can log in, their keys, who
-- may become root, what listens, failed logins, updates that wait. It only reads.
--
-- -e what=users,keys   only these: users keys sudo ports failed updates
-- -e full=true         a row for each thing, not one for each server
--
-- What the login may not read is `unknown`, never taken for nothing: `-b` asks as root.
local WHAT = { "users", "keys", "sudo", "ports", "failed", "updates" }

-- Lines of `KEY<tab>...`; `unknown<tab>KEY` where something could not be read.
local SCRIPT = [[
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
t=$(printf '\t')
have() { command -v "$1" >/dev/null 2>&1; }
unknown() { printf 'unknown\t%s\n' "$1"; }
accounts() {
  if have getent; then getent passwd; else cat /etc/passwd; fi
}
users() {
  # Without a shell it is /bin/sh.
  accounts | awk -F: 'NF >= 6 && $7 !~ /(nologin|false|sync|halt|shutdown)$/ {
    printf "users\t%s\t%s\t%s\n", $1, $3, $7 == "" ? "/bin/sh" : $7 }'
}
keys() {
  accounts | while IFS=: read -r name _ _ _ _ home shell; do
    case $shell in *nologin | *false) continue ;; esac
    [ -d "$home" ] || continue
    if [ ! -x "$home" ]; then unknown "keys of $name"; continue; fi
    for file in "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; do
      [ -e "$file" ] || { [ -d "$home/.ssh" ] && [ ! -x "$home/.ssh" ] && unknown "keys of $name" && break; continue; }
      if [ ! -r "$file" ]; then unknown "keys of $name"; break; fi
      if have ssh-keygen; then
        ssh-keygen -lf "$file" 2>/dev/null | awk -v user="$name" '{
          size = $1; print_ = $2; type = $NF; $1 = $2 = $NF = ""; gsub(/^ +| +$/, "")
          printf "keys\t%s\t%s %s %s\t%s\n", user, type, size, print_, $0 }'
      else
        grep -cE '^[^#]' "$file" | awk -v user="$name" '$1 { printf "keys\t%s\t%s keys\t\n", user, $1 }'
      fi
    done
  done
}
sudo_() {
  for group in sudo wheel admin; do
    members=$(getent group "$group" 2>/dev/null || grep "^$group:" /etc/group)
    members=${members##*:}
    [ -z "$members" ] || printf 'sudo\t%s\tgroup %s\n' "$members" "$group"
  done
  for file in /etc/sudoers /etc/sudoers.d/* /usr/local/etc/sudoers /etc/doas.conf; do
    [ -e "$file" ] || continue
    if [ ! -r "$file" ]; then unknown "rules in $file"; continue; fi
    awk -v file="$file" '/^[ \t]*(#|$|Defaults|Alias|[A-Z][a-z]+_Alias|@include)/ { next }
      { gsub(/\t/, " "); printf "sudo\t%s\t%s\n", $0, file }' "$file"
  done
  [ ! -d /etc/sudoers.d ] || [ -r /etc/sudoers.d ] || unknown "rules in /etc/sudoers.d"
}
failed() {
  if have lastb && [ -r /var/log/btmp ]; then
    lastb -w 2>/dev/null | awk 'NF > 3 && $1 != "btmp" { count[$1]++ }
      END { for (user in count) printf "failed\t%s\t%d\n", user, count[user] }' | head -n 500
  elif have journalctl && journalctl -q -n 1 -t sshd -t sshd-session >/dev/null 2>&1; then
    journalctl -q -t sshd -t sshd-session --since -30d -o cat 2>/dev/null |
      sed -n 's/^Failed [a-z/-]* for \(invalid user \)\{0,1\}\([^ ]*\) from .*/\2/p' | sort | uniq -c |
      awk '{ printf "failed\t%s\t%d\n", $2, $1 }' | head -n 500
  else
    unknown "failed logins"
  fi
}
for what; do
  case $what in
    users | keys | failed) "$what" ;;
    sudo) sudo_ ;;
  esac
done
echo "end$t"]]

local FIELDS = {
  users = { "user", "uid", "shell" },
  keys = { "user", "key", "comment" },
  sudo = { "rule", "from" },
  failed = { "user", "times" },
  updates = { "package", "why" },
}

-- What a server printed, as a list for each subject. Lines that make no sense are left out.
local function read(text, wanted)
  local found, unknown, whole = {}, mr.json.array {}, false
  for _, what in ipairs(wanted) do
    found[what] = mr.json.array {}
  end
  for _, line in ipairs(mr.text.lines(text)) do
    local words = mr.text.split(line, "\t")
    local fields = FIELDS[words[1]]
    if words[1] == "end" then
      whole = true
    elseif words[1] == "unknown" then
      unknown[#unknown + 1] = words[2]
    elseif fields and found[words[1]] and #words <= #fields + 1 then
      local one = {}
      for i, field in ipairs(fields) do
        local word = words[i + 1]
        one[field] = word ~= "" and (math.tointeger(tonumber(word)) or word) or nil
      end
      table.insert(found[words[1]], next(one) and one or nil)
    end
  end
  if not whole then
    mr.fail "the server's answer broke off"
  end
  found.unknown = unknown
  return found
end

local function audit(s, wanted)
  local words, has = { "sh", "-s", "--" }, {}
  for _, what in ipairs(wanted) do
    words[#words + 1] = what
    has[what] = true
  end
  local found = read(s:capture(words, { stdin = SCRIPT, timeout = 300 }), wanted)
  if has.ports then
    found.ports = mr.json.array(s:ports { all = true })
  end
  if has.updates then
    local health = s:health { checks = { "updates" }, timeout = 300 }
    found.updates = health.updates or found.updates
    for _, check in ipairs(health.checks) do
      if check.level == "unknown" then
        table.insert(found.unknown, "updates: " .. check.text)
      end
    end
  end
  return found
end

local function subjects()
  local wanted, known = {}, {}
  for _, what in ipairs(WHAT) do
    known[what] = true
  end
  for what in (vars.what or table.concat(WHAT, ",")):gmatch "[^,%s]+" do
    if not known[what] then
      error({
        kind = "usage",
        message = ("`what`: there is no `%s`"):format(what),
        hint = "known: " .. table.concat(WHAT, ", "),
      }, 0)
    end
    wanted[#wanted + 1] = what
  end
  return wanted
end

-- How many, and the word for what nobody could read.
local function count(value, what)
  local list = value[what]
  if not list then
    return ""
  end
  local n = #list
  if what == "failed" then
    n = 0
    for _, one in ipairs(list) do
      n = n + (math.tointeger(one.times) or 0)
    end
  end
  local names = { keys = "^keys of", sudo = "^rules in", failed = "^failed", updates = "^updates" }
  for _, unknown in ipairs(value.unknown) do
    if names[what] and unknown:find(names[what]) then
      return n == 0 and "unknown" or n .. "+"
    end
  end
  return tostring(n)
end

local function details(rows, outcome)
  for _, what in ipairs(WHAT) do
    for _, one in ipairs(outcome.value[what] or {}) do
      local words = {}
      if what == "ports" then
        words[1] = tostring(one)
      end
      for _, field in ipairs(FIELDS[what] or {}) do
        words[#words + 1] = one[field] and tostring(one[field])
      end
      rows[#rows + 1] = { server = outcome.server, what = what, which = table.concat(words, "  ") }
    end
  end
  for _, unknown in ipairs(outcome.value.unknown) do
    rows[#rows + 1] = { server = outcome.server, what = "unknown", which = unknown }
  end
end

return {
  name = "audit",
  summary = "Logins, keys, sudo rules, ports, failed logins and updates of servers (-e full=true).",
  args = "[PATTERN]",

  run = function(...)
    local pattern = select("#", ...) > 0 and table.concat({ ... }, " ") or "all"
    local wanted = subjects()
    return fleet.select(pattern):map(function(s)
      return audit(s, wanted)
    end, { label = "audit" })
  end,

  show = function(outcomes)
    local rows, columns = {}, { "server", "what", "which" }
    local is_full = tostring(vars.full) == "true"
    for _, outcome in ipairs(outcomes) do
      if outcome.value and is_full then
        details(rows, outcome)
      elseif outcome.value then
        local row = { server = outcome.server }
        for _, what in ipairs(WHAT) do
          row[what] = count(outcome.value, what)
        end
        rows[#rows + 1] = row
      end
    end
    if not is_full then
      columns = { "server", table.unpack(WHAT) }
    end
    return rows[1] and mr.table(rows, { columns = columns }) or "nothing to tell"
  end,
}
