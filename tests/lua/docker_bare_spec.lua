-- The stage `docker` from a bare server to a container that runs, on the managers that are not at hand.
local native = require "mr.native"
local script = require "mr.facts.script"

-- See engine_spec.lua.
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

local web ---@type Fake

local ABSENT = "mroom-path\nfolder=1\nkind=absent\n"
local REPO = "[docker-ce-stable]\nname=Docker CE stable\nenabled=1\n"
  .. "baseurl=https://download.docker.com/linux/centos/$releasever/$basearch/stable\n"
  .. "gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-docker-ce-stable\n"
local SETTINGS = '{ "log-driver": "json-file", "log-opts": { "max-size": "10m", "max-file": "3" } }'
local RIGHT = "client\t1\nengine\t28.3.3\ncompose\t2.39.1\nrunning\t1\nenabled\t1\nmember\t1\nsize\t90\nsettings\n"
  .. SETTINGS

-- A bare server of that system; `have` are lines of its package manager once all is installed.
local function bare(system, manager, candidates, have)
  local about = ("mroom-engine\nid\t%s\nmachine\tx86_64\ninit\topenrc\n"):format(system)
  web = fake "web-1"
  web:on_like("*" .. manager .. " *", "")
  web:on_like("*look: package*", "lists\t60\nend\n", "lists\t60\n" .. have .. "end\n")
  web:on_like(
    "*look: service*",
    "mroom-service\nthere=1\nenabled=1\nstatus=0\nunit=docker\nmroom-service-end\n"
  )
  web:on_like("*look: group*", "mroom-begin\n")
  web:on_like("sh -s -- " .. manager .. " *", candidates)
  web:on("sh -s -- root", about, about .. RIGHT)
  local facts = {
    script.first,
    "uid=0",
    "user=root",
    "init=openrc",
    "package_manager=" .. manager,
    script.last,
    "",
  }
  web:on_like("sh -s -- *=*", table.concat(facts, "\n"))
  web:on_like("sh -c *", "mroom\n")
end

local function run(options)
  return fleet.select("web-1"):stage("docker", { options = { docker = options } })[1]
end

-- What was changed, in short.
local function changes()
  local list = {}
  for _, call in ipairs(web:calls()) do
    if not call.reads then
      local text = call.command or call.path or ""
      list[#list + 1] =
        text:gsub("^export [^\n]*\n", ""):gsub("; the look of.*", ""):gsub("\n.*", "")
    end
  end
  return list
end

describe("the stage docker on a bare server", function()
  it("takes Alpine's packages by apk", function()
    bare(
      "alpine",
      "apk",
      "docker 28.3.3-r1\ndocker-cli 28.3.3-r1\ndocker-cli-compose 2.39.1-r0\n",
      "have\tdocker\tdocker\t28.3.3-r1\t-\nhave\tdocker-cli\tdocker-cli\t28.3.3-r1\t-\n"
        .. "have\tdocker-cli-compose\tdocker-cli-compose\t2.39.1-r0\t-\n"
    )
    local outcome = run { user = "root" }
    expect(outcome.err):is(nil)
    expect(outcome.status):is "changed"
    expect(changes()):is {
      "# mkdir -p -- /etc/docker",
      "# write /etc/docker/daemon.json 0644",
      "apk add --no-progress docker docker-cli docker-cli-compose",
      "sh -c 'image=$(docker import -) || exit",
    }
  end)

  it("takes Docker's own by dnf, with the key that was meant", function()
    local file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write(KEY)
    out:close()
    local names = {
      "docker-ce",
      "docker-ce-cli",
      "containerd.io",
      "docker-buildx-plugin",
      "docker-compose-plugin",
    }
    local has, have = "", ""
    for _, name in ipairs(names) do
      local version = name:find "compose" and "2.39.1-1.el9" or "28.3.3-1.el9"
      has = has .. ("%s %s\n"):format(name, version)
      have = have .. ("have\t%s\t%s\t%s\t-\n"):format(name, name, version)
    end
    bare("rocky", "dnf", has, have)
    local is = "mroom-path\nstat=644 0 0 9\nowner=root\ngroup=root\n"
    web:on_like(
      "*look: repo*",
      ABSENT .. "mroom-repo-file\n" .. ABSENT,
      is
        .. ("sha256=%s\nkind=file\nmroom-repo-file\n"):format(native.sha256(KEY))
        .. is
        .. "kind=file\n\n"
        .. REPO
    )
    local outcome = run { user = "root", key = file, fingerprint = FINGERPRINT }
    os.remove(file)
    expect(outcome.err):is(nil)
    expect(changes()):is {
      "# mkdir -p -- /etc/docker",
      "# write /etc/docker/daemon.json 0644",
      "# write /etc/pki/rpm-gpg/RPM-GPG-KEY-docker-ce-stable 0644; "
        .. "write /etc/yum.repos.d/docker-ce-stable.repo 0644",
      "dnf -y --setopt=exit_on_lock=True '--disablerepo=*' --enablerepo=docker-ce-stable makecache",
      "dnf -y --setopt=exit_on_lock=True install " .. table.concat(names, " "),
      "sh -c 'image=$(docker import -) || exit",
    }
    expect(server("web-1").meta):has { docker_installed = true, docker_compose_installed = true }
  end)
end)
