-- copy: a file or a folder of this machine on the server. Only what differs by its SHA-256 goes over.
--
-- A folder is what `sync` without `delete` makes of it. A file of up to path.limit bytes is compared
-- as a text, so that its diff can be shown; a longer one goes up in pieces and is compared by its sum.
local args = require "mr.args"
local content = require "mr.op.content"
local native = require "mr.native"
local path = require "mr.ops.path"
---@diagnostic disable-next-line: unresolved-require
local sync = require "bundled.ops.sync"

return {
  name = "copy",
  summary = "A file or folder of this machine on the server.",
  takes = {
    { "from", type = "string", help = "file or folder of this machine" },
    { "path", type = "path", help = "absolute path on the server" },
  },
  options = content.writes("force", {}),
  like = { ansible = "copy: src=", pyinfra = "files.put, files.sync" },
  platforms = "any POSIX system",
  diff = true,

  valid = function(o)
    content.valid(o)
    local name = native.local_path(o.from)
    local root = native.local_tree(name)[1]
    if root.kind == "dir" then
      for _, key in ipairs { "validate", "backup", "force" } do
        if o[key] then
          args.refuse(("`copy`: `%s` is for a file, and `%s` is a folder"):format(key, o.from))
        end
      end
      o.tree = { from = name, to = o.path, exclude = {}, delete = false }
      o.tree.mode, o.tree.owner, o.tree.group = o.mode, o.owner, o.group
      sync.valid(o.tree)
    elseif root.size and root.size <= path.limit then
      o.content = content.of_file(o.from)
    elseif o.validate then
      args.refuse(("`copy`: `validate` is for files of at most %d bytes"):format(path.limit))
    else
      o.upload, o.sha256 = name, native.file_sha256(name)
    end
  end,
  target = function(o)
    return o.path
  end,
  key = function(o)
    -- A folder is remembered as `sync` remembers one.
    return o.tree and "sync:" .. o.path or path.key(o.path)
  end,
  look = function(o)
    if o.tree then
      return sync.look(o.tree)
    end
    return path.look(o.path, { content = o.content ~= nil, sha256 = o.sha256 ~= nil })
  end,
  read = function(text, o)
    if o.tree then
      return sync.read(text, o.tree)
    end
    return path.read(text)
  end,
  plan = function(is, o, facts, memory)
    if o.tree then
      return sync.plan(is, o.tree, facts, memory)
    end
    return content.kept(path.plan(is, content.want(o), memory), is, o)
  end,
}
