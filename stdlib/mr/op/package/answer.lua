-- What the managers' scripts of the operation `package` have in common: the shell functions that
-- print, and the reader of what they printed. Pure. Internal.
--
-- Lines of words between tabs, `-` for an empty one:
--   lists AGE                          seconds since the lists of packages were refreshed
--   broken NAME STATUS                 half-done, as dpkg-query abbreviates it: `iU`, `iHR`, `rF`
--   interrupted                        its own notes are unfinished
--   locked PID                         somebody is at work with it
--   have WANTED NAME VERSION FLAGS     p: provided by NAME, h: held, a: automatic, c: settings only
--   file PATH NAME VERSION             what a local package file holds
--   none WANTED                        nothing that can be had is called that
--   said TEXT                          a line of the manager's own simulation
--   end                                all was said
local answer = {}

-- Stands before every script.
answer.head = [[
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin
tab='	'
say() {
  line=$1
  shift
  for word; do line=$line$tab${word:--}; done
  printf '%s\n' "$line"
}
# How old a file is.
age() {
  now=$(date +%s)
  at=$(stat -c %Y "$1" 2>/dev/null || stat -f %m "$1" 2>/dev/null) || return 0
  [ "$now" -lt "$at" ] && say lists 0 || say lists $((now - at))
}
# Does $known have $1, a name or NAME=VERSION with a pattern?
is_there() {
  case $1 in *=*) pattern=${1#*=} ;; *) pattern='*' ;; esac
  while IFS=$tab read -r word asked _ version flags; do
    [ "$word" = have ] && [ "$asked" = "${1%%=*}" ] || continue
    case $flags in *c*) continue ;; esac
    case $version in $pattern) return 0 ;; esac
    case ${version#*:} in $pattern) return 0 ;; esac
  done <<EOF
$known
EOF
  return 1
}
]]

-- A server cannot fill a list without end.
local MOST = 4096

local function word(text)
  return #text <= 256 and text:match("^[%g]+$") or nil
end

local READERS = {
  lists = function(is, age)
    is.age = #age <= 12 and age:match("^%d+$") and math.tointeger(tonumber(age)) or is.age
  end,
  broken = function(is, name, status)
    is.broken[#is.broken + 1] = { name = name, status = status }
  end,
  interrupted = function(is)
    is.interrupted = true
  end,
  locked = function(is, pid)
    is.locked = pid
  end,
  have = function(is, wanted, name, version, flags)
    local known = is.have[wanted]
    local provided = flags:find("p", 1, true) ~= nil
    if known and not (known.provided and not provided) then
      return
    end
    is.have[wanted] = {
      name = name,
      version = version,
      provided = provided,
      held = flags:find("h", 1, true) ~= nil,
      automatic = flags:find("a", 1, true) ~= nil,
      settings_only = flags:find("c", 1, true) ~= nil,
    }
  end,
  file = function(is, path, name, version)
    is.files[path] = { name = name, version = version }
  end,
  none = function(is, wanted)
    is.none[wanted] = "nothing is called that"
  end,
}
local COUNT = { lists = 1, broken = 2, interrupted = 0, locked = 1, have = 4, file = 3, none = 1 }

-- The state in what a script printed. `manager.said(is, line)` reads its simulation.
function answer.read(text, manager)
  local is = { have = {}, files = {}, none = {}, broken = {}, will = {}, why = {} }
  local ended, count = false, 0
  for line in text:gmatch("[^\n]+") do
    count = count + 1
    local kind, rest = line:match("^(%l+)\t?(.*)$")
    if line == "end" then
      ended = true
    elseif kind == "said" and count <= MOST then
      manager.said(is, (rest:gsub("[%c\127]", " "):sub(1, 512)))
    elseif READERS[kind] and count <= MOST then
      local words, good = {}, true
      for part in rest:gmatch("[^\t]+") do
        words[#words + 1] = word(part)
        good = good and word(part) ~= nil
      end
      if good and #words == COUNT[kind] then
        READERS[kind](is, table.unpack(words))
      end
    end
  end
  if not ended then
    error({
      kind = "script",
      message = ("`%s` did not say which packages there are"):format(manager.name),
      hint = "does it answer on the server, and is `sh` a POSIX shell there?",
    }, 0)
  end
  return is
end

-- Does a version fit a pattern with `*` and `?`? An epoch (`1:`) may be left out.
function answer.fits(version, pattern)
  local magic = pattern:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  magic = "^" .. magic .. "$"
  return version:find(magic) ~= nil or version:gsub("^%d+:", ""):find(magic) ~= nil
end

-- The lines of `text` that say why (those that fit one of `patterns`, else the last), and a hint.
function answer.explain(text, patterns, hints)
  local why, last, hint = {}, nil, nil
  for line in text:gmatch("[^\r\n]+") do
    last = line:find("%S") and line or last
    for _, pattern in ipairs(patterns) do
      if line:find(pattern) and #why < 6 then
        why[#why + 1] = line
        break
      end
    end
  end
  for _, pair in ipairs(hints) do
    if text:find(pair[1]) then
      hint = pair[2]
      break
    end
  end
  return table.concat(why[1] and why or { last or "it said nothing" }, "\n"), hint
end

return answer
