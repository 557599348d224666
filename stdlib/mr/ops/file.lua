-- file: a file with this content, mode and owner; or none.
--
-- Without `content` and `from` only mode and owner are looked after, and an empty file is made where
-- there is none. The content is written beside the file and renamed over it.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

return {
  name = "file",
  summary = "A file: its content, mode and owner.",
  takes = content.takes,
  options = content.writes("force state", {
    content = { type = "secret", help = "what is in it; a secret is hidden in diffs" },
    from = { type = "string", help = "a local file that has the content" },
  }),
  like = { ansible = "copy: content=, file:", pyinfra = "files.put, files.file" },
  platforms = "any POSIX system",
  diff = true,

  valid = function(o)
    content.valid(o)
    if o.content ~= nil and o.from ~= nil then
      args.refuse "`file`: `content` and `from` exclude each other"
    elseif o.state == "absent" and (o.content ~= nil or o.from or o.mode or o.owner or o.group) then
      args.refuse "`file`: a file that shall be absent has no content, mode or owner"
    end
    if o.from then
      o.content = content.of_file(o.from)
    end
  end,
  key = content.key,
  look = function(o)
    return path.look(o.path, { content = o.content ~= nil or o.state == "absent" })
  end,
  read = path.read,
  plan = function(is, o, _, memory)
    return content.kept(path.plan(is, content.want(o), memory), is, o)
  end,
}
