-- Rules of a firewall as people write them: `allow 80/tcp from 10.0.0.0/8`; and whether a connection
-- gets through a list of them. Pure. Internal.
--
-- A rule is { action = "allow"|"deny"|"reject", first, last (ports; nil for all), proto = "tcp"|"udp"
-- |"any", from = address or network, family = 4|6 of `from` }.
local args = require("mr.args")
local rule = {}

-- An address as a list of its bytes, 4 or 16; nil for what is none.
local function bytes_of(text)
  local four = { text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$") }
  if four[1] then
    for i = 1, 4 do
      four[i] = math.tointeger(tonumber(four[i]))
      if four[i] > 255 then
        return nil
      end
    end
    return four
  end
  local mapped = text:match("^::[fF][fF][fF][fF]:([%d.]+)$")
  if mapped then
    return bytes_of(mapped)
  elseif
    not text:find("^[%x:]+$")
    or not text:find(":", 1, true)
    or select(2, text:gsub("::", "")) > 1
    or text:find(":::", 1, true)
  then
    return nil
  end
  local head, tail = text:match("^(.-)::(.*)$")
  local function groups(part)
    local list = {}
    for group in part:gmatch("[^:]+") do
      if #group > 4 then
        return nil
      end
      list[#list + 1] = tonumber(group, 16)
    end
    return list
  end
  local front, back = groups(head or text), groups(tail or "")
  local missing = front and back and 8 - #front - #back
  if
    not (front and back and missing)
    or missing < 0
    or (head and missing == 0)
    or (not head and missing ~= 0)
  then
    return nil
  elseif
    (head and head:find("^:") or (tail or ""):find(":$")) or (not head and text:find("^:"))
  then
    return nil
  end
  for _ = 1, missing do
    front[#front + 1] = 0
  end
  table.move(back, 1, #back, #front + 1, front)
  local bytes = {}
  for _, group in ipairs(front) do
    bytes[#bytes + 1] = group >> 8
    bytes[#bytes + 1] = group & 255
  end
  return bytes
end

-- The bytes and the length of a network's prefix; nil for what is none.
---@return integer[]?
---@return integer?
local function network(text)
  local address, prefix = text:match("^([^/]+)/?(%d*)$")
  local bytes = address and bytes_of(address)
  local most = bytes and #bytes * 8
  local bits = prefix == "" and most or math.tointeger(tonumber(prefix)) ---@type any
  if not bytes or not bits or bits > most or (text:find("/", 1, true) and prefix == "") then
    return nil
  end
  return bytes, bits
end

local function is_inside(address, text)
  local bytes = bytes_of(address)
  local net, bits = network(text)
  if not (bytes and net and bits) or #bytes ~= #net then
    return false
  end
  for i = 1, #net do
    local take = math.max(0, math.min(8, bits - (i - 1) * 8)) ---@type any
    local mask = (0xff << (8 - take)) & 0xff
    if bytes[i] & mask ~= net[i] & mask then
      return false
    end
  end
  return true
end

local function port_of(text)
  local port = #text <= 5 and text:find("^%d+$") and math.tointeger(tonumber(text))
  return port and port >= 1 and port <= 65535 and port or nil
end

local ACTIONS = { allow = true, deny = true, reject = true }

-- The rule with these parts, or nil and what is wrong with them.
function rule.make(action, port, proto, from)
  if not ACTIONS[action] then
    return nil, "it begins with `allow`, `deny` or `reject`"
  end
  local made = { action = action, from = from, proto = proto }
  if port then
    local first, last = port:match("^(%d+)[:-](%d+)$")
    made.first = port_of(first or port)
    made.last = first and port_of(last) or made.first
    if not made.first or not made.last or made.first > made.last then
      return nil, "a port is a number from 1 to 65535, or a range of them: 6000:6007"
    end
    made.proto = proto or "tcp"
    if made.proto ~= "tcp" and made.proto ~= "udp" and made.proto ~= "any" then
      return nil, "the protocol of a port is `tcp` or `udp`"
    end
  elseif proto and proto ~= "any" then
    return nil, "a protocol goes with a port"
  else
    made.proto = "any"
    if not from then
      return nil, "it needs a port or an address"
    end
  end
  if from then
    local bytes, bits = network(from)
    if not bytes then
      return nil, ("`%s` is no address and no network"):format(from)
    end
    made.family = #bytes == 4 and 4 or 6
    -- One form: a whole address has no prefix.
    made.from = bits == #bytes * 8 and from:match("^[^/]+") or from
  end
  return made
end

-- `allow 80/tcp from 10.0.0.0/8`, or { action =, port =, proto =, from = }; raises for what is none.
function rule.parse(value)
  local action, port, proto, from
  if type(value) == "table" then
    for key in pairs(value) do
      if key ~= "action" and key ~= "port" and key ~= "proto" and key ~= "from" then
        args.refuse(
          ("`firewall`: unknown key `%s` of a rule"):format(tostring(key)),
          "a rule has: action, from, port, proto"
        )
      end
    end
    action, proto, from = value.action or "allow", value.proto, value.from
    port = value.port ~= nil and tostring(value.port) or nil
  elseif type(value) == "string" then
    local rest
    action, rest = value:match("^%s*(%a+)%f[%s\0]%s*(.-)%s*$")
    local what, source = (rest or ""):match("^(.-)%s*%f[%w]from%s+(%S+)$")
    from = source
    what = what or rest or ""
    if what ~= "" then
      port, proto = what:match("^([%d:-]+)/?(%a*)$")
      port = port or what
      proto = proto ~= "" and proto or nil
    end
  end
  local made, why = rule.make(action, port, proto, from)
  if not made then
    args.refuse(
      ("`firewall`: `%s` is no rule: %s"):format(
        type(value) == "table" and mr.inspect(value) or tostring(value):sub(1, 80),
        why
      ),
      "`allow 443/tcp`, `allow 22/tcp from 10.0.0.0/8`, `deny from 203.0.113.7`"
    )
  end
  return made
end

-- The one text of a rule.
function rule.text(one)
  local words = { one.action }
  if one.first then
    local port = one.first == one.last and tostring(one.first)
      or ("%d:%d"):format(one.first, one.last)
    words[2] = one.proto == "any" and port or port .. "/" .. one.proto
  end
  if one.from then
    words[#words + 1] = "from " .. one.from
  end
  return table.concat(words, " ")
end

local function fits(one, port, client)
  return (not one.first or (one.first <= port and port <= one.last and one.proto ~= "udp"))
    and (not one.from or (client ~= nil and is_inside(client, one.from)))
end

-- Does a TCP connection from `client` to `port` get through? The first rule that fits counts, or,
-- with `denies_first`, one that denies before one that allows. The second value is that rule.
function rule.passes(rules, policy, port, client, denies_first)
  local found
  for _, one in ipairs(rules) do
    if fits(one, port, client) then
      if one.action ~= "allow" and (denies_first or not found) then
        return false, one
      end
      found = found or one
      if not denies_first then
        return true, one
      end
    end
  end
  return found ~= nil or policy == "allow", found
end

return rule
