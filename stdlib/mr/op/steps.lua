-- The steps of an operation's plan: as text for people and tests, and done on a server. Internal.
--
-- A step is one of { run = argv or text }, { script = text, args = }, { write = path, content = },
-- { upload = local path, to = }, { remove = path, tree = }, { call = function }; `says` are its words.
local native = require "mr.native"
local steps = {}

-- What stands before steps that go to a server as one script, and behind them. `step` does one and
-- ends the script when it fails, having said which one that was; what steps print is for people.
local BEFORE = [[
n=0 new=
trap 'code=$?; [ -z "$new" ] || rm -f -- "$new"; echo "mroom-step $n"; exit $code' EXIT
trap 'exit 1' HUP INT TERM
step() { n=$((n + 1)); "$@" >&2 || exit; }
]]
local AFTER = "trap - EXIT HUP INT TERM\n"

-- A step that puts `${10}`, or else standard input, into a new file beside `$1` and moves it there,
-- whole or not at all: a link is replaced, not followed. `$2` mode, `$3` owner, `$4` group, each may
-- be empty; `$5` and `$6` are the ids to keep where that is allowed; `$7` is a command that must
-- accept the new file, its `$1`; `$8` is what nobody can guess of the new file's name; `$9` is the
-- umask that gives it its mode, when one can. Programs are what costs on a server: what the shell
-- can tell and do by itself, it does.
local WRITE = [[
write() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then echo "it is a folder" >&2; return 1; fi
  umask "${9:-077}"
  set -C
  true >"${1%/*}/.mroom-$8" || return 1
  set +C
  new=${1%/*}/.mroom-$8
  if [ $# -gt 9 ]; then printf %s "${10}" >>"$new" || return; else cat >>"$new" || return; fi
  if [ -n "$5" ] && ! { [ -O "$1" ] && [ -O "$new" ]; }; then chown -- "$5" "$new" 2>/dev/null; fi
  if [ -n "$6" ] && ! { [ -G "$1" ] && [ -G "$new" ]; }; then chgrp -- "$6" "$new" 2>/dev/null; fi
  if [ -n "$3" ]; then chown -- "$3" "$new" || return; fi
  if [ -n "$4" ]; then chgrp -- "$4" "$new" || return; fi
  [ -n "$9" ] || chmod -- "$2" "$new" || return
  [ ! -e /sys/fs/selinux/enforce ] || [ ! -f "$1" ] || chcon --reference="$1" -- "$new" 2>/dev/null
  if [ -n "$7" ]; then
    sh -c "$7" sh "$new" </dev/null || { echo "\`validate\` refused the new content" >&2; return 1; }
  fi
  [ ! -L "$1" ] || rm -f -- "$1" || return
  mv -f -- "$new" "$1" || return
  new=
}
]]

-- Longest content, bytes, that goes along in the text of a script, and longest text of steps that
-- go together: where there is no kept shell, all of it is one argument.
local INLINE, TOGETHER = 16 << 10, 48 << 10

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

-- Programs that leave nothing running, so that nothing of theirs need be waited for; and the words
-- by which one may take long, so that no look with its short time-out goes along.
local TIDY = { chgrp = true, chmod = true, chown = true, cp = true, ln = true }
TIDY.mkdir, TIDY.mv, TIDY.rm, TIDY.rmdir, TIDY.touch = true, true, true, true, true
local SLOW = { cp = true, mv = true, ["-R"] = true, ["-Rh"] = true, ["-rf"] = true }

local function exec(s, step, command, user)
  native.op_exec(s, {
    command = command,
    effect = "write",
    shown = steps.tell(step),
    stdin = step.stdin,
    env = step.env,
    cwd = step.cwd,
    timeout = step.timeout,
    codes = step.codes,
    sudo = user,
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

-- The umask with which a new file gets that mode; empty when none does it.
local function umask_of(mode)
  local bits = tonumber(mode, 8)
  return bits and bits & 438 == bits and bits & 384 == 384 and ("%03o"):format(511 - bits) or ""
end

-- The content of a file as text for a script; nil for what must not or cannot be one.
local function inline(step)
  local text = step.content
  if step.secret or type(text) ~= "string" or #text > INLINE or text:find "%z" then
    return nil
  end
  return utf8.len(text) and text
end

-- The words of a step that can go to a server together with others, and what they read; nil for one
-- that cannot: it may leave something running, or wants more than a shell's words.
local function words_of(step)
  local argv = step.run
  if type(argv) == "table" and TIDY[argv[1]] then
    local plain = not (step.stdin or step.env or step.cwd or step.timeout or step.codes)
    return plain and argv or nil
  elseif step.remove then
    return { "rm", step.tree and "-rf" or "-f", "--", step.remove }
  elseif step.write then
    local keeps = step.keeps or {}
    local mode, text = step.mode or keeps.mode or "0644", inline(step)
    local has_owner = step.owner ~= nil or step.group ~= nil
    return {
      "write",
      step.write,
      mode,
      owner_of(step.owner),
      owner_of(step.group),
      step.owner and "" or owner_of(keeps.uid),
      step.group and "" or owner_of(keeps.gid),
      step.validate and check_of(step.validate) or "",
      native.word(),
      has_owner and "" or umask_of(mode),
      text,
    },
      text == nil and step.content or nil
  end
end

-- Steps that go to a server as one script, on demand with a look behind them.
local Batch = {}
Batch.__index = Batch

local function new_batch()
  return setmetatable({ told = {}, lines = {}, size = 0, is_tidy = true }, Batch)
end

-- Takes a step along; false when it is too much.
function Batch:add(step, words, stdin)
  local line = "step " .. mr.quote(words)
  if #self.lines > 0 and ((stdin and self.stdin) or self.size + #line > TOGETHER) then
    return false
  end
  self.size, self.stdin = self.size + #line, self.stdin or stdin
  self.told[#self.told + 1], self.lines[#self.lines + 1] = steps.tell(step), line
  self.writes = self.writes or step.write ~= nil
  self.is_tidy = self.is_tidy and not step.validate
  self.is_slow = self.is_slow or step.validate ~= nil
  for i = 1, math.min(#words, 2) do
    self.is_slow = self.is_slow or SLOW[words[i]] or false
  end
  return true
end

-- Does them; gives what the look said that goes along.
function Batch:send(s, user, look)
  local list = table.move(self.told, 1, #self.told, 1, {})
  list[#list + 1] = look and look.shown
  local told = table.concat(list, "; ")
  local body = BEFORE .. (self.writes and WRITE or "") .. table.concat(self.lines, "\n") .. "\n"
  return native.op_exec(s, {
    command = steps.titled(told) .. body .. AFTER .. (look and look.command or ""),
    effect = "write",
    shown = told,
    steps = self.told,
    stdin = self.stdin or look and look.stdin,
    timeout = look and look.timeout,
    sudo = user,
    tidy = self.is_tidy,
  })
end

-- Looks at a server: { command, title, shown, timeout, stdin }. Gives what it said.
function steps.look(s, look, user)
  return native.op_exec(s, {
    command = steps.titled(look.title) .. look.command,
    effect = "read",
    shown = look.shown,
    timeout = look.timeout,
    stdin = look.stdin,
    sudo = user,
  })
end

-- Does a step that goes alone; may give further words about what has changed.
local function alone(on, step, user)
  local s = on.server
  if step.run then
    exec(s, step, step.run, user)
  elseif step.script then
    exec(s, step, steps.titled(steps.tell(step)) .. steps.script(step.script, step.args), user)
  elseif step.upload then
    s:upload(step.upload, step.to, { mode = step.mode, sudo = user })
  elseif step.call then
    return step.call(on, s)
  end
end

-- Does all steps of a plan on a server, one after the other, and then looks, when that is wanted.
-- Gives further words about what has changed, and what the look said.
function steps.take(on, list, user, look)
  local s, more, batch = on.server, {}, nil ---@type any
  for _, step in ipairs(list) do
    local words, stdin = words_of(step)
    if batch and not (words and batch:add(step, words, stdin)) then
      batch:send(s, user)
      batch = nil
    end
    if words and not batch then
      batch = new_batch()
      batch:add(step, words, stdin)
    elseif not words then
      more[#more + 1] = alone(on, step, user)
    end
  end
  local is_last = not look or (batch and not (batch.is_slow or batch.stdin and look.stdin))
  if batch and is_last then
    return more, batch:send(s, user, look)
  elseif batch then
    batch:send(s, user)
  end
  return more, look and steps.look(s, look, user)
end

return steps
