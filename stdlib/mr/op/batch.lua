-- Steps of operations that go to a server together, as one script. Internal.
--
-- What leaves nothing running goes along: a few programs, the removal of things, and files, whose
-- content is in the script, on standard input, or (small ones of this machine) in an archive there.
-- Programs are what costs on a server: what the shell can tell and do by itself, it does.
local content = require "mr.op.content"
local native = require "mr.native"
local tar = require "mr.op.tar"

local batches = {}

-- What stands before the steps, and behind them. `step` does one and ends the script when it fails,
-- having said which one that was; what steps print is for people. `like` gives the file `$2` owner
-- and label of `$1`: `$3` and `$4` are the ids, where they are to be kept and that is allowed.
local BEFORE = [[
n=0 new= stage=
trap 'code=$?; [ -z "$new$stage" ] || rm -rf -- ${new:+"$new"} ${stage:+"$stage"}; echo "mroom-step $n"; exit $code' EXIT
trap 'exit 1' HUP INT TERM
step() { n=$((n + 1)); "$@" >&2 || exit; }
like() {
  if [ -n "$3" ] && ! { [ -O "$1" ] && [ -O "$2" ]; }; then chown -- "$3" "$2" 2>/dev/null; fi
  if [ -n "$4" ] && ! { [ -G "$1" ] && [ -G "$2" ]; }; then chgrp -- "$4" "$2" 2>/dev/null; fi
  [ ! -e /sys/fs/selinux/enforce ] || [ ! -f "$1" ] || chcon --reference="$1" -- "$2" 2>/dev/null
}
is_free() { [ ! -d "$1" ] || [ -L "$1" ] || { echo "it is a folder: $1" >&2; return 1; }; }
]]
local AFTER = 'trap - EXIT HUP INT TERM; [ -z "$stage" ] || rm -rf -- "$stage"\n'

-- A step that puts `${10}`, or else standard input, into a new file beside `$1` and moves it there,
-- whole or not at all: a link is replaced, not followed. `$2` mode, `$3` owner, `$4` group, each may
-- be empty; `$5` and `$6` are the ids to keep; `$7` is a command that must accept the new file, its
-- `$1`; `$8` is what nobody can guess of the new file's name; `$9` is the umask that gives it its
-- mode, when one can.
local WRITE = [[
write() {
  is_free "$1" || return
  umask "${9:-077}"
  set -C
  true >"${1%/*}/.mroom-$8" || return 1
  set +C
  new=${1%/*}/.mroom-$8
  if [ $# -gt 9 ]; then printf %s "${10}" >>"$new" || return; else cat >>"$new" || return; fi
  like "$1" "$new" "$5" "$6"
  if [ -n "$3" ]; then chown -- "$3" "$new" || return; fi
  if [ -n "$4" ]; then chgrp -- "$4" "$new" || return; fi
  [ -n "$9" ] || chmod -- "$2" "$new" || return
  if [ -n "$7" ]; then
    sh -c "$7" sh "$new" </dev/null || { echo "\`validate\` refused the new content" >&2; return 1; }
  fi
  [ ! -L "$1" ] || rm -f -- "$1" || return
  mv -f -- "$new" "$1" || return
  new=
}
]]

-- Steps that unpack the archive on standard input into a new folder `$1`, and move what is below
-- `$1` of it to the folder `$2`, by the names that follow; before that `keep` has given the file `$1`
-- the owner `$3` and `$4` of what is at `$2`. The latter two are in the archive, too: a script that
-- comes with an archive has a channel of its own, where it must be short.
local PLACE = [[
unpack() {
  umask 077
  mkdir -- "$1" || return
  stage=$1
  tar -C "$1" -xompf -
}
keep() { like "$2" "$stage/$1" "$3" "$4"; }
place() (
  cd "$stage/$1" || return
  to=$2
  shift 2
  for name do is_free "$to/$name" || return; done
  mv -f -- "$@" "$to/"
)
]]

-- Longest content, bytes, that goes along in the text of a script, and longest text of steps that
-- go together: where there is no kept shell, all of it must fit one SSH packet of 32 KiB.
local INLINE, TOGETHER = 8 << 10, 16 << 10
-- Longest file that goes along in an archive, and longest archive, bytes.
local SMALL, ARCHIVE = 64 << 10, 512 << 10
-- Steps that are told one by one.
local TOLD = 5

local function owner_of(value)
  return value ~= nil and tostring(value) or ""
end

-- Programs that leave nothing running, so that nothing of theirs need be waited for; and the words
-- by which one may take long, so that no look with its short time-out goes along.
local TIDY = { chgrp = true, chmod = true, chown = true, cp = true, ln = true }
TIDY.mkdir, TIDY.mv, TIDY.rm, TIDY.rmdir, TIDY.touch = true, true, true, true, true
local SLOW = { cp = true, mv = true, ["-R"] = true, ["-Rh"] = true, ["-rf"] = true }

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

-- Is that a small file of this machine, as it was when the plan was made? Its name must fit the
-- archive.
local function is_small(step)
  local is_short = step.upload and #step.to:match "[^/]*$" <= 90
  return is_short and step.size and step.size <= SMALL and step.mode
end

-- The words of a step that can go to a server together with others, and what they read; nil for one
-- that cannot: it may leave something running, or wants more than a shell's words.
local function words_of(step)
  local argv, keeps = step.run, step.keeps or {}
  if type(argv) == "table" and TIDY[argv[1]] then
    local plain = not (step.stdin or step.env or step.cwd or step.timeout or step.codes)
    return plain and argv or nil
  elseif step.remove then
    return { "rm", step.tree and "-rf" or "-f", "--", step.remove }
  elseif step.write then
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

-- Steps that go together, on demand with a look behind them.
local Batch = {}
Batch.__index = Batch

function batches.new()
  return setmetatable({ told = {}, lines = {}, size = 0, is_tidy = true }, Batch)
end

-- A step of the script; `told` are its words for people. Gives its line.
function Batch:step(told, words)
  self.told[#self.told + 1] = told
  for i = 1, math.min(#words, 2) do
    self.is_slow = self.is_slow or SLOW[words[i]] or false
  end
  return "step " .. mr.quote(words)
end

function Batch:line(line)
  self.lines[#self.lines + 1], self.size = line, self.size + #line
end

-- Takes a small file along; false when its archive is full, or is to be unpacked before that.
function Batch:pack(step, told)
  local packed = self.packed
  if not packed and (self.stdin or self.size > TOGETHER) then
    return false
  elseif not packed then
    packed = { files = {}, folders = {}, keeps = {}, size = 0 }
    local stage = ("%s/.mroom-%s"):format(step.to:match "^(.*)/", native.word())
    self:line(self:step("unpack files", { "unpack", stage }))
    self:line '. "$stage/places"'
    self.packed, packed.step, packed.line = packed, #self.told, #self.lines
  elseif packed.line < #self.lines or packed.size + step.size > ARCHIVE then
    return false
  end
  local to, name = step.to:match "^(.*)/([^/]*)$"
  local folder = packed.folders[to]
  if not folder then
    folder = { number = #packed.folders + 1, to = to, names = {}, told = told }
    packed.folders[to], packed.folders[folder.number] = folder, folder
  end
  folder.names[#folder.names + 1] = name
  local text, place = content.of_file(step.upload), ("%d/%s"):format(folder.number, name)
  packed.files[#packed.files + 1] = { name = place, mode = step.mode, content = text }
  packed.size = packed.size + #text
  if step.keeps then
    local words = { place, step.to, owner_of(step.keeps.uid), owner_of(step.keeps.gid) }
    packed.keeps[#packed.keeps + 1] = "keep " .. mr.quote(words)
  end
  return true
end

-- The archive, with the steps that move what is in it. These are told behind that which unpacks it.
local function archive(packed, told)
  local lines = packed.keeps
  for i, folder in ipairs(packed.folders) do
    local words = { "place", tostring(i), folder.to ~= "" and folder.to or "/" }
    table.move(folder.names, 1, #folder.names, 4, words)
    lines[#lines + 1] = "step " .. mr.quote(words)
    local is_one = #folder.names == 1
    local many = ("upload %d files -> %s"):format(#folder.names, words[3])
    table.insert(told, packed.step + i, is_one and folder.told or many)
  end
  local places = { name = "places", mode = "0600", content = table.concat(lines, "\n") .. "\n" }
  return tar.of { places, table.unpack(packed.files) }
end

-- Takes a step along; false when it cannot go with these, nil when it cannot go with any. `told` are
-- its words for people.
function batches.add(self, step, told)
  if is_small(step) then
    return self:pack(step, told)
  end
  local words, stdin = words_of(step)
  if not words then
    return nil
  elseif #self.lines > 0 and (self.size > TOGETHER or (stdin and (self.stdin or self.packed))) then
    return false
  end
  self:line(self:step(told, words))
  self.stdin = self.stdin or stdin
  self.writes = self.writes or step.write ~= nil
  -- Nobody knows how long a command of the person's own takes, and what it leaves running.
  self.is_tidy = self.is_tidy and not step.validate
  self.is_slow = self.is_slow or step.validate ~= nil
  return true
end

-- Can that look go along? Not behind what may take long, nor with what is too long for an argument.
function batches.takes(self, look)
  return not (self.is_slow or self.packed or (self.stdin and look.stdin))
end

-- Does them; gives what the look said that goes along.
function batches.send(self, s, user, look)
  local stdin = self.packed and archive(self.packed, self.told) or self.stdin
  local list = table.move(self.told, 1, math.min(#self.told, TOLD), 1, {})
  local more = #self.told - #list
  list[#list + 1] = more > 0 and ("%d more"):format(more) or nil
  list[#list + 1] = look and look.shown
  local told = table.concat(list, "; ")
  local parts =
    { batches.titled(told), BEFORE, self.writes and WRITE or "", self.packed and PLACE or "" }
  parts[#parts + 1] = table.concat(self.lines, "\n") .. "\n"
  parts[#parts + 1] = AFTER .. (look and look.command or "")
  return native.op_exec(s, {
    command = table.concat(parts),
    effect = "write",
    shown = told,
    steps = self.told,
    stdin = stdin or look and look.stdin,
    timeout = look and look.timeout,
    sudo = user,
    tidy = self.is_tidy,
  })
end

-- The first line of a script: what the command log shows of it.
function batches.titled(words)
  return ("# %s\n"):format((words:gsub("%c", " ")))
end

return batches
