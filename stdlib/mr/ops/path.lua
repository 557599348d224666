-- mr.ops.path: what is at a path on a server, and what brings it into a state. The shared brain of
-- all operations on files, folders and links; it is no operation itself. Pure.
--
-- A state is { kind = "absent"|"file"|"dir"|"link"|"other", mode, owner, group, uid, gid, size,
-- target, content, sha256, folder }. Unknown is nil: `content` is there for files of at most
-- `path.limit` bytes when it was asked for. Symbolic links are never followed.
local args = require "mr.args"
local native = require "mr.native"
local path = {}

-- Longest content that is read, bytes.
path.limit = 1 << 20

-- Prints `mroom-path`, `key=value` lines and an empty line; then the content of a file, or where a
-- link leads to. `$1` is the path, `$2` what is wanted of a file. The last program takes the shell's
-- place: programs are what costs on a server.
local LOOK = [[
p=$1
if [ -L "$p" ]; then kind=link
elif [ -d "$p" ]; then kind=dir
elif [ -f "$p" ]; then kind=file
elif [ -e "$p" ]; then kind=other
else
  folder=${p%/*}
  # What cannot be looked at is not absent.
  has=0
  if [ -d "${folder:-/}" ]; then
    [ -x "${folder:-/}" ] || { echo "\`${folder:-/}\` may not be entered" >&2; exit 1; }
    has=1
  fi
  printf 'mroom-path\nfolder=%s\nkind=absent\n' "$has"
  exit 0
fi
is=$(stat -c 'stat=%a %u %g %s
owner=%U
group=%G' -- "$p" 2>/dev/null) || is=$(stat -f 'stat=%Mp%03Lp %u %g %z
owner=%Su
group=%Sg' "$p") || exit
head="mroom-path
$is
kind=$kind"
printf '%s\n' "$head"
if [ "$kind" = link ]; then
  echo
  exec readlink "$p"
fi
[ "$kind" = file ] && [ -n "$2" ] || exit 0
bytes=${is%%owner=*}
bytes=$((${bytes##* }))
if [ "$2" = sha256 ] || [ "$bytes" -gt LIMIT ]; then
  sum=$(sha256sum <"$p" 2>/dev/null || shasum -a 256 <"$p" 2>/dev/null || sha256 -q <"$p" 2>/dev/null ||
    openssl dgst -sha256 -r <"$p") || exit
  echo "sha256=${sum%% *}"
elif [ "$2" = content ]; then
  echo
  # A short text the shell reads by itself, faster than a program begins; what is no text is shorter
  # then than it should be.
  text=
  if [ "$bytes" -le 1024 ]; then
    while IFS= read -r line; do text=$text$line'
'; done <"$p"
    text=$text$line
  fi
  [ "$bytes" -gt 0 ] && [ "${#text}" = "$bytes" ] || exec cat <"$p"
  printf %s "$text"
fi]]
LOOK = LOOK:gsub("LIMIT", tostring(path.limit))

-- The look at a path. opts.content: the content too, or the SHA-256 of a file that is too long for
-- that; opts.sha256: the SHA-256 alone.
function path.look(p, opts)
  opts = opts or {}
  local wanted = opts.content and "content" or opts.sha256 and "sha256" or ""
  return { script = LOOK, args = { p, wanted }, timeout = 120 }
end

---@type table<string, boolean>
local KINDS = { absent = true, file = true, dir = true, link = true, other = true }

-- What the look printed, as a state. Raises for what it cannot have printed.
function path.read(text)
  -- A login may have said something before.
  local _, first = text:find("mroom-path\n", 1, true)
  local head, rest = text:match("^(.-\n)\n(.*)$", (first or 0) + 1)
  head = head or text:sub((first or #text) + 1)
  local function field(pattern)
    return ("\n" .. head):match("\n" .. pattern .. "\n")
  end
  local is = { kind = field "kind=(%l+)" }
  if not KINDS[is.kind] then
    mr.fail("the server did not answer with the state of a path", {
      hint = "is `sh` a POSIX shell there?",
    })
  end
  if is.kind == "absent" then
    is.folder = field "folder=([01])" == "1"
    return is
  end
  local mode = field "stat=([0-7]+) %d+ %d+ %d+"
  if mode and #mode <= 4 then
    is.mode = ("0"):rep(4 - #mode) .. mode
    is.uid = math.tointeger(tonumber(field "stat=%d+ (%d+) %d+ %d+"))
    is.gid = math.tointeger(tonumber(field "stat=%d+ %d+ (%d+) %d+"))
    is.size = math.tointeger(tonumber(field "stat=%d+ %d+ %d+ (%d+)"))
  end
  is.owner, is.group = field "owner=([^%c]+)", field "group=([^%c]+)"
  is.sha256 = field "sha256=(%x+)"
  if is.sha256 and #is.sha256 ~= 64 then
    is.sha256 = nil
  end
  if is.kind == "link" then
    is.target = rest and rest:gsub("\n$", "")
  elseif is.kind == "file" and rest and #rest <= path.limit then
    is.content = rest
  end
  return is
end

-- Under which name check mode remembers what is at a path.
function path.key(p)
  return "path:" .. p
end

function path.parent(p)
  local parent = p:match "^(.*)/[^/]*$"
  return parent ~= "" and parent or "/"
end

-- Would there be such a folder, as far as check mode remembers?
local function will_be(folder, memory)
  for key, is in pairs(memory or {}) do
    if type(key) == "string" and type(is) == "table" then
      local p = key:match "^path:(.*)$"
      local inside = p and p:sub(1, #folder + 1) == folder .. "/" and is.kind ~= "absent"
      if inside or (p == folder and is.kind == "dir") then
        return true
      end
    end
  end
  return false
end

local NAMES =
  { file = "a file", dir = "a folder", link = "a link", other = "neither file nor folder" }

-- Refuses what stands where something else is wanted.
local function in_the_way(is, want)
  local what = is.kind == "link" and "a link to `" .. tostring(is.target) .. "`" or NAMES[is.kind]
  local hint = "remove it first"
  if is.kind == "link" then
    hint = ("links are not followed: name `%s`, or say `force = true` to replace the link"):format(
      tostring(is.target)
    )
  end
  args.refuse(("`%s` is %s, not %s"):format(want.path, what, NAMES[want.kind]), hint)
end

local function is_owner(name, id, want)
  want = tostring(want)
  return want == name or want == tostring(id)
end

-- Are both the same bytes? Either may be a secret; the state may know a hash only.
function path.same(is, content)
  if is.content ~= nil then
    return native.same(is.content, content)
  end
  return is.sha256 ~= nil and is.sha256 == native.sha256(content)
end

-- A name or an id, as the state has it.
local function set_owner(will, key, value)
  local id = math.tointeger(tonumber(value))
  will[key] = not id and tostring(value) or nil
  will[key == "owner" and "uid" or "gid"] = id
end

-- `mode`, `owner` and `group` that differ: their words, the steps, and the state afterwards.
local function attributes(is, want, plan, will)
  if want.mode and want.mode ~= is.mode then
    plan.changes[#plan.changes + 1] = ("mode %s -> %s"):format(is.mode or "?", want.mode)
    will.mode = want.mode
  end
  for _, key in ipairs { "owner", "group" } do
    local id = key == "owner" and "uid" or "gid"
    if want[key] ~= nil and not is_owner(is[key], is[id], want[key]) then
      local was = is[key] or is[id] or "?"
      plan.changes[#plan.changes + 1] = ("%s %s -> %s"):format(key, was, want[key])
      set_owner(will, key, want[key])
    end
  end
end

-- The commands for attributes; all of those that are wanted when the thing is new.
local function commands(is, want, steps)
  local new = is.kind == "absent"
  local has_owner = want.owner ~= nil or want.group ~= nil
  local function add(tool, value)
    local argv = { tool, "--", tostring(value), want.path }
    if want.kind == "link" then
      table.insert(argv, 2, "-h")
    end
    steps[#steps + 1] = { run = argv }
  end
  for _, key in ipairs { "owner", "group" } do
    local id = key == "owner" and "uid" or "gid"
    if want[key] ~= nil and (new or not is_owner(is[key], is[id], want[key])) then
      add(key == "owner" and "chown" or "chgrp", want[key])
    end
  end
  -- Last: a change of owner takes special bits away. A new folder has its mode from mkdir.
  local has_mode = new and want.kind == "dir" and not has_owner
  if want.mode and not has_mode and (new or want.mode ~= is.mode) then
    steps[#steps + 1] = { run = { "chmod", want.mode, "--", want.path } }
  end
end

local function gone(is, want)
  if is.kind == "absent" then
    return nil
  elseif is.kind == "dir" and want.kind ~= "dir" then
    in_the_way(is, want)
  end
  if is.kind == "dir" and want.path == "/" then
    args.refuse "`/` is not removed"
  end
  local plan = {
    changes = { "removed" },
    steps = { { remove = want.path, tree = is.kind == "dir" or nil } },
    will = { kind = "absent", folder = true },
  }
  if is.kind == "file" and is.content then
    plan.diff = { path = want.path, before = is.content, secret = want.secret }
  end
  return plan
end

local function file(is, want, plan, will)
  local new = is.kind ~= "file"
  local differs = new
    or (want.content ~= nil and not path.same(is, want.content))
    or (want.sha256 ~= nil and want.sha256 ~= is.sha256)
  if not differs then
    return commands(is, want, plan.steps)
  end
  if not new then
    table.insert(plan.changes, 1, "content")
    will.content, will.size = nil, nil
  end
  will.sha256 = want.sha256
  if want.upload then
    -- An upload writes to where a link leads.
    plan.steps[1] = is.kind == "link" and { remove = want.path } or nil
    local mode = want.mode or (new and "0644" or is.mode)
    table.insert(plan.steps, { upload = want.upload, to = want.path, mode = mode })
    return commands(new and { kind = "absent" } or is, want, plan.steps)
  end
  local content = want.content == nil and "" or want.content
  will.content = content
  local secret = want.secret or native.is_secret(content) or native.is_secret(is.content)
  plan.steps[1] = {
    write = want.path,
    content = content,
    mode = want.mode or (new and "0644" or nil),
    owner = want.owner,
    group = want.group,
    validate = want.validate,
    secret = secret or nil,
    keeps = not new and { mode = is.mode, uid = is.uid, gid = is.gid } or nil,
  }
  plan.makes_file = true
  local before = is.kind == "file" and is.content or nil
  if before ~= nil or is.kind ~= "file" then -- else longer than what is read
    plan.diff = { path = want.path, before = before, after = content, secret = secret or nil }
  end
end

-- The plan that makes the state `is` of want.path what is wanted, or nil. `want` is { path, kind =
-- "file"|"dir"|"link", state = "present"|"absent", content (or upload, a local file, and sha256), mode, owner, group, target, force,
-- validate, secret }; `memory` is what check mode remembers.
---@return any
function path.plan(is, want, memory)
  if want.state == "absent" then
    return gone(is, want)
  end
  local kind = want.kind or "file"
  if is.kind ~= kind and is.kind ~= "absent" then
    local may_go = is.kind == "link" or (kind == "link" and is.kind == "file")
    if not (may_go and want.force) then
      in_the_way(is, want)
    end
  end
  local parent = path.parent(want.path)
  if
    is.kind == "absent"
    and is.folder == false
    and kind ~= "dir"
    and not will_be(parent, memory)
  then
    args.refuse(
      ("the folder `%s` is not there"):format(parent),
      ("`on:dir(%q)` makes it"):format(parent)
    )
  end
  local plan, will = { changes = {}, steps = {} }, { kind = kind }
  local new = is.kind ~= kind
  if new then
    plan.changes[1] = is.kind == "absent" and "made"
      or ("%s instead of %s"):format(NAMES[kind], NAMES[is.kind])
    will.mode = kind == "file" and "0644" or kind == "dir" and "0755" or nil
    will.mode = want.mode or will.mode
    for _, key in ipairs { "owner", "group" } do
      if want[key] ~= nil then
        set_owner(will, key, want[key])
      end
    end
  else
    for key, value in pairs(is) do
      will[key] = value
    end
    attributes(is, want, plan, will)
  end
  if kind == "file" then
    file(is, want, plan, will)
  elseif kind == "dir" then
    if new and is.kind ~= "absent" then
      plan.steps[1] = { remove = want.path }
    end
    if new then
      local mkdir = { "mkdir", "-p", "--", want.path }
      if want.mode then
        table.move({ "-m", want.mode, "--", want.path }, 1, 4, 3, mkdir)
      end
      plan.steps[#plan.steps + 1] = { run = mkdir }
    end
    commands(new and { kind = "absent" } or is, want, plan.steps)
  else
    if new or is.target ~= want.target then
      if not new then
        table.insert(plan.changes, 1, ("target %s -> %s"):format(is.target or "?", want.target))
      end
      will.target = want.target
      plan.steps[1] = { run = { "ln", "-sfn", "--", want.target, want.path } }
    end
    commands(new and { kind = "absent" } or is, want, plan.steps)
  end
  plan.will = will
  return #plan.changes > 0 and plan or nil
end

return path
