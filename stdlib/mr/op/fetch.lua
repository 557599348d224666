-- What a URL gives, fetched by this machine with its curl or wget, once in a run. Internal.
local args = require("mr.args")
local fetch = {}

-- Longest answer that is taken, bytes; and how long it may take, seconds.
local MOST, PATIENCE = 1 << 20, 30

local known = {}

local COMMANDS = {
  "curl -fsSL --proto '=https' --proto-redir '=https' --max-time %d -- %s",
  "wget -q -O - --https-only --timeout=%d --tries=1 -- %s",
}

-- The text behind an https URL.
function fetch.text(url)
  if known[url] then
    return known[url]
  end
  for _, command in ipairs(COMMANDS) do
    local tool = command:match("^%l+")
    local pipe = io.popen(
      ("command -v %s >/dev/null 2>&1 || exit 127; "):format(tool)
        .. command:format(PATIENCE, mr.quote(url))
        .. " 2>/dev/null",
      "r"
    )
    local text = pipe and pipe:read(MOST + 1)
    local ok, _, code = nil, nil, 127
    if pipe then
      ok, _, code = pipe:close()
    end
    if ok and text and text ~= "" and #text <= MOST then
      known[url] = text
      return text
    elseif code ~= 127 then
      args.refuse(
        ("cannot fetch `%s`: %s ended with %s"):format(url, tool, tostring(code)),
        "it is fetched by this machine, not by the server"
      )
    end
  end
  args.refuse(("cannot fetch `%s`: neither curl nor wget is installed here"):format(url))
end

return fetch
