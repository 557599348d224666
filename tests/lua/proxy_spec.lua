-- The proxy's configuration, rendered from records; and what a server says of its own.
local check = require "mr.proxy.check"
local place = require "mr.proxy.place"
local proxy = require "mr.proxy"

local SETTINGS = { kind = "host", folder = "/etc/haproxy", status_port = 18404, drain = 30 }

local function record(app, port, route)
  return proxy.recorded({ app = app, deploy = app .. "-1", port = port, route = route or {} }, "x")
end

local function render(...)
  return proxy.render(SETTINGS, { ... }, "abc")
end

describe("the proxy's configuration", function()
  it("leads to each app by host and path, the more particular first", function()
    local text = render(
      record("shop", 20001, { hosts = { "Shop.example.com", "*.shop.example.com" } }),
      record("blog", 20002, { path = "/blog" }),
      record("rest", 20003)
    )
    local lines = mr.text.lines(text)
    local rules = {}
    for _, line in ipairs(lines) do
      rules[#rules + 1] = line:match "^    (use_backend app_%l.+)$"
        or line:match "^    (default.+)$"
    end
    expect(rules):is {
      "use_backend app_shop if { req.hdr(host),field(1,:),lower -m str shop.example.com }",
      "use_backend app_shop if { req.hdr(host),field(1,:),lower -m end .shop.example.com }",
      "use_backend app_blog if { path -m reg ^/blog(/|$) }",
      "default_backend app_rest",
    }
    expect(text):has "backend app_shop\n    option forwardfor\n    timeout server 60s\n    server shop-1 127.0.0.1:20001\n"
    expect(text):has "bind :80\n"
  end)

  it("has TLS and TCP ports of their own", function()
    local text = render(
      record("shop", 20001, { listen = 443, cert = "/etc/ssl/shop.pem" }),
      record("mail", 20002, { listen = 25, mode = "tcp" })
    )
    expect(text):has "bind :443 ssl crt /etc/ssl/shop.pem alpn h2,http/1.1\n"
    expect(text):has "frontend port_25\n    mode tcp\n    bind :25\n    default_backend app_mail\n"
  end)

  it("is the same whatever the order of the apps", function()
    local a, b = record("a", 20001, { path = "/a" }), record("b", 20002, { path = "/b" })
    expect(render(a, b)):is(render(b, a))
  end)

  it("refuses apps that cannot stand beside each other", function()
    local clashes = {
      { record("a", 1), record("b", 2) },
      { record("a", 1, { hosts = { "x" } }), record("b", 2, { hosts = { "X" } }) },
      { record("a", 1, { mode = "tcp" }), record("b", 2) },
      { record("a", 1, { listen = 18404 }) },
    }
    for _, records in ipairs(clashes) do
      expect(function()
        proxy.render(SETTINGS, records, "abc")
      end):raises { kind = "usage" }
    end
  end)

  it("takes nothing that could be more than a value", function()
    local bad = {
      { hosts = { "a b" } },
      { hosts = { "a\nbind :1" } },
      { hosts = { "x }" } },
      { hosts = { 5 } },
      { path = "x" },
      { path = "/a b" },
      { path = "/a\n" },
      { listen = 0 },
      { listen = 65536 },
      { listen = "80" },
      { cert = "relative" },
      { cert = "/a b" },
      { mode = "udp" },
      { mode = "tcp", path = "/x" },
      { timeout = 0 },
      { unknown = 1 },
    }
    for _, route in ipairs(bad) do
      expect(function()
        proxy.routed("proxy", route)
      end):raises { kind = "usage" }
    end
    for _, fields in ipairs {
      { app = "A", deploy = "1", port = 1, route = {} },
      { app = "a", deploy = "1 2", port = 1, route = {} },
      { app = "a", deploy = "1", port = 0, route = {} },
      { app = "a", deploy = "1", route = {} },
    } do
      expect(function()
        proxy.recorded(fields, "record")
      end):raises { kind = "usage" }
    end
  end)
end)

describe("what a server says of its proxy", function()
  it("is read back as it was written", function()
    local one = record("shop", 20001, { hosts = { "a.example" } })
    local found = place.read(
      "mroom-proxy\nsettings="
        .. mr.json.encode(SETTINGS)
        .. "\nrecord="
        .. mr.json.encode(one)
        .. "\nwritten=00ff00ff00ff00ff\nbind=80\nbind=443\nrunning=0123456789abcdef\n"
    )
    expect(found.binds):is { ["80"] = true, ["443"] = true }
    expect(found.records):is { one }
    expect(found):has { written = "00ff00ff00ff00ff", running = "0123456789abcdef" }
    expect(place.record(found, "shop")):is(one)
    expect(place.record(found, "blog")):is(nil)
    expect(place.record(nil, "blog")):is(nil)
  end)

  it("may be that it has none", function()
    expect(place.read "mroom-proxy"):is(nil)
    expect(place.read "mroom-proxy\nwritten=ab\n"):is(nil)
  end)

  it("is refused when it makes no sense", function()
    for _, text in ipairs {
      "",
      "settings={}",
      "mroom-proxy\nsettings=\n",
      "mroom-proxy\nsettings=[1]\n",
      'mroom-proxy\nsettings={"kind":"host","folder":"etc"}\n',
      'mroom-proxy\nsettings={"kind":"host","folder":"/etc","more":1}\n',
      "mroom-proxy\nrecord={}\n",
    } do
      expect(function()
        place.read(text)
      end):raises()
    end
  end)
end)

describe("what HAProxy complains of", function()
  it("is told in one line, without its marks", function()
    local parsing = "config : parsing [/var/lib/machineroom/.new/haproxy.cfg:11] : "
    for said, line in pairs {
      -- 3.0, on a real server.
      ["[NOTICE]   (723) : haproxy version is 3.0.11-1+deb13u4\n[NOTICE]   (723) : path to executable is /usr/sbin/haproxy\n[ALERT]    (723) : " .. parsing .. "'bind :443' in section 'frontend' : unable to stat SSL certificate from file '/etc/ssl/shop.pem' : No such file or directory.\n[ALERT]    (723) : config : Error(s) found in configuration file : a.cfg\n"] = "`bind :443` in section `frontend` : unable to stat SSL certificate from file `/etc/ssl/shop.pem` : No such file or directory",
      ["[ALERT]    (758) : config : Proxy 'port_443': no SSL certificate specified for bind ':443' at [a.cfg:11] (use 'crt').\n"] = "Proxy `port_443`: no SSL certificate specified for bind `:443` at [a.cfg:11] (use `crt`)",
      -- 2.2.
      ["[ALERT] 327/100000 (9) : parsing [/x:3] : 'bind :443' : unable to load SSL private key from PEM file '/x.pem'.\n"] = "`bind :443` : unable to load SSL private key from PEM file `/x.pem`",
      ["sh: 1: exec: haproxy: not found\n"] = "sh: 1: exec: haproxy: not found",
      [""] = "",
      ["\n\n"] = "",
      ["[ALERT]"] = "[ALERT]",
      ["[ALERT] (1) : '"] = "'",
    } do
      expect(check.alert(said)):is(line)
    end
  end)
end)

describe("the stage proxy", function()
  local web ---@type Fake

  before_each(function()
    web = fake "web-1"
    web:on_like("*haproxy.cfg*", "theirs\n")
    web:on_like("*command -v haproxy*", "")
    web:on_like("sh -s -- */machineroom", "mroom-state\nway=login\nhome=/root\nmroom-proxy\n")
  end)

  local function failure(options)
    local outcome = fleet.select("web-1"):stage("proxy", { options = { proxy = options } })[1]
    expect(outcome.status):is "failed"
    return assert(outcome.err)
  end

  it("does not touch a configuration that somebody wrote", function()
    local err = failure {}
    expect(err.message):has "haproxy.cfg is not ours to change"
    expect(err.hint):has "proxy.take_over=true"
    for _, call in ipairs(web:calls()) do
      expect(call.reads or false):is(true)
    end
  end)

  it("needs root on the host, and says what else there is", function()
    web:on_like("sh -s -- */machineroom", "mroom-state\nway=home\nhome=/home/a\nmroom-proxy\n")
    local err = failure {}
    expect(err.message):has "only root"
    expect(err.hint):has "proxy.kind=container"
  end)
end)
