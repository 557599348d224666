-- The steps of an operation's plan: as text for people and tests, and done on a server. Internal.
--
-- A step is one of { run = argv or text }, { script = text, args = }, { write = path, content = },
-- { upload = local path, to = }, { remove = path, tree = }, { call = function }; `says` are its words.
local native = require "mr.native"
local steps = {}

-- Puts standard input into a new file beside `$1` and moves it there, whole or not at all: a link is
-- replaced, not followed. `$2` mode, `$3` owner, `$4` group, each may be empty; `$5` and `$6` are the
-- ids to keep where that is allowed; `$7` is a command that must accept the new file, its `$1`.
local WRITE = [[
umask 077
t=$1 mode=$2 owner=$3 group=$4 uid=$5 gid=$6
shift 6
if [ -d "$t" ] && [ ! -L "$t" ]; then echo "it is a folder" >&2; exit 1; fi
case $t in /*/*) folder=${t%/*} ;; *) folder=/ ;; esac
n=$(mktemp "${folder%/}/.mroom-XXXXXXXXXX") || exit
trap 'rm -f -- "$n"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$n" || exit
if [ -n "$uid" ]; then chown -- "$uid" "$n" 2>/dev/null; fi
if [ -n "$gid" ]; then chgrp -- "$gid" "$n" 2>/dev/null; fi
if [ -n "$owner" ]; then chown -- "$owner" "$n" || exit; fi
if [ -n "$group" ]; then chgrp -- "$group" "$n" || exit; fi
chmod -- "$mode" "$n" || exit
[ ! -f "$t" ] || chcon --reference="$t" -- "$n" 2>/dev/null
if [ $# -gt 0 ]; then
  sh -c "$1" sh "$n" </dev/null >&2 || { echo "\`validate\` refused the new content" >&2; exit 1; }
fi
[ ! -L "$t" ] || rm -f -- "$t" || exit
mv -f -- "$n" "$t"]]

local function owner_of(value)
  return value ~= nil and tostring(value) or ""
end

-- What a step does, in words.
function steps.tell(step)
  if step.says then
    return step.says
  elseif step.run then
    return type(step.run) == "table" and mr.quote(step.run) or step.run
  elseif step.write then
    return "write " .. step.write .. (step.mode and " " .. step.mode or "")
  elseif step.upload then
    return ("upload %s -> %s"):format(step.upload, step.to)
  elseif step.remove then
    return "remove " .. step.remove
  elseif step.script then
    return "script"
  end
  return "does something"
end

-- Programs that leave nothing running, so that nothing of theirs need be waited for.
local TIDY = { chgrp = true, chmod = true, chown = true, cp = true, ln = true }
TIDY.mkdir, TIDY.mv, TIDY.rm, TIDY.rmdir, TIDY.touch = true, true, true, true, true

local function exec(s, step, command, stdin, user, tidy)
  return native.op_exec(s, {
    command = command,
    effect = "write",
    shown = steps.tell(step),
    stdin = stdin or step.stdin,
    env = step.env,
    cwd = step.cwd,
    timeout = step.timeout,
    codes = step.codes,
    sudo = user,
    tidy = tidy or type(command) == "table" and TIDY[command[1]] or false,
  })
end

-- The first line of a script: what the command log shows of it.
function steps.titled(words)
  return ("# %s\n"):format((words:gsub("%c", " ")))
end

-- A script with its arguments, as text for `sh`.
function steps.script(text, list)
  local words = {}
  for i, word in ipairs(list or {}) do
    words[i] = mr.quote(word)
  end
  return #words == 0 and text or ("set -- %s\n%s"):format(table.concat(words, " "), text)
end

-- A command with `%s` for the file that it is to look at.
local function check_of(text)
  return (text:gsub("%%s", '"$1"'))
end

-- Does one step on a server; may give further words about what has changed.
function steps.take(on, step, user)
  local s = on.server
  if step.run then
    exec(s, step, step.run, nil, user)
  elseif step.script then
    exec(s, step, steps.titled(steps.tell(step)) .. steps.script(step.script, step.args), nil, user)
  elseif step.write then
    local keeps = step.keeps or {}
    local words = {
      step.write,
      step.mode or keeps.mode or "0644",
      owner_of(step.owner),
      owner_of(step.group),
      step.owner and "" or owner_of(keeps.uid),
      step.group and "" or owner_of(keeps.gid),
    }
    words[#words + 1] = step.validate and check_of(step.validate)
    local script = steps.titled(steps.tell(step)) .. steps.script(WRITE, words)
    exec(s, step, script, step.content, user, not step.validate)
  elseif step.upload then
    s:upload(step.upload, step.to, { mode = step.mode, sudo = user })
  elseif step.remove then
    exec(s, step, { "rm", step.tree and "-rf" or "-f", "--", step.remove }, nil, user)
  elseif step.call then
    return step.call(on, s)
  end
end

return steps
