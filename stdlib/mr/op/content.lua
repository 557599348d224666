-- What the operations on files share: content from this machine, backups, and the change of a part
-- of a file. Internal.
local args = require "mr.args"
local native = require "mr.native"
local path = require "mr.ops.path"
local content = {}

-- The options that several operations on files have.
local OPTIONS = {
  mode = { type = "mode", help = "permissions; a new file gets 0644" },
  owner = { type = "owner", help = "user's name or id" },
  group = { type = "owner", help = "group's name or id" },
  backup = { type = "boolean", default = false, help = "keeps a copy PATH.TIME.bak" },
  validate = {
    type = "string",
    help = "a command that must accept the new content, such as `visudo -cf %s`",
  },
  state = {
    type = "string",
    choices = { "present", "absent" },
    default = "present",
    help = "whether it is there",
  },
  force = { type = "boolean", default = false, help = "replaces a symbolic link" },
  secret = { type = "boolean", default = false, help = "hides the content in diffs" },
  create = { type = "boolean", default = false, help = "makes the file when it is not there" },
}
-- What every operation that writes a file takes.
local WRITES = "mode owner group backup validate secret"

-- Options of an operation: those of these names, and its own, which win. A text among its own is
-- another help for one that several have.
function content.options(names, own)
  local all = {}
  for name in names:gmatch "%l+" do
    all[name] = OPTIONS[name]
  end
  for name, option in pairs(own) do
    if type(option) == "string" then
      local help = option
      option = {}
      for key, value in pairs(OPTIONS[name]) do
        option[key] = value
      end
      option.help = help
    end
    all[name] = option
  end
  return all
end

-- Options of an operation that writes a file.
function content.writes(names, own)
  return content.options(WRITES .. " " .. names, own)
end

-- The path that operations on one thing take first.
content.takes = { { "path", type = "path", help = "absolute path on the server" } }

function content.key(o)
  return path.key(o.path)
end

function content.look(o)
  return path.look(o.path, { content = true })
end

-- Refuses a `validate` that does not say where the file is.
function content.valid(o)
  if o.validate and not o.validate:find("%s", 1, true) then
    args.refuse("`validate` does not say where the file is", "`%s` stands for it: `visudo -cf %s`")
  end
end

-- The content of a local file; `~` is the home folder. What is not in the current folder is looked
-- for beside the script.
function content.of_file(name)
  local opened, why = io.open(native.local_path(name), "rb")
  local text = opened and opened:read "a"
  if opened then
    opened:close()
  end
  if not text then
    args.refuse(("cannot read the local file `%s`: %s"):format(name, why or "it is a folder"))
  end
  return text
end

-- Copies `$1` beside itself, under the time.
local BACKUP = [[cp -p -- "$1" "$1.$(date -u +%Y%m%dT%H%M%SZ).bak"]]

-- The plan with a copy first, when the content changes and a copy is wanted.
function content.kept(plan, is, o)
  local first = plan and plan.steps[1]
  if first and o.backup and is.kind == "file" and (first.write or first.remove or first.upload) then
    local says = ("copy %s to %s.TIME.bak"):format(o.path, o.path)
    table.insert(plan.steps, 1, { script = BACKUP, args = { o.path }, says = says })
  end
  return plan
end

-- What path.plan wants of a file, from an operation's options.
function content.want(o, more)
  local want = { kind = "file" }
  for _, from in ipairs { o, more or {} } do
    for key, value in pairs(from) do
      want[key] = value
    end
  end
  return want
end

-- The plan of an operation that changes a part of a file. `change(text)` gives the new text. The
-- file must be there unless `o.create`; for `absent` it need not be.
function content.edit(is, o, memory, change)
  local absent = o.state == "absent"
  if is.kind == "absent" then
    if absent then
      return nil
    elseif not o.create then
      args.refuse(("`%s` is not there"):format(o.path), "`create = true` makes it")
    end
  elseif is.kind == "file" and is.content == nil then
    args.refuse(("`%s` is longer than %d bytes"):format(o.path, path.limit))
  elseif native.is_secret(is.content) then
    return { unknown = "its content is a secret that was not written" }
  end
  local text = is.content or ""
  local new = is.kind ~= "link" and change(text) or text
  local want = content.want(o, { content = new, state = "present" })
  return content.kept(path.plan(is, want, memory), is, o)
end

-- The lines of a text, and whether the last one ends.
function content.lines(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do
    lines[#lines + 1] = line
  end
  local rest = text:match "[^\n]+$"
  lines[#lines + 1] = rest
  return lines
end

-- The text of lines; each one ends.
function content.text(lines)
  return #lines == 0 and "" or table.concat(lines, "\n") .. "\n"
end

-- Refuses what is no Lua pattern; `place` names it.
function content.pattern(value, place)
  if value ~= nil and not pcall(string.find, "", value) then
    args.refuse(("%s is no Lua pattern: `%s`"):format(place, value), "`%` quotes: `%.` is a dot")
  end
end

-- Where new lines go: behind the last line that fits `after`, before the first that fits `before`,
-- else at the end. Gives the index of the line that they are to have.
---@return integer
function content.place(lines, o)
  if o.after then
    for i = #lines, 1, -1 do
      if lines[i]:find(o.after) then
        return i + 1
      end
    end
  elseif o.before then
    for i, line in ipairs(lines) do
      if line:find(o.before) then
        return i
      end
    end
  end
  return #lines + 1
end

return content
