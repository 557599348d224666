-- Not a `Server` to the type checker: what it is asked here is wrong on purpose.
local s ---@type any

before_each(function()
  fake "web-1"
  s = server "web-1"
end)

-- Each call is refused before anything reaches the server, with the call, the key and the keys
-- that are allowed.
local function refuses(cases)
  for _, case in ipairs(cases) do
    local call, message, hint = table.unpack(case)
    local err = expect(call):raises { kind = "usage" }
    expect(err.message):has(message)
    if hint then
      expect(err.hint):has(hint)
    end
  end
end

describe("options", function()
  it("with an unknown key are refused, with the nearest one", function()
    refuses {
      {
        function()
          s:run("x", { timout = 1 })
        end,
        "`run`: unknown option `timout`",
        "did you mean `timeout`?",
      },
      {
        function()
          s:write("f", "x", { mod = "0600" })
        end,
        "`write`: unknown option `mod`",
        "did you mean `mode`?",
      },
      {
        function()
          s:capture("x", { check = false })
        end,
        "`capture`: unknown option `check`",
        "options of `capture`:",
      },
      {
        function()
          fleet.select("all"):map(print, { fork = 1 })
        end,
        "`map`: unknown option `fork`",
        "did you mean `forks`?",
      },
      {
        function()
          server.add { id = "x", host = "h", user = "u", prot = 1 }
        end,
        "unknown option `prot`",
        "did you mean `port`?",
      },
      {
        function()
          mr.retry(print, { tires = 1 })
        end,
        "`mr.retry`: unknown option `tires`",
        "tries",
      },
      {
        function()
          fleet.select("all"):stage("env", { chek = true })
        end,
        "`stage`: unknown option `chek`",
        "check",
      },
    }
  end)

  it("of the wrong type are refused", function()
    refuses {
      {
        function()
          s:run("x", { timeout = "soon" })
        end,
        "`run`: `timeout` must be a number of seconds, not a string",
      },
      {
        function()
          s:run("x", { timeout = -1 })
        end,
        "`timeout` is out of range",
      },
      {
        function()
          s:run("x", { check = "no" })
        end,
        "`check` must be true or false, not a string",
      },
      {
        function()
          s:run("x", true)
        end,
        "`run`: options must be a table",
      },
      {
        function()
          s:write("f", "x", { mode = "rwx" })
        end,
        '`mode` must be an octal text such as "0644"',
      },
      {
        function()
          fleet.select("all"):map(print, { forks = 0 })
        end,
        "`forks` must be from 1 to ",
      },
      {
        function()
          s:run("x", { env = { ["a b"] = 1 } })
        end,
        "`a b` is not the name of a variable",
      },
    }
  end)

  it("say where the call was", function()
    local err = expect(function()
      s:run("x", { timout = 1 })
    end):raises()
    expect(err.message):has "options_spec.lua:"
  end)

  it("do not reach the server when they are wrong", function()
    local web = fake "web-2"
    mr.try(function()
      server("web-2"):run("x", { timout = 1 })
    end)
    expect(web:calls()):is {}
  end)
end)

describe("commands", function()
  it("must be a text or a list of words", function()
    refuses {
      {
        function()
          s:run()
        end,
        "must be a string or a list, not nil",
      },
      {
        function()
          s:run {}
        end,
        "an empty list is no command",
      },
      {
        function()
          s:run { "a", {} }
        end,
        "an argument must be a string or a number",
      },
      {
        function()
          s:run { "a\0b" }
        end,
        "NUL",
      },
    }
  end)

  it("are called with a colon", function()
    local err = expect(function()
      s.run "x"
    end):raises { kind = "usage" }
    expect(err.hint):has "colon"
  end)
end)
