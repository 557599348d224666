-- An archive of files as every `tar` reads it: ustar, as POSIX describes it under `pax`. Pure.
local tar = {}

local BLOCK = 512
-- Name, mode, uid, gid, size, time; sum; kind, link, magic and version, and what is not used.
local HEAD, TAIL = "c100 c8 c8 c8 c12 c12", "c1 c100 c8 c247"

-- `name` has at most 100 bytes, `mode` is octal.
local function header(name, mode, size)
  local no, bits = "0000000", ("%07o"):format(tonumber(mode, 8))
  local head = string.pack(HEAD, name, bits, no, no, ("%011o"):format(size), no .. "0000")
  local tail = string.pack(TAIL, "0", "", "ustar\00000", "")
  local sum = 8 * (" "):byte()
  for _, byte in ipairs { (head .. tail):byte(1, -1) } do
    sum = sum + byte
  end
  return head .. ("%06o\0 "):format(sum) .. tail
end

-- The archive of files, each { name, mode, content }.
function tar.of(files)
  local parts = {}
  for _, file in ipairs(files) do
    local fill = -#file.content % BLOCK
    parts[#parts + 1] = header(file.name, file.mode, #file.content)
      .. file.content
      .. ("\0"):rep(fill)
  end
  parts[#parts + 1] = ("\0"):rep(2 * BLOCK)
  return table.concat(parts)
end

return tar
