-- template: a file whose content is made of a template and values. See mr.template.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

return {
  name = "template",
  summary = "A file made of a template and values.",
  takes = content.takes,
  options = content.writes("force", {
    from = { type = "string", help = "a local file, the template" },
    text = { type = "string", help = "the template itself" },
    values = { type = "table", help = "what the template knows; a secret makes all of it one" },
  }),
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
  key = content.key,
  look = content.look,
  read = path.read,
  plan = function(is, o, _, memory)
    return content.kept(path.plan(is, content.want(o), memory), is, o)
  end,
}
