-- mr.template(text, values): `{{ name }}` and `{{ a.b }}` replaced. What is not defined is an
-- error, never an empty text. `{{{{` stands for two braces.
return function(text, values)
  local line = 1
  local function value_of(path)
    local value = values or {}
    for part in path:gmatch("[^.]+") do
      value = type(value) == "table" and value[tonumber(part) or part] or nil
      if value == nil then
        error({
          kind = "script",
          message = ("template line %d: `%s` is not defined"):format(line, path),
        }, 4)
      end
    end
    if type(value) == "table" or type(value) == "function" then
      error({
        kind = "script",
        message = ("template line %d: `%s` is a %s"):format(line, path, type(value)),
      }, 4)
    end
    return tostring(value)
  end
  local out, from = {}, 1
  while true do
    local first = text:find("{{", from, true)
    local before = text:sub(from, (first or 0) - 1)
    line = line + select(2, before:gsub("\n", ""))
    out[#out + 1] = before
    if not first then
      return table.concat(out)
    end
    if text:sub(first, first + 3) == "{{{{" then
      out[#out + 1] = "{{"
      from = first + 4
    else
      local path, last = text:match("^{{%s*([%w_][%w_.-]*)%s*}}()", first)
      if not path then
        error(
          { kind = "script", message = ("template line %d: `{{` is not closed"):format(line) },
          2
        )
      end
      out[#out + 1] = value_of(path)
      from = last
    end
  end
end
