local web ---@type Fake
local s ---@type Server

before_each(function()
  web = fake("web-1", { tags = { "web" } })
  s = server "web-1"
end)

describe("run", function()
  it("gives the whole result", function()
    web:on("hostname", { stdout = "web\n", stderr = "hm\n" })
    local result = s:run "hostname"
    expect(result):has {
      ok = true,
      code = 0,
      stdout = "web\n",
      stderr = "hm\n",
      server = "web-1",
      command = "hostname",
      truncated = false,
    }
    expect(result.signal):is(nil)
    expect(math.type(result.duration)):is "float"
  end)

  it("raises on a bad exit, with all that is known", function()
    web:on("reload", { code = 3, stdout = "out\n", stderr = "no such unit\n" })
    local err = expect(function()
      s:run "reload"
    end):raises { kind = "exit", code = 3, server = "web-1", command = "reload" }
    expect(err.stderr):is "no such unit\n"
    expect(tostring(err)):has "web-1: "
  end)

  it("gives a bad exit as data when told so", function()
    web:on("grep x", { code = 1 })
    local result = s:run("grep x", { check = false })
    expect(result):has { ok = false, code = 1 }
  end)

  it("tells a signal from a code", function()
    web:on("loop", { signal = "KILL" })
    local result = s:run("loop", { check = false })
    expect(result):has { ok = false, signal = "KILL" }
    expect(result.code):is(nil)
    expect(function()
      s:run "loop"
    end):raises { kind = "exit", message = "command was killed by signal KILL" }
  end)

  it("raises on time-out and broken connection even with check = false", function()
    web:on("slow", { kind = "timeout", message = "took too long" })
    web:on("cut", { lost = true })
    for command, kind in pairs { slow = "timeout", cut = "connect" } do
      expect(function()
        s:run(command, { check = false })
      end):raises { kind = kind, server = "web-1" }
    end
  end)

  it("quotes the items of a list and leaves a text alone", function()
    web:on_like "*"
    s:run { "echo", "a b", "$HOME", "it's", 7 }
    s:run "echo $HOME | wc -c"
    expect(web:commands()):is { [[echo 'a b' '$HOME' 'it'\''s' 7]], "echo $HOME | wc -c" }
  end)

  it("hands over standard input, folder and variables", function()
    web:on_like "*"
    s:run("cat", { stdin = "hello" })
    expect(web:calls()[1].stdin):is "hello"
    s:run("pwd", { cwd = "/srv/my app", env = { A = "x y" } })
    expect(web:commands()[2]):has "'/srv/my app'"
    expect(web:commands()[2]):has "A='x y'"
  end)
end)

describe("test and capture", function()
  it("give a boolean and trimmed text, as readers", function()
    web:on("test -e /x", "", { code = 1 })
    web:on("date", "  today \n\n")
    expect(s:test "test -e /x"):is(true)
    expect(s:test "test -e /x"):is(false)
    expect(s:capture "date"):is "today"
    for _, call in ipairs(web:calls()) do
      expect(call.reads):is(true)
    end
  end)

  it("raise: capture on a bad exit, both without a connection", function()
    expect(function()
      s:capture "gone"
    end):raises { kind = "exit", code = 127 }
    fake.down "db-1"
    for _, verb in ipairs { "test", "capture" } do
      local db = server "db-1"
      expect(function()
        db[verb](db, "true")
      end):raises { kind = "connect", server = "db-1" }
    end
  end)
end)

describe("script", function()
  it("feeds the text over standard input with its arguments quoted", function()
    web:on_like("sh *", "done\n")
    local result = s:script("echo $1\n", { args = { "a b" } })
    expect(result.stdout):is "done\n"
    local call = web:calls()[1]
    expect(call.command):has "'a b'"
    expect(call.stdin):has "echo $1\n"
    expect(call.command):has_no "echo"
  end)
end)

describe("files", function()
  it("are written with a mode and read back", function()
    s:write("/etc/app.conf", "port = 1\n", { mode = "0600" })
    expect({ web:file "/etc/app.conf" }):is { "port = 1\n", "0600" }
    s:write("/etc/app.conf", "port = 2\n")
    expect({ web:file "/etc/app.conf" }):is { "port = 2\n", "0600" }
    expect(s:read "/etc/app.conf"):is "port = 2\n"
  end)

  it("are bytes", function()
    local bytes = "\0\255\r\n"
    s:write("blob", bytes)
    expect(s:read "blob" == bytes):is(true)
  end)

  it("raise when they are missing or too long", function()
    web:put("/long", ("x"):rep(11))
    expect(function()
      s:read "/gone"
    end):raises { kind = "transfer", server = "web-1" }
    expect(function()
      s:read("/long", { limit = 10 })
    end):raises { kind = "transfer" }
  end)

  it("lie below the home folder with and without a tilde", function()
    s:write("~/note", "x")
    expect(s:read "note"):is "x"
  end)
end)

describe("the inventory's side of a handle", function()
  it("shows its row and keeps metadata and tags", function()
    expect({ s.id, s.host, s.port, s.user, s.tags }):is {
      "web-1",
      "192.0.2.1",
      22,
      "root",
      { "web" },
    }
    s:meta_set("role", "edge")
    s:meta_set { a = 1, b = { "x" } }
    expect(server("web-1").meta):is { role = "edge", a = 1, b = { "x" } }
    s:meta_set("a", nil)
    s:tag "new"
    s:untag "web"
    expect(server("web-1").meta.a):is(nil)
    expect(s.tags):is { "new" }
  end)

  it("gives a copy of the metadata", function()
    s.meta.role = "changed"
    expect(s.meta.role):is(nil)
  end)

  it("knows no other server", function()
    expect(server.has "web-2"):is(false)
    local err = expect(function()
      server "web-2"
    end):raises { kind = "usage" }
    expect(err.hint):has "web-1"
  end)
end)
