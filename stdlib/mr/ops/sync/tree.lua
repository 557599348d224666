-- mr.ops.sync.tree: both sides of a sync. What is wanted, from the folder here; what is, as one
-- script on the server tells it for the whole tree. It is no operation itself.
local args = require "mr.args"
local glob = require "mr.glob"
local native = require "mr.native"
local text = require "mr.text"
local tree = {}

tree.NAMES = { file = "a file", dir = "a folder", link = "a link", other = "something else" }

-- `$1` is the folder, `$2` is 1 to tell of everything in it, `$3` are lines of what is wanted:
-- `SIZE ./path` of a file, `- ./path` of anything else. Prints `mroom-sync KIND`, and of a folder
--   e MODE SIZE UID GID OWNER GROUP ./path     what is there; MODE is st_mode in hexadecimal
--   SHA256  ./path                             of files that have the wanted size
--   l ./path, t TARGET                         of links
-- and `end`. Only regular files are opened: to read a pipe would be to wait for ever.
local LOOK = [[
export LC_ALL=C
to=$1 every=$2 wanted=$3
if [ -L "$to" ]; then echo mroom-sync link; exit 0; fi
if [ ! -e "$to" ]; then echo mroom-sync absent; exit 0; fi
if [ ! -d "$to" ]; then echo mroom-sync other; exit 0; fi
cd "$to" || exit
if [ "$every" = 1 ] && [ -n "$(find . -name '*
*' -print)" ]; then
  echo "below \`$to\` is a name with a line break" >&2
  exit 1
fi
echo mroom-sync dir
if stat -c %f . >/dev/null 2>&1; then
  states() { xargs -0 stat -c 'e %f %s %u %g %U %G %n' 2>/dev/null; }
else
  states() { xargs -0 stat -f 'e %Xp %z %u %g %Su %Sg %N' 2>/dev/null; }
fi
if command -v sha256sum >/dev/null; then sums() { xargs -0 sha256sum; }
elif command -v shasum >/dev/null; then sums() { xargs -0 shasum -a 256; }
else sums() { xargs -0 openssl dgst -sha256 -r; }
fi
if [ "$every" = 1 ]; then
  list=$(find . -print0 | states)
else
  list=$(printf '%s\n' "$wanted" | sed 's/^[^ ]* //' | tr '\n' '\0' | states)
fi
printf '%s\n' "$list"
{ printf '%s\n' "$wanted"; echo; printf '%s\n' "$list"; } | awk '
  $0 == "" { listed = 1; next }
  !listed { size = $1; sub(/^[^ ]* /, ""); want[$0] = size; next }
  /^e 8/ {
    size = $3
    sub(/^e [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* /, "")
    if (($0 in want) && want[$0] "" == size "") print
  }' | tr '\n' '\0' | sums 2>/dev/null
printf '%s\n' "$list" | sed -n 's/^e [aA][^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* //p' |
  while IFS= read -r name; do
    printf 'l %s\nt %s\n' "$name" "$(readlink "$name")"
  done
echo end
]]

-- Does a pattern of `exclude` fit the path, or a folder above it?
function tree.is_excluded(o, path, is_folder)
  o.matches = o.matches or glob.matcher(o.exclude)
  for above in tree.above(path) do
    if o.matches(above, true) then
      return true
    end
  end
  return path ~= "" and o.matches(path, is_folder)
end

-- The folders above a path, without the root: `a`, `a/b` of `a/b/c`.
function tree.above(path)
  local at = 0
  return function()
    at = path:find("/", at + 1, true)
    return at and path:sub(1, at - 1)
  end
end

function tree.valid(o)
  if o.from == "" then
    args.refuse "`sync`: `from` must be a folder of this machine"
  end
  for _, pattern in ipairs(o.exclude) do
    if type(pattern) ~= "string" or pattern:gsub("/", "") == "" then
      args.refuse("`sync`: `exclude` must be a list of patterns", 'such as { "*.log", "/cache/" }')
    end
  end
end

-- What the folder here wants the one there to be: { path, kind, size, mode, target, from }, folders
-- before what is in them.
function tree.wanted(o)
  local entries, root = {}, native.local_path(o.from):gsub("(.)/+$", "%1")
  for _, entry in ipairs(native.local_tree(root)) do
    local path, kind = entry.path, entry.kind
    if path == "" and kind ~= "dir" then
      args.refuse(("`%s` is not a folder"):format(o.from), "`on:copy` and `on:file` bring one file")
    elseif path:find "[\n\r]" then
      args.refuse(("`%s` holds a name with a line break: %q"):format(o.from, path))
    elseif not tree.is_excluded(o, path, kind == "dir") then
      local mode = kind == "dir" and o.dir_mode or nil
      if kind == "file" then
        mode = o.mode or (tonumber(entry.mode, 8) & 73 ~= 0 and "0755" or "0644")
      end
      entries[#entries + 1] = {
        path = path,
        kind = kind,
        size = entry.size,
        target = entry.target,
        mode = mode,
        from = root .. "/" .. path,
      }
    end
  end
  return entries
end

function tree.look(o, wanted)
  local lines = {}
  for i, entry in ipairs(wanted) do
    local name = entry.path == "" and "." or "./" .. entry.path
    lines[i] = ("%s %s"):format(entry.kind == "file" and entry.size or "-", name)
  end
  local list = table.concat(lines, "\n")
  return { script = LOOK, args = { o.to, o.delete and "1" or "", list }, timeout = 600 }
end

-- A name as the script prints it, from the folder's root; nil for what lies outside.
local function inside(name)
  if name == "." then
    return ""
  end
  local path = name:match "^%./(.+)$"
  local strange = path and ("/" .. path .. "/"):find "/%.?%.?/"
  return not strange and path or nil
end

-- The first hexadecimal digits of st_mode, without the twelve bits of permissions.
local KINDS = { ["8"] = "file", ["4"] = "dir", a = "link" }

-- What the script printed, as { kind, entries = { [path] = { kind, mode, size, … } } }.
function tree.read(answer)
  local kind = answer:match "^mroom%-sync (%l+)\n"
  if kind ~= "dir" then
    if not tree.NAMES[kind] and kind ~= "absent" then
      mr.fail "the server did not tell what is in the folder"
    end
    return { kind = kind, entries = {} }
  end
  local lines = text.lines(answer)
  if lines[#lines] ~= "end" then
    mr.fail "the server did not tell all of what is in the folder"
  end
  local entries, link = {}, nil
  for i = 2, #lines - 1 do
    local line = lines[i]
    local mode, size, uid, gid, owner, group, name =
      line:match "^e (%x%x%x%x) (%d+) (%d+) (%d+) (%S+) (%S+) (.+)$"
    local escaped, sum, of = line:match "^(\\?)(%x+) [ *](.+)$"
    if mode then
      entries[inside(name) or false] = {
        kind = KINDS[mode:sub(1, 1):lower()] or "other",
        mode = ("%04o"):format(tonumber(mode, 16) & 4095),
        size = math.tointeger(size),
        uid = math.tointeger(uid),
        gid = math.tointeger(gid),
        owner = owner,
        group = group,
      }
    elseif sum and of and #sum == 64 then
      -- GNU tools write a backslash in front of a line in which one is escaped.
      of = escaped ~= "" and of:gsub("\\\\", "\\") or of
      local entry = entries[inside(of) or ""]
      if entry then
        entry.sha256 = sum:lower()
      end
    elseif line:sub(1, 2) == "l " then
      link = entries[inside(line:sub(3)) or ""]
    elseif line:sub(1, 2) == "t " and link then
      link.target, link = line:sub(3), nil
    end
  end
  entries[false] = nil
  return { kind = "dir", entries = entries }
end

-- Does a file on the server have the content of the one here?
function tree.same(entry, have)
  if have.from then
    return have.from == entry.from -- check mode remembers where it would come from
  end
  return have.size == entry.size
    and have.sha256 ~= nil
    and have.sha256 == native.file_sha256(entry.from)
end

return tree
