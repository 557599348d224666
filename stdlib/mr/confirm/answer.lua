-- What the script of `mr.confirm` answers, as a table. Pure; everything in it is the server's, so what
-- is not of the expected shape is left out. Internal.
local answer = {}

local function clean(text)
  return (text:gsub("[%c\127]", "?"):sub(1, 300))
end

-- What the script answered: { mine, confirmed, making, armed = { token, left, seconds, name, by },
-- fired = { { token, ago, name, said = {…}, is_over } } }. Raises for what is no whole answer.
function answer.read(text)
  local is = { fired = {} }
  local by_token, is_whole = {}, false
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local word, rest = line:match "^mroom%-confirm (%l+) ?(.*)$"
    local said_token, said = line:match "^mroom%-said ([%d-]+) (.*)$"
    if word == "end" then
      is_whole = true
    elseif word == "making" then
      is.making = true
    elseif word == "mine" or word == "confirmed" then
      is[word] = rest:match "^[%d-]+$"
    elseif word == "armed" then
      local token, left, seconds, name, by =
        rest:match "^([%d-]+) (%-?%d+) (%d+) ([%w_-]+) ?([^ ]*)$"
      if token and #left < 12 and #seconds < 12 then
        is.armed = { token = token, name = name, by = clean(by) }
        is.armed.left, is.armed.seconds = tonumber(left), tonumber(seconds)
      end
    elseif word == "fired" then
      local token, ago, name = rest:match "^([%d-]+) (%-?%d+) ([%w_-]+)$"
      if token and #ago < 12 then
        local one = { token = token, ago = tonumber(ago), name = name, said = {}, is_over = false }
        by_token[token] = one
        is.fired[#is.fired + 1] = one
      end
    elseif said and by_token[said_token] then
      local one = by_token[said_token]
      if said == "end" then
        one.is_over = true
      elseif #one.said < 100 then
        one.said[#one.said + 1] = clean(said)
      end
    end
  end
  if not is_whole then
    mr.fail("the server did not say which changes it guards", {
      hint = "it answers to root, and needs a POSIX `sh`",
    })
  end
  return is
end

return answer
