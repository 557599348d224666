local function answer(lines)
  return "--mroom-facts--\n" .. lines .. "\n--mroom-facts-end--\n"
end

-- A server for each case: what was asked in this run is remembered.
local web ---@type Fake
local id ---@type string
local count = 0

before_each(function()
  count = count + 1
  id = "web-" .. count
  web = fake(id)
end)

describe("server:facts", function()
  it("asks once in a run, and again when told", function()
    web:on_like("sh -s -- *", answer "arch=arm64", answer "arch=riscv64")
    expect(server(id):facts().arch):is "arm64"
    expect(server(id):facts().arch):is "arm64"
    expect(#web:commands()):is(1)
    expect(server(id):facts({ refresh = true }).arch):is "riscv64"
    expect(server(id):facts().arch):is "riscv64"
    expect(#web:commands()):is(2)
  end)

  it("keeps them in the inventory, where patterns find them", function()
    web:on_like("sh -s -- *", answer "os_id=debian\nmemory_total=4096\nmount=10 5 /dev/a /srv")
    fake "db"
    server(id):facts()
    expect(fleet.select("facts.os.id=deb*"):ids()):is { id }
    expect(fleet.select("facts.memory.total>=4K"):ids()):is { id }
    expect(fleet.select("facts.disks.mount=/srv"):ids()):is { id }
    expect(fleet.select("all !facts.os.id=debian"):ids()):is { "db" }
    expect(function()
      fleet.select "facts.os.id=plan9"
    end):raises "matches no server"
  end)

  it("does not let a server fill the disk", function()
    local lines = {}
    for i = 1, 5000 do
      lines[i] = ("command_c%d=/bin/%s"):format(i, ("x"):rep(100))
    end
    web:on_like("sh -s -- *", answer(table.concat(lines, "\n")))
    server(id):facts()
    expect(table.concat(fake.notes(), "\n")):has "its facts are not kept: more than 64 KiB"
    expect(function()
      fleet.select "facts.commands.c1=*"
    end):raises { hint = "no facts are kept yet: `mroom facts all` gathers them" }
  end)

  it("names a wrong option", function()
    expect(function()
      server(id):facts { maxage = 1 }
    end):raises { kind = "usage", message = "`facts`: unknown option `maxage`" }
  end)
end)
