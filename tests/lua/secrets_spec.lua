local SECRET = 'hun"ter\\2'

-- Nothing that a person, a log or a traceback shows may hold the secret, in any spelling.
local function hidden(text)
  expect(text):has_no "hun"
  expect(text):has_no "ter"
end

describe("a secret", function()
  local secret ---@type Secret

  before_each(function()
    secret = mr.secret(SECRET)
  end)

  it("prints as [redacted], alone and inside of things", function()
    print(secret, { secret } and tostring(secret), "x" .. secret, mr.inspect { a = { secret } })
    io.write(tostring(secret), "\n")
    expect(fake.printed()):has "[redacted]"
    hidden(fake.printed())
  end)

  it("is taken out of plain texts too", function()
    print("the word is " .. SECRET)
    print(mr.inspect { SECRET })
    print(mr.table { { word = SECRET }, { word = { SECRET } } })
    mr.log("the word is " .. SECRET)
    mr.warn(SECRET)
    hidden(fake.printed())
    hidden(table.concat(fake.notes(), "\n"))
    expect(#fake.notes()):is(2)
  end)

  it("does not stand in a command", function()
    local web = fake "web-1"
    local s = server "web-1"
    for _, command in ipairs {
      { "login", secret } --[[@as any]],
      secret,
    } do
      local err = expect(function()
        s:run(command)
      end):raises { kind = "usage" }
      hidden(tostring(err))
    end
    expect(web:calls()):is {}
  end)

  it("goes over standard input and into files as it is", function()
    local web = fake "web-1"
    web:on_like "*"
    local s = server "web-1"
    s:run("login", { stdin = secret })
    s:write("token", secret, { mode = "0600" })
    expect(web:calls()[1].stdin == SECRET):is(true)
    expect({ web:file "token" }):is { SECRET, "0600" }
  end)

  it("does not come back in errors", function()
    local web = fake "web-1"
    web:on("login", { code = 1, stderr = "bad password" })
    local s = server "web-1"
    local err = expect(function()
      s:run("login", { stdin = secret })
    end):raises { kind = "exit" }
    hidden(tostring(err))
    hidden(mr.inspect(err))
    expect(function()
      mr.json.encode { secret }
    end):raises { kind = "usage" }
  end)

  it("is equal to the same secret only", function()
    expect(secret == mr.secret(SECRET)):is(true)
    expect(secret == mr.secret "other"):is(false)
  end)
end)

describe("a server's password", function()
  it("is not to be had from its handle", function()
    fake("web-1", { password = SECRET })
    local s = server "web-1" ---@type any
    expect(s.password):is(nil)
    expect(s.pass):is(nil)
    print(s, mr.inspect(s), mr.inspect(s.meta), SECRET)
    hidden(fake.printed())
  end)
end)
