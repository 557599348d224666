-- The TCP ports on which a server listens: `server:ports()`, and `server:listening()` with the
-- addresses. One round trip, no root needed.
--
-- Linux says so itself, in /proc/net; elsewhere ss or netstat does. The answer is data: a line that
-- is no address with a port is left out.
local args = require "mr.args"
local ports = {}

local FIRST, LAST = "--mroom-ports--", "--mroom-ports-end--"

-- Works on Linux (glibc or busybox), the BSDs and macOS.
ports.script = ([[
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin
have() { command -v "$1" >/dev/null 2>&1; }
echo FIRST
if [ -r /proc/net/tcp ]; then
  # 0A is LISTEN; addresses are hexadecimal.
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { print "hex=" $2 }'
elif have ss; then
  ss -Hltn 2>/dev/null | awk '{ print "text=" $4 }'
elif have netstat; then
  netstat -an 2>/dev/null | awk '$1 ~ "^tcp" && $NF ~ "^LISTEN" { print "text=" $4 }'
else
  echo none=
fi
# From where outgoing connections take theirs.
if [ -r /proc/sys/net/ipv4/ip_local_port_range ]; then
  echo "ephemeral=$(cat /proc/sys/net/ipv4/ip_local_port_range)"
fi
echo LAST
]]):gsub("echo FIRST", "echo '" .. FIRST .. "'"):gsub("echo LAST", "echo '" .. LAST .. "'")

-- Is a hexadecimal address of /proc/net one that only the server itself reaches? The words of an
-- address stand there in the byte order of the machine, little-endian nearly everywhere.
local function is_hex_loopback(address)
  local tail = #address == 32 and address:match "^0000000000000000FFFF0000(%x+)$"
  local v4 = #address == 8 and address or tail
  if v4 then
    -- Not all that begin with 7F: 7F01A8C0 is 192.168.1.127.
    return v4:sub(7, 8) == "7F" or v4 == "7F000001"
  end
  return address == "00000000000000000000000001000000" or address == ("0"):rep(31) .. "1"
end

local function is_loopback(address)
  address = address:gsub("^%[", ""):gsub("%]$", ""):gsub("%%.*$", "")
  return address:match "^127%." ~= nil or address == "::1" or address:match "^::ffff:127%." ~= nil
end

local function port(number)
  return number and math.tointeger(number) and number > 0 and number < 65536 and number or nil
end

-- A hexadecimal address of /proc/net as people write it. Its words are little-endian.
local function from_hex(address)
  local bytes = {}
  for word in address:gmatch "%x%x%x%x%x%x%x%x" do
    for i = 7, 1, -2 do
      bytes[#bytes + 1] = tonumber(word:sub(i, i + 1), 16)
    end
  end
  if #bytes == 4 then
    return table.concat(bytes, ".")
  end
  if address:match "^0000000000000000FFFF0000" then
    return table.concat(bytes, ".", 13)
  end
  local groups = {}
  for i = 1, 16, 2 do
    groups[#groups + 1] = ("%x"):format(bytes[i] * 256 + bytes[i + 1])
  end
  -- The first of the longest rows of zeros is left out.
  local at, long = 0, 1
  for first = 1, 8 do
    local last = first
    while groups[last] == "0" do
      last = last + 1
    end
    if last - first > long then
      at, long = first, last - first
    end
  end
  if at == 0 then
    return table.concat(groups, ":")
  end
  return table.concat(groups, ":", 1, at - 1) .. "::" .. table.concat(groups, ":", at + long)
end

-- One line: the port, whether only the server itself reaches it, and the address; nil for what is
-- none.
local function listener(kind, value)
  if kind == "hex" then
    local address, hex = value:match "^(%x+):(%x%x%x%x)$"
    if address and (#address == 8 or #address == 32) then
      return port(tonumber(hex, 16)), is_hex_loopback(address), from_hex(address)
    end
    return nil
  end
  -- `0.0.0.0:22`, `[::]:22`, `*:22`; the BSDs put a dot before the port.
  local address, digits = value:match "^(.*)[.:](%d+)$"
  if kind == "text" and address and #digits <= 5 then
    return port(tonumber(digits)), is_loopback(address), (address:gsub("[%[%]]", ""))
  end
end

-- What the script printed between its markers. Raises when they are not there.
local function answer(output)
  local lines = "\n" .. output:gsub("\r\n", "\n") .. "\n"
  local _, first = lines:find("\n" .. FIRST .. "\n", 1, true)
  local last = first and lines:find("\n" .. LAST .. "\n", first, true)
  local said = last and lines:sub(first, last)
  if not said or said:find("\nnone=", 1, true) then
    error({
      kind = "script",
      message = "the server did not say on which ports it listens",
      hint = "it needs `sh`, and /proc, ss or netstat",
    }, 3)
  end
  return said
end

-- The ports in what the script printed, sorted. With `all`, those too that only the server itself
-- reaches.
function ports.parse(output, all)
  local seen, list = {}, {}
  for kind, value in answer(output):gmatch "\n(%l+)=([^\n]*)" do
    local number, is_inside = listener(kind, value)
    if number and (all or not is_inside) and not seen[number] then
      seen[number] = true
      list[#list + 1] = number
    end
  end
  table.sort(list)
  return list
end

-- The same with the addresses, and the range from which outgoing connections take their ports.
function ports.parse_listening(output)
  local seen, list, ephemeral = {}, {}, nil
  for kind, value in answer(output):gmatch "\n(%l+)=([^\n]*)" do
    local number, is_inside, address = listener(kind, value)
    if number then
      local one = seen[number]
      if not one then
        one = { port = number, addresses = {}, is_local = true }
        seen[number] = one
        list[#list + 1] = one
      end
      one.is_local = one.is_local and is_inside
      if not one.addresses[address] then
        one.addresses[address] = true
        one.addresses[#one.addresses + 1] = address
      end
    elseif kind == "ephemeral" then
      local low, high = value:match "^%s*(%d+)%s+(%d+)%s*$"
      low, high = port(tonumber(low)), port(tonumber(high))
      ephemeral = low and high and { low, high } or nil
    end
  end
  for _, one in ipairs(list) do
    one.addresses = table.move(one.addresses, 1, #one.addresses, 1, {})
    table.sort(one.addresses)
  end
  table.sort(list, function(a, b)
    return a.port < b.port
  end)
  return { ports = list, ephemeral = ephemeral }
end

local function ask(s)
  return s:capture({ "sh", "-s" }, { stdin = ports.script, timeout = 60 })
end

-- Asks a server or connection. opts.all: those too that only the server itself reaches.
function ports.of(s, opts)
  opts = args.checked("ports", opts, { all = true })
  return ports.parse(ask(s), opts.all)
end

-- Asks it for the addresses, too.
function ports.listening(s, opts)
  args.checked("listening", opts, {})
  return ports.parse_listening(ask(s))
end

return ports
