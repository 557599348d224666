-- The API of clash, and what its configuration says of the server's traffic.
local clash = require "mr.clash"

describe("a configuration of clash", function()
  it("takes all traffic when tun is on", function()
    for text, takes in pairs {
      ["tun:\n  enable: true\n"] = true,
      ["port: 1\ntun:\n  stack: system\n  # why\n\n  enable: true\nrules: []"] = true,
      ["tun: { stack: gvisor, enable: true }"] = true,
      ["tun:\n  enable: false\ndns:\n  enable: true\n"] = false,
      ["tun:\n  stack: system\ndns:\n  enable: true\n"] = false,
      ["dns:\n  enable: true\n"] = false,
      ["# tun:\n#  enable: true\n"] = false,
      [""] = false,
    } do
      expect({ text, clash.takes_all(text) }):is { text, takes }
    end
  end)
end)

describe("the API of clash", function()
  local O = { controller = "127.0.0.1:9090", secret = mr.secret 'p"a\\ss-9f2' }

  it("is asked over standard input, so that nobody sees the secret", function()
    local web = fake "web-1"
    web:on_like("curl *", '{"now":"DIRECT"}')
    local s = server "web-1"
    expect(clash.selected(s, O, "Proxy: 1")):is "DIRECT"
    clash.select(s, O, "Proxy: 1", "Fast")
    local asked, told = web:calls()[1], web:calls()[2]
    expect(asked.command):is "curl --config -"
    expect({ asked.reads, told.reads or false }):is { true, false }
    expect(asked.stdin):has 'url = "http://127.0.0.1:9090/proxies/Proxy%3A%201"\n'
    expect(asked.stdin):has 'header = "Authorization: Bearer p\\"a\\\\ss-9f2"\n'
    expect(told.stdin):has 'request = "PUT"\n'
    expect(told.stdin):has 'data = "{\\"name\\":\\"Fast\\"}"\n'
  end)

  it("that answers nonsense has nothing selected", function()
    local web = fake "web-1"
    local s = server "web-1"
    for _, text in ipairs { "", "{", "[]", '"now"', '{"now":7}', "\27[2J" } do
      web:on_like("curl *", text)
      expect(clash.selected(s, O, "x")):is(nil)
    end
    web:on_like("curl *", { code = 7 })
    expect(clash.selected(s, O, "x")):is(nil)
    expect(clash.reload(s, O, "/x")):is(false)
  end)
end)
