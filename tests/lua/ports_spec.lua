local function answer(lines)
  return "Welcome!\n--mroom-ports--\n" .. lines .. "\n--mroom-ports-end--\n"
end

describe("server:ports", function()
  it("reads what Linux says, sorted and each once", function()
    local web = fake "web"
    web:on(
      "sh -s",
      answer [[
hex=00000000:0050
hex=00000000000000000000000000000000:0050
hex=0100007F:0CEA
hex=00000000000000000000000001000000:0019
hex=0000000000000000FFFF00000100007F:1F90
hex=7F01A8C0:1A0B
hex=0200000A:0016]]
    )
    expect(server("web"):ports()):is { 22, 80, 6667 }
    expect(server("web"):ports { all = true }):is { 22, 25, 80, 3306, 6667, 8080 }
  end)

  it("reads what ss and netstat say", function()
    local web = fake "web"
    web:on(
      "sh -s",
      answer [[
text=0.0.0.0:22
text=[::]:443
text=*.8080
text=127.0.0.1.631
text=[::1]:25
text=*:*
text=0.0.0.0:99999
text=nonsense
bound=1]]
    )
    expect(server("web"):ports()):is { 22, 443, 8080 }
  end)

  it("does not guess", function()
    local web = fake "web"
    web:on("sh -s", "no shell here")
    expect(function()
      server("web"):ports()
    end):raises { kind = "script", message = "the server did not say on which ports it listens" }
    expect(function()
      server("web"):ports { every = true }
    end):raises { kind = "usage" }
  end)
end)
