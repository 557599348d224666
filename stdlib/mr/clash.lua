-- The API of mihomo (clash): asked on the server by its curl, so that nothing of it is open to anybody
-- else. The secret goes in over standard input. For the stage `clash`. Internal.
--
-- Format: https://wiki.metacubex.one/en/api/
local clash = {}

-- curl's own settings; `method`, `url`, `body` and `secret` go in quoted.
local CURL = [[
{% macro quoted(text) %}"{{ text | replace("\\", "\\\\") | replace("\"", "\\\"") }}"{% endmacro -%}
silent
show-error
fail
max-time = 20
noproxy = "*"
request = {{ quoted(method) }}
url = {{ quoted(url) }}
header = "Content-Type: application/json"
{% if secret %}header = {{ quoted("Authorization: Bearer " ~ secret) }}
{% endif %}{% if body %}data = {{ quoted(body) }}
{% endif %}]]

local function config(o, method, path, body)
  return mr.template(CURL, {
    method = method,
    url = ("http://%s%s"):format(o.controller, path),
    body = body or "",
    secret = o.secret or "",
  }, { name = "curl" })
end

-- A name as a part of a URL.
local function part(name)
  return (name:gsub("[^%w_.~-]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

-- Is there a curl to ask with?
function clash.has_curl(s)
  return s:test "command -v curl"
end

-- Waits until it answers.
function clash.await(s, o)
  local stdin = config(o, "GET", "/version")
  mr.wait(function()
    return s:test({ "curl", "--config", "-" }, { stdin = stdin, timeout = 30 })
  end, { timeout = 30, what = "an answer of clash" })
end

-- Has it read its configuration again?
function clash.reload(s, o, path)
  local body = mr.json.encode { path = path }
  local stdin = config(o, "PUT", "/configs?force=true", body)
  return s:run({ "curl", "--config", "-" }, { stdin = stdin, check = false, timeout = 30 }).ok
end

-- What a group has selected now; nil when that cannot be learnt.
function clash.selected(s, o, group)
  local stdin = config(o, "GET", "/proxies/" .. part(group))
  local text = mr.try(s.capture, s, { "curl", "--config", "-" }, { stdin = stdin, timeout = 30 })
  local is = text and mr.try(mr.json.decode, text)
  return type(is) == "table" and type(is.now) == "string" and is.now or nil
end

function clash.select(s, o, group, proxy)
  local stdin = config(o, "PUT", "/proxies/" .. part(group), mr.json.encode { name = proxy })
  s:run({ "curl", "--config", "-" }, { stdin = stdin, timeout = 30 })
end

-- Does the configuration, as it is written, take all traffic of the server?
function clash.takes_all(text)
  local block = ("\n" .. text):match "\ntun:[^\n]*(\n.*)$" or ""
  for line in block:gmatch "\n([^\n]*)" do
    if line:find "^%s+enable:%s*true" then
      return true
    elseif line:find "^%S" and not line:find "^#" then
      return false
    end
  end
  return ("\n" .. text):find "\ntun:%s*{[^\n]*enable:%s*true" ~= nil
end

return clash
