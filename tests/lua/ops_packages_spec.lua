-- What the operations on packages, services and firewalls make of texts from a server, and of rules
-- and names that people write.
local ops = require "mr.ops"
local perform = require "mr.op.perform"
local rule = require "mr.op.firewall.rule"
local unit_text = require "mr.op.service.unit_text"
local words = require "mr.op.package.answer"
---@type any
local pretended = dofile(require("mr.native").local_path "helpers/pretended.lua")
---@type any
local spoil = dofile(require("mr.native").local_path "helpers/spoil.lua")

local FILE = "mroom-path\nstat=644 0 0 9\nowner=root\ngroup=root\nkind=file\n\nTypes: deb\n"
local UNIT = "mroom-service\nLoadState=loaded\nActiveState=active\nSubState=running\nType=simple\n"
  .. "NeedDaemonReload=no\nenabled=enabled\nunit=a.service\nmroom-service-end\n"

-- A call of each operation on each kind of server, and an answer that its look may give.
local CALLS = {
  {
    "package",
    { "nginx=1.2*", "/srv/a.deb" },
    { hold = true },
    { package_manager = "apt" },
    "lists\t60\nbroken\tx\tiF\nbroken\tnginx\trHR\ninterrupted\nlocked\t9\nfile\t/srv/a.deb\ta\t1\nhave\tnginx\tnginx\t1.3\th-\n"
      .. "said\tInst nginx [1.3] (1.22 Debian:12 [amd64])\nsaid\tRemv b [1]\n"
      .. "said\tE: Unable to locate package c\nend\n",
  },
  {
    "package",
    { "nginx" },
    { state = "latest" },
    { package_manager = "dnf" },
    "lists\t60\nhave\tnginx\tnginx\t1.3\t-\nsaid\tUpgrading:\nsaid\t nginx x86_64 1.4 base 5 k\n"
      .. "said\tTransaction Summary\nsaid\tNo match for argument: x\nsaid\tError: y\nend\n",
  },
  {
    "package",
    { "nginx" },
    { state = "absent" },
    { package_manager = "zypper" },
    'have\tnginx\tnginx\t1.3\t-\nsaid\t<to-remove>\nsaid\t<solvable type="package" '
      .. 'name="nginx" edition="1.3">\nsaid\t<message type="error">&apos;</message>\nend\n',
  },
  {
    "package",
    { "nginx" },
    {},
    { package_manager = "pacman" },
    "lists\t9\nsaid\tnew nginx 1-1\nsaid\terror: target not found: x\nsaid\tgone a 1\nend\n",
  },
  {
    "package",
    { "nginx" },
    {},
    { package_manager = "apk" },
    "lists\t9\nsaid\t(1/2) Installing nginx (1.2-r0)\nsaid\t(2/2) Upgrading a (1 -> 2)\n"
      .. "said\tERROR: b\nsaid\t  c (no such package):\nend\n",
  },
  {
    "package",
    { "nginx" },
    { state = "latest" },
    { package_manager = "brew" },
    "have\tnginx\tnginx\t1.3\th-\nsaid\tnginx (1.3) < 1.4\nsaid\tError: b\nend\n",
  },
  {
    "repo",
    "lab",
    { url = "https://a.example/", suites = "./", key = "x" },
    { package_manager = "apt" },
    pretended.ABSENT .. "mroom-repo-file\n" .. FILE,
  },
  {
    "repo",
    "lab",
    { url = "https://a.example/" },
    { package_manager = "apk" },
    pretended.ABSENT .. "mroom-repo-file\n" .. FILE,
  },
  { "service", "a", { state = "reloaded", enabled = false }, { init = "systemd" }, UNIT },
  {
    "service",
    "a",
    { state = "running", enabled = true },
    { init = "openrc" },
    "mroom-service\nthere=1\nenabled=1\nstatus=3\nunit=a\ntool=chkconfig\nmroom-service-end\n",
  },
  {
    "systemd_unit",
    "a.service",
    { content = "[Service]\nType=oneshot\n", enabled = true, restart = true },
    { init = "systemd" },
    UNIT .. FILE,
  },
  {
    "firewall",
    { "allow 80/tcp", "deny from 192.0.2.0/24" },
    { policy = "deny", enabled = true },
    {},
    'backend=ufw\nssh=192.0.2.5 5 192.0.2.1 22\nactive=yes\npolicy="DROP"\n'
      .. "tuple=allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\ntuple=deny any any ::/0 any 2001:db8::1 in\nend=1\n",
  },
  {
    "firewall",
    { "allow 80/tcp" },
    { policy = "deny", enabled = true },
    {},
    "backend=firewalld\nssh=192.0.2.5 5 192.0.2.1 22\nactive=yes\npolicy=default\nzone=public\n"
      .. "kept-port=22/tcp\nnow-port=22/tcp\nkept-service=ssh\n"
      .. 'kept-rich=rule family="ipv4" source address="10.0.0.0/8" port port="9" protocol="tcp" accept\nend=1\n',
  },
  {
    "firewall",
    { "allow 80/tcp" },
    { policy = "deny", enabled = true },
    {},
    "backend=nftables\nssh=2001:db8::5 5 2001:db8::1 22\nmain=/etc/nftables.conf\nincluded=yes\nloaded=yes\n"
      .. "now=allow 22/tcp\nnow-policy=drop\nkept=allow 22/tcp\nkept-policy=drop\nservice=enabled\nend=1\n",
  },
}

describe("an answer from a server", function()
  it("is what the operation wants, or an error in words", function()
    local roll, refused = spoil.dice(11), 0
    for _, call in ipairs(CALLS) do
      local name, target, options, facts, answer = table.unpack(call)
      local op = ops.load(name)
      local o = perform.decode(op, table.pack(target, options))
      expect(pcall(op.read, answer, o, facts)):is(true)
      for _ = 1, 150 do
        local text = spoil.text(answer, roll)
        local _, err = mr.try(function()
          local memory = { packages = {}, units = {}, users = {}, groups = {} }
          return op.plan(op.read(text, o, facts), o, facts, memory)
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
end)

describe("a version", function()
  it("fits a pattern as a whole, with its epoch or without", function()
    for _, case in ipairs {
      { "1.22.1-9", "1.22*", true },
      { "1.22.1-9", "1.22", false },
      { "11.22", "1.22*", false },
      { "1:2.3", "2.3", true },
      { "1:2.3", "1:2.?", true },
      { "2:2.3", "1:2.3", false },
      { "1x22", "1.22", false },
      { "1.0~rc1+b2", "1.0~rc1+b2", true },
    } do
      expect(words.fits(case[1], case[2])):is(case[3])
    end
  end)
end)

describe("a rule of a firewall", function()
  it("has one text", function()
    for text, plain in pairs {
      ["allow 80"] = "allow 80/tcp",
      ["  deny   from 10.0.0.1/32 "] = "deny from 10.0.0.1",
      ["allow 6000-6007/udp from 2001:db8::/32"] = "allow 6000:6007/udp from 2001:db8::/32",
      ["reject 25/tcp from ::1/128"] = "reject 25/tcp from ::1",
    } do
      expect(rule.text(rule.parse(text))):is(plain)
      expect(rule.text(rule.parse(plain))):is(plain)
    end
    expect(rule.text(rule.parse { port = 53, proto = "udp", action = "deny" })):is "deny 53/udp"
  end)

  it("is nothing else", function()
    for _, text in ipairs {
      "",
      "allow",
      "accept 80",
      "allow 0",
      "allow 65536",
      "allow 9:8",
      "allow 80/sctp",
      "allow 80 from",
      "allow 80 from here",
      "allow 80 from 256.0.0.1",
      "allow 80 from 10.0.0.0/",
      "allow 80 from 10.0.0.0/33",
      "allow 80 from ::/129",
      "allow 80 from 1::2::3",
      "allow 80 from 1:2:3",
      "allow 80 from :::",
      "allow 80 from 12345::",
      "allow 80; reboot",
      "allow 80/tcp from 10.0.0.1 to any",
    } do
      expect(function()
        rule.parse(text)
      end):raises { kind = "usage" }
    end
  end)

  it("lets through what it names", function()
    local function passes(rules, policy, client, denies_first)
      local list = {}
      for i, text in ipairs(rules) do
        list[i] = rule.parse(text)
      end
      return (rule.passes(list, policy, 22, client, denies_first))
    end
    expect(passes({}, "allow", "192.0.2.5")):is(true)
    expect(passes({}, "deny", "192.0.2.5")):is(false)
    expect(passes({ "allow 22" }, "deny", "192.0.2.5")):is(true)
    expect(passes({ "allow 22/udp" }, "deny", "192.0.2.5")):is(false)
    expect(passes({ "allow 20:30" }, "reject", nil)):is(true)
    expect(passes({ "allow 22 from 192.0.2.4/30" }, "deny", "192.0.2.5")):is(true)
    expect(passes({ "allow 22 from 192.0.2.0/30" }, "deny", "192.0.2.5")):is(false)
    expect(passes({ "allow 22 from 2001:db8::/33" }, "deny", "2001:db8:7fff::1")):is(true)
    expect(passes({ "allow 22 from 2001:db8::/33" }, "deny", "2001:db8:8000::1")):is(false)
    expect(passes({ "allow 22 from 192.0.2.0/24" }, "deny", "::ffff:192.0.2.9")):is(true)
    expect(passes({ "allow from 192.0.2.5" }, "deny", nil)):is(false)
    expect(passes({ "allow 22", "deny from 192.0.2.5" }, "deny", "192.0.2.5")):is(true)
    expect(passes({ "allow 22", "deny from 192.0.2.5" }, "deny", "192.0.2.5", true)):is(false)
    expect(passes({ "deny from 192.0.2.5", "allow 22" }, "allow", "192.0.2.5")):is(false)
  end)
end)

describe("a unit", function()
  it("is named as systemd-escape names it", function()
    for text, name in pairs {
      ["/srv/my data/.x"] = "srv-my\\x20data-.x",
      ["/"] = "-",
      ["//srv//a/"] = "srv-a",
      [".hidden-é"] = "\\x2ehidden\\x2d\\xc3\\xa9",
      ["a_b:c.d"] = "a_b:c.d",
    } do
      expect(unit_text.escape(text)):is(name)
    end
  end)

  it("is written section by section", function()
    local text = unit_text.of {
      Install = { WantedBy = "multi-user.target" },
      Service = { ExecStart = "/bin/a", Environment = { "A=1", "B=2" }, RestartSec = 2.0 },
      Unit = { Description = "x", DefaultDependencies = false },
    }
    expect(text):is(
      "[Unit]\nDefaultDependencies=no\nDescription=x\n\n[Service]\nEnvironment=A=1\nEnvironment=B=2\n"
        .. "ExecStart=/bin/a\nRestartSec=2\n\n[Install]\nWantedBy=multi-user.target\n"
    )
    expect(unit_text.traits(text)):is { ends = false, installs = true }
    expect(unit_text.traits "[Service]\nType = oneshot\n"):is { ends = true, installs = false }
  end)
end)
