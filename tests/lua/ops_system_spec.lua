-- What the system operations make of texts from a server: fstab, schedules, answers of their looks.
local authorized_keys = require "mr.authorized_keys"
local fstab = require "mr.ops.system.fstab"
local ops = require "mr.ops"
local perform = require "mr.op.perform"
local reader = require "mr.ops.system.reader"
local schedule = require "mr.ops.system.schedule"
---@type any
local pretended = dofile(require("mr.native").local_path "helpers/pretended.lua")
---@type any
local spoil = dofile(require("mr.native").local_path "helpers/spoil.lua")

local function said(key, text)
  return ("%s <%d\n%s\n"):format(key, #text, text)
end

local KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp"

-- A call of each operation, and an answer that its look may give.
local CALLS = {
  {
    "user",
    "app",
    { groups = { "docker" }, shell = "/bin/sh", locked = true },
    "tool =shadow\npasswd =app:x:1:2:App:/home/app:/bin/sh\ngroup =app\nmember =docker\nhome =yes\n"
      .. "shadow =!$6$salt$hash\nthere =docker\nend =\n",
  },
  {
    "group",
    "team",
    { gid = 5, members = { "ada" } },
    "tool =shadow\ngroup =team:x:5:ada,bob\nowner =team\nthere =ada\nend =\n",
  },
  {
    "authorized_key",
    "app",
    { key = KEY, exclusive = true },
    ("mroom-modes right\nmroom-sum 1.2\nmroom-line 1 0 %s no-pty\nmroom-text\nno-pty %s\n"):format(
      KEY,
      KEY
    ),
  },
  {
    "cron",
    "clean",
    { schedule = "@daily", command = "true", to = "crontab" },
    said("crontab", "# mroom: clean\n@daily true\n") .. "end =\n",
  },
  {
    "sysctl",
    "a.b",
    { value = 1 },
    said("live", "1")
      .. said("file", pretended.file "a.b = 1\n")
      .. said("main", pretended.ABSENT)
      .. "end =\n",
  },
  {
    "hostname",
    "web",
    {},
    "live =web\nkernel =Linux\n" .. said("file", pretended.file "web\n") .. said(
      "hosts",
      pretended.file "127.0.1.1 web\n"
    ) .. "end =\n",
  },
  {
    "timezone",
    "UTC",
    {},
    "folder =/usr/share/zoneinfo\nthere =yes\nlink =UTC\nnamed =UTC\nend =\n",
  },
  {
    "swap",
    "/swap",
    { size = "1M" },
    said("fstab", pretended.file "/swap none swap sw 0 0\n")
      .. said("path", pretended.file(("x"):rep(9)))
      .. "size =1048576\nactive =-2\nfree =99\nend =\n",
  },
  {
    "mount",
    "/srv",
    { src = "/dev/sdb", fstype = "ext4" },
    said("fstab", pretended.file "/dev/sdb /srv ext4 defaults 0 0\n")
      .. "device =/dev/sdb\nmounted =ext4 rw /dev/sdb\nfrom =/dev/sdb\nfolder =yes\nend =\n",
  },
  { "command", "true", { creates = "/x" }, "creates =yes\nend =\n" },
}

local function memory()
  return { packages = {}, units = {}, users = {}, groups = {} }
end

describe("an answer from a server", function()
  it("is what the operation wants, or an error in words", function()
    local roll, refused = spoil.dice(7), 0
    for _, call in ipairs(CALLS) do
      local name, target, options, answer = table.unpack(call)
      local op = ops.load(name)
      local o = perform.decode(op, table.pack(target, options))
      expect(pcall(op.read, answer, o, {})):is(true)
      for _ = 1, 150 do
        local text = spoil.text(answer, roll)
        local _, err = mr.try(function()
          return op.plan(op.read(text, o, {}), o, {}, memory())
        end)
        if err then
          refused = refused + 1
          -- A mistake of the operation's own would name its file.
          local is_told = err.kind == "script" and not err.message:find "%.lua:%d"
          expect(is_told or err.kind == "usage" or { name, text, err }):is(true)
        end
      end
    end
    expect(refused > 300):is(true)
  end)

  it("cannot hold an answer in a text", function()
    local first = reader.parse(said("file", "uid =0\nend =\n") .. "uid =5\nend =\n")
    expect(first.uid):is "5"
    for _, text in ipairs {
      "",
      "x",
      "end =",
      "end =x\n",
      "a =1\n",
      "a <3\nab\nend =\n",
      "a <-1\n\nend =\n",
    } do
      expect(function()
        reader.parse(text)
      end):raises { kind = "script" }
    end
  end)

  it("cannot hold keys in the file's text", function()
    local is = authorized_keys.read(
      "mroom-modes right\nmroom-sum 1.2\nmroom-text\nmroom-line 1 0 ssh-rsa AAAA \nmroom-text\n"
    )
    expect(#is.lines):is(0)
    for _, text in ipairs { "", "mroom-text\n", "mroom-modes right\nmroom-text\nx" } do
      expect(function()
        authorized_keys.read(text)
      end):raises { kind = "script" }
    end
  end)
end)

describe("fstab", function()
  local entry =
    { src = "UUID=1", path = "/srv/my data", fstype = "ext4", options = "ro", dump = 0, pass = 2 }

  it("keeps every other line as it is", function()
    local text = "# a\n\n/dev/sda1\t/  ext4\tdefaults\nUUID=0 /srv/my\\040data xfs rw\ngarbage"
    local set = fstab.set(text, "path", entry.path, entry)
    expect(set):is "# a\n\n/dev/sda1\t/  ext4\tdefaults\nUUID=1 /srv/my\\040data ext4 ro 0 2\ngarbage"
    expect(fstab.find(set, "path", entry.path)):is(entry)
    expect(fstab.set(set, "path", entry.path, nil)):is "# a\n\n/dev/sda1\t/  ext4\tdefaults\ngarbage"
    expect(assert(fstab.find(text, "src", "/dev/sda1")).options):is "defaults"
  end)

  it("finds what it has set, whatever was there", function()
    local roll = spoil.dice(3)
    for _ = 1, 300 do
      local text =
        spoil.text("UUID=0 /srv/my\\040data xfs rw 0 0 # x\n/dev/sda1 / ext4 defaults 0 1\n", roll)
      local set = fstab.set(text, "path", entry.path, entry)
      expect(fstab.find(set, "path", entry.path)):is(entry)
      expect(fstab.find(fstab.set(set, "path", entry.path, nil), "path", entry.path)):is(nil)
      local other = fstab.find(text, "path", "/")
      expect(fstab.find(set, "path", "/")):is(other)
    end
  end)

  it("writes white space and comments so that mount(8) reads them", function()
    for _, field in ipairs { "a b", "a\tb", "a\\b", "#a", "a\nb", "\\040" } do
      local text = fstab.escape(field)
      expect(text:find "[%s#]"):is(nil)
      expect(fstab.unescape(text)):is(field)
    end
  end)
end)

describe("a schedule", function()
  it("is what cron reads", function()
    local good = {
      ["*  * * * *"] = "* * * * *",
      ["*/15 0,12 1-7/2 JAN Mon-fri"] = "*/15 0,12 1-7/2 JAN Mon-fri",
      ["59 23 31 12 7"] = "59 23 31 12 7",
      ["@weekly"] = "@weekly",
    }
    for text, plain in pairs(good) do
      expect(schedule.parse(text)):is(plain)
    end
  end)

  it("is nothing else", function()
    for _, text in ipairs {
      "",
      "* * * *",
      "* * * * * *",
      "60 * * * *",
      "* 24 * * *",
      "* * 0 * *",
      "* * * 13 *",
      "* * * foo *",
      "* * * * 8",
      "7-5 * * * *",
      "*/0 * * * *",
      "5/5 * * * *",
      "1,,2 * * * *",
      "-1 * * * *",
      "1- * * * *",
      "* * * * *\n* * * * * rm",
      "@every",
      "*/999 * * * *",
      "٣ * * * *",
    } do
      local plain, why = schedule.parse(text)
      expect(plain):is(nil)
      expect(type(why)):is "string"
    end
  end)
end)
