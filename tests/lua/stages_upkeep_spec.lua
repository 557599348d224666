-- The stages firewall, harden and updates on pretended servers: what they decide, and what they
-- refuse. That they work is shown on real ones.
local sshd = require "mr.sshd"

local QUIET = "mroom-confirm end\n"
local MINE = "mroom-confirm mine 7-1\n" .. QUIET

local web ---@type Fake

local function run(stage, options)
  return fleet.select("web-1"):stage(stage, { options = { [stage] = options } })[1]
end

local function refused(stage, options, words, kind)
  local outcome = run(stage, options)
  expect(outcome.status):is "failed"
  local err = assert(outcome.err)
  expect(err.message):has(words)
  expect(err.kind):is(kind or "script")
  return err
end

local function ran(text)
  for _, command in ipairs(web:commands()) do
    if command:find(text, 1, true) then
      return true
    end
  end
  return false
end

-- Whether some call of that verb had this path or this text in its input.
local function asked(text)
  for _, call in ipairs(web:calls()) do
    if (call.stdin or ""):find(text, 1, true) or (call.command or ""):find(text, 1, true) then
      return true
    end
  end
  return false
end

before_each(function()
  web = fake("web-1", { user = "ada", meta = { allowed_ports = { 22, "80/tcp" } } })
  web:on_like("sh -s -- look", QUIET)
  web:on_like("sh -s -- arm *", MINE)
  web:on_like("sh -s -- disarm *", "mroom-confirm confirmed 7-1\n" .. QUIET)
  web:on_like("sh -s -- now *", "mroom-confirm fired 7-1 0 x\nmroom-said 7-1 end\n" .. QUIET)
  web:on_like("sh -s -- forget *", QUIET)
  web:on("echo 'it opens'", "it opens\n")
end)

describe("firewall", function()
  local OFF = 'backend=ufw\nssh=192.0.2.5 5555 192.0.2.1 22\nactive=no\npolicy="DROP"\nend=1\n'
  local ON = 'backend=ufw\nssh=192.0.2.5 5555 192.0.2.1 22\nactive=yes\npolicy="DROP"\n'
    .. "tuple=allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\ntuple=allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in\nend=1\n"

  before_each(function()
    web:on_like("ufw *", "")
    web:on_like("sh -c *", "found=ufw\n")
  end)

  it("is ok when the rules are there, and arms nothing", function()
    web:on_like("*look: firewall*", ON)
    expect(run("firewall").status):is "ok"
    expect(asked "arm firewall"):is(false)
  end)

  it("takes the list as people write it", function()
    web:on_like("*look: firewall*", ON)
    for _, list in ipairs { "22,80", "22 80/tcp", { 80, 22 }, { "80", "22/tcp" } } do
      server("web-1"):meta_set("allowed_ports", list)
      expect(run("firewall").status):is "ok"
    end
    local err =
      refused("firewall", { allow = "22,80,5432/tcp from 10.0.0.999" }, "10.0.0.999", "usage")
    expect(err.message):has "is no address"
  end)

  it("changes under guard, which knows how to go back", function()
    web:on_like("*look: firewall*", OFF, OFF, ON)
    local outcome = run "firewall"
    expect(outcome.err):is(nil)
    expect(outcome.status):is "changed"
    local armed
    for _, command in ipairs(web:commands()) do
      armed = command:match "^sh %-s %-%- arm .*" or armed
    end
    expect(armed):has "arm firewall 60 'ufw disable' /etc/ufw/ufw.conf /etc/default/ufw"
  end)

  it("refuses a list without our own port, before anything is done", function()
    web:on_like("*look: firewall*", OFF)
    for _, list in ipairs { { "80" }, { "22/tcp from 10.0.0.0/8" }, { "22/udp" } } do
      refused(
        "firewall",
        { allow = list },
        "port 22, by which this connection came in from 192.0.2.5"
      )
    end
    expect(asked "arm firewall"):is(false)
    expect(ran "ufw allow"):is(false)
  end)

  it("does even that when forced, under guard", function()
    local shut = ON:gsub("tuple=allow tcp 22[^\n]*\n", "")
    web:on_like("*look: firewall*", ON, ON, shut)
    local outcome = run("firewall", { allow = { "80" }, force = true, timeout = 30 })
    expect(outcome.err):is(nil)
    expect(asked "arm firewall 30 'ufw reload'"):is(true)
  end)

  it("says what is missing", function()
    server("web-1"):meta_set { allowed_ports = "", ports = { 22, 443 } }
    local err = refused("firewall", {}, "which ports are allowed?", "usage")
    expect(err.hint):has "`mroom set web-1 allowed_ports=22,443`"
    expect(web:calls()):is {}
    server("web-1"):meta_set("allowed_ports", { 22 })
    web:on_like("*look: firewall*", {
      code = 1,
      stderr = "Error: Could not process rule: Operation not supported\n",
    })
    refused("firewall", {}, "its kernel has no nf_tables")
  end)
end)

describe("harden", function()
  local function settings(scope, more)
    local lines = {}
    for keyword, value in pairs {
      passwordauthentication = "yes",
      kbdinteractiveauthentication = "yes",
      permitrootlogin = "without-password",
      permitemptypasswords = "no",
      pubkeyauthentication = "yes",
      maxauthtries = "6",
    } do
      value = (more or {})[keyword] or value
      lines[#lines + 1] = ("%s=%s %s\n"):format(scope, keyword, value)
    end
    return table.concat(lines)
  end
  local NO = { passwordauthentication = "no", kbdinteractiveauthentication = "no" }
  local HEAD = "listener=77\nconfig=/etc/ssh/sshd_config\n"
  local INCLUDE = "line=/etc/ssh/sshd_config:3:Include /etc/ssh/sshd_config.d/*.conf\n"

  local function answer(more, me)
    return HEAD
      .. settings("all", more)
      .. settings("me", me or more)
      .. settings("root", more)
      .. INCLUDE
      .. "end=\n"
  end

  before_each(function()
    web:on_like("sh -s -- ada *", answer(NO))
    web:put("/etc/ssh/sshd_config.d/lab.conf", "")
    web:on_like("sockets() *", "")
  end)

  it("is ok when sshd takes keys only, without another login", function()
    expect(run("harden").status):is "ok"
    expect(ran "it opens"):is(false)
    expect(asked "arm harden"):is(false)
  end)

  it("proves a key before, and another login after", function()
    web:on_like("sh -s -- ada *", answer(), answer(NO))
    local outcome = run "harden"
    expect(outcome.err):is(nil)
    expect(outcome.status):is "changed"
    local order = {}
    for _, command in ipairs(web:commands()) do
      order[#order + 1] = command:match "it opens"
        or command:match "%-%- (arm) harden 60"
        or command:match "^sockets.*(systemctl reload)"
        or command:match "%-%- (disarm)"
    end
    expect(order):is { "it opens", "arm", "systemctl reload", "disarm" }
    expect(web:file "/etc/ssh/sshd_config.d/00-mroom.conf"):has "\nPasswordAuthentication no\n"
  end)

  it("changes nothing when no key opens it", function()
    web:on_like("sh -s -- ada *", answer())
    web:on("echo 'it opens'", { kind = "auth", message = "refused" })
    local err = refused("harden", {}, "no key opens it without a password: nothing was changed")
    expect(err.hint):has "mroom stage cert web-1"
    expect(asked "arm harden"):is(false)
  end)

  it("refuses what is sure to lock us out, unless it is forced", function()
    web:on_like("sh -s -- ada *", answer())
    refused("harden", { allow_users = { "bob", "a" } }, "`allow_users` leaves out `ada`")
    expect(asked "arm harden"):is(false)
    for _, list in ipairs { { "bob", "ad?" }, { "*" }, { "ada@192.0.2.*" } } do
      web:on_like("sh -s -- ada *", answer(), answer(NO))
      local outcome = run("harden", { allow_users = list })
      expect(assert(outcome.err).message):has "`AllowUsers ` still counts" -- the pretended one
    end
    fake("box", { user = "root" }):on_like("sh -s -- root *", answer())
  end)

  it("refuses an sshd that is broken already, with the line", function()
    local bad = "bad=/etc/ssh/sshd_config: line 12: Bad configuration option: Foo\nbad=\n"
    web:on_like("sh -s -- ada *", HEAD .. bad .. "end=\n")
    refused(
      "harden",
      {},
      "broken already: /etc/ssh/sshd_config: line 12: Bad configuration option: Foo"
    )
  end)

  it("mends host keys first when sshd says nothing because of them", function()
    local bad =
      "bad=sshd: no hostkeys available -- exiting.\nbad=\nmode=root\tgo-rwx\t644\t/etc/ssh/k\nend=\n"
    web:on_like("sh -s -- ada *", HEAD .. bad, answer(NO))
    web:on_like("chmod *", "")
    expect(run("harden").status):is "changed"
    expect(ran "chmod go-rwx -- /etc/ssh/k"):is(true)
    web:on_like("sh -s -- ada *", HEAD .. bad)
    refused("harden", {}, "broken already: sshd: no hostkeys available")
  end)

  it("tells a Match block that still allows passwords", function()
    local lines =
      "line=/etc/ssh/sshd_config:30:Match User ada\nline=/etc/ssh/sshd_config:31:PasswordAuthentication yes\n"
    local text = answer(NO, { kbdinteractiveauthentication = "no" }):gsub("end=", lines .. "end=")
    web:on_like("sh -s -- ada *", text)
    local err = refused("harden", {}, "`PasswordAuthentication yes` still counts for us")
    expect(err.hint):is "/etc/ssh/sshd_config:31 sets it: take it out there"
  end)

  it("closes open files, those of users as these users", function()
    local modes = "mode=root\tgo-rwx\t644\t/etc/ssh/ssh_host_rsa_key\nmode=ada\tgo-rwx\t755\t/home/ada/.ssh\n"
      .. "owner=ada\t/home/ada/.ssh/authorized_keys\n"
    web:on_like("sh -s -- ada *", (answer(NO):gsub("end=", modes .. "end=")), answer(NO))
    web:on_like("chmod *", "")
    web:on_like("su *", "")
    expect(run("harden").status):is "changed"
    expect(ran "chmod go-rwx -- /etc/ssh/ssh_host_rsa_key"):is(true)
    expect(ran 'su -s /bin/sh -c \'chmod "$1" -- "$2"\' -- ada sh go-rwx /home/ada/.ssh'):is(true)
    expect(table.concat(fake.notes(), "\n")):has "belongs to somebody else"
    web:on_like("sh -s -- ada *", (answer(NO):gsub("end=", modes .. "end=")))
    expect(run("harden", { modes = false }).status):is "ok"
  end)

  it("refuses bad options before anything is done", function()
    for words, options in pairs {
      ["`max_auth_tries` must be"] = { max_auth_tries = 0 },
      ["`config` must be an absolute path"] = { config = "sshd_config" },
      ["is no user and no pattern"] = { allow_users = { "ada;reboot" } },
      ["nobody would get in"] = { allow_users = {} },
    } do
      refused("harden", options, words, "usage")
    end
    expect(web:calls()):is {}
  end)
end)

describe("what sshd says", function()
  local function wanted(all, o)
    local is = { all = all, me = {}, root = {}, lines = {}, config = "/etc/ssh/sshd_config" }
    o = o or {}
    o.permit_root_login = o.permit_root_login or "prohibit-password"
    o.max_auth_tries = o.max_auth_tries or 6
    return sshd.text(sshd.wanted(is, o)), is
  end

  it("keeps what is stricter already, and a second factor", function()
    expect(wanted { permitrootlogin = { "no" }, maxauthtries = { "3" } }):has "PermitRootLogin no\nMaxAuthTries 3\n"
    expect(wanted { permitrootlogin = { "yes" } }):has "PermitRootLogin prohibit-password\n"
    expect(wanted { challengeresponseauthentication = { "yes" } }):has "ChallengeResponseAuthentication no\n"
    local two = wanted { authenticationmethods = { "publickey,keyboard-interactive" } }
    expect(two):has_no "KbdInteractive"
    expect(two):has "PasswordAuthentication no"
  end)

  it("shows where ours would win", function()
    local _, is = wanted {}
    local list = sshd.wanted(is, { permit_root_login = "no", max_auth_tries = 6 })
    local function place(...)
      is.lines = {}
      for i, text in ipairs { ... } do
        is.lines[i] = { file = is.config, number = i, text = text }
      end
      return sshd.place(is, list)
    end
    local include = "Include /etc/ssh/sshd_config.d/*.conf"
    local dropin = { file = "/etc/ssh/sshd_config.d/00-mroom.conf", is_dropin = true }
    local main = { file = "/etc/ssh/sshd_config", is_dropin = false }
    expect(place(include, "PasswordAuthentication yes")):is(dropin)
    expect(place("Port 22", "include=sshd_config.d/*.conf")):is(dropin)
    expect(place("passwordauthentication=yes", include)):is(main)
    expect(place("Match User x", include)):is(main)
    expect(place "Include /etc/ssh/other.d/*.conf"):is(main)
    expect(place()):is(main)
  end)

  it("is no answer when it breaks off, and only data when it is one", function()
    for _, text in ipairs { "", "config=/etc/ssh/sshd_config\n", "end=\n", "config=etc\nend=\n" } do
      expect(function()
        sshd.read(text)
      end):raises "did not say how its sshd is set"
    end
    expect(function()
      sshd.read "absent=\nend=\n"
    end):raises "there is no `sshd`"
    local whole = "listener=7\nconfig=/etc/x\nport=2222\nme=maxauthtries 6\nline=/etc/x:1:Port 22\n"
      .. "mode=ada\tgo-rwx\t644\t/home/a\nmode=a b\tx;y\t1\tz\nowner=$(x)\t/y\nlistener=$(reboot)\nport=$(reboot)\nend=\n"
    local is = sshd.read(whole)
    expect(is.listener):is(nil)
    expect(sshd.renew(is)):has "\nport=08AE\n"
    expect(sshd.read("config=/etc/x\nport=123456\nend=\n").port):is(0)
    expect(#is.modes):is(1)
    expect(#is.owners):is(0)
    local seed = 5
    for _ = 1, 300 do
      seed = (seed * 1103515245 + 12345) % 2147483648
      local at = seed // 65536 % #whole + 1
      local text = whole:sub(1, at) .. string.char(seed // 256 % 256) .. whole:sub(at + seed % 9)
      local read, err = mr.try(sshd.read, text)
      expect(err == nil or err.kind == "script"):is(true)
      for _, one in ipairs(read and read.modes or {}) do
        expect(one.want:find "^[gorwx,-]+$"):is(1)
      end
    end
  end)
end)
