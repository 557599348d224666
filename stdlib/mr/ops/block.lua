-- block: lines of a file that others write, too, between two marker lines.
local args = require "mr.args"
local content = require "mr.op.content"
local native = require "mr.native"
local path = require "mr.ops.path"

local function markers(o)
  local tail = o.comment_end and " " .. o.comment_end or ""
  local function marker(word)
    return ("%s %s mroom: %s%s"):format(o.comment, word, o.name, tail)
  end
  return marker "BEGIN", marker "END"
end

-- The numbers of the two marker lines, or nil; raises when they are not one pair.
---@return integer?
---@return integer?
local function found(lines, o)
  local begin, finish = markers(o)
  local first, last, count = nil, nil, 0
  for i, line in ipairs(lines) do
    if line == begin then
      first, count = i, count + 1
    elseif line == finish then
      last, count = i, count + 1
    end
  end
  if count ~= 0 and not (count == 2 and first and last and first < last) then
    local what = not (first and last) and "is alone" or "is not one of a pair"
    args.refuse(
      ("`%s`: the marker `%s` %s"):format(o.path, first and begin or finish, what),
      "put the markers right by hand, or remove them"
    )
  end
  return first, last
end

local function changed(text, o)
  local lines = content.lines(text)
  local first, last = found(lines, o)
  if o.state == "absent" then
    if not (first and last) then
      return text
    end
    table.move(lines, last + 1, #lines + last - first + 1, first)
    return content.text(lines)
  end
  local before, after = {}, {}
  first = first or content.place(lines, o)
  table.move(lines, 1, first - 1, 1, before)
  table.move(lines, last and last + 1 or first, #lines, 1, after)
  local begin, finish = markers(o)
  local body = o.content
  if native.is_secret(body) then
    body = body .. "\n"
  elseif body ~= "" and body:sub(-1) ~= "\n" then
    body = body .. "\n"
  end
  return content.text(before) .. begin .. "\n" .. body .. finish .. "\n" .. content.text(after)
end

return {
  name = "block",
  summary = "Lines of a file between two markers.",
  takes = content.takes,
  options = content.writes("create state", {
    content = { type = "secret", help = "the lines; a secret has no line end of its own" },
    name = { type = "string", default = "block", help = "tells blocks of one file apart" },
    comment = { type = "string", default = "#", help = "how a comment begins in this file" },
    comment_end = { type = "string", help = "how it ends, such as `-->`" },
    after = { type = "string", help = "a Lua pattern: a new block goes behind the last that fits" },
    before = {
      type = "string",
      help = "a Lua pattern: a new block goes before the first that fits",
    },
  }),
  like = { ansible = "blockinfile", pyinfra = "files.block" },
  platforms = "any POSIX system",
  diff = true,

  valid = function(o)
    content.valid(o)
    for _, key in ipairs { "after", "before" } do
      content.pattern(o[key], ("`block`: `%s`"):format(key))
    end
    for _, key in ipairs { "name", "comment", "comment_end" } do
      if o[key] and o[key]:find "[%c]" then
        args.refuse(("`block`: `%s` must be one line"):format(key))
      end
    end
    if o.after and o.before then
      args.refuse "`block`: `after` and `before` exclude each other"
    elseif o.state == "present" and o.content == nil then
      args.refuse "`block`: `content` is missing"
    elseif type(o.content) == "string" then
      local begin, finish = markers(o)
      for _, line in ipairs(content.lines(o.content)) do
        if line == begin or line == finish then
          args.refuse "`block`: a marker is in the content"
        end
      end
    end
  end,
  target = function(o)
    return o.name == "block" and o.path or o.path .. " " .. o.name
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
