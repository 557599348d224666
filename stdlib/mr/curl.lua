-- What a server fetches files with: a bare system may have neither curl nor wget. For stages.
local curl = {}

-- Installs curl, with certificates to believe https by, where nothing else would do; `on` are operations
-- as root. With `only`, wget does not count.
function curl.ensure(s, on, only)
  if s:test "command -v curl" or (not only and s:test "command -v wget") then
    return
  end
  on:package({ "curl", "ca-certificates" }, { recommends = false })
end

return curl
