-- Files of the local workspace on their way into the server's.
local script = require "mr.facts.script"
local workspace = require "mr.workspace"

local web ---@type Fake
local file ---@type string

before_each(function()
  web = fake "web-1"
  web:on_like(
    "sh -s -- *=*",
    table.concat({ script.first, "home=/home/op", script.last, "" }, "\n")
  )
  file = os.tmpname()
  local out = assert(io.open(file, "w"))
  out:write "port={{ port }}\r\n"
  out:close()
end)

local CACHE, ASSETS = "/home/op/machineroom/cache/", "/home/op/machineroom/assets/"

describe("a file for the workspace", function()
  it("goes into cache or assets, as the login, and only when it differs", function()
    local s = server "web-1"
    local name = assert(file:match "[^/]*$")
    expect(s:upload_cache_file(file).status):is "changed"
    expect(web:file(CACHE .. name)):is "port={{ port }}\r\n"
    expect(s:upload_cache_file(file).status):is "ok"
    expect(s:upload_asset_file(file, { to = "etc/app.conf", mode = "0600" }).status):is "changed"
    local text, mode = web:file(ASSETS .. "etc/app.conf")
    expect({ text, mode }):is { "port={{ port }}\r\n", "0600" }
    os.remove(file)
  end)

  it("becomes what values and functions make of it", function()
    local s = server "web-1"
    s:upload_asset_file(file, {
      to = "a",
      values = { port = 8080 },
      modifier = {
        function(text)
          return (text:gsub("\r\n", "\n"))
        end,
        function(text)
          return text .. "# end\n"
        end,
      },
    })
    expect(web:file(ASSETS .. "a")):is "port=8080\n# end\n"
    os.remove(file)
  end)

  it("is refused when it would land elsewhere, or is no file", function()
    local s = server "web-1" ---@type any
    for _, case in ipairs {
      { file, { to = "../x" }, "must be a name below `cache/`" },
      { file, { to = "/etc/passwd" }, "must be a name below `cache/`" },
      { file, { to = "a/../../x" }, "must be a name below `cache/`" },
      { file, { to = "" }, "must be a name below `cache/`" },
      { file, { mode = "u+x" }, "`mode` must be" },
      { file, { modifier = "upper" }, "`modifier` must be a function" },
      { file, { modifier = function() end }, "a modifier must give a text, not nil" },
      { file, { colour = 1 }, "unknown option `colour`" },
      { "", {}, "the local file must be a path" },
      { 7, {}, "the local file must be a path" },
      { "/nowhere/at/all", { values = {} }, "cannot read the local file" },
    } do
      expect(function()
        s:upload_cache_file(case[1], case[2])
      end):raises(case[3])
    end
    os.remove(file)
  end)

  it("is looked for below the local workspace", function()
    expect(workspace.here "/etc/x"):is "/etc/x"
    expect(workspace.here "~/x"):is "~/x"
    expect(mr.text.ends_with(workspace.here "clash.yaml", "/clash.yaml")):is(true)
    os.remove(file)
  end)
end)
