-- template: a file whose content is made of a template and values. See mr.template.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

return {
  name = "template",
  summary = "A file made of a template and values.",
  takes = { { "path", type = "path", help = "absolute path on the server" } },
  options = content.with {
    from = { type = "string", help = "a local file, the template" },
    text = { type = "string", help = "the template itself" },
    values = { type = "table", help = "what the template knows; a secret makes all of it one" },
    force = { type = "boolean", default = false, help = "replaces a symbolic link" },
    secret = { type = "boolean", default = false, help = "hides the content in diffs" },
  },
  like = { ansible = "template", pyinfra = "files.template" },
  platforms = "any POSIX system",
  diff = true,

  valid = function(o)
    content.valid(o)
    if (o.from == nil) == (o.text == nil) then
      args.refuse "`template`: either `from` or `text` must be there"
    end
    local text = o.text or content.of_file(o.from)
    o.content = mr.template(text, o.values or {}, { name = o.from or "template" })
  end,
  key = function(o)
    return path.key(o.path)
  end,
  look = function(o)
    return path.look(o.path, { content = true })
  end,
  read = function(text)
    return path.read(text)
  end,
  plan = function(is, o, _, memory)
    return content.kept(path.plan(is, content.want(o), memory), is, o)
  end,
}
