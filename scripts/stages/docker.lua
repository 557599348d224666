-- docker: Docker Engine and Compose, the login in the group `docker`, bounded logs.
--
-- From Docker's own repository, whose key is believed by its fingerprint, or from the distribution's. An
-- engine that is there already and new enough is taken as it is. What is too old is refused by its name
-- before anything is changed. All is proven by a container that runs.
local args = require "mr.args"
local curl = require "mr.curl"
local look = require "mr.engine.look"
local managers = require "mr.op.package.managers"
local probe = require "mr.engine.probe"
local settings = require "mr.engine.settings"
local source = require "mr.engine.source"
local version = require "mr.version"
local work = require "mr.op.package.work"

-- For packages and their lists, seconds: for a lock, which a machine's first upgrade has for minutes, or
-- what goes on of a run whose connection was lost; and for the command itself.
local PATIENCE = { lock_timeout = 600, timeout = 1800 }

local function user_of(s, o)
  return o.user or s.user
end

-- As root; nil where the login is it.
local function sudo_of(facts)
  return facts.uid ~= 0 or nil
end

local function is_engine(is, o)
  local engine = is.engine or is.dockerd
  return version.at_least(engine, o.min_version)
    and (not o.version or version.fits(engine, o.version))
end

-- Is it from where it shall be? Without `source` it may be from anywhere.
local function is_source(is, o)
  local kind = o.source and o.source:find "^https?://" and "official" or o.source
  return not kind or source.of_installed(is) == kind
end

-- Is nothing of it to be installed? What was cut off in the middle may run, and is not all there.
local function is_right(is, o)
  return not is.half
    and is_engine(is, o)
    and is_source(is, o)
    and source.is_compose(is.compose, o.compose_version)
end

local function is_done(is, o, user)
  return is_right(is, o)
    and is.engine ~= nil
    and (not is.init or (is.running and is.enabled))
    and (user == "" or user == "root" or is.member)
    and settings.merged(is.settings, settings.logs(o, is.settings)) == nil
end

-- What the lists have; they are fetched first where they know nothing.
local function candidates(s, from, sudo)
  local names = source.names(from)
  local has = look.candidates(s, from.manager, names, sudo)
  if from.kind == "distro" and not next(has) and from.manager ~= "dnf" and not s.check then
    local manager = managers.of(from.manager)
    work.run(s, manager, manager.refresh(), PATIENCE, sudo)
    has = look.candidates(s, from.manager, names, sudo)
  end
  return has
end

-- Brings engine and Compose there; `repo` is what the operation of that name gets, if anything.
local function install(s, on, o, is, from, repo, sudo)
  local has = {}
  if repo then
    local name, options = table.unpack(repo)
    local is_new = on:repo(name, options).changed
    has = look.candidates(s, from.manager, source.names(from), sudo)
    local ok, err = mr.try(source.engine, o, from, has, is)
    if not ok then
      if is_new then
        on:repo(name, { state = "absent" })
      end
      error(err, 0)
    end
  else
    has = candidates(s, from, sudo)
  end
  local has_engine = is_engine(is, o) and from.installed == from.kind
  local names = has_engine and not is.half and {} or source.engine(o, from, has, is)
  local compose = not source.is_compose(is.compose, o.compose_version)
    and source.compose(o, from, has)
  names[#names + 1] = compose or nil
  if from.installed and from.installed ~= from.kind then
    on:package(source.rivals[from.manager], { state = "absent" })
  end
  if #names > 0 then
    -- `present` would leave an engine that is too old.
    local newest = from.installed == from.kind and not has_engine and not o.version
    on:package(names, {
      state = newest and "latest" or "present",
      downgrade = o.version ~= nil,
      lock_timeout = PATIENCE.lock_timeout,
    })
  end
  -- What is not to be had, or not in that very version, comes alone.
  if
    not compose
    and not source.is_compose(is.compose, o.compose_version)
    and not (s.check and not next(has))
  then
    local url, sum = source.download(o, is)
    curl.ensure(s, on)
    on:dir(source.plugin:match "^(.*)/", {})
    on:download(url, source.plugin, { sha256 = sum, mode = "0755" })
  end
end

return {
  name = "docker",
  summary = "Docker Engine and Compose, for the login too, with bounded logs.",
  marks = { "docker_installed", "docker_compose_installed" },
  options = {
    source = {
      type = "string",
      help = "official, distro, or the URL of a mirror of Docker's; else what is there, or official",
    },
    channel = { type = "string", default = "stable", help = "of Docker's repository" },
    suite = { type = "string", help = "release in Docker's repository; else the server's own" },
    key = { type = "string", help = "https URL or local file of its key; else its `gpg`" },
    fingerprint = { type = "string", help = "of that key; else that of Docker's own" },
    version = { type = "string", help = "of the engine: `28`, `28.3.2`; else any new enough" },
    min_version = { type = "string", default = "25", help = "an older engine is refused" },
    replace = {
      type = "boolean",
      default = false,
      help = "take an engine of another source off first",
    },
    compose_version = {
      type = "string",
      default = mr.config.compose_version,
      help = "at least that; `=2.24.6` is exactly that",
    },
    compose_url = {
      type = "string",
      default = "https://github.com/docker/compose/releases/download",
      help = "where Compose alone is, when no package has it",
    },
    compose_sha256 = { type = "string", help = "of that file; else what stands beside it" },
    user = { type = "string", help = "may use it without sudo; else the login; empty for nobody" },
    log_max_size = {
      type = "string",
      default = "10m",
      help = "of a container's log; empty: as it is",
    },
    log_max_file = { type = "number", default = 3, help = "so many of them are kept" },
    restart = { type = "boolean", default = true, help = "the engine, when its settings changed" },
    test_image = { type = "string", help = "image that is run as a proof; else one of 200 bytes" },
  },

  prepare = function(_, o)
    source.valid(o)
    if o.log_max_size ~= "" and not o.log_max_size:find "^%d+[kmg]?$" then
      args.refuse(("`log_max_size` must be such as `10m`, not `%s`"):format(o.log_max_size))
    elseif not math.tointeger(o.log_max_file) or o.log_max_file < 1 then
      args.refuse "`log_max_file` must be a whole number from 1 upward"
    end
  end,

  check = function(s, o)
    local user = user_of(s, o)
    local is = look.at(s, user, false)
    local facts = s:facts()
    if (is.client and not is.engine and facts.uid ~= 0) or is.hidden then
      is = look.at(s, user, sudo_of(facts))
    end
    return is_done(is, o, user), is
  end,

  apply = function(s, o, is)
    local facts, user = s:facts(), user_of(s, o)
    local sudo = sudo_of(facts)
    local on = s:ops { sudo = sudo }
    local logs = settings.merged(is.settings, settings.logs(o, is.settings)) -- refuses bad JSON now
    if not is.init and not is.engine then
      mr.fail("neither systemd nor OpenRC runs here: nothing would start the engine", {
        hint = "where an engine runs already, this stage takes it as it is",
      })
    end
    local from = not is_right(is, o) and source.choose(o, is, facts)
    -- What is too old, or signed by another key, is refused before anything is changed.
    local repo = from and from.kind == "official" and table.pack(source.repo(o, from, is)) or nil
    if from and from.kind == "distro" and not is_engine(is, o) then
      source.engine(o, from, candidates(s, from, sudo), is)
    end
    on:handler("restart docker", function()
      on:service("docker", { state = "restarted" })
    end)
    if logs then
      on:dir("/etc/docker", {})
      on:file(look.settings, {
        content = logs,
        mode = is.settings and nil or "0644",
        validate = is.dockerd and "dockerd --validate --config-file %s" or nil,
        notify = is.engine and o.restart and is.init and "restart docker" or nil,
      })
    end
    if from then
      install(s, on, o, is, from, repo, sudo)
    end
    if is.init then
      on:service("docker", { state = "running", enabled = true })
    end
    if user ~= "" and user ~= "root" and not is.member then
      on:group("docker", { system = true })
      on:user(user, { groups = { "docker" } })
      if user == s.user then
        s:release() -- a group counts from the next login
      end
    end
  end,

  verify = function(s, o)
    local user = user_of(s, o)
    -- As the login when it may, which proves that, too.
    local sudo = sudo_of(s:facts())
    if user == s.user then
      sudo = false
    end
    local is = look.at(s, user, sudo)
    if not is.engine then
      mr.fail(("the engine does not answer: %s"):format(is.why or "there is no `docker`"), {
        hint = "`journalctl -u docker -n 50` on the server",
      })
    elseif not is_engine(is, o) then
      mr.fail(
        ("the engine is %s, and %s is required"):format(is.engine, o.version or o.min_version)
      )
    elseif not source.is_compose(is.compose, o.compose_version) then
      mr.fail(
        ("Compose is %s, and %s is required"):format(is.compose or "not there", o.compose_version)
      )
    end
    local archive = probe.archive(is.machine)
    if o.test_image then
      s:run({ "docker", "run", "--rm", o.test_image }, { sudo = sudo, timeout = 600 })
    elseif not archive then
      s:warn(
        ("no container was run: the option `test_image` names one for `%s`"):format(is.machine)
      )
    else
      local said = s:run(
        { "sh", "-c", probe.script },
        { stdin = archive, sudo = sudo, timeout = 120 }
      )
      if mr.text.trim(said.stdout) ~= probe.says then
        mr.fail "a container ran, but did not say what it should"
      end
    end
  end,
}
