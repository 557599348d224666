-- What the stage `docker` stands on: versions, keys, settings, what packages are called where.
local look = require "mr.engine.look"
local pgp = require "mr.pgp"
local probe = require "mr.engine.probe"
local settings = require "mr.engine.settings"
local source = require "mr.engine.source"
local version = require "mr.version"

-- Made by `gpg --quick-generate-key`, which says the fingerprint, too.
local KEY = [[
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawRrzhYJKwYBBAHaRw8BAQdAiaKAOvaBfFbs8oCD739jMn27RgRbBCIeWdbP
6NM4BiS0GFNwZWMgT25lIDxvbmVAbG9jYWxob3N0PoiQBBMWCAA4FiEEgyaG9I41
q/FJpqt5UVcac5AIh9MFAmsEa84CGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AA
CgkQUVcac5AIh9OutgEAy0eWB9IT38CBXrdqZP9GPiD2mz1jvhEaef26msfv6UgB
ALroSBsK+eHOm7zQyMouu4K0vdbPTz05JRX8ev2ZxdUN
=g3tX
-----END PGP PUBLIC KEY BLOCK-----
]]
local FINGERPRINT = "832686F48E35ABF149A6AB7951571A73900887D3"

describe("a version", function()
  it("is compared by its numbers", function()
    for _, case in ipairs {
      { "26.1.5+dfsg1", "25", 1 },
      { "20.10.24+dfsg1", "25", -1 },
      { "5:28.3.2-1~debian.13~trixie", "28.3.2", 0 },
      { "v2.24.6", "2.24", 1 },
      { "2.9", "2.24", -1 },
      { "25", "25.0.0", 0 },
      { "999999999999999999999999", "1", 1 },
    } do
      expect(version.compare(case[1], case[2])):is(case[3])
    end
    for _, text in ipairs { "", "none", "(none)", "-1", ".5", "\n1" } do
      expect(version.compare(text, "1")):is(nil)
      expect(version.at_least(text, "0")):is(false)
    end
    expect(version.at_least(nil, "1")):is(false)
  end)

  it("fits as exactly as is asked", function()
    expect(version.fits("28.3.2", "28")):is(true)
    expect(version.fits("28.3.2", "28.3")):is(true)
    expect(version.fits("28.3.2", "28.30")):is(false)
    expect(version.fits("28", "28.0.0")):is(true)
    expect(version.fits("nothing", "28")):is(false)
  end)
end)

describe("a key", function()
  it("has the fingerprint that gpg tells", function()
    expect(pgp.sha1 ""):is "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    expect(pgp.sha1 "abc"):is "a9993e364706816aba3e25717850c26c9cd0d89d"
    expect(pgp.sha1(("a"):rep(1000))):is "291e9a6c66994949b57ba5e650361e98fc36b1ba"
    expect(pgp.fingerprints(KEY)):is { FINGERPRINT }
    expect(pgp.fingerprints(KEY:gsub("\n", "\r\n"))):is { FINGERPRINT }
    expect(pgp.fingerprints(KEY .. KEY)):is { FINGERPRINT, FINGERPRINT }
    pgp.demand(KEY, "8326 86F4 8E35 ABF1 49A6  AB79 5157 1A73 9008 87D3", "the key")
  end)

  it("is refused when it is another one, or none", function()
    expect(function()
      pgp.demand(KEY, ("0"):rep(40), "the key `x`")
    end):raises("the key `x` has the fingerprint " .. FINGERPRINT .. ", not 0000")
    for _, text in ipairs {
      "",
      "<html>404</html>",
      "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----",
      KEY:sub(1, 150),
      "\x98\x05\4ab",
      "\x99\xff\xff\4",
      "\xc6\xff\0\0",
      "\x98\3\3ab",
      "\x9b",
    } do
      expect(function()
        pgp.fingerprints(text)
      end):raises "it is no OpenPGP key"
    end
    for _, wrong in ipairs { "", "abc", ("g"):rep(40), ("0"):rep(41) } do
      expect(function()
        pgp.demand(KEY, wrong, "the key")
      end):raises "is no fingerprint"
    end
  end)

  it("breaks nothing, whatever its bytes are", function()
    local seed = 7
    for _ = 1, 400 do
      local bytes = {}
      for i = 1, 60 do
        seed = (seed * 1103515245 + 12345) % 2147483648
        bytes[i] = string.char(seed // 65536 % 256)
      end
      local _, err = mr.try(pgp.fingerprints, table.concat(bytes))
      expect(err == nil or err.kind == "script"):is(true)
    end
  end)
end)

describe("the settings of the engine", function()
  local LOGS = { log_max_size = "10m", log_max_file = 3 }

  it("get the bounds of logs, and keep all else", function()
    local is =
      [[{ "registry-mirrors": [], "log-opts": { "tag": "x" }, "dns": ["10.0.0.1"], "a": {}, "n": null }]]
    local text = assert(settings.merged(is, settings.logs(LOGS, is)))
    expect(text):has '"registry-mirrors": []'
    expect(text):has '"a": {}'
    expect(text):has '"n": null'
    expect(mr.json.decode(text)):has {
      dns = { "10.0.0.1" },
      ["log-driver"] = "json-file",
      ["log-opts"] = { tag = "x", ["max-size"] = "10m", ["max-file"] = "3" },
    }
    expect(settings.merged(text, settings.logs(LOGS, text))):is(nil)
  end)

  it("are made where there are none", function()
    for _, is in ipairs { false, "", " \n", "{}" } do
      local text = is or nil ---@type any
      expect(mr.json.decode(assert(settings.merged(text, settings.logs(LOGS, text))))):is {
        ["log-driver"] = "json-file",
        ["log-opts"] = { ["max-size"] = "10m", ["max-file"] = "3" },
      }
    end
  end)

  it("stay as they are with another driver, or when nothing is asked for", function()
    local is = '{ "log-driver": "journald" }'
    expect(settings.merged(is, settings.logs(LOGS, is))):is(nil)
    expect(settings.merged("{}", settings.logs({ log_max_size = "", log_max_file = 3 }, "{}"))):is(
      nil
    )
    is = '{ "log-driver": "local" }'
    expect(settings.merged(is, settings.logs(LOGS, is))):has '"log-driver": "local"'
  end)

  it("that are no JSON object are refused: nothing of them gets lost", function()
    for _, is in ipairs { "{", "[]", "[1]", '"x"', "1", "null", "{ 'a': 1 }", "{}{}", "\xff" } do
      expect(function()
        settings.merged(is, settings.logs(LOGS, is))
      end):raises "`/etc/docker/daemon.json` is no valid JSON"
    end
  end)
end)

describe("what a server says of Docker", function()
  it("is read, with its settings to the last byte", function()
    local is = look.parse(
      "Welcome\nmroom-engine\nclient\t1\nengine\t26.1.5\ncompose\t2.26.1\n"
        .. "dockerd\tDocker version 26.1.5+dfsg1, build a72d7cd\nid\tdebian\ninit\tsystemd\n"
        .. 'package\tdocker.io\nhalf\tcontainerd\nmember\t1\nsize\t11\nsettings\n{ "a": 1\n }'
    )
    expect(is):has {
      engine = "26.1.5",
      dockerd = "26.1.5+dfsg1",
      member = "1",
      half = "containerd",
      packages = { ["docker.io"] = true },
      settings = '{ "a": 1\n }\n',
    }
  end)

  it("is taken for nothing when it is nonsense", function()
    expect(function()
      look.parse "engine\t26\n"
    end):raises "did not answer with what it has of Docker"
    expect(function()
      look.parse "mroom-engine\nsize\t1\nsettings\n{ }"
    end):raises "cannot be read"
    local is =
      look.parse "mroom-engine\npackages\tx\nengine\t\27[2J\ninit\tlaunchd\nsettings\tx\nx\n"
    expect(is.packages):is {}
    expect(is.engine):is "?[2J"
    expect(is.init):is(nil)
    expect(is.settings):is(nil)
  end)
end)

describe("the source of Docker's packages", function()
  local DEBIAN =
    { packages = {}, id = "debian", codename = "trixie", arch = "amd64", machine = "x86_64" }
  local FEDORA = { packages = {}, id = "rocky", machine = "x86_64" }
  local ALPINE = { packages = {}, id = "alpine", machine = "x86_64" }
  local O = { min_version = "25", compose_version = "2.24.6", channel = "stable" }

  local function of(more)
    return setmetatable(more, { __index = O })
  end
  local function choose(o, is, manager)
    return source.choose(of(o), is, { package_manager = manager })
  end

  it("is Docker's own where there is one", function()
    expect(choose({}, DEBIAN, "apt")):has { kind = "official", folder = "debian" }
    expect(choose({}, FEDORA, "yum")):has { kind = "official", folder = "centos", manager = "dnf" }
    expect(choose({}, ALPINE, "apk")):has { kind = "distro" }
    expect(choose({ source = "https://m.example/d/" }, DEBIAN, "apt")):has {
      kind = "official",
      base = "https://m.example/d",
    }
    expect(function()
      choose({ source = "official" }, ALPINE, "apk")
    end):raises "Docker publishes no packages for `alpine`"
    expect(function()
      choose({}, ALPINE, "brew")
    end):raises "not by `brew`"
  end)

  it("is not changed behind one's back", function()
    local is = { id = "debian", packages = { ["docker.io"] = true }, dockerd = "26" }
    expect(choose({}, is, "apt")):has { kind = "distro" }
    local err = expect(function()
      choose({ source = "official" }, is, "apt")
    end):raises "`docker.io` is installed"
    expect(err.hint):has "replace=true"
    expect(choose({ source = "official", replace = true }, is, "apt")):has { installed = "distro" }
    expect(function()
      choose({ replace = true }, { id = "debian", packages = {}, dockerd = "19" }, "apt")
    end):raises "`19` is installed"
  end)

  it("is written as the manager wants it", function()
    local file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write(KEY)
    out:close()
    local o = { key = file, fingerprint = FINGERPRINT }
    local name, repo = source.repo(of(o), choose({}, DEBIAN, "apt"), DEBIAN) ---@type string, any
    expect(name):is "docker"
    expect(repo):is {
      url = "https://download.docker.com/linux/debian",
      suites = "trixie",
      components = "stable",
      architectures = "amd64",
      key = KEY,
    }
    name, repo = source.repo(of(o), choose({}, FEDORA, "dnf"), FEDORA)
    expect(name):is "docker-ce-stable"
    expect(repo.url):is "https://download.docker.com/linux/centos/$releasever/$basearch/stable"
    -- Without `fingerprint` only Docker's own key will do.
    expect(function()
      source.repo(of { key = file }, choose({}, DEBIAN, "apt"), DEBIAN)
    end):raises "not 9DC858229FC7DD38854AE2D88D81803C0EBFCD85"
    os.remove(file)
    expect(function()
      source.repo(of { key = "http://a.example/gpg" }, choose({}, DEBIAN, "apt"), DEBIAN)
    end):raises "must come by https"
  end)

  it("has names for the packages", function()
    for _, case in ipairs {
      {
        DEBIAN,
        "apt",
        {},
        { ["docker-ce"] = "5:28.3.2-1~debian.13~trixie" },
        "docker-ce docker-ce-cli containerd.io docker-buildx-plugin",
      },
      {
        DEBIAN,
        "apt",
        { version = "28.3.2" },
        {},
        "docker-ce=5:28.3.2-* docker-ce-cli=5:28.3.2-* containerd.io docker-buildx-plugin",
      },
      {
        DEBIAN,
        "apt",
        { source = "distro" },
        { ["docker.io"] = "26.1.5", ["docker-cli"] = "26.1.5" },
        "docker.io docker-cli",
      },
      {
        FEDORA,
        "dnf",
        { version = "28" },
        {},
        "docker-ce=28.* docker-ce-cli=28.* containerd.io docker-buildx-plugin",
      },
      {
        ALPINE,
        "apk",
        {},
        { docker = "28.3.3-r1", ["docker-cli"] = "28.3.3-r1" },
        "docker docker-cli",
      },
    } do
      local is, manager, o, has, wanted = table.unpack(case)
      local from = choose(o, is, manager)
      expect(table.concat(source.engine(of(o), from, has, is), " ")):is(wanted)
    end
  end)

  it("is refused by name when its engine is too old", function()
    local from = choose({ source = "distro" }, DEBIAN, "apt")
    local err = expect(function()
      source.engine(of {}, from, { ["docker.io"] = "20.10.24+dfsg1-1+deb12u1" }, DEBIAN)
    end):raises "`docker.io` is 20.10.24+dfsg1-1+deb12u1 here, and 25 or newer is required"
    expect(err.hint):has "docker.source=official"
  end)

  it("has Compose as a package that is new enough, or not", function()
    local from = choose({ source = "distro" }, DEBIAN, "apt")
    local function compose(has, wanted)
      return source.compose(of { compose_version = wanted }, from, has)
    end
    expect(compose({ ["docker-compose"] = "2.26.1-4" }, "2.24.6")):is "docker-compose"
    expect(compose({ ["docker-compose"] = "1.29.2-3" }, "1")):is(nil)
    expect(compose({ ["docker-compose"] = "2.26.1-4" }, "2.27")):is(nil)
    expect(compose({ ["docker-compose"] = "2.26.1-4" }, "=2.24.6")):is(nil)
    expect(compose({ ["docker-compose-v2"] = "2.24.6+ds1" }, "=2.24.6")):is "docker-compose-v2"
    local url, sum = source.download(
      of {
        compose_version = "=2.24.6",
        compose_url = "http://a.example/c/",
        compose_sha256 = ("a"):rep(64),
      },
      DEBIAN
    )
    expect(url):is "http://a.example/c/v2.24.6/docker-compose-linux-x86_64"
    expect(sum):is(("a"):rep(64))
    expect(function()
      source.download(of { compose_url = "http://a.example" }, DEBIAN)
    end):raises "its SHA-256 must be given"
    expect(function()
      source.download(of { compose_url = "https://a.example" }, { machine = "mips" })
    end):raises "no Compose for the processor `mips`"
  end)
end)

describe("the image of one program", function()
  it("is a tar archive with a program for the machine", function()
    local text = assert(probe.archive "x86_64")
    expect(#text % 512):is(0)
    expect(text:sub(1, 5)):is "probe"
    expect(text:sub(513, 516)):is "\x7fELF"
    expect(text:sub(513, -1)):has "mroom\n"
    expect(probe.archive "pdp11"):is(nil)
  end)
end)
