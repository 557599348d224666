local function answer(lines)
  return "--mroom-ports--\n" .. lines .. "\n--mroom-ports-end--\n"
end

describe("server:listening", function()
  it("gives each port once, with its addresses", function()
    local web = fake "web"
    web:on(
      "sh -s",
      answer [[
hex=00000000:0016
hex=00000000000000000000000000000000:0016
hex=0100007F:0CEA
hex=00000000000000000000000001000000:0019
hex=0000000000000000FFFF00000100007F:1F90
hex=B80D0120000000000000000001000000:0050
hex=0200000A:0050
hex=nonsense
ephemeral=32768	60999]]
    )
    local listening = server("web"):listening()
    expect(listening.ephemeral):is { 32768, 60999 }
    expect(listening.ports):is {
      { port = 22, addresses = { "0.0.0.0", "::" }, is_local = false },
      { port = 25, addresses = { "::1" }, is_local = true },
      { port = 80, addresses = { "10.0.0.2", "2001:db8::1" }, is_local = false },
      { port = 3306, addresses = { "127.0.0.1" }, is_local = true },
      { port = 8080, addresses = { "127.0.0.1" }, is_local = true },
    }
  end)

  it("believes nothing that is no answer", function()
    local web = fake "web"
    web:on("sh -s", answer "text=[::]:443\ntext=*.80\nephemeral=0 70000\nephemeral=a b\nx=1:2")
    local listening = server("web"):listening()
    expect(listening.ephemeral):is(nil)
    expect(listening.ports):is {
      { port = 80, addresses = { "*" }, is_local = false },
      { port = 443, addresses = { "::" }, is_local = false },
    }
    local other = fake "other"
    other:on("sh -s", "no shell here")
    expect(function()
      server("other"):listening()
    end):raises { kind = "script" }
  end)
end)

describe("mr.scan", function()
  it("says what is closed, and what is not as expected", function()
    local scan = mr.scan("127.0.0.1", { ports = { 1, "2-3" }, expect = 2 })
    expect(scan.host):is "127.0.0.1"
    expect(#scan.open):is(0)
    expect(scan.closed):is(3)
    expect(scan.is_silent):is(false)
    expect(scan.remarks):is { { port = 2, remark = "missing" } }
  end)

  it("holds a server's own words beside it", function()
    local listening = { ports = { { port = 1, addresses = { "0.0.0.0" }, is_local = false } } }
    local scan = mr.scan("127.0.0.1", { ports = "top:1", listening = listening })
    expect(scan.closed + #scan.open):is(2)
    expect(scan.remarks):is { { port = 1, remark = "hidden" } }
  end)

  it("gives a list for a list, with the reason for each that fails", function()
    local scans = mr.scan({ "127.0.0.1", "no-such-host.invalid" }, { ports = 1 })
    expect(#scans):is(2)
    expect(scans[1].closed):is(1)
    expect(assert(scans[2].err).kind):is "connect"
    expect(function()
      mr.scan("no-such-host.invalid", { ports = 1 })
    end):raises { kind = "connect", message = "host `no-such-host.invalid` does not resolve" }
  end)

  it("refuses what is no port and no option", function()
    for ports, why in pairs {
      ["0"] = "`0` is not a port from 1 to 65535",
      ["90-80"] = "`90-80` goes backwards: write `80-90`",
      [""] = "the list of ports is empty",
      ["22,x"] = "`x` is not a port from 1 to 65535",
    } do
      local _, err = mr.try(mr.scan, "127.0.0.1", { ports = ports })
      expect(err and err.kind):is "usage"
      expect(err and err.message):has("`mr.scan`: `ports`: " .. why)
    end
    for _, opts in ipairs {
      { port = 1 },
      { ports = {} },
      { ports = true },
      { wait = 0 },
      { rate = 0 },
      { banner = 1 },
      { listening = { 22 } },
    } do
      expect(function()
        mr.scan("127.0.0.1", opts)
      end):raises { kind = "usage" }
    end
    for _, host in ipairs { "", 7, { 7 } } do
      expect(function()
        ---@cast host string
        mr.scan(host)
      end):raises { kind = "usage" }
    end
  end)
end)

describe("server:scan_ports", function()
  it("scans the server's host and asks the server", function()
    local web = fake("web", { host = "127.0.0.1" })
    web:on("sh -s", answer "hex=00000000:0001")
    local scan = server("web"):scan_ports { ports = 1, expect = "1" }
    expect(scan.host):is "127.0.0.1"
    expect(scan.remarks):is { { port = 1, remark = "hidden" }, { port = 1, remark = "missing" } }
  end)

  it("does not guess about a server behind another", function()
    fake "web"
    server("web"):meta_set("jump", "me@127.0.0.1")
    expect(function()
      server("web"):scan_ports()
    end):raises {
      kind = "connect",
      message = "it is behind the jump host `me@127.0.0.1`: it cannot be scanned from here",
    }
    expect(function()
      ssh.here():scan_ports()
    end):raises { kind = "usage" }
  end)
end)
