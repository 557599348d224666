-- mr.deploy.compose: a compose project from a local folder: rendered, checked on the server before
-- anything is put in place, brought up, and put back as it was when it does not become well.
local args = require "mr.args"
local docker = require "mr.deploy.docker"
local evidence = require "mr.deploy.evidence"
local history = require "mr.deploy.history"
local lease = require "mr.lease"
local native = require "mr.native"
local project = require "mr.deploy.project"
local state = require "mr.state"
local tar = require "mr.op.tar"
local compose = {}

-- Copies the project `$1` to `$2`, which is what there was, and says whether there was one; and whether
-- it has the very files of the new version `$3`, which the rest of the arguments name.
local KEEP = [[
set -eu
was=$1 former=$2 next=$3
shift 3
rm -rf -- "$former"
if [ ! -d "$was" ]; then exit 0; fi
echo was=yes
cp -a -- "$was" "$former"
for file in "$@"; do cmp -s -- "$was/$file" "$next/$file" || exit 0; done
rm -rf -- "$next"
echo same=yes
]]

-- Brings the files of `$2` back to `$1`; data that the containers wrote beside them stays. The rest
-- of the arguments are the files of the new version, which go unless the old one had them.
local BACK = [[
set -eu
trap '' HUP PIPE
to=$1 from=$2
shift 2
for file in "$@"; do
  [ -e "$from/$file" ] || rm -f -- "$to/$file"
done
[ ! -d "$from" ] || cp -a -- "$from/." "$to/"
]]

-- What the containers of the project that are not well have to say for themselves.
local function evidence_of(d, running)
  local told = nil
  for _, container in ipairs(mr.try(running.ps, running) or {}) do
    local is_well = container.state == "running" and container.health ~= "unhealthy"
    if not is_well or container.health == "starting" then
      told = told or evidence.gather(d, container.name)
    end
  end
  if not told then
    local logs = mr.try(running.logs, running, { tail = 40 })
    local text = logs and mr.text.trim((logs.stdout or "") .. (logs.stderr or "")) or ""
    told = { log = text ~= "" and mr.text.lines(text:sub(-8000)) or nil }
  end
  return told
end

-- Writes all files below `root` by operations, so that the run shows each change; gives how many
-- changed.
local function put(on, root, files, dirs)
  on:dir(root)
  for _, dir in ipairs(dirs) do
    on:dir(root .. "/" .. dir)
  end
  local changed = 0
  for _, file in ipairs(files) do
    local result = on:file(root .. "/" .. file.path, { content = file.text, mode = file.mode })
    if result.status ~= "ok" then
      changed = changed + 1
    end
  end
  return changed
end

-- Makes the folder `$1` anew with the folders that follow, and unpacks what comes on standard input.
local STAGE = [[
set -eu
rm -rf -- "$1"
mkdir -p -- "$1"
cd -- "$1"
shift
[ $# = 0 ] || mkdir -p -- "$@"
exec tar -xompf -
]]

-- The same as `put` without a word, for the look at what compose makes of it. All go at once, but for
-- what an archive cannot name, or should not have.
local function stage(s, root, files, dirs, sudo)
  local together, alone = {}, {}
  for _, file in ipairs(files) do
    local list = (#file.path > 100 or native.is_secret(file.text)) and alone or together
    list[#list + 1] = { name = file.path, mode = file.mode, content = file.text }
  end
  s:run(
    { "sh", "-c", STAGE, "sh", root, table.unpack(dirs) },
    { stdin = tar.of(together), sudo = sudo }
  )
  for _, file in ipairs(alone) do
    s:write(root .. "/" .. file.name, file.content, { sudo = sudo, mode = file.mode })
  end
end

-- Why an image cannot be pulled.
---@type table<string, boolean>
local PULLING = { not_found = true, platform = true, rate_limit = true, registry = true }
PULLING.unauthorized = true
-- Why compose has not begun at all.
---@type table<string, boolean>
local AWAY = { absent = true, api_version = true, daemon_down = true, permission = true }

local function up(running, o, pull)
  return mr.try(running.up, running, {
    wait = true,
    wait_timeout = o.timeout,
    remove_orphans = true,
    pull = pull,
  })
end

-- The same with the images pulled before, in one go: what costs is to start compose. An image that
-- cannot be pulled may be there.
local function pulled_up(s, running, o)
  local _, err = up(running, o, o.pull)
  local is_pulling = err and err.kind == "docker" and (not err.reason or PULLING[err.reason])
  if o.pull ~= "always" or not is_pulling then
    return err
  end
  local _, failure = up(running, o, "missing")
  if not failure then
    s:warn(("the images of `%s` are those that were there: %s"):format(o.app, err.message))
  end
  return failure
end

-- The new project does not become well: what there was comes back, and the error has the evidence.
local function back(c, running, files, err)
  local told = evidence_of(c.d, running)
  local names = {}
  for i, file in ipairs(files) do
    names[i] = file.path
  end
  c.s:log(("`%s` is not well: brings back what there was"):format(c.o.app))
  c.s:script(BACK, { args = { c.root, c.former, table.unpack(names) }, sudo = c.sudo })
  local _, failure
  if c.was then
    _, failure = up(running, c.o, "missing")
  else
    _, failure = mr.try(running.down, running, {})
  end
  error({
    kind = "docker",
    reason = "unhealthy",
    message = ("`%s` is not well: %s; %s"):format(
      c.o.app,
      err.message,
      failure and "and what there was does not come back: " .. failure.message
        or (c.was and "what there was is back" or "it is down again")
    ),
    hint = err.hint,
    evidence = told,
    server = c.s.id,
  }, 0)
end

-- Puts the new version beside what there is, which it keeps; what compose itself does not understand
-- is refused before anything changes.
local function check(c, project_at, files, dirs)
  local staged, names = c.root .. ".next", {}
  for i, file in ipairs(files) do
    names[i] = file.path
  end
  stage(c.s, staged, files, dirs, c.sudo)
  local said = c.s:script(KEEP, {
    args = { c.root, c.former, staged, table.unpack(names) },
    sudo = c.sudo,
  })
  local is = mr.text.pairs(said.stdout)
  c.was = is.was == "yes"
  if is.same ~= "yes" then
    project_at(staged):config()
    c.s:run({ "rm", "-rf", "--", staged }, { sudo = c.sudo })
  end
end

-- Its containers and how they are: the same as before mean that nothing happened. (Docker's `ps`
-- costs the server a fifth of compose's.)
local function containers(c)
  local label = mr.quote("label=com.docker.compose.project=" .. c.project)
  local text = "d ps --all --no-trunc --filter %s --format '{{.ID}} {{.State}}'"
  local lines = mr.text.lines(docker.script(c.d, text:format(label), "docker ps"))
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function work(c)
  local s, d, o = c.s, c.d, c.o
  local files, dirs = project.rendered(o.compose, project.values(s, o))
  local function project_at(folder)
    return d:compose { folder = folder, project = c.project }
  end
  local step = o.on_step or function() end
  local before
  if not s.check then
    step("check", s)
    before = containers(c)
    check(c, project_at, files, dirs)
  end
  step("put", s)
  local changed = put(s:ops { sudo = c.sudo }, c.root, files, dirs)
  local running = project_at(c.root)
  if s.check then
    if changed > 0 then
      running:up { wait = true }
    end
    return { status = changed > 0 and "changed" or "ok", files = changed }
  end
  step("up", s)
  local err = pulled_up(s, running, o)
  local is_verdict = err and (err.kind == "docker" or err.kind == "exit" or err.kind == "script")
  if is_verdict and not (changed == 0 and AWAY[err.reason]) then
    back(c, running, files, err)
  elseif err then
    error(err, 0)
  end
  local is_same = changed == 0 and before == mr.try(containers, c)
  return { status = is_same and "ok" or "changed", files = changed }
end

-- Deploys the compose project that `o` (decoded by mr.deploy.spec) names.
function compose.deploy(s, d, o)
  local at = state.of(s, o.sudo)
  local below = mr.config.remote_workspace:gsub("^~/", "")
  local workspace = below:sub(1, 1) == "/" and below or at.home .. "/" .. below
  local root = o.folder or workspace .. "/" .. o.app
  if root:sub(1, 1) ~= "/" then
    root = workspace .. "/" .. root
  end
  args.value(root, { type = "path" }, "`deploy`: `folder`")
  local c = { s = s, d = d, o = o, root = root, former = root .. ".former", sudo = o.sudo }
  c.project = o.project or o.app
  local what = ("deploy of %s"):format(o.app)
  return lease.with(s, o.app, { ttl = 120, what = what, sudo = o.sudo }, function()
    local result, err = mr.try(work, c) ---@type any, any
    if not s.check and (err or (result and result.status == "changed")) then
      history.add(s, {
        app = o.app,
        action = "compose",
        outcome = err and "failed" or "ok",
        message = err and err.message or nil,
      }, o.sudo)
    end
    if err or not result then
      error(err, 0)
    end
    result.app, result.action, result.server = o.app, "compose", s.id
    return setmetatable(result, {
      __name = "DeployResult",
      __tostring = function(self)
        return ("%s %s, %d files changed"):format(self.app, self.status, self.files)
      end,
    })
  end)
end

return compose
