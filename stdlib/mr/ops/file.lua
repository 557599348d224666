-- file: a file with this content, mode and owner; or none.
--
-- Without `content` and `from` only mode and owner are looked after, and an empty file is made where
-- there is none. The content is written beside the file and renamed over it.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

-- Copies `$1` beside itself, under the time.
local BACKUP = [[cp -p -- "$1" "$1.$(date -u +%Y%m%dT%H%M%SZ).bak"]]

local file = {
  name = "file",
  summary = "A file: its content, mode and owner.",
  takes = { { "path", type = "path", help = "absolute path on the server" } },
  options = {
    content = { type = "secret", help = "what is in it; a secret is hidden in diffs" },
    from = { type = "string", help = "a local file that has the content" },
    mode = { type = "mode", help = "permissions; a new file gets 0644" },
    owner = { type = "owner", help = "user's name or id" },
    group = { type = "owner", help = "group's name or id" },
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "whether it is there",
    },
    force = { type = "boolean", default = false, help = "replaces a symbolic link" },
    backup = { type = "boolean", default = false, help = "keeps a copy PATH.TIME.bak" },
    validate = {
      type = "string",
      help = "a command that must accept the new content, such as `visudo -cf %s`",
    },
    secret = { type = "boolean", default = false, help = "hides the content in diffs" },
  },
  like = { ansible = "copy: content=, file:", pyinfra = "files.put, files.file" },
  platforms = "any POSIX system",
}

function file.valid(o)
  if o.content ~= nil and o.from ~= nil then
    args.refuse "`file`: `content` and `from` exclude each other"
  elseif o.state == "absent" and (o.content ~= nil or o.from or o.mode or o.owner or o.group) then
    args.refuse "`file`: a file that shall be absent has no content, mode or owner"
  elseif o.validate and not o.validate:find("%s", 1, true) then
    args.refuse(
      "`file`: `validate` does not say where the file is",
      "`%s` stands for it: `visudo -cf %s`"
    )
  end
  if o.from then
    o.content = content.of_file(o.from)
  end
end

function file.key(o)
  return path.key(o.path)
end

function file.look(o)
  local wanted = o.content ~= nil or o.state == "absent"
  return path.look(o.path, { content = wanted })
end

function file.read(text)
  return path.read(text)
end

function file.plan(is, o, _, memory)
  local want = { kind = "file" }
  for key, value in pairs(o) do
    want[key] = value
  end
  local plan = path.plan(is, want, memory)
  if plan and o.backup and is.kind == "file" and plan.steps[1] and not plan.steps[1].run then
    local says = ("copy %s to %s.TIME.bak"):format(o.path, o.path)
    table.insert(plan.steps, 1, { script = BACKUP, args = { o.path }, says = says })
  end
  return plan
end

return file
