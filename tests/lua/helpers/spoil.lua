-- Texts that are spoiled, by accident or on purpose, in the same way in every run.
local spoil = {}

-- Gives numbers from 1 to `most`, the same ones for the same seed.
---@param seed integer
---@return fun(most: integer): integer
function spoil.dice(seed)
  return function(most)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % most + 1
  end
end

-- The text with some of its bytes, lines or lengths changed, or with one of `evil` in it.
---@param text string
---@param roll fun(most: integer): integer
---@param evil? string[]
---@return string
function spoil.text(text, roll, evil)
  for _ = 1, roll(4) do
    local at, to = roll(#text + 1), roll(#text + 1)
    local what = roll(evil and 6 or 5)
    if what == 1 then
      text = text:sub(1, at - 1) .. string.char(roll(256) - 1) .. text:sub(at + 1)
    elseif what == 2 then
      text = text:sub(1, at - 1) .. text:sub(at + roll(20))
    elseif what == 3 then
      text = text:sub(1, at - 1) .. text:sub(to, to + roll(40)) .. text:sub(at)
    elseif what == 4 then
      text = text:gsub("%d+", tostring(roll(3000) - 1000), 1)
    elseif what == 5 or not evil then
      text = text:sub(1, at - 1) .. "\n" .. text:sub(at)
    else
      text = text:sub(1, at - 1) .. evil[roll(#evil)] .. text:sub(at)
    end
  end
  return text
end

return spoil
