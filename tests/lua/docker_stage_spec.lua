-- The stages `docker` and `python` on pretended servers: what they find done, and what they refuse
-- before anything is changed.
local script = require "mr.facts.script"

local web ---@type Fake

-- A server whose look at Docker prints these lines, and whose login is no root.
local function room(lines)
  web:on_like("sh -s -- *", "mroom-engine\n" .. table.concat(lines, "\n") .. "\n")
  local facts = { script.first, "os_id=debian", "uid=1000", "package_manager=apt", script.last, "" }
  web:on_like("sh -s -- *=*", table.concat(facts, "\n"))
end

before_each(function()
  web = fake "web-1"
end)

local RIGHT = {
  "client\t1",
  "id\tdebian",
  "engine\t26.1.5+dfsg1",
  "compose\t2.26.1-4",
  "init\tsystemd",
  "running\t1",
  "enabled\t1",
  "member\t1",
  "package\tdocker.io",
  "size\t83",
  "settings",
  '{ "log-driver": "json-file", "log-opts": { "max-size": "10m", "max-file": "3" } }\n\n',
}

local function run(options, opts)
  opts = opts or {}
  opts.options = { docker = options }
  return fleet.select("web-1"):stage("docker", opts)[1]
end

local function writes()
  local list = {}
  for _, call in ipairs(web:calls()) do
    if not call.reads then
      list[#list + 1] = call.command or call.path
    end
  end
  return list
end

-- RIGHT with a line less, or another one.
local function but(key, line)
  local lines = {}
  for _, is in ipairs(RIGHT) do
    if not is:find("^" .. key) then
      lines[#lines + 1] = is
    elseif line then
      lines[#lines + 1] = line
    end
  end
  return lines
end

describe("the stage docker", function()
  it("finds that all is done, in two questions, and marks both", function()
    room(RIGHT)
    expect(run({}).status):is "ok"
    expect(writes()):is {}
    expect(#web:calls()):is(2)
    expect(server("web-1").meta):has { docker_installed = true, docker_compose_installed = true }
  end)

  it("takes another source, version or user as it is told", function()
    room(RIGHT)
    expect(run({ source = "distro", version = "26.1", compose_version = "=2.26.1" }).status):is "ok"
    for options, message in pairs {
      [{ source = "official" }] = "`docker.io` is installed, and not from the source `official`",
      [{ source = "https://m.example/linux" }] = "and not from the source `https://m.example/linux`",
    } do
      local outcome = run(options)
      expect(outcome.status):is "failed"
      expect(assert(outcome.err).message):has(message)
    end
    expect(writes()):is {}
  end)

  it("finishes what dpkg was interrupted in, though the engine is there and answers", function()
    local lines = but("package", "package\tdocker.io")
    table.insert(lines, 2, "half\tcontainerd")
    room(lines)
    web:on_like(
      "*look: package*",
      "broken\tcontainerd\tiF\nhave\tdocker.io\tdocker.io\t26.1.5\t-\nend\n"
    )
    local outcome = run({}, { check = true })
    expect(outcome.err):is(nil)
    expect(outcome.status):is "changed"
    local asked = false
    for _, call in ipairs(web:calls()) do
      asked = asked or (call.command or ""):find "look: package docker.io" ~= nil
    end
    expect(asked):is(true)
    expect(writes()):is {}
    -- It is no engine of an unknown source, and none that is asked for in another version.
    expect(run({ source = "distro" }, { check = true }).status):is "changed"
    expect(assert(run({ source = "official" }, { check = true }).err).message):has "`docker.io` is installed"
  end)

  it("refuses settings that are no JSON, and an engine that nothing would start", function()
    room(but("{", "{ oh"))
    expect(assert(run({}).err).message):has "is no valid JSON"
    room { "client\t1", "why\tCannot connect to the Docker daemon", "id\tdebian" }
    expect(assert(run({}).err).message):has "neither systemd nor OpenRC runs here"
    expect(writes()):is {}
  end)

  it("refuses options that cannot be meant before it connects", function()
    room(RIGHT)
    for _, case in ipairs {
      { { source = "ftp://x" }, "`source` must be `official`" },
      { { fingerprint = "abc" }, "`fingerprint` must be 40 hexadecimal digits" },
      { { version = "latest" }, "`version` must be numbers" },
      { { min_version = "25; reboot" }, "`min_version` must be numbers" },
      { { compose_version = "^2" }, "`compose_version` must be numbers" },
      { { compose_sha256 = "x" }, "`compose_sha256` must be 64 hexadecimal digits" },
      { { channel = "a b" }, "`channel` must be a word" },
      { { log_max_size = "big" }, "`log_max_size` must be such as `10m`" },
      { { log_max_file = 0 }, "`log_max_file` must be a whole number" },
    } do
      local err = assert(run(case[1]).err)
      expect(err.kind):is "usage"
      expect(err.message):has(case[2])
    end
    expect(web:calls()):is {}
  end)
end)

describe("the stage python", function()
  local function python(text, options)
    local facts = { script.first, "uid=0", "package_manager=eopkg", script.last, "" }
    web:on_like("sh -s -- *=*", table.concat(facts, "\n"))
    web:on("sh -s", text)
    return fleet.select("web-1"):stage("python", { options = { python = options } })[1]
  end

  it("finds that all is done, and marks it", function()
    expect(python("version 3.11.2\npip\nvenv\n", { min_version = "3.9" }).status):is "ok"
    expect(server("web-1").meta.python3_installed):is(true)
  end)

  it("refuses what it cannot mend", function()
    expect(assert(python("version 3.9.2\npip\nvenv\n", { min_version = "3.11" }).err).message):has "Python is 3.9.2, and 3.11 is required"
    expect(assert(python("", {}).err).message):has "no Python is known for `eopkg`"
    expect(server("web-1").meta.python3_installed):is(nil)
  end)
end)

describe("a secret option of a stage", function()
  it("is read from a file, and never shows", function()
    fake.module(
      "stages.hush",
      [[return { name = "hush", options = { word = { type = "secret" } }, apply = function(s, o) s:log("it is " .. tostring(o.word)) end }]]
    )
    local file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write "sesame-1234\n"
    out:close()
    fleet.select("web-1"):stage("hush", { options = { hush = { word = "@" .. file } } })
    fleet.select("web-1"):stage("hush", { options = { hush = { word = mr.secret "sesame-5678" } } })
    os.remove(file)
    local notes = table.concat(fake.notes(), "\n")
    expect(notes):has "it is [redacted]"
    expect(notes):has_no "sesame"
  end)
end)

describe("the stage daed", function()
  local FINE = "kernel 6.12.1-amd64\nmachine x86_64\nbtf yes\nsystemd yes\n"

  local function daed(text, options)
    local facts = { script.first, "uid=0", "package_manager=apt", script.last, "" }
    web:on_like("sh -s -- BPF *", text)
    web:on_like("sh -s -- *=*", table.concat(facts, "\n"))
    return fleet.select("web-1"):stage("daed", { options = { daed = options or {} } })[1]
  end

  it("finds that all is done, and marks it", function()
    expect(daed(FINE .. "version daed version v1.0.0\nrunning yes\nenabled yes\n").status):is "ok"
    expect(server("web-1").meta.daed_installed):is(true)
  end)

  it("refuses a kernel that lacks something, and a package that nothing proves", function()
    for _, case in ipairs {
      { FINE:gsub("6.12.1", "5.10.0"), "the kernel is 5.10.0-amd64, and daed needs 5.17" },
      { FINE:gsub("btf yes\n", ""), "the kernel has no BTF" },
      {
        FINE .. "lacks CONFIG_NET_CLS_BPF\nlacks CONFIG_BPF_JIT\n",
        "CONFIG_NET_CLS_BPF, CONFIG_BPF_JIT",
      },
      { FINE:gsub("systemd yes\n", ""), "a service of systemd" },
      { FINE, "the SHA-256 of daed's package is not known" },
      { "\27[2J\nkernel\n", "the kernel is unknown" },
    } do
      expect(assert(daed(case[1]).err).message):has(case[2])
    end
    expect(writes()):is {}
    expect(server("web-1").meta.daed_installed):is(nil)
  end)

  it("refuses options that cannot be meant", function()
    expect(assert(daed("", { version = "newest" }).err).message):has "`version` must be numbers"
    expect(assert(daed("", { sha256 = "abc" }).err).message):has "`sha256` must be 64"
    expect(web:calls()):is {}
  end)
end)
