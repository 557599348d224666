describe("mr.try", function()
  it("gives all values, or nil and the error", function()
    local a, b = mr.try(function(x)
      return x, "b"
    end, "a")
    expect({ a, b }):is { "a", "b" }
    local value, err = mr.try(error, { kind = "timeout", message = "slow" })
    expect(value):is(nil)
    expect(err):has { kind = "timeout", message = "slow" }
  end)

  it("makes an err table of whatever was raised", function()
    local _, err = mr.try(error, "plain", 0)
    expect(err):has { kind = "script", message = "plain" }
    local _, none = mr.try(error)
    expect(assert(none).kind):is "script"
  end)

  it("may lie in itself", function()
    local inner ---@type mr.Err?
    local _, outer = mr.try(function()
      inner = select(2, mr.try(error, "in", 0))
      error("out", 0)
    end)
    expect({ assert(inner).message, assert(outer).message }):is { "in", "out" }
  end)
end)

describe("mr.fail", function()
  it("raises with a hint", function()
    expect(function()
      mr.fail("no disk", { hint = "buy one" })
    end):raises { kind = "script", message = "no disk", hint = "buy one" }
  end)
end)

describe("mr.retry", function()
  it("calls until it does not raise, and says which try it is", function()
    local tries = {}
    local value = mr.retry(function(try)
      tries[#tries + 1] = try
      if try < 3 then
        error "not yet"
      end
      return "there"
    end, { delay = 0 })
    expect(value):is "there"
    expect(tries):is { 1, 2, 3 }
  end)

  it("raises the last error", function()
    local count = 0
    expect(function()
      mr.retry(function()
        count = count + 1
        error("try " .. count, 0)
      end, { tries = 2, delay = 0 })
    end):raises "try 2"
    expect(count):is(2)
  end)

  it("does not repeat wrong usage", function()
    local count = 0
    expect(function()
      mr.retry(function()
        count = count + 1
        mr.sleep(-1)
      end, { delay = 0 })
    end):raises { kind = "usage" }
    expect(count):is(1)
  end)

  it("asks the server again", function()
    local web = fake "web-1"
    web:on("systemctl is-active app", { code = 3 }, "active\n")
    local s = server "web-1"
    local state = mr.retry(function()
      return s:capture "systemctl is-active app"
    end, { delay = 0 })
    expect(state):is "active"
    expect(#web:commands()):is(2)
  end)
end)

describe("mr.wait", function()
  it("gives what came", function()
    local web = fake "web-1"
    web:on("test -e /ready", { code = 1 }, { code = 1 }, "")
    local s = server "web-1"
    local came = mr.wait(function()
      return s:test "test -e /ready"
    end, { every = 0.001 })
    expect(came):is(true)
    expect(#web:commands()):is(3)
  end)

  it("gives up with the name of what did not come", function()
    local err = expect(function()
      mr.wait(function()
        return false
      end, { timeout = 0.01, every = 0.002, what = "the database" })
    end):raises { kind = "timeout" }
    expect(err.message):is "the database did not come within 0.01 s"
  end)
end)

describe("mr.json", function()
  it("carries values there and back", function()
    local value = { a = { 1, 2.5, "x" }, b = { c = true }, d = "é\n" }
    expect(mr.json.decode(mr.json.encode(value))):is(value)
  end)

  it("keeps null and empty lists", function()
    expect(mr.json.encode(mr.json.array {})):is "[]"
    expect(mr.json.encode {}):is "{}"
    expect(mr.json.decode "[null]"[1] == mr.json.null):is(true)
    expect(mr.json.encode { a = mr.json.null }):is '{"a":null}'
  end)

  it("refuses what is no JSON", function()
    for _, text in ipairs { "", "{", "{'a':1}", "[1,]", "nil" } do
      expect(function()
        mr.json.decode(text)
      end):raises { kind = "usage" }
    end
    expect(function()
      mr.json.encode { print }
    end):raises { kind = "usage" }
  end)
end)

describe("mr.template", function()
  it("puts values in", function()
    local text = mr.template("{{ user }}@{{host.name}}:{{ ports[0] }}\n", {
      user = "me",
      host = { name = "web" },
      ports = { 22 },
    })
    expect(text):is "me@web:22\n"
  end)

  it("goes through lists and asks", function()
    local text = [[
{% for s in servers %}
  {% if s.up is defined and s.up %}
server {{ s.name | upper }}:{{ s.port | default(80) }};
  {% endif %}
{% endfor %}
# {{ servers | map(attribute="name") | join(",") }} {{ list | tojson }}
]]
    local servers =
      { { name = "a", up = true, port = 8080 }, { name = "b" }, { name = "c", up = true } }
    local shown = mr.template(text, { servers = servers, list = { 1, "x" } })
    expect(shown):is 'server A:8080;\nserver C:80;\n# a,b,c [1, "x"]\n'
  end)

  it("does not read what it put in, and escapes nothing", function()
    expect(mr.template("{{ a }}", { a = "{{ b }} %1 <&>" })):is "{{ b }} %1 <&>"
  end)

  it("raises on what is not defined or no text, with the line", function()
    for text, message in pairs {
      ["a\n\n{{ x }}"] = "template line 3: `x` is not defined",
      ["{{ a.x }}"] = "template line 1: `a.x` is not defined",
      ["{% if x %}{% endif %}"] = "`x` is not defined",
      ["{% for i in x %}{% endfor %}"] = "`x` is not defined",
      ["{{ a }}"] = "template line 1: `a` is a list",
      ["{{ }}"] = "template line 1: unexpected end",
      ["{{ 'a' | nothing }}"] = "filter nothing is unknown",
      ["{% include '/etc/passwd' %}"] = "unknown statement include",
    } do
      local err = expect(function()
        mr.template(text, { a = {} })
      end):raises { kind = "script" }
      expect(err.message):has(message)
    end
    expect(function()
      mr.template("\n{{ x }}", {}, { name = "nginx.conf.tpl" })
    end):raises "nginx.conf.tpl:2: `x` is not defined"
  end)

  it("refuses values that are none", function()
    local loop = {}
    loop.loop = loop
    for _, values in ipairs {
      { a = print },
      { a = loop },
      { a = { 1, x = 1 } },
      { a = { [true] = 1 } },
    } do
      local err = expect(function()
        mr.template("x", values)
      end):raises { kind = "usage" }
      expect(err.message):has "`mr.template`: `a"
    end
    expect(function()
      local nothing ---@type any
      mr.template(nothing, {})
    end):raises { kind = "usage" }
  end)

  it("makes a secret of what holds one", function()
    local text = mr.template("key = {{ key }}\n", { key = mr.secret "hunter2000" })
    expect(tostring(text)):is "[redacted]"
    expect(mr.template("{{ n }}", { n = 1.5 })):is "1.5"
  end)
end)

describe("mr.text", function()
  it("takes texts apart", function()
    expect(mr.text.trim " \t a b \n"):is "a b"
    expect(mr.text.lines "a\r\n\nb\n"):is { "a", "", "b" }
    expect(mr.text.lines ""):is {}
    expect(mr.text.split " a  b "):is { "a", "b" }
    expect(mr.text.split("a,,b", ",")):is { "a", "", "b" }
    expect(mr.text.split("a.b", ".")):is { "a", "b" }
    expect(mr.text.pairs "a=1\nnoise\nb.c=x=y\r\n"):is { a = "1", ["b.c"] = "x=y" }
  end)

  it("compares without patterns", function()
    expect(mr.text.starts_with("a.b", "a.")):is(true)
    expect(mr.text.starts_with("axb", "a.")):is(false)
    expect(mr.text.ends_with("a.b", ".b")):is(true)
    expect(mr.text.ends_with("ab", "")):is(true)
    expect(mr.text.contains("50%", "%")):is(true)
  end)

  it("moves lines", function()
    expect(mr.text.indent("a\n\nb", 2)):is "  a\n\n  b"
    expect(mr.text.dedent "\n    a\n      b\n"):is "a\n  b\n"
  end)
end)

describe("mr.table", function()
  it("lines columns up, in the order that is asked for", function()
    local rows = { { id = "web-01", use = 7 }, { id = "é", use = 12, list = { 1, { a = 2 } } } }
    expect(mr.table(rows, { columns = { "use", "id" } })):is "USE  ID\n7    web-01\n12   é"
    expect(mr.table(rows)):has "LIST"
    expect(mr.table(rows)):has "{ 1, { a = 2 } }"
  end)

  it("keeps a record on one line", function()
    local rows = { { a = "x\ny", b = { "long\ntext", ("x"):rep(90) } } }
    expect(#mr.text.lines(mr.table(rows))):is(2)
  end)
end)

describe("mr.quote", function()
  it("makes one word, or several, of anything", function()
    expect(mr.quote "plain"):is "plain"
    expect(mr.quote "a b"):is "'a b'"
    expect(mr.quote ""):is "''"
    expect(mr.quote { "rm", "$HOME/x", "it's" }):is [[rm '$HOME/x' 'it'\''s']]
  end)
end)

describe("waiting calls", function()
  it("work inside the user's own coroutines", function()
    local web = fake "web-1"
    web:on("next", "1", "2", "3")
    local s = server "web-1"
    local numbers = coroutine.wrap(function()
      for _ = 1, 3 do
        mr.sleep(0)
        coroutine.yield(s:capture "next")
      end
    end)
    expect({ numbers(), numbers(), numbers() }):is { "1", "2", "3" }
  end)
end)
