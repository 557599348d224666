---@type any
local pretended = dofile(require("mr.native").local_path "helpers/pretended.lua")
local web ---@type Fake
-- Not a `Server` to the type checker: some of what it is asked here is wrong on purpose.
local s ---@type any

before_each(function()
  web = fake "web-1"
  s = server "web-1"
end)

describe("an operation", function()
  it("looks, writes, looks again, and says what was different", function()
    pretended.looks(web, "/etc/motd", pretended.file "old\n", pretended.file "new\n")
    local result = s:ops():file("/etc/motd", { content = "new\n" })
    expect(result):is {
      op = "file",
      target = "/etc/motd",
      status = "changed",
      changed = true,
      changes = { "content" },
    }
    expect(tostring(result)):is "file /etc/motd: changed"
    -- The second look goes with the write.
    expect(#web:calls()):is(2)
    expect(pretended.writes(web)[1].command):has "step write /etc/motd 0644"
  end)

  it("does nothing where nothing differs", function()
    pretended.looks(web, "/etc/motd", pretended.file "new\n")
    local result = s:ops():file("/etc/motd", { content = "new\n" })
    expect(result):has { status = "ok", changed = false, changes = {} }
    expect(#web:calls()):is(1)
    expect(pretended.writes(web)):is {}
  end)

  it("fails when that was not enough", function()
    pretended.looks(web, "/etc/motd", pretended.file "old\n")
    local err = expect(function()
      s:ops():file("/etc/motd", { content = "new\n" })
    end):raises { kind = "script" }
    expect(err.message):has "file `/etc/motd`: "
    expect(err.message):has "still differs: content"
  end)

  it("fails with what the server said", function()
    web:on_like("*mroom-path*", { code = 1, stderr = "no such user\n" })
    local err = expect(function()
      s:ops():dir "/srv"
    end):raises { kind = "exit", server = "web-1", code = 1 }
    expect(err.message):has "dir `/srv`: "
    expect(err.stderr):has "no such user"
  end)

  it("fails with the step that failed, and does nothing after it", function()
    web:on_like(
      "*mroom-path*",
      pretended.ABSENT,
      { code = 1, stdout = "mroom-step 2\n", stderr = "no\n" }
    )
    local err = expect(function()
      s:ops():dir("/srv/app", { mode = "2750", owner = "app" })
    end):raises { kind = "exit", command = "chown -- app /srv/app", stderr = "no\n" }
    expect(err.message):has "dir `/srv/app`: "
    expect(#web:calls()):is(2)
  end)

  it("sets the mode once more where a folder's ACL has given a new file another", function()
    local other = pretended.file("x\n"):gsub("stat=644", "stat=660")
    pretended.looks(web, "/srv/x", pretended.ABSENT, other, pretended.file "x\n")
    local result = s:ops():file("/srv/x", { content = "x\n", mode = "0644" })
    expect(result):has { status = "changed", changes = { "made" } }
    expect(#web:calls()):is(3)
    expect(pretended.writes(web)[2].command):has "step chmod 0644 -- /srv/x\n"
  end)

  it("goes with others only where it leaves nothing running and may not take long", function()
    fake.module(
      "ops.many",
      [[return { name = "many", takes = {}, options = {},
        look = function() return { script = "echo seen" } end,
        read = function(text) return { text } end,
        plan = function(_, _, _, _, again)
          return not again and { changes = { "all" }, steps = {
            { run = { "mkdir", "/a" } },
            { write = "/a/b", content = mr.secret "hunter2000" },
            { write = "/a/c", content = "\0" },
            { run = { "systemctl", "start", "a" } },
            { remove = "/a", tree = true },
          } } or nil
        end }]]
    )
    web:on_like "*"
    s:ops():many()
    local seen = {}
    for i, call in ipairs(web:calls()) do
      seen[i] = { (assert(call.command):match "^[^\n]*"), call.stdin }
    end
    expect(seen):is {
      { "# look: many many", "" },
      { "# mkdir /a; write /a/b", "hunter2000" },
      { "# write /a/c", "\0" },
      { "systemctl start a", "" },
      { "# remove /a", "" },
      { "# look: many many", "" },
    }
  end)

  it("runs as the user that the call, else all of them, name", function()
    web:on_like("*mroom-path*", pretended.ABSENT)
    web:on_like "*mkdir*"
    local on = s:ops { sudo = true }
    mr.try(on.dir, on, "/srv/a")
    mr.try(on.dir, on, "/srv/b", { sudo = "app" })
    mr.try(on.dir, on, "/srv/c", { sudo = false })
    local users = {}
    for _, call in ipairs(web:calls()) do
      users[#users + 1] = call.sudo or "login"
    end
    expect(users):is { "root", "root", "app", "app", "login", "login" }
  end)

  it("keeps a secret out of commands and results", function()
    pretended.looks(web, "/etc/key", pretended.ABSENT, pretended.file "hunter2000")
    s:ops():file("/etc/key", { content = mr.secret "hunter2000", mode = "0644" })
    for _, command in ipairs(web:commands()) do
      expect(command):has_no "hunter2000"
    end
    expect(pretended.writes(web)[1].stdin):is "hunter2000"
  end)

  it("is refused with the place of the call, and nothing reaches the server", function()
    local on = s:ops()
    for _, case in ipairs {
      {
        "no operation `fiel`",
        "did you mean `file`?",
        function()
          on:fiel "/x"
        end,
      },
      {
        "`file`: unknown option `contents`",
        "did you mean `content`?",
        function()
          on:file("/x", { contents = "" })
        end,
      },
      {
        "`file`: `mode` must be an octal text",
        nil,
        function()
          on:file("/x", { mode = 644 })
        end,
      },
      {
        "the value before the verb is missing",
        "with a colon",
        function()
          on.file("/x", {})
        end,
      },
      {
        "`ops`: unknown option `sodo`",
        "did you mean `sudo`?",
        function()
          s:ops { sodo = true }
        end,
      },
      {
        "`sudo` must be true, false",
        nil,
        function()
          on:file("/x", { sudo = 1 })
        end,
      },
      {
        "`handler`: what `x` does must be a function",
        nil,
        function()
          on:handler("x", 1)
        end,
      },
    } do
      local err = expect(case[3]):raises { kind = "usage" }
      expect(err.message):has(case[1])
      if case[2] then
        expect(err.hint):has(case[2])
      end
    end
    local err = expect(function()
      on:file("/x", { contents = "" })
    end):raises()
    expect(err.message):has "ops_spec.lua:"
    expect(web:calls()):is {}
  end)
end)

describe("a server's outcome", function()
  it("is changed when an operation has changed something, else ok", function()
    pretended.looks(
      web,
      "/etc/motd",
      pretended.file "old",
      pretended.file "new",
      pretended.file "new"
    )
    local function work(t)
      t:ops():file("/etc/motd", { content = "new" })
    end
    expect(pretended.map(work).status):is "changed"
    expect(pretended.map(work).status):is "ok"
  end)

  it("is that of its operations in a stage, too", function()
    fake.module(
      "stages.motd",
      [[return { name = "motd", apply = function(s)
        s:ops():file("/etc/motd", { content = "new" })
      end }]]
    )
    pretended.looks(
      web,
      "/etc/motd",
      pretended.file "old",
      pretended.file "new",
      pretended.file "new"
    )
    expect(fleet.select("web-1"):stage("motd")[1].status):is "changed"
    expect(fleet.select("web-1"):stage("motd")[1].status):is "ok"
  end)
end)

describe("check mode", function()
  it("writes nothing and goes on from what would be there", function()
    web:on_like("*mroom-path*", pretended.ABSENT)
    local seen = {}
    local outcome = pretended.map(function(t)
      local on = t:ops()
      seen[1] = on:dir("/srv/app", { mode = "0750" }).status
      seen[2] = on:file("/srv/app/conf", { content = "a\n" }).changed
      seen[3] = on:line("/srv/app/conf", { line = "b" }).changes[1]
      seen[4] = on:line("/srv/app/conf", { line = "a" }).status
      seen[5] = on:dir("/srv/app", { mode = "0750" }).status
    end, { check = true })
    expect(seen):is { "changed", true, "content", "ok", "ok" }
    expect(outcome.status):is "changed"
    expect(pretended.writes(web)):is {}
  end)

  it("does not guess: what cannot be known is unknown, and so is who looks at it", function()
    fake.module(
      "ops.guess",
      [[return { name = "guess", takes = {}, options = {},
        look = function() return { script = "true" } end,
        read = function() return {} end,
        plan = function() return { unknown = "nobody has asked" } end }]]
    )
    web:on_like "*"
    local result ---@type any
    local outcome = pretended.map(function(t)
      result = t:ops():guess()
    end, { check = true })
    expect(outcome.status):is "unknown"
    expect(result.status):is "unknown"
    outcome = pretended.map(function(t)
      return t:ops():guess().changed
    end, { check = true })
    expect(outcome.status):is "unknown"
    expect(outcome.err.message):has "check mode cannot tell `changed` of guess"
    outcome = pretended.map(function(t)
      t:ops():guess()
    end)
    expect(outcome.status):is "failed"
    expect(outcome.err.message):has "nobody has asked"
  end)

  it("takes what fails behind a change for unknown", function()
    web:on_like("*mroom-path*", "mroom-path\nfolder=0\nkind=absent\n")
    local status
    pretended.map(function(t)
      t:run "mkdir -p /srv/app"
      status = t:ops():file("/srv/app/conf", { content = "x" }).status
    end, { check = true })
    expect(status):is "unknown"
  end)
end)

describe("an operation of one's own", function()
  it("wins over the one that ships, and can extend it", function()
    fake.module(
      "ops.dir",
      [[local own = {}
      for key, value in pairs(require "bundled.ops.dir") do own[key] = value end
      own.target = function(o) return "my " .. o.path end
      return own]]
    )
    web:on_like("*mroom-path*", "mroom-path\nstat=755 0 0 9\nkind=dir\n")
    expect(s:ops():dir("/srv").target):is "my /srv"
  end)

  it("is refused with its file when it is none", function()
    for text, message in pairs {
      ["return 1"] = "must return a table",
      ["return { name = 'own' }"] = "`takes` is missing",
      ["return { name = 'own', takes = {}, look = 1 }"] = "`look` must be a function",
      ["return { name = 'own', look_ = 1 }"] = "unknown key `look_`",
      ["return { name = 'own', takes = { { 'a', type = 'thing' } }, look = print, read = print, plan = print }"] = "`takes[1]` must be a table with a `type`",
      ["return { name = 'two', takes = {}, look = print, read = print, plan = print }"] = "`name` must be `own`",
    } do
      package.loaded["ops.own"] = nil
      fake.module("ops.own", text)
      local err = expect(function()
        s:ops():own()
      end):raises { kind = "usage" }
      expect(err.message):has(message)
      expect(err.message):has "ops/own.lua: "
    end
  end)
end)

describe("a pretended server", function()
  it("has files that operations work on", function()
    web:put("/etc/app.conf", "port = 1\n", { mode = "0600" })
    local function work(t)
      local on = t:ops()
      on:dir("/srv/app", { mode = "0750", owner = "app" })
      on:file("/srv/app/motd", { content = "hello\n", owner = "app", group = "www" })
      on:line("/etc/app.conf", { line = "port = 2", match = "^port" })
      on:link("/srv/current", { to = "app" })
      on:file("/srv/current", { content = "x", force = true, mode = "0640" })
      on:file("/old", { state = "absent" })
      on:dir("/srv/app/it's", { state = "absent" })
    end
    expect(pretended.map(work).status):is "changed"
    expect({ web:file "/srv/app/motd" }):is { "hello\n", "0644" }
    expect({ web:file "/etc/app.conf" }):is { "port = 2\n", "0600" }
    expect({ web:file "/srv/current" }):is { "x", "0640" }
  end)

  it("has files that come in an archive", function()
    fake.module(
      "ops.many",
      [[return { name = "many", takes = {}, options = {}, verify = false,
        look = function() return { script = "" } end,
        read = function() return {} end,
        plan = function()
          local steps = {}
          for i = 1, 12 do
            local to = ("/srv/%d/job%d"):format(i % 2, i)
            steps[i] = { upload = "ops_spec.lua", to = to, mode = "0755", size = 1 << 15 }
          end
          return { changes = { "all" }, steps = steps }
        end }]]
    )
    web:on_like("*look: many*", "")
    s:ops():many()
    expect(#web:calls()):is(2)
    local file = require("mr.native").local_path "ops_spec.lua"
    local here = assert(io.open(file, "rb")):read "a"
    for i = 1, 12 do
      expect({ web:file(("/srv/%d/job%d"):format(i % 2, i)) }):is { here, "0755" }
    end
  end)

  it("knows when nothing is left to do", function()
    local function work(t)
      t:ops():template("/etc/motd", { text = "{{ id }}\n", values = { id = t.id }, mode = "0600" })
    end
    expect(pretended.map(work).status):is "changed"
    expect(pretended.map(work).status):is "ok"
    web:put("/etc/motd", "broken")
    expect(pretended.map(work, { check = true }).status):is "changed"
    expect({ web:file "/etc/motd" }):is { "broken", "0644" }
  end)
end)
