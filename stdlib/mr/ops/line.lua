-- line: one line of a file that others write, too.
--
-- With `match`, a Lua pattern, the last line that fits is replaced; where none fits, or without it,
-- the line is added when it is not there. `state = "absent"` removes all that fit, or are the same.
local args = require "mr.args"
local content = require "mr.op.content"
local path = require "mr.ops.path"

-- The last line that fits, or nil.
local function last(lines, fits)
  for i = #lines, 1, -1 do
    if fits(lines[i]) then
      return i
    end
  end
end

local function changed(text, o)
  local lines = content.lines(text)
  local function fits(line)
    if o.match then
      return line:find(o.match) ~= nil
    end
    return line == o.line
  end
  if o.state == "absent" then
    local left = {}
    for _, line in ipairs(lines) do
      if not fits(line) then
        left[#left + 1] = line
      end
    end
    return #left < #lines and content.text(left) or text
  end
  local at = last(lines, fits)
  if at and lines[at] == o.line then
    return text
  elseif at then
    lines[at] = o.line
  elseif last(lines, function(line)
    return line == o.line
  end) then
    return text
  else
    table.insert(lines, content.place(lines, o), o.line)
  end
  return content.text(lines)
end

return {
  name = "line",
  summary = "One line of a file.",
  takes = content.takes,
  options = content.writes("create", {
    line = { type = "string", help = "the line, without its end" },
    match = { type = "string", help = "a Lua pattern: the last line that fits is replaced" },
    after = { type = "string", help = "a Lua pattern: a new line goes behind the last that fits" },
    before = { type = "string", help = "a Lua pattern: a new line goes before the first that fits" },
    state = "whether it is there; `absent` removes all that fit",
  }),
  like = { ansible = "lineinfile", pyinfra = "files.line" },
  platforms = "any POSIX system",
  diff = true,

  valid = function(o)
    content.valid(o)
    for _, key in ipairs { "match", "after", "before" } do
      content.pattern(o[key], ("`line`: `%s`"):format(key))
    end
    if o.line and o.line:find "[\n%z]" then
      args.refuse("`line`: `line` has a line break in it", "`on:block` is for several lines")
    elseif o.after and o.before then
      args.refuse "`line`: `after` and `before` exclude each other"
    elseif not o.line and (o.state == "present" or not o.match) then
      args.refuse "`line`: `line` is missing"
    end
  end,
  key = content.key,
  look = content.look,
  read = path.read,
  plan = function(is, o, _, memory)
    return content.edit(is, o, memory, function(text)
      return changed(text, o)
    end)
  end,
}
