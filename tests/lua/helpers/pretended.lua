-- What specs of operations share: answers of a pretended server, and what reached it.
local pretended = {}

-- What the look at a path says when nothing is there.
pretended.ABSENT = "mroom-path\nfolder=1\nkind=absent\n"

-- What it says of a file.
---@param content string
---@return string
function pretended.file(content)
  local head = "mroom-path\nstat=644 0 0 %d\nowner=root\ngroup=root\nkind=file\n\n%s"
  return head:format(#content, content)
end

-- The looks at a path answer these, one after the other; the second one comes with what writes.
---@param web Fake
---@param path string
---@param ... string
function pretended.looks(web, path, ...)
  web:on_like(("*set -- %s*mroom-path*"):format(path), ...)
end

-- Which of the calls wrote.
---@param web Fake
---@return mr.FakeCall[]
function pretended.writes(web)
  local list = {}
  for _, call in ipairs(web:calls()) do
    if not call.reads then
      list[#list + 1] = call
    end
  end
  return list
end

-- The outcome of `work` on the server `web-1`.
function pretended.map(work, opts)
  return fleet.select("web-1"):map(work, opts)[1]
end

return pretended
