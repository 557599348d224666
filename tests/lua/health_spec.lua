-- How a server is, judged, from what the probe printed.
local script = require "mr.health.script"

local VITALS = table.concat({
  "--mroom-status--",
  "system Linux",
  "uptime 3553200",
  "load 9.00 0.50 0.40",
  "cpus 2",
  "memory 1000 500",
  "disk 300 700",
  "--mroom-status-end--",
}, "\n")

local WELL = [[
clock_begin=NOW
swap=1000 900
disk=1000 600 /
inodes=1000 600 /
units=systemd
updates=apt
reboot=asked
oom=0
certs=asked
engine=absent
clock_end=NOW]]

local web ---@type Fake
before_each(function()
  web = fake "web"
end)

-- What the server answers: the lines, with its clock at ours.
local function answer(lines)
  local now = ("%.3f"):format(require("mr.native").unix_time())
  local text = lines:gsub("NOW", now)
  return table.concat({ "Hello", VITALS, script.first, text, script.last }, "\n")
end

local function health(lines, opts)
  web:on_like("sh -s -- *", answer(lines))
  return server("web"):health(opts)
end

local function check(is, name)
  for _, one in ipairs(is.checks) do
    if one.name == name then
      return one
    end
  end
end

-- The level and the text of a check when the server says these lines of it.
local function judged(name, lines, opts)
  local rest = WELL:gsub((name == "containers" and "engine" or name) .. "=[^\n]*\n", "")
  local one = check(health(lines .. "\n" .. rest, opts), name)
  return { one and one.level, one and one.text }
end

describe("server:health", function()
  it("is well when all is", function()
    local is = health(WELL)
    expect(is.level):is "ok"
    expect(is):has { system = "Linux", uptime = 3553200, cpus = 2, oom_kills = 0 }
    expect(is.memory):is { total = 1024000, free = 512000 }
    local names = {}
    for i, one in ipairs(is.checks) do
      names[i] = one.name
    end
    expect(table.concat(names, " ")):is "load memory swap disk inodes units updates reboot clock oom"
    expect(check(is, "load")):is {
      name = "load",
      level = "ok",
      text = "0.50 on 2 processors",
      value = 0.25,
      warn = 2,
      critical = 4,
    }
  end)

  it("warns, and then is critical", function()
    for _, case in ipairs {
      { "swap", "swap=1000 400", "warn", "60% of 1.0M used" },
      { "swap", "swap=1000 0", "critical", "100% of 1.0M used" },
      { "disk", "disk=100 10 /srv/my data", "warn", "/srv/my data 90% used" },
      { "disk", "disk=100 0 /srv\ndisk=100 9 /home", "critical", "/srv 100% used, /home 91% used" },
      { "inodes", "inodes=100 3 /srv", "critical", "/srv 97% of the inodes used" },
      { "units", "units=systemd\nunit=nginx.service", "warn", "1 has failed: nginx.service" },
      {
        "units",
        "units=systemd" .. ("\nunit=x"):rep(5),
        "critical",
        "5 have failed: x, x, x and 2 more",
      },
      { "updates", "updates=apt\nupdate=a", "ok", "1 wait" },
      { "updates", "updates=apt\nupdate=a security", "warn", "1 wait, 1 for security" },
      {
        "reboot",
        "needed=/run/reboot-required is there",
        "warn",
        "needed: /run/reboot-required is there",
      },
      { "oom", "oom=2", "warn", "2 killed for want of memory since the start" },
    } do
      local name, lines, level, text = table.unpack(case, 1, 4)
      expect({ name, table.unpack(judged(name, lines)) }):is { name, level, text }
    end
  end)

  it("takes nothing that was not said for well", function()
    local is = health "clock_begin=NOW\nclock_end=NOW"
    expect(is.level):is "unknown"
    for _, name in ipairs { "swap", "disk", "inodes", "units", "updates", "reboot", "certs", "oom" } do
      expect(check(is, name)):has { level = "unknown", text = "the server did not say" }
    end
    expect(judged("updates", "unknown=updates apt has no lists")):is { "unknown", "apt has no lists" }
    expect(check(health("none=swap\nnone=units\nnone=oom"), "swap")):is(nil)
    expect(check(health "", "clock").level):is "unknown"
  end)

  it("leaves out what has not the shape", function()
    for _, line in ipairs {
      "swap=0 0",
      "swap=1 2",
      "swap=-1 0",
      "swap=1e3 1",
      "disk=100 50 relative",
      "disk=9999999999999999 1 /",
      "inodes=x y /",
      "units",
      "oom=many",
      "clock_begin=soon",
      "cert=\t\t\t",
      "unknown=",
      "ntp=perhaps",
      "lists=never",
      "scanner=sh",
    } do
      local is = health(line)
      expect({ is.swap, #is.disks, #is.inodes, is.units, is.oom_kills, is.clock }):is { nil, 0, 0 }
    end
  end)

  it("knows a clock that is off, and what the way may have added", function()
    local now = os.time()
    local function clock(offset, more)
      local line = ("clock_begin=%d.5\nclock_end=%d.5"):format(now + offset, now + offset)
      return check(health(line .. (more or "")), "clock")
    end
    expect(clock(30).level):is "warn"
    expect(clock(30).text):has "s ahead, within"
    expect(clock(-90)):has { level = "critical" }
    expect(clock(-90).text):has "s behind, within"
    expect(clock(0, "\nntp=no")):has { level = "warn" }
    expect(clock(0, "\nntp=no").text):has "not synchronised"
    expect(clock(0, "\nntp=yes")):has { level = "ok" }
    -- It cannot run backwards.
    local back = ("clock_begin=%d.5\nclock_end=%d.5"):format(now, now - 5)
    expect(check(health(back), "clock")):has { level = "unknown" }
  end)

  it("tells certificates by what is left of them", function()
    local function ends(days)
      return os.date("!%b %e %H:%M:%S %Y GMT", os.time() + days * 86400 + 60)
    end
    local lines = "certs=asked\n"
      .. "cert=/etc/ssl/a.pem\tnotAfter=%s\tissuer=O=Some\t\t\n"
      .. "cert=example.org:443\tnotAfter=%s\tissuer=CN=Some\t%s\t"
    local function certs(a, b, verdict)
      return check(health(lines:format(ends(a), ends(b), verdict or "0 (ok)")), "certs")
    end
    expect(certs(90, 60)):has { level = "ok", text = "2 are good, 60 days left", value = 60 }
    expect(certs(90, 20)):has { level = "warn", text = "example.org:443: 20 days left" }
    expect(certs(5, 60)):has { level = "critical", text = "/etc/ssl/a.pem: 5 days left" }
    expect(certs(-3, 60)):has { level = "critical", text = "/etc/ssl/a.pem: expired" }
    expect(certs(90, 60, "18 (self-signed certificate)")):has {
      level = "critical",
      text = "example.org:443: self-signed certificate",
    }
    local none = "certs=asked\ncert=/etc/x.pem\t\t\tthis login may not read it"
    expect(check(health(none), "certs")):has {
      level = "unknown",
      text = "/etc/x.pem: this login may not read it",
    }
    expect(judged("certs", "unknown=certs openssl is not there")):is {
      "unknown",
      "openssl is not there",
    }
  end)

  it("asks for the certificates of the option and of the metadata", function()
    server("web"):meta_set("certs", { "/etc/ssl/b.pem", "example.org" })
    health(WELL, { certs = { "[2001:db8::1]:8443", "example.org:443" }, checks = { "certs" } })
    expect(web:commands()):is {
      "sh -s -- certs docker '[2001:db8::1]:8443' example.org:443 /etc/ssl/b.pem",
    }
    for _, bad in ipairs { "$(reboot)", "a b", "-x", "example.org:0", "/etc/\n" } do
      expect(function()
        health(WELL, { certs = { bad } })
      end):raises { kind = "usage" }
    end
  end)

  it("knows containers that are not well, and an engine that is not there", function()
    local up = "engine=direct\ncontainer="
      .. '["a1","/api","i","s","running","%s",0,0,false,"","","no"]\n'
    expect(judged("containers", up:format "healthy")):is { "ok", "1 of 1 running" }
    expect(judged("containers", up:format "unhealthy")):is { "critical", "api unhealthy" }
    expect(judged("containers", "engine=absent")):is {}
    expect(judged("containers", "refused=Cannot connect to the Docker daemon")):is {
      "critical",
      "Docker does not answer: Cannot connect to the Docker daemon",
    }
    expect(judged("containers", "refused=permission denied while trying to connect")[1]):is "unknown"
    expect(judged("containers", "engine=direct\nmissed=containers")[1]):is "unknown"
  end)
end)

describe("thresholds", function()
  it("are settings, then metadata, then options", function()
    local half = "swap=1000 400"
    expect(judged("swap", half)[1]):is "warn"
    server("web"):meta_set("health.swap", "10,20")
    expect(judged("swap", half)[1]):is "critical"
    expect(judged("swap", half, { thresholds = { swap = "70,80" } })[1]):is "ok"
    expect(judged("swap", half, { thresholds = { swap = "-,-" } })[1]):is "ok"
    expect(judged("swap", half, { thresholds = { swap = "10,-" } })[1]):is "warn"
  end)

  it("are refused when they are none", function()
    for _, bad in ipairs { "", "1", "a,b", "1,2,3", "90,80", "-1,2", "1e99,2", "nan,1" } do
      local err = expect(function()
        health(WELL, { thresholds = { swap = bad } })
      end):raises { kind = "usage" }
      expect(err.message):has "the threshold `swap`"
    end
    expect(function()
      health(WELL, { thresholds = { certs = "7,21" } })
    end):raises "the wrong way round"
    expect(function()
      health(WELL, { thresholds = { swop = "7,21" } })
    end):raises "`thresholds`: unknown option `swop`"
    expect(function()
      health(WELL, { checks = { "swop" } })
    end):raises "there is no check `swop`"
    server("web"):meta_set("health.disk", "full")
    expect(function()
      health(WELL)
    end):raises "the metadata `health.disk` must be two numbers"
  end)
end)

describe("images", function()
  local images = require "mr.health.images"
  local RUNNING = "engine=direct\nscanner=trivy\n"
    .. 'container=["a1","/api","api:1","sha256:%s","running",null,0,0,false,"","","no"]\n'
  local TRIVY = '{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"Severity":"CRITICAL"},{"Severity":"HIGH"},'
    .. '{"Severity":"odd"}]},{"Target":"x"},{"Vulnerabilities":null}]}'

  it("are counted once for the whole room", function()
    local lines = RUNNING:format "11" .. WELL
    expect(check(health(lines), "vulnerabilities")):is(nil)
    web:on_like("trivy *", TRIVY)
    local is = health(lines, { scan_images = true })
    expect(check(is, "vulnerabilities")):has {
      level = "warn",
      text = "1 critical, 1 high in 1 of 1 images",
    }
    expect(assert(is.vulnerabilities).images[1].counts):is {
      critical = 1,
      high = 1,
      medium = 0,
      low = 0,
      negligible = 0,
      unknown = 1,
    }
    expect(web:commands()):has "trivy image --quiet --format json --scanners vuln -- sha256:11"
    -- Known now, here and on another server.
    local db = fake "db"
    db:on_like("sh -s -- *", answer(lines))
    expect(check(server("db"):health { scan_images = true }, "vulnerabilities").level):is "warn"
    expect(#db:commands()):is(1)
    expect(check(health(lines), "vulnerabilities").level):is "warn"
  end)

  it("that were not scanned are unknown", function()
    local lines = RUNNING:format "22" .. WELL
    local none = lines:gsub("scanner=trivy\n", "")
    local opts = { scan_images = true }
    expect(check(health(none, opts), "vulnerabilities")):has {
      level = "unknown",
      text = "0 critical, 0 high in 0 of 1 images (neither trivy nor grype is installed there)",
    }
    web:on_like("trivy *", { code = 1, stderr = "no network" })
    expect(check(health(lines, opts), "vulnerabilities").level):is "unknown"
    web:on_like("trivy *", "not json")
    local text = check(health(lines, opts), "vulnerabilities").text
    expect(text):has "what `trivy` printed is not its report"
  end)

  it("are read from what either scanner prints", function()
    expect(images.count("trivy", TRIVY).critical):is(1)
    expect(images.count("trivy", '{"SchemaVersion":2}').critical):is(0)
    local grype =
      '{"matches":[{"vulnerability":{"severity":"Critical"}},{"vulnerability":{"severity":"Negligible"}}]}'
    expect(images.count("grype", grype)):has { critical = 1, negligible = 1, high = 0 }
    for _, bad in ipairs {
      "",
      "[]",
      "{}",
      "null",
      '{"matches":1}',
      '{"matches":[1]}',
      '{"matches":[{}]}',
    } do
      for _, scanner in ipairs { "trivy", "grype" } do
        local _, err = mr.try(images.count, scanner, bad)
        expect(err and err.kind or "counted"):is(
          (scanner == "trivy" and bad:find "matches") and "counted" or "script"
        )
      end
    end
  end)
end)

describe("the answer", function()
  it("that broke off is none", function()
    for _, text in ipairs { "", script.first, VITALS, VITALS .. "\n" .. script.first } do
      web:on_like("*", text)
      expect(function()
        server("web"):health()
      end):raises { kind = "script", message = "the server did not say how it is" }
    end
    web:on_like("*", script.first .. "\n" .. script.last)
    expect(function()
      server("web"):health()
    end):raises "it has no beginning"
  end)

  it("may be any text", function()
    local seed = 5
    ---@param most integer
    ---@return integer
    local function roll(most)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % most + 1
    end
    local whole = WELL
      .. "\nunit=x\nupdate=a security\nneeded=y\nntp=no\nlists=5\ncert=/a\tnotAfter=Mar  3 10:00:00 2027 GMT\t\t\t"
      .. '\ncontainer=["a1","/api","i","s","running","x",0,0,false,"","","no"]'
    for _ = 1, 200 do
      local text = whole
      for _ = 1, roll(8) do
        local at = roll(#text)
        text = text:sub(1, at - 1) .. string.char(roll(256) - 1) .. text:sub(at + roll(9))
      end
      local _, err = mr.try(health, text)
      expect(err and err.kind or "script"):is "script"
    end
  end)
end)
