-- dir: a folder with this mode and owner; or none.
local path = require "mr.ops.path"

return {
  name = "dir",
  summary = "A folder: its mode and owner.",
  takes = { { "path", type = "path", help = "absolute path on the server" } },
  options = {
    mode = { type = "mode", help = "permissions; a new folder gets 0755" },
    owner = { type = "owner", help = "user's name or id" },
    group = { type = "owner", help = "group's name or id" },
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "whether it is there; `absent` removes what is in it, too",
    },
    force = { type = "boolean", default = false, help = "replaces a symbolic link" },
  },
  like = { ansible = "file: state=directory", pyinfra = "files.directory" },
  platforms = "any POSIX system",

  key = function(o)
    return path.key(o.path)
  end,
  look = function(o)
    return path.look(o.path)
  end,
  read = function(text)
    return path.read(text)
  end,
  plan = function(is, o, _, memory)
    local want = { kind = "dir" }
    for key, value in pairs(o) do
      want[key] = value
    end
    return path.plan(is, want, memory)
  end,
}
