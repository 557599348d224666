-- The workflows `update` and `audit` against pretended servers.

local function workflow(name, ...)
  local flow = require("workflows." .. name)
  local outcomes = flow.run(...)
  return outcomes, flow.show(outcomes)
end

local function facts(manager, uid)
  local lines = { "--mroom-facts--", "kernel_name=Linux", "user=me", "uid=" .. uid }
  lines[#lines + 1] = manager and "package_manager=" .. manager
  return table.concat(lines, "\n") .. "\n--mroom-facts-end--\n"
end

local APT = table.concat({
  "Reading package lists...",
  "Inst openssl [3.0.14-1] (3.0.15-1 Debian:12/stable [amd64])",
  "Inst linux-image-6.1 (6.1.115-1 Debian:12/stable [amd64])",
  "Inst nonsense",
  "Conf openssl (3.0.15-1 Debian:12/stable [amd64])",
}, "\n")

before_each(function()
  rawset(_G, "vars", {})
  mr.confirm = function()
    return true
  end
end)

describe("update", function()
  -- A server; `needed` is what its system says of a restart.
  local function room(id, manager, pending, needed)
    local web = fake(id)
    web:on_like("*", "end =\n")
    web:on_like("*needs-restarting*", (needed and "needed =it says so\n" or "") .. "end =\n")
    web:on_like("sh -s -- *", pending or "")
    web:on_like("sh -s -- *=*", facts(manager, 0))
    web:on_like("sh -c *", "")
    return web
  end

  local function ran(web, text)
    for _, command in ipairs(web:commands()) do
      if command:find(text, 1, true) then
        return true
      end
    end
    return false
  end

  it("upgrades what is old, and restarts nothing that needs no restart", function()
    local web = room("web-1", "apt", APT)
    local outcomes, text = workflow("update", "web-1")
    expect(outcomes[1].status):is "changed"
    expect(outcomes[1].value):is {
      upgraded = {
        { name = "openssl", from = "3.0.14-1", to = "3.0.15-1" },
        { name = "linux-image-6.1", to = "6.1.115-1" },
      },
      restarted = false,
    }
    expect(text):has "openssl 3.0.14-1 -> 3.0.15-1, linux-image-6.1 -> 6.1.115-1"
    expect(ran(web, "apt-get -q -o DPkg::Lock::Timeout=300 update")):is(true)
    expect(ran(web, "--with-new-pkgs upgrade")):is(true)
    expect(ran(web, "systemctl reboot")):is(false)
  end)

  it("leaves alone what is new, and reads every manager's list", function()
    local cases = {
      { "apt", "Reading package lists...\n", {} },
      {
        "apk",
        "(1/2) Upgrading busybox (1.36-r0 -> 1.36-r2)\n(2/2) Installing ca (1-r0)\nOK",
        {
          { name = "busybox", from = "1.36-r0", to = "1.36-r2" },
          { name = "ca", to = "1-r0" },
        },
      },
      {
        "dnf",
        "\nbash.x86_64   5.2-1.el9   baseos\nObsoleting Packages\nold.noarch 1 baseos",
        {
          { name = "bash", to = "5.2-1.el9" },
        },
      },
    }
    for i, case in ipairs(cases) do
      local web = room("web-" .. i, case[1], case[2])
      local outcomes = workflow("update", "web-" .. i)
      expect(outcomes[1].status):is(case[3][1] and "changed" or "ok")
      expect(outcomes[1].value.upgraded):is(case[3])
      expect(ran(web, "-y upgrade") or ran(web, "apk upgrade")):is(case[3][1] ~= nil)
    end
  end)

  it("restarts where that is needed, and waits until it is well", function()
    local web = room("web-1", "apt", APT, true)
    web:on_like("sh -c id", "one", "two")
    web:on_like("sh -c '*who*", "")
    web:on_like("sh -c down", { lost = true })
    web:on_like("sh -c probe", { code = 1 }, "")
    rawset(_G, "vars", { boot_id = "id", command = "down", probe = "probe" })
    local outcomes, text = workflow("update", "web-1")
    expect(outcomes[1].err):is(nil)
    expect(outcomes[1].value.restarted):is(true)
    expect(text):has "yes"
    expect(ran(web, "sh -c probe")):is(true)
  end)

  it("stops at the first that is not well", function()
    room("web-1", "apt", ""):on_like("sh -c probe", { code = 1 })
    local second = room("web-2", "apt", APT)
    rawset(_G, "vars", { probe = "probe", timeout = "0.01" })
    local outcomes = workflow("update", "web-1", "web-2")
    expect(outcomes[1].err.message):has "the probe `probe` did not come"
    expect(outcomes[2].status):is "skipped"
    expect(#second:commands()):is(0)
  end)

  it("refuses what it does not know, and does nothing that nobody agreed to", function()
    room("web-1", "pkgin")
    local outcomes = workflow("update", "web-1")
    expect(outcomes[1].err.message):has "does not know how to update with `pkgin`"
    for key, bad in pairs { timeout = "x", batch = "0", reboot = "perhaps" } do
      rawset(_G, "vars", { [key] = bad })
      expect(function()
        workflow("update", "web-1")
      end):raises { kind = "usage" }
    end
    rawset(_G, "vars", {})
    expect(function()
      workflow "update"
    end):raises { kind = "usage" }
    mr.confirm = function()
      return false
    end
    expect(function()
      workflow("update", "web-1")
    end):raises "nobody agreed"
  end)
end)

describe("audit", function()
  local ANSWER = table.concat({
    "users\troot\t0\t/bin/bash",
    "users\tada\t1000\t/bin/zsh",
    "keys\tada\t(ED25519) 256 SHA256:abc\tada@home",
    "sudo\tada\tgroup sudo",
    "unknown\trules in /etc/sudoers.d",
    "unknown\tfailed logins",
    "nonsense",
    "users\ttoo\tmany\tfields\tby\tfar",
    "end\t",
  }, "\n")

  -- What `server:health()` is told, which knows of updates.
  local UPDATES = table.concat({
    "--mroom-status--",
    "--mroom-status-end--",
    "--mroom-health--",
    "updates=apt",
    "update=openssl security",
    "--mroom-health-end--",
  }, "\n")

  it("is one row a server, or one a thing", function()
    local web = fake "web-1"
    web:on_like("sh -s -- *", ANSWER)
    web:on_like("sh -s -- updates *", UPDATES)
    web:on_like("*ss -*", "")
    vars.what = "users,keys,sudo,failed,updates"
    local outcomes, text = workflow("audit", "web-1")
    expect(outcomes[1].err):is(nil)
    expect(outcomes[1].value.keys):is {
      { user = "ada", key = "(ED25519) 256 SHA256:abc", comment = "ada@home" },
    }
    expect(outcomes[1].value.unknown):is { "rules in /etc/sudoers.d", "failed logins" }
    expect(mr.text.lines(text)[1]):is "SERVER  USERS  KEYS  SUDO  PORTS  FAILED   UPDATES"
    expect(mr.text.lines(text)[2]):is "web-1   2      1     1+           unknown  1"
    vars.full = "true"
    local _, all = workflow("audit", "web-1")
    expect(all):has "web-1   keys     ada  (ED25519) 256 SHA256:abc  ada@home"
    expect(all):has "web-1   unknown  failed logins"
  end)

  it("does not take half an answer for a whole one, nor guesses subjects", function()
    fake("web-1"):on_like("*", "users\troot\t0\t/bin/sh\n")
    local outcomes, text = workflow("audit", "web-1")
    expect(outcomes[1].err.message):has "broke off"
    expect(text):is "nothing to tell"
    vars.what = "users,secrets"
    expect(function()
      workflow "audit"
    end):raises { kind = "usage", message = "`what`: there is no `secrets`" }
  end)

  it("survives any text", function()
    local seed = 7
    ---@param most integer
    ---@return integer
    local function roll(most)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % most + 1
    end
    vars.what = "users,keys,sudo,failed"
    for i = 1, 50 do
      local text = ANSWER
      for _ = 1, roll(6) do
        local at = roll(#text)
        text = text:sub(1, at - 1) .. string.char(roll(256) - 1) .. text:sub(at + roll(9))
      end
      fake("web-" .. i):on_like("*", text)
    end
    local outcomes, shown = workflow "audit"
    for _, outcome in ipairs(outcomes) do
      expect(outcome.status == "ok" or outcome.err.message:find "broke off" ~= nil):is(true)
    end
    expect(type(shown)):is "string"
  end)
end)
