-- Where the packages of Docker come from, and what they are called there. Pure but for the key, which
-- this machine fetches. For the stage `docker`. Internal.
local args = require "mr.args"
local content = require "mr.op.content"
local fetch = require "mr.op.fetch"
local pgp = require "mr.pgp"
local version = require "mr.version"
local source = {}

source.official = "https://download.docker.com/linux"

-- The keys that sign Docker's own packages, as https://docs.docker.com/engine/install/ names them.
local FINGERPRINTS = {
  apt = "9DC858229FC7DD38854AE2D88D81803C0EBFCD85",
  dnf = "060A61C51B558A7F742B77AAC52FEB6B621E9F35",
}

-- The folder of Docker's repository for a system; nil when Docker publishes nothing for it.
local FOLDERS = {
  apt = { debian = "debian", ubuntu = "ubuntu", raspbian = "raspbian" },
  dnf = {
    fedora = "fedora",
    rhel = "rhel",
    centos = "centos",
    rocky = "centos",
    almalinux = "centos",
    ol = "centos",
  },
}

-- What a distribution calls its own, the first that its lists have; and which packages an engine is of.
local DISTRO = {
  apt = { engine = { "docker.io" }, compose = { "docker-compose-v2", "docker-compose" } },
  dnf = { engine = { "moby-engine" }, compose = { "docker-compose" } },
  apk = { engine = { "docker" }, compose = { "docker-cli-compose" } },
}
DISTRO.apt.also, DISTRO.dnf.also = { "docker-cli" }, { "docker-cli" }
DISTRO.apk.also = { "docker-cli" }

local OFFICIAL = { "docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin" }

-- Which of a system's own packages cannot stay beside Docker's.
source.rivals = {
  apt = { "docker.io", "docker-cli", "docker-compose", "docker-compose-v2", "containerd", "runc" },
  dnf = { "moby-engine", "docker-cli", "docker-compose", "containerd", "runc" },
}

-- The manager's name for the tables of this file.
local function manager_of(facts)
  local name = facts.package_manager == "yum" and "dnf" or facts.package_manager
  if not DISTRO[name] then
    mr.fail(
      ("Docker is installed by apt, dnf and apk, not by `%s`"):format(tostring(name or "nothing")),
      { hint = "an engine of 25 or newer that is there already is taken as it is" }
    )
  end
  return name
end

local function folder_of(manager, is)
  return (FOLDERS[manager] or {})[is.ubuntu and "ubuntu" or is.id]
end

-- Whose packages an engine is of that is there: `official`, `distro`, `other`, or nil for none.
function source.of_installed(is)
  if is.packages["docker-ce"] then
    return "official"
  elseif next(is.packages) then
    return "distro"
  end
  return is.dockerd and "other" or nil
end

-- Refuses options that cannot be meant.
function source.valid(o)
  local given = o.source
  if
    given
    and given ~= "official"
    and given ~= "distro"
    and not given:find "^https?://[%w][^%s]*$"
  then
    args.refuse(
      ("`source` must be `official`, `distro` or the URL of a mirror, not `%s`"):format(given)
    )
  elseif o.fingerprint and not pgp.plain(o.fingerprint) then
    args.refuse(
      ("`fingerprint` must be 40 hexadecimal digits, not `%s`"):format(o.fingerprint),
      "`gpg --show-keys FILE` tells it"
    )
  elseif o.compose_sha256 and not o.compose_sha256:find("^" .. ("%x"):rep(64) .. "$") then
    args.refuse "`compose_sha256` must be 64 hexadecimal digits"
  end
  for key, value in pairs {
    version = o.version or "1",
    min_version = o.min_version,
    compose_version = o.compose_version:gsub("^=%s*", ""),
  } do
    if not value:find "^v?%d[%d.]*$" then
      args.refuse(("`%s` must be numbers joined by dots, not `%s`"):format(key, value))
    end
  end
  for key, value in pairs { channel = o.channel, suite = o.suite or "x" } do
    if not value:find "^[%w._-]+$" then
      args.refuse(("`%s` must be a word, not `%s`"):format(key, value))
    end
  end
end

-- What is asked for: { kind, manager, base, folder }. `kind` is `official` or `distro`.
function source.choose(o, is, facts)
  local manager, given, installed = manager_of(facts), o.source, source.of_installed(is)
  local folder = folder_of(manager, is)
  local base = given and given:match "^https?://.+$"
  local kind = base and "official" or given
  kind = kind or (installed ~= "other" and installed) or (folder and "official") or "distro"
  if kind == "official" and not folder then
    mr.fail(("Docker publishes no packages for `%s`"):format(is.id or manager), {
      hint = "`--set docker.source=distro` takes the distribution's own",
    })
  elseif installed and installed ~= kind and not (o.replace and installed ~= "other") then
    local name = next(is.packages) or is.dockerd
    mr.fail(("`%s` is installed, and not from the source `%s`"):format(name, given or kind), {
      hint = installed == "other" and "it is of no package: take it off by hand first"
        or "`--set docker.replace=true` takes it off first; images and containers stay",
    })
  end
  base = (base or source.official):gsub("/+$", "")
  return { kind = kind, manager = manager, base = base, folder = folder, installed = installed }
end

-- The key of the source: fetched, or of a local file; believed by its fingerprint.
local function key_of(o, from)
  local key = o.key or ("%s/%s/gpg"):format(from.base, from.folder)
  local what = ("the key `%s`"):format(key)
  local text
  if key:find "^https://" then
    text = fetch.text(key)
  elseif key:find "^%a+://" then
    args.refuse(what .. " must come by https", "`--set docker.key=FILE` takes it from a file")
  else
    text = content.of_file(key)
  end
  pgp.demand(text, o.fingerprint or FINGERPRINTS[from.manager], what)
  return text
end

-- The name and the options of the operation `repo`.
---@return string, table
function source.repo(o, from, is)
  local key = key_of(o, from)
  if from.manager == "apt" then
    if not (is.codename and is.arch) then
      mr.fail "the server does not say which release it is (VERSION_CODENAME of os-release)"
    end
    return "docker",
      {
        url = ("%s/%s"):format(from.base, from.folder),
        suites = o.suite or is.codename,
        components = o.channel,
        architectures = is.arch,
        key = key,
      }
  end
  return "docker-ce-" .. o.channel,
    {
      url = ("%s/%s/%s/$basearch/%s"):format(
        from.base,
        from.folder,
        o.suite or "$releasever",
        o.channel
      ),
      description = ("Docker CE %s"):format(o.channel),
      key = key,
    }
end

-- All names of packages that may be asked for.
function source.names(from)
  if from.kind == "official" then
    local names = { table.unpack(OFFICIAL) }
    names[#names + 1] = "docker-compose-plugin"
    return names
  end
  local own, names = DISTRO[from.manager], {}
  for _, list in ipairs { own.engine, own.compose, own.also } do
    table.move(list, 1, #list, #names + 1, names)
  end
  return names
end

-- The name with the version that is asked for, as the manager writes it.
local function pinned(name, wanted, from)
  if not wanted then
    return name
  end
  -- `28` is 28.anything; Docker's own have an epoch.
  local whole = select(2, wanted:gsub("%.", "")) >= 2 and wanted .. "-*" or wanted .. ".*"
  if from.kind == "official" and from.manager == "apt" then
    return ("%s=5:%s"):format(name, whole)
  elseif from.kind == "official" then
    return ("%s=%s"):format(name, whole)
  end
  return ("%s=%s*"):format(name, wanted)
end

-- The packages of the engine, from what the lists have; refuses an engine that is too old by name.
function source.engine(o, from, has, is)
  local own = from.kind == "official" and "docker-ce" or DISTRO[from.manager].engine[1]
  local is_new = version.at_least(has[own], o.min_version)
  if has[own] and not is_new and not o.version then
    local other = folder_of(from.manager, is)
    mr.fail(("`%s` is %s here, and %s or newer is required"):format(own, has[own], o.min_version), {
      hint = from.kind == "distro"
          and other
          and "`--set docker.source=official` takes Docker's own; `min_version` says what is required"
        or "`--set docker.min_version=` says what is required",
    })
  end
  local names = { pinned(own, o.version, from) }
  if from.kind == "official" then
    names[2] = pinned("docker-ce-cli", o.version, from)
    table.move(OFFICIAL, 3, #OFFICIAL, 3, names)
    return names
  end
  for _, name in ipairs(DISTRO[from.manager].also) do
    if has[name] then
      names[#names + 1] = name
    end
  end
  return names
end

-- The package that has Compose in the version that is wanted, or nil: then the plugin comes alone.
function source.compose(o, from, has)
  local names = from.kind == "official" and { "docker-compose-plugin" }
    or DISTRO[from.manager].compose
  for _, name in ipairs(names) do
    if version.at_least(has[name], "2") and source.is_compose(has[name], o.compose_version) then
      return name
    end
  end
end

-- Is that Compose as wanted? `2.24.6` is at least that, `=2.24.6` exactly.
function source.is_compose(is, wanted)
  local exact = wanted:match "^=%s*(.+)$"
  if exact then
    return version.compare(is, exact) == 0
  end
  return version.at_least(is, wanted)
end

-- How the releases of Compose call the machines that `uname -m` names.
local MACHINES = {
  x86_64 = "x86_64",
  aarch64 = "aarch64",
  armv7l = "armv7",
  armv6l = "armv6",
  ppc64le = "ppc64le",
  s390x = "s390x",
  riscv64 = "riscv64",
}
source.plugin = "/usr/local/lib/docker/cli-plugins/docker-compose"

-- Compose alone: its URL and its SHA-256, which stands beside it unless the options tell it.
function source.download(o, is)
  local machine = MACHINES[is.machine]
  if not machine then
    mr.fail(("there is no Compose for the processor `%s`"):format(is.machine or "unknown"))
  end
  local url = ("%s/v%s/docker-compose-linux-%s"):format(
    o.compose_url:gsub("/+$", ""),
    version.plain((o.compose_version:gsub("^=%s*", ""))),
    machine
  )
  local sum = o.compose_sha256
  if not sum then
    if not url:find "^https://" then
      args.refuse(
        ("`%s` is no https URL: its SHA-256 must be given"):format(url),
        "`--set docker.compose_sha256=` says it"
      )
    end
    sum = fetch.text(url .. ".sha256"):match(("%x"):rep(64))
    if not sum then
      mr.fail(("`%s.sha256` holds no SHA-256"):format(url))
    end
  end
  return url, sum
end

return source
