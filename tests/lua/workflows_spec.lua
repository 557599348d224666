local function workflow(name, ...)
  local flow = require("workflows." .. name)
  local outcomes = flow.run(...)
  return outcomes, flow.show(outcomes)
end

before_each(function()
  rawset(_G, "vars", {})
end)

describe("who", function()
  it("tells who is there and who was, as any of the programs print it", function()
    local web = fake "web-1"
    web:on_like(
      "sh -s -- *",
      table.concat({
        "ada      pts/0        2026-11-23 09:12 (192.0.2.7)",
        "bob      tty1         Nov 22 08:00",
        "cy              pts/2           00:05   Nov 23 10:17:09 192.0.2.9",
        "--last--",
        "ada      pts/0        192.0.2.7        Mon Nov 23 09:12   still logged in",
        "dan      pts/1        198.51.100.4     Sun Nov 22 10:00 - 11:30  (01:30)",
        "eve      tty2                          Sat Nov 21 10:00 - crash  (02:00)",
        "reboot   system boot  6.1.0-13         Sat Nov 21 09:00 - 12:00  (03:00)",
        "",
        "wtmp begins Sat Nov 21 08:59:01 2026",
      }, "\n")
    )
    vars.last = "5"
    local outcomes, text = workflow("who", "web-1")
    expect(web:commands()):is { "sh -s -- 5" }
    expect(outcomes[1].value):is {
      { user = "ada", tty = "pts/0", since = "2026-11-23 09:12", from = "192.0.2.7" },
      { user = "bob", tty = "tty1", since = "Nov 22 08:00" },
      { user = "cy", tty = "pts/2", since = "Nov 23 10:17", from = "192.0.2.9" },
      {
        user = "dan",
        tty = "pts/1",
        since = "Nov 22 10:00",
        ended = "11:30",
        from = "198.51.100.4",
      },
      { user = "eve", tty = "tty2", since = "Nov 21 10:00", ended = "crash" },
    }
    expect(mr.text.lines(text)[2]):is "web-1   ada   pts/0  192.0.2.7     2026-11-23 09:12  now"
    expect(mr.text.lines(text)[6]):is "web-1   eve   tty2                 Nov 21 10:00      crash"
  end)

  it("tells of nobody, and refuses a number that is none", function()
    fake("web-1"):on_like("*", "--last--\n")
    local outcomes, text = workflow "who"
    expect({ #outcomes[1].value, text }):is { 0, "nobody" }
    for _, last in ipairs { "x", "-1", "1.5" } do
      vars.last = last
      expect(function()
        workflow "who"
      end):raises { kind = "usage" }
    end
  end)
end)

describe("disk", function()
  local DF = table.concat({
    "Filesystem     1024-blocks      Used Available Capacity Mounted on",
    "udev               1000000         0   1000000       0% /dev",
    "/dev/vda1          1000000    450000    450000      50% /",
    "/dev/vdb1          2097152   1992294    104858      95% /srv/my data",
    "/dev/loop3           64000     64000         0     100% /snap/core",
    "tmpfs               100000    100000         0     100% /run",
    "pool/home         10000000   9990000    -10000     100% /home",
    "/dev/vdz1 nonsense",
  }, "\n")

  it("shows the fullest first and warns of them", function()
    fake("web-1"):on_like("*", DF)
    fake("web-2"):on_like("*", "df\n/dev/sda1 100 96 4 96% /")
    fake.down "web-3"
    local outcomes, text = workflow("disk", "web-1", "web-2", "web-3")
    expect(outcomes[1].value[2]):is {
      mount = "/srv/my data",
      device = "/dev/vdb1",
      size = 2097152 * 1024,
      free = 104858 * 1024,
      used = 95,
    }
    expect(outcomes[3].status):is "unreachable"
    expect(text):is(table.concat({
      "USED  SERVER  MOUNT         SIZE    FREE",
      "100%  web-1   /home         9.5G    0.0K",
      "96%   web-2   /             100.0K  4.0K",
      "95%   web-1   /srv/my data  2.0G    102.4M",
      "50%   web-1   /             976.6M  439.5M",
    }, "\n"))
    expect(fake.notes()):has "web-1: /srv/my data is 95% full"
    expect(fake.notes()):has "web-2: / is 96% full"
    expect(#fake.notes()):is(3)
  end)

  it("warns from the share that is asked for", function()
    fake("web-1"):on_like("*", DF)
    vars.limit = "50"
    workflow "disk"
    expect(fake.notes()):has "web-1: / is 50% full"
    vars.limit = "much"
    expect(function()
      workflow "disk"
    end):raises { kind = "usage" }
  end)
end)

describe("reboot_rolling", function()
  local agreed

  before_each(function()
    agreed = true
    mr.confirm = function()
      return agreed
    end
    rawset(_G, "vars", { boot_id = "id", command = "down", timeout = "0.01" })
  end)

  local function room(...)
    for _, id in ipairs { ... } do
      local web = fake(id)
      web:on("sh -c id", "one", "two")
      web:on("sh -c 'who 2>/dev/null; true'", "")
      web:on("sh -c down", { lost = true })
    end
  end

  local function column(outcomes, key)
    local list = {}
    for i, outcome in ipairs(outcomes) do
      list[i] = outcome[key]
    end
    return list
  end

  it("goes from one server to the next when each is back", function()
    room("web-1", "web-2")
    local outcomes, text = workflow("reboot_rolling", "all")
    expect(column(outcomes, "status")):is { "ok", "ok" }
    expect(text):has "web-2   ok      after"
    expect(fake.notes()[1]):has "web-1: is back after "
  end)

  it("stops at the first that does not come back", function()
    room("web-1", "web-2", "web-3")
    local second = fake "web-0"
    second:on("sh -c id", "one")
    second:on("sh -c 'who 2>/dev/null; true'", "")
    second:on("sh -c down")
    local outcomes = workflow("reboot_rolling", "all")
    expect(column(outcomes, "status")):is { "ok", "ok", "ok", "failed" }
    expect(outcomes[4].err.message):has "the return from the restart did not come"
  end)

  it("starts no other after a failure", function()
    room "web-1"
    local first = fake "web-2"
    first:on("sh -c id", "one")
    first:on_like("*who*", "ada pts/0 2026-11-23 09:12\nbob tty1\n")
    room "web-3"
    local outcomes = workflow("reboot_rolling", "all")
    expect(column(outcomes, "status")):is { "ok", "failed", "skipped" }
    expect(outcomes[2].err.message):has "logged in: ada, bob"
    vars.force = "true"
    first:on("sh -c id", "one", "two")
    first:on("sh -c down", { code = 1, stderr = "must be root\n" })
    local failed = workflow("reboot_rolling", "web-2")
    expect(failed[1].err):has { kind = "exit", code = 1 }
  end)

  it("waits for the probe", function()
    room "web-1"
    vars.probe = "curl -f localhost"
    local outcomes = workflow("reboot_rolling", "web-1")
    expect(outcomes[1].err.message):has "the probe `curl -f localhost` did not come"
  end)

  it("restarts nothing unless somebody agrees, nor this machine", function()
    room "web-1"
    agreed = false
    expect(function()
      workflow("reboot_rolling", "web-1")
    end):raises "nobody agreed"
    expect(function()
      workflow "reboot_rolling"
    end):raises { kind = "usage" }
    agreed = true
    vars.boot_id = nil
    local here = io.open "/proc/sys/kernel/random/boot_id"
    if here then
      local mine = fake "mine"
      local id = here:read "l" ---@type string
      mine:on_like("*boot_id*", id)
      local outcomes = workflow("reboot_rolling", "mine")
      expect(outcomes[1].err.message):has "the machine that you sit at"
      expect(#mine:commands()):is(1)
    end
  end)
end)
