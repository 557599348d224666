-- archive: what is in a tar or zip archive, in a folder on the server. The archive lies on this
-- machine, or there already (`remote = true`). It is unpacked when its SHA-256 is not that of the last
-- time, or when something that came out of it is missing; files that were changed since stay as they
-- are until then.
local args = require "mr.args"
local native = require "mr.native"
local path = require "mr.ops.path"
local scripts = require "mr.ops.archive.scripts"
local text = require "mr.text"

-- Each format: the programs that it needs, and the Debian package of each that may be missing.
local FORMATS = {
  tar = { "tar" },
  ["tar.gz"] = { "tar", "gzip" },
  ["tar.bz2"] = { "tar", "bzip2" },
  ["tar.xz"] = { "tar", "xz" },
  ["tar.zst"] = { "tar", "zstd" },
  zip = { "unzip" },
}
local ENDINGS = { tgz = "tar.gz", tbz2 = "tar.bz2", txz = "tar.xz", tzst = "tar.zst" }
local PACKAGES = { xz = "xz-utils" }

-- The file in the folder that says what was unpacked there; one for each archive's name.
local function stamp_of(o)
  return ".mroom-archive-" .. o.from:match "([^/]+)/*$"
end

local function format_of(name)
  local base = name:match("[^/]*$"):lower()
  for format in pairs(FORMATS) do
    if text.ends_with(base, "." .. format) then
      return format
    end
  end
  return ENDINGS[base:match "%.(%w+)$"]
end

local function under(folder, name)
  return (folder == "/" and "" or folder) .. "/" .. name
end

-- The archive's SHA-256, or nil and why nobody can know it yet.
local function sum_of(is, o, memory)
  if not o.remote then
    return native.file_sha256(native.local_path(o.from))
  elseif is.archive then
    return is.archive
  end
  local will = memory and memory[path.key(o.from)]
  if not will or will.kind ~= "file" then
    args.refuse(("there is no archive `%s` on the server"):format(o.from))
  end
  local sum = will.sha256 or (will.content ~= nil and native.sha256(will.content)) or nil
  return sum, ("what `%s` will hold is not known"):format(o.from)
end

-- Refuses when a program is missing that nothing in this run would install.
local function programs(is, o, memory)
  for _, program in ipairs(FORMATS[o.format]) do
    local package = PACKAGES[program] or program
    local comes = memory and (memory.packages[package] or memory.packages[program])
    if is.missing[program] and not comes then
      args.refuse(
        ("there is no `%s` on the server"):format(program),
        ("`on:package %q` installs it"):format(package)
      )
    end
  end
end

-- Why it is unpacked, in words; nothing when it is not.
local function reasons(is, o, sum)
  if is.kind == "absent" or not is.stamp then
    return { "unpacked" }
  elseif is.stamp.sha256 ~= sum then
    return { ("%s -> %s"):format(is.stamp.sha256:sub(1, 7), sum:sub(1, 7)) }
  elseif is.stamp.strip ~= o.strip then
    return { ("strip %d -> %d"):format(is.stamp.strip, o.strip) }
  end
  local lost = {}
  for i, name in ipairs(is.lost) do
    lost[i] = "missing " .. name
  end
  return lost
end

return {
  name = "archive",
  summary = "What is in an archive, in a folder.",
  takes = {
    { "from", type = "string", help = "the archive, on this machine" },
    { "to", type = "path", help = "folder on the server; it is made when it is missing" },
  },
  options = {
    remote = { type = "boolean", default = false, help = "the archive is on the server already" },
    format = {
      type = "string",
      choices = { "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "zip" },
      help = "else by the archive's name",
    },
    strip = { type = "integer", default = 0, help = "so many folders are taken off each name" },
    sha256 = { type = "string", help = "the SHA-256 that the archive must have" },
    owner = { type = "owner", help = "of all that comes out, a name or id" },
    group = { type = "owner", help = "of all that comes out, a name or id" },
    timeout = { type = "integer", default = 1800, help = "seconds that unpacking may take" },
  },
  like = { ansible = "unarchive", pyinfra = false },
  platforms = "any POSIX system with tar, or unzip",
  valid = function(o)
    o.format = o.format or format_of(o.from)
    if o.from:find "[%c]" or o.from:find "/$" or o.from == "" then
      args.refuse "`archive`: `from` must be the archive's file"
    elseif o.remote and o.from:sub(1, 1) ~= "/" then
      args.refuse "`archive`: with `remote`, `from` must be an absolute path on the server"
    elseif not o.format then
      args.refuse(
        ("`archive`: the name `%s` does not tell what it is"):format(o.from),
        'say it: `format = "tar.gz"`'
      )
    elseif o.strip < 0 or o.strip > 20 then
      args.refuse "`archive`: `strip` must be from 0 to 20"
    elseif o.sha256 and not o.sha256:find("^" .. ("%x"):rep(64) .. "$") then
      args.refuse "`archive`: `sha256` must be 64 hexadecimal digits"
    end
    o.sha256 = o.sha256 and o.sha256:lower()
  end,
  target = function(o)
    return o.to
  end,
  key = function(o)
    return ("archive:%s %s"):format(o.to, stamp_of(o))
  end,
  look = function(o)
    local list = { o.to, stamp_of(o), o.remote and o.from or "" }
    table.move(FORMATS[o.format], 1, #FORMATS[o.format], #list + 1, list)
    return { script = scripts.LOOK, args = list, timeout = 300 }
  end,
  read = function(answer)
    local is = { kind = answer:match "^mroom%-archive (%l+)\n", missing = {}, lost = {} }
    if not is.kind then
      mr.fail "the server did not tell what is in the folder"
    end
    local function is_sum(value)
      return value and #value == 64 and value or nil
    end
    for _, line in ipairs(text.lines(answer)) do
      local key, value = line:match "^(%l+) (.+)$"
      local sum, strip = line:match "^stamp (%x+) strip (%d+)$"
      if is_sum(sum) then
        is.stamp = { sha256 = sum, strip = math.tointeger(strip) }
      elseif key == "archive" and value then
        is.archive = is_sum(value:match "^(%x+)$")
      elseif key == "lost" then
        is.lost[#is.lost + 1] = value
      elseif key == "without" then
        is.missing[value] = true
      end
    end
    return is
  end,
  plan = function(is, o, _, memory)
    if is.kind ~= "dir" and is.kind ~= "absent" then
      args.refuse(("`%s` is not a folder"):format(o.to), "links are not followed: name the folder")
    end
    local sum, unknown = sum_of(is, o, memory)
    if not sum then
      return { unknown = unknown }
    elseif o.sha256 and o.sha256 ~= sum then
      args.refuse(("the archive `%s` has the SHA-256 %s"):format(o.from, sum))
    end
    local changes = reasons(is, o, sum)
    if #changes == 0 then
      return nil
    end
    programs(is, o, memory)
    local steps, from = {}, o.from
    if is.kind == "absent" then
      steps[1] = { run = { "mkdir", "-p", "--", o.to } }
    end
    if not o.remote then
      from = under(o.to, stamp_of(o) .. ".new")
      steps[#steps + 1] = { upload = native.local_path(o.from), to = from, mode = "0600" }
    end
    local owner = tostring(o.owner or "") .. (o.group and ":" .. o.group or "")
    steps[#steps + 1] = {
      script = scripts.UNPACK,
      args = { from, o.to, stamp_of(o), sum, o.format, o.strip, owner, o.remote and "" or "1" },
      timeout = o.timeout,
      says = ("unpack %s -> %s"):format(o.from, o.to),
    }
    return {
      changes = changes,
      steps = steps,
      will = {
        kind = "dir",
        archive = sum,
        stamp = { sha256 = sum, strip = o.strip },
        missing = {},
        lost = {},
      },
      makes = { dirs = is.kind == "absent" and { o.to } or nil },
    }
  end,
}
