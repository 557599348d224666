-- link: a symbolic link to this target, or a second name of a file (a hard link); or none.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

-- Says besides whether both names are those of one file.
local SAME = [[
(
%s
)
[ ! "$1" -ef "$3" ] || [ -L "$1" ] || echo same=1]]

local function hard(is, o, memory)
  if o.state == "absent" or is.kind == "dir" or is.kind == "other" then
    return path.plan(is, { path = o.path, kind = "file", state = o.state }, memory)
  elseif is.same then
    return nil
  elseif is.kind ~= "absent" and not o.force then
    args.refuse(
      ("`%s` is there, and is not the same file as `%s`"):format(o.path, o.to),
      "`force = true` replaces it"
    )
  end
  return {
    changes = { is.kind == "absent" and "made" or "replaced" },
    steps = { { run = { "ln", "-f", "--", o.to, o.path } } },
    will = { kind = "file", same = true },
  }
end

return {
  name = "link",
  summary = "A symbolic or hard link.",
  takes = { { "path", type = "path", help = "absolute path of the link" } },
  options = content.options("state", {
    to = { type = "string", help = "what it leads to; relative to the link's folder" },
    hard = {
      type = "boolean",
      default = false,
      help = "a second name of the file, not a symbolic link",
    },
    owner = "user's name or id; of the link itself",
    group = "group's name or id; of the link itself",
    force = "replaces a file",
  }),
  like = { ansible = "file: state=link, state=hard", pyinfra = "files.link" },
  platforms = "any POSIX system",

  valid = function(o)
    if o.state == "present" and not o.to then
      args.refuse "`link`: `to` is missing"
    elseif o.to and (o.to == "" or o.to:find "[%z\n]") then
      args.refuse "`link`: `to` must be a path without a line break or NUL"
    elseif o.hard and (o.owner or o.group) then
      args.refuse "`link`: a hard link has the owner of its file"
    elseif o.hard and o.to and o.to:sub(1, 1) ~= "/" then
      args.refuse "`link`: `to` of a hard link must be an absolute path"
    end
  end,
  key = content.key,
  look = function(o)
    local asked = path.look(o.path)
    if o.hard then
      asked.script = SAME:gsub("%%s", function()
        return asked.script
      end)
      asked.args[3] = o.to or ""
    end
    return asked
  end,
  read = function(text, o)
    local is = path.read(text)
    is.same = o.hard and is.kind == "file" and text:find("\nsame=1\n", 1, true) ~= nil or nil
    return is
  end,
  plan = function(is, o, _, memory)
    if o.hard then
      return hard(is, o, memory)
    end
    return path.plan(is, {
      path = o.path,
      kind = "link",
      target = o.to,
      owner = o.owner,
      group = o.group,
      state = o.state,
      force = o.force,
    }, memory)
  end,
}
