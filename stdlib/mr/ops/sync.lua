-- sync: a folder of this machine on the server. Only what differs in size or SHA-256 goes over; one
-- look tells of the whole tree. What is on the server alone stays, unless `delete = true`.
local args = require "mr.args"
local tree = require "mr.ops.sync.tree"

-- Differences that are told one by one.
local TOLD = 20
-- Paths that one command takes.
local AT_ONCE = 200

-- The local side, read once for each call.
local function wanted(o)
  o.wanted = o.wanted or tree.wanted(o)
  return o.wanted
end

local function full(o, path)
  return path == "" and o.to or (o.to == "/" and "" or o.to) .. "/" .. path
end

-- Collects what is to be done, by kind of work.
local Work = {}
Work.__index = Work

local function new_work(o)
  local lists =
    { remove = {}, mkdir = {}, upload = {}, link = {}, chmod = {}, chown = {}, chgrp = {} }
  return setmetatable({ o = o, changes = {}, lists = lists }, Work)
end

function Work:say(words, path)
  table.insert(self.changes, path == "" and words or words .. " " .. path)
end

-- The path joins those for which `tool` is called with `value`.
function Work:attribute(tool, value, path)
  local groups = self.lists[tool]
  if not groups[value] then
    groups[value] = {}
    table.insert(groups, value)
  end
  table.insert(groups[value], full(self.o, path))
end

-- A command over many paths, so many at once.
local function over(steps, argv, paths)
  for first = 1, #paths, AT_ONCE do
    local run = { table.unpack(argv) }
    table.move(paths, first, math.min(first + AT_ONCE - 1, #paths), #run + 1, run)
    steps[#steps + 1] = { run = run }
  end
end

-- In the order in which it must be done: what is in the way first, owners before modes, because
-- they take special bits away.
function Work:steps()
  local steps = {}
  local lists = self.lists ---@type any
  over(steps, { "rm", "-rf", "--" }, lists.remove)
  over(steps, { "mkdir", "-p", "--" }, lists.mkdir)
  table.move(lists.upload, 1, #lists.upload, #steps + 1, steps)
  table.move(lists.link, 1, #lists.link, #steps + 1, steps)
  for _, tool in ipairs { "chown", "chgrp", "chmod" } do
    for _, value in ipairs(lists[tool]) do
      local argv = tool == "chmod" and { tool, value, "--" } or { tool, "-h", value, "--" }
      over(steps, argv, lists[tool][value])
    end
  end
  return steps
end

-- What is at the place of `entry` and must go before that can come.
local function in_the_way(work, entry, have)
  if not have or have.kind == entry.kind then
    return false
  end
  local place = full(work.o, entry.path)
  if not work.o.delete or entry.path == "" then
    args.refuse(
      ("`%s` is %s, where %s is wanted"):format(
        place,
        tree.NAMES[have.kind],
        tree.NAMES[entry.kind]
      ),
      entry.path == "" and "links are not followed: name the folder itself"
        or "remove it, or say `delete = true`"
    )
  end
  work:say("removed", entry.path)
  table.insert(work.lists.remove, place)
  return true
end

-- Brings one entry to what is wanted; gives what will be there.
local function bring(work, entry, have)
  local o, place = work.o, full(work.o, entry.path)
  local will = { kind = entry.kind }
  local made = not have
  if entry.kind == "dir" then
    if made then
      work:say(entry.path == "" and "made" or "new", entry.path)
      table.insert(work.lists.mkdir, place)
    end
  elseif entry.kind == "link" then
    will.target = entry.target
    if made or have.target ~= entry.target then
      work:say(made and "new" or "target", entry.path)
      table.insert(work.lists.link, { run = { "ln", "-sfn", "--", entry.target, place } })
    end
  elseif made or not tree.same(entry, have) then
    will.size, will.from = entry.size, entry.from
    work:say(made and "new" or "content", entry.path)
    local step =
      { upload = entry.from, to = place, mode = entry.mode, size = entry.size, keeps = have }
    table.insert(work.lists.upload, step)
    will.mode = entry.mode
  else
    will.size, will.sha256, will.from = have.size, have.sha256, have.from
  end
  will.mode = will.mode or have and have.mode
  if entry.mode and entry.kind ~= "link" and will.mode ~= entry.mode then
    if not made then
      work:say(("mode %s -> %s"):format(have.mode or "?", entry.mode), entry.path)
    end
    work:attribute("chmod", entry.mode, entry.path)
    will.mode = entry.mode
  end
  for _, key in ipairs { "owner", "group" } do
    local id = key == "owner" and "uid" or "gid"
    local want, is = o[key] and tostring(o[key]), have and have[key]
    will[key], will[id] = is, have and have[id]
    if want and (made or (want ~= is and want ~= tostring(have[id]))) then
      if not made then
        work:say(("%s %s -> %s"):format(key, is or "?", want), entry.path)
      end
      work:attribute(key == "owner" and "chown" or "chgrp", want, entry.path)
      will[key], will[id] = want, nil
    end
  end
  return will
end

-- What is there and not here, topmost first; what is excluded stays, and the folders around it.
local function remove_others(work, is, entries)
  local keep = {}
  for path, have in pairs(is.entries) do
    if tree.is_excluded(work.o, path, have.kind == "dir") then
      for above in tree.above(path) do
        keep[above] = true
      end
      keep[path] = true
    end
  end
  local others = {}
  for path in pairs(is.entries) do
    local is_ours = entries[path] or keep[path] or tree.is_excluded(work.o, path, false)
    others[#others + 1] = not is_ours and path or nil
  end
  table.sort(others)
  local gone = {}
  for _, path in ipairs(others) do
    local parent = path:match "^(.*)/[^/]*$"
    gone[path] = true
    if not gone[parent] then
      work:say("removed", path)
      table.insert(work.lists.remove, full(work.o, path))
    end
  end
end

local function told(changes)
  if #changes <= TOLD then
    return changes
  end
  local some = table.move(changes, 1, TOLD - 1, 1, {})
  some[TOLD] = ("and %d more"):format(#changes - TOLD + 1)
  return some
end

return {
  name = "sync",
  summary = "What is in a folder of this machine, in a folder on the server.",
  takes = {
    { "from", type = "string", help = "folder of this machine; what is in it is copied" },
    { "to", type = "path", help = "folder on the server" },
  },
  options = {
    delete = { type = "boolean", default = false, help = "remove what is only on the server" },
    exclude = {
      type = "list",
      default = {},
      help = "patterns of what is neither copied nor removed: `*.log` `/cache/` `docs/**/*.tmp`",
    },
    mode = { type = "mode", help = "of files; else 0755 for what is executable here, and 0644" },
    dir_mode = { type = "mode", help = "of folders; else 0755 for new ones" },
    owner = { type = "owner", help = "of everything, a name or id" },
    group = { type = "owner", help = "of everything, a name or id" },
  },
  like = { ansible = "synchronize", pyinfra = "files.sync" },
  platforms = "any POSIX system with xargs -0 and sha256sum, shasum or openssl",
  valid = tree.valid,
  target = function(o)
    return o.to
  end,
  look = function(o)
    return tree.look(o, wanted(o))
  end,
  read = tree.read,
  plan = function(is, o)
    local work, entries = new_work(o), {}
    local will = { kind = "dir", entries = {} }
    for _, entry in ipairs(wanted(o)) do
      entries[entry.path] = true
      local have = is.entries[entry.path]
      if entry.path == "" and is.kind ~= "dir" then
        have = is.kind ~= "absent" and { kind = is.kind } or nil
      end
      if in_the_way(work, entry, have) then
        have = nil
      end
      will.entries[entry.path] = bring(work, entry, have)
    end
    if o.delete then
      remove_others(work, is, entries)
    end
    if #work.changes == 0 then
      return nil
    end
    local dirs = {}
    for _, entry in ipairs(wanted(o)) do
      if entry.kind == "dir" and not is.entries[entry.path] then
        dirs[#dirs + 1] = full(o, entry.path)
      end
    end
    return {
      changes = told(work.changes),
      steps = work:steps(),
      will = will,
      makes = { dirs = dirs },
    }
  end,
}
